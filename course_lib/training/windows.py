"""Train a classifier on windows of pictures: it names what is at their centre.

Taught in chapters/02_fcn_conversion.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.transforms.v2.functional import crop

from course_lib.data.classes import VOID
from course_lib.data.transforms import normalise
from course_lib.training.device import autocast
from course_lib.training.recipe import Recipe
from course_lib.training.schedules import poly
from course_lib.training.stream import stream


def window(image: Tensor, y: int, x: int, size: int) -> Tensor:
    """Cut the window around a pixel out of a picture.

    Args:
        image: (3, H, W) uint8.
        y: row of the pixel that becomes [size // 2, size // 2].
        x: its column.
        size: in pixels, even.

    Returns:
        (3, size, size) float32, normalised; 0 where it lies outside the picture.
    """
    return crop(normalise(image), y - size // 2, x - size // 2, size, size)


class RandomWindow:
    """(image, mask) -> (window around a random pixel, the pixel's class).

    Args:
        size: of the window, in pixels.
        balance: share of draws, 0-1, that choose a class of the picture first, each
            alike, and then a pixel of it; the others choose any pixel.
    """

    def __init__(self, size: int, balance: float = 0.5):
        self.size, self.balance = size, balance

    def __call__(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Draw a pixel that is not void, and mirror every second window."""
        allowed = mask != VOID
        if torch.rand(()) < self.balance:
            classes = mask[allowed].bincount().nonzero()[:, 0]
            allowed = mask == classes[torch.randint(len(classes), ())]
        places = allowed.nonzero()
        y, x = places[torch.randint(len(places), ())].tolist()
        cut = window(image, y, x, self.size)
        return cut.flip(-1) if torch.rand(()) < 0.5 else cut, mask[y, x]


def train_classifier(
    net: nn.Module, train_set: Dataset, recipe: Recipe, balance: float = 0.5
) -> list[float]:
    """Train ``net`` in place on windows of ``net.size`` pixels; the loss of every step.

    Of the recipe it takes steps, batch_size, lr, weight_decay, warmup_iters, power,
    precision and seed.

    Taught in chapters/02_fcn_conversion.
    """
    torch.manual_seed(recipe.seed)
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=recipe.weight_decay)
    draw = RandomWindow(net.size, balance)
    batches = stream(train_set, draw, recipe.batch_size, recipe.seed, 0, recipe.steps)
    losses = []
    net.train().to(memory_format=torch.channels_last)
    for step, (windows, labels) in enumerate(batches):
        rate = poly(step, recipe.steps, recipe.lr, recipe.warmup_iters, recipe.power)
        optimiser.param_groups[0]["lr"] = rate
        with autocast(recipe.precision, torch.device("cpu")):
            logits = net(windows.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    net.eval()
    return losses

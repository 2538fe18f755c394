"""Windows of pictures, and a classifier trained on them."""

import pytest
import torch

from course_lib.data.harbour import Harbour
from course_lib.data.transforms import normalise
from course_lib.models.small_vgg import SmallVGG
from course_lib.training.recipe import Recipe
from course_lib.training.windows import RandomWindow, train_classifier, window


def test_the_named_pixel_stands_in_the_middle_and_zeros_outside():
    image = torch.randint(1, 255, (3, 6, 8), dtype=torch.uint8)
    cut = window(image, y=1, x=7, size=4)  # rows -1 to 2, columns 5 to 8
    assert torch.equal(cut[:, 2, 2], normalise(image)[:, 1, 7])
    assert torch.equal(cut[:, 1:, :3], normalise(image)[:, 0:3, 5:8])
    assert (cut[:, 0] == 0).all() and (cut[:, :, 3] == 0).all()


@pytest.mark.parametrize("balance, low, high", [(0.0, 0, 30), (1.0, 75, 125)])
def test_the_label_is_the_class_of_the_pixel_drawn(balance, low, high):
    mask = torch.zeros(20, 20, dtype=torch.int64)
    mask[3, 4], mask[5:, 5:] = 2, 255  # one pixel of class 2
    image = mask.expand(3, -1, -1).to(torch.uint8) * 50  # colour tells the class
    torch.manual_seed(0)
    pairs = [RandomWindow(1 + 1, balance)(image, mask) for _ in range(200)]
    zero, two = (normalise(torch.full((3, 1, 1), 50 * k).byte()) for k in (0, 2))
    seen = [label.item() for _, label in pairs]
    assert set(seen) <= {0, 2} and low <= seen.count(2) <= high
    for cut, label in pairs:
        colours = cut[:, 1, :]  # mirrored or not, one of the two is the pixel
        wanted = {0: zero, 2: two}[label.item()][:, :, 0]
        assert (colours == wanted).all(dim=0).any()


def test_a_classifier_learns_and_a_seed_repeats():
    harbour = Harbour(count=2)
    recipe = Recipe("small_vgg", steps=8, batch_size=4, lr=4e-3, warmup_iters=2)

    def train():
        torch.manual_seed(0)
        return train_classifier(SmallVGG(12, width=4), harbour, recipe)

    losses = train()
    assert sum(losses[-3:]) < sum(losses[:3])
    assert train() == losses

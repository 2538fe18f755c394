"""Strides turned into dilation in ResNets that have learnt something, measured.

``python -m course_lib.training.cifar_dilation`` reads ``cifar10_resnet/`` in
``COURSE_DATA`` and writes the card that chapter 06 shows: numbers, no pictures.
Taught in chapters/06_dilated_resnets.
"""

import copy
import json
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock
from torchvision.transforms.v2.functional import pil_to_tensor

from course_lib.data.transforms import normalise
from course_lib.errors import InputError
from course_lib.models.dilation import stride_to_dilation
from course_lib.paths import data_dir, results_dir
from course_lib.training.cards import commit, hardware
from course_lib.training.checkpoint import versions
from course_lib.whole import write_whole

NAME = "dilation_cifar10_resnet"
FILES = {20: "resnet20-12fca82f.th", 56: "resnet56-4bfd9763.th"}  # by depth


class CifarResNet(nn.Module):
    """ResNet-20 or 56 for 32 x 32 px: (B, 3, H, W) -> a map of logits (B, 10, h, w).

    Three stages of 16, 32 and 64 channels, output stride 4; He et al., CVPR 2016,
    section 4.2. The mean of the map is what the classifier says.
    """

    def __init__(self, depth: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        count = (depth - 2) // 6
        self.layer1 = nn.Sequential(*(BasicBlock(16, 16) for _ in range(count)))
        self.layer2 = _half(16, count)
        self.layer3 = _half(32, count)
        self.score = nn.Conv2d(64, 10, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits at every place."""
        x = self.relu(self.bn1(self.conv1(images)))
        return self.score(self.layer3(self.layer2(self.layer1(x))))


def _half(channels: int, count: int) -> nn.Sequential:
    """A stage of stride 2 to twice the channels; its short cut learns nothing."""
    shortcut = nn.Conv2d(channels, 2 * channels, 1, stride=2, bias=False)
    nn.init.zeros_(shortcut.weight)  # channels c to places C/2 ... 3C/2, rest zero
    nn.init.eye_(shortcut.weight.data[channels // 2 :, :, 0, 0])
    rest = [BasicBlock(2 * channels, 2 * channels) for _ in range(count - 1)]
    return nn.Sequential(BasicBlock(channels, 2 * channels, 2, shortcut), *rest)


def load(depth: int, folder: Path) -> CifarResNet:
    """The trained net of that depth from ``folder``, in evaluation mode."""
    path = folder / FILES[depth]
    if not path.is_file():
        raise InputError(f"{folder} has no {path.name}; point COURSE_DATA at the data")
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    state = {key.removeprefix("module."): value for key, value in state.items()}
    net = CifarResNet(depth)
    state["score.weight"] = state.pop("linear.weight")[:, :, None, None]
    state["score.bias"] = state.pop("linear.bias")
    fixed = {k: v for k, v in net.state_dict().items() if "downsample" in k}
    net.load_state_dict(state | fixed)
    return net.eval()


def sample(folder: Path) -> tuple[Tensor, Tensor]:
    """Pictures (200, 3, 32, 32), normalised, and their classes (200,)."""
    files = sorted((folder / "sample_images").glob("*/*.jpg"))
    names = sorted({file.parent.name for file in files})
    images = [normalise(pil_to_tensor(Image.open(f).convert("RGB"))) for f in files]
    labels = [names.index(file.parent.name) for file in files]
    return torch.stack(images), torch.tensor(labels)


@torch.no_grad()
def measure(depth: int, folder: Path) -> dict[str, float]:
    """One row: accuracy as it came, after the surgery, and with half a surgery.

    ``largest_difference`` is between the old map and every fourth cell of the new
    one; ``largest_logit`` says how large the numbers are.
    """
    images, labels = sample(folder)
    net = load(depth, folder)
    old = net(images)  # (200, 10, 8, 8)
    fine = stride_to_dilation(net, 1)
    new = fine(images)  # (200, 10, 32, 32)
    torn = copy.deepcopy(fine)
    for conv in torn.modules():
        if isinstance(conv, nn.Conv2d):  # strides gone, dilation forgotten
            conv.dilation, conv.padding = (1, 1), (conv.kernel_size[0] // 2,) * 2
    return {
        "model": f"ResNet-{depth}",
        "cells_before": old.shape[-1],
        "cells_after": new.shape[-1],
        "largest_logit": round(old.abs().max().item(), 1),
        "largest_difference": float(f"{(new[..., ::4, ::4] - old).abs().max():.1e}"),
        "accuracy_before": _accuracy(old, labels),
        "accuracy_after": _accuracy(new, labels),
        "accuracy_without_dilation": _accuracy(torn(images), labels),
    }


def _accuracy(maps: Tensor, labels: Tensor) -> float:
    right = maps.mean(dim=(2, 3)).argmax(dim=1) == labels
    return round(right.float().mean().item(), 3)


def main() -> None:
    """Measure and write the card."""
    if data_dir() is None:
        raise SystemExit("set COURSE_DATA to the folder that holds cifar10_resnet/")
    torch.set_num_threads(1)
    card = {
        "name": NAME,
        "dataset": "CIFAR-10, 200 test pictures",
        "num_pictures": 200,
        "rows": [measure(depth, data_dir() / "cifar10_resnet") for depth in FILES],
        "hardware": hardware(),
        "threads": 1,
        "versions": versions(),
        "commit": commit(),
        "command": "python -m course_lib.training.cifar_dilation",
    }
    path = results_dir() / f"{NAME}.json"
    write_whole(path, (json.dumps(card, indent=1) + "\n").encode())
    print(*card["rows"], sep="\n")


if __name__ == "__main__":
    main()

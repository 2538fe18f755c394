"""An ImageNet classifier before and after its conversion, measured and kept.

``python -m course_lib.training.imagenet`` reads ``imagenet/`` in ``COURSE_DATA`` and
writes the card that chapter 02 shows. The card holds numbers and names, no pictures.
Taught in chapters/02_fcn_conversion.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import v2

from course_lib.data.pocket import pocket_photo
from course_lib.data.transforms import normalise
from course_lib.errors import InputError
from course_lib.models.classifiers import classifier
from course_lib.models.dense import to_dense
from course_lib.paths import data_dir, results_dir
from course_lib.training.cards import commit, hardware
from course_lib.training.checkpoint import versions
from course_lib.whole import write_whole

NAME = "classification_imagenet_squeezenet1_0"
SIZE, STRIDE, CELLS = 224, 16, 13  # window in px, px from cell to cell, cells a window
PHOTOGRAPHS = {"coffee": "espresso", "camera": "tripod", "rocket": "missile"}
CROP = v2.Compose([v2.Resize(256), v2.CenterCrop(SIZE), v2.PILToTensor()])


def answers(dense: nn.Module, images: Tensor) -> Tensor:
    """Logits of every window of 224 px, 16 px apart, in one pass of SqueezeNet.

    Images (B, 3, H, W) -> (B, K, h, w): 13 x 13 cells of the class activation map
    are what one window has, and the classifier takes their mean.
    """
    return F.avg_pool2d(dense(images), CELLS, 1)


def sample(folder: Path) -> tuple[Tensor, Tensor]:
    """Crops (N, 3, 224, 224) of the sample pictures, normalised, and classes (N,)."""
    file = folder / "squeezenet_reference.json"
    if not file.is_file():
        raise InputError(f"{folder} has no {file.name}; point COURSE_DATA at the data")
    rows = json.loads(file.read_text())["results"]
    crops = [_crop(folder / "sample_images" / row["image"]) for row in rows]
    return torch.stack(crops), torch.tensor([row["class_index"] for row in rows])


def _crop(path: Path) -> Tensor:
    with Image.open(path) as picture:
        return normalise(CROP(picture.convert("RGB")))


@torch.no_grad()
def found(net: nn.Module, crops: Tensor) -> Tensor:
    """Whether the class of a crop peaks where the crop was put: (N,) bool.

    Four crops at a time make a sheet of 448 x 448 px. A crop is found when, of all
    windows of the sheet, the one with the highest score for the class that the crop
    gets alone lies nearer than half a window to the crop's own place.
    """
    dense, results = to_dense(net), []
    for four in crops.split(4):
        sheet = torch.cat([torch.cat([*four[:2]], 2), torch.cat([*four[2:]], 2)], 1)
        scores = answers(dense, sheet[None])[0]  # (K, 15, 15)
        for place, k in enumerate(net(four).argmax(1).tolist()):
            row, column = divmod(int(scores[k].argmax()), scores.shape[2])
            down = STRIDE * row - SIZE * (place // 2)  # px from the crop's own place
            right = STRIDE * column - SIZE * (place % 2)
            results.append(max(abs(down), abs(right)) < SIZE / 2)
    return torch.tensor(results)


@torch.no_grad()
def photograph(net: nn.Module, names: list[str], name: str) -> dict:
    """What the net says on a photograph of the pocket set, as plain numbers.

    Returns:
        ``answers``: (h, w) class of every window; ``names``: of these classes, by
        number; ``activation``: (h', w') class activation map of ``activation_of``.
    """
    image = normalise(pocket_photo(name))[None]
    activation = to_dense(net)(image)[0]  # (K, h', w')
    ids = answers(to_dense(net), image)[0].argmax(0)  # (h, w)
    k = names.index(PHOTOGRAPHS[name])
    rows = [[round(v, 1) for v in row] for row in activation[k].tolist()]
    return {
        "answers": ids.tolist(),
        "names": {str(i): names[i] for i in ids.unique().tolist()},
        "activation_of": names[k],
        "activation": rows,
    }


@torch.no_grad()
def imagenet_card(folder: Path) -> dict:
    """Top-1 of SqueezeNet before and after conversion, and its maps of photographs."""
    net, names = classifier("squeezenet1_0", "real")
    crops, labels = sample(folder)
    before, after = net(crops), to_dense(net)(crops).mean(dim=(2, 3))  # (N, K)
    best = before.topk(5).indices
    return {
        "name": NAME,
        "dataset": "imagenet, 100 sample pictures",
        "num_pictures": len(labels),
        "resolution": [SIZE, SIZE],
        "top1": _share(before.argmax(1) == labels),
        "top1_dense": _share(after.argmax(1) == labels),
        "top5": _share((best == labels[:, None]).any(1)),
        "same_answer": _share(before.argmax(1) == after.argmax(1)),
        "crops_found": _share(found(net, crops)),
        "photographs": {n: photograph(net, names, n) for n in PHOTOGRAPHS},
        "weights": "imagenet/squeezenet1_0_deepcompression.pth",
        "hardware": hardware(),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "commit": commit(),
        "command": "python -m course_lib.training.imagenet",
    }


def _share(right: Tensor) -> float:
    return round(right.float().mean().item(), 4)


def main() -> None:
    """Measure and write the card."""
    if data_dir() is None:
        raise SystemExit("set COURSE_DATA to the folder that holds imagenet/")
    torch.set_num_threads(1)
    card = imagenet_card(data_dir() / "imagenet")
    path = results_dir() / f"{NAME}.json"
    head = {k: v for k, v in card.items() if k != "photographs"}
    lines = [f' "{n}": {json.dumps(p)}' for n, p in card["photographs"].items()]
    text = json.dumps(head, indent=1)[:-2] + ',\n "photographs": {\n'
    write_whole(path, (text + ",\n".join(lines) + "\n }\n}\n").encode())
    print({k: head[k] for k in ("top1", "top1_dense", "top5", "crops_found")})


if __name__ == "__main__":
    main()

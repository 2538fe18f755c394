"""ImageNet classifiers of torchvision, with weights from a file or none at all."""

from pathlib import Path

import torch
from torch import nn

from course_lib.data.catalogue import CATALOGUE
from course_lib.data.fetching import fetch
from course_lib.errors import InputError
from course_lib.models.weights import fit
from course_lib.paths import data_dir

CLASSIFIERS = ("squeezenet1_0", "vgg16", "resnet18", "resnet50")


def classifier(
    name: str, weights: Path | str | None = None
) -> tuple[nn.Module, list[str] | None]:
    """A classifier of 1000 ImageNet classes, in evaluation mode.

    Args:
        name: one of ``CLASSIFIERS``.
        weights: None for random ones; the path of a state dict; or "real": the file
            in ``imagenet/`` of ``COURSE_DATA`` where there is one for this net, else
            torchvision's, fetched once.

    Returns:
        The net, (B, 3, H, W) ImageNet-normalised -> logits (B, 1000); and the names
        of the classes, None with random weights.

    Raises:
        InputError: for an unknown name, a file that is missing, unreadable or of
            another net, or weights that the catalogue does not have.

    Taught in chapters/02_fcn_conversion.
    """
    if name not in CLASSIFIERS:
        known = ", ".join(CLASSIFIERS)
        raise InputError(f"there is no classifier {name!r}; choose one of {known}")
    from torchvision import models

    net = models.get_model(name, weights=None).eval()
    if weights is None:
        return net, None
    path = real_weights(name) if weights == "real" else Path(weights)
    fit(net, read_state_dict(path), str(path))
    return net, models.get_model_weights(name).DEFAULT.meta["categories"]


def real_weights(name: str) -> Path:
    """The file of ImageNet weights in ``COURSE_DATA``, else torchvision's, fetched."""
    local = data_dir() and sorted((data_dir() / "imagenet").glob(f"{name}*.pth"))
    if local:
        return local[0]
    for entry in CATALOGUE:
        if entry.startswith(f"{name}-"):
            return fetch(CATALOGUE[entry])
    raise InputError(
        f"the catalogue has no weights of {name}; fetch them yourself and give the path"
    )


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """A state dict, read without trusting a pickle."""
    if not path.is_file():
        raise InputError(f"there is no weights file {path}; check the path")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is no readable state dict: {reason}") from None

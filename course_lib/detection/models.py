"""Detectors by name, and the files they are shipped in."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

from course_lib.errors import InputError
from course_lib.models.weights import fit, read_net_file

# name: module, and the function in it that builds the detector
DETECTORS = {
    "fasterrcnn": "course_lib.detection.rcnn.builders:faster_rcnn",
    "maskrcnn": "course_lib.detection.rcnn.builders:mask_rcnn",
    "keypointrcnn": "course_lib.detection.rcnn.builders:keypoint_rcnn",
    "fasterrcnn_resnet50_fpn": "course_lib.detection.rcnn.coco:faster_rcnn_resnet50",
    "maskrcnn_resnet50_fpn": "course_lib.detection.rcnn.coco:mask_rcnn_resnet50",
}


def build_detector(name: str, num_classes: int, **options) -> nn.Module:
    """A detector with random weights, unless its options name some.

    Args:
        name: one of ``DETECTORS``.
        num_classes: background counted, as in torchvision: labels are 1 to
            ``num_classes`` - 1.
        **options: of the builder, plain data.

    Raises:
        InputError: for an unknown name.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    return builder(name)(num_classes, **options)


def builder(name: str) -> Callable[..., nn.Module]:
    """The function behind a name of ``DETECTORS``."""
    if name not in DETECTORS:
        known = ", ".join(DETECTORS)
        raise InputError(f"there is no detector {name!r}; choose one of {known}")
    module, _, function = DETECTORS[name].partition(":")
    return getattr(import_module(module), function)


def open_detector(
    path: Path, device: str | torch.device = "cpu"
) -> tuple[nn.Module, dict]:
    """Read a detector that ``save_net`` shipped, ready to predict.

    Args:
        path: ``.safetensors``.
        device: where the detector goes.

    Returns:
        The detector in evaluation mode, and its info: ``model``, ``options``,
        ``num_classes``, ``classes``, ``dataset``.

    Raises:
        InputError: for a missing or damaged file, or one that does not fit.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    info, weights = read_net_file(path)
    detector = build_detector(info["model"], info["num_classes"], **info["options"])
    fit(detector, weights, str(path))
    return detector.to(device).eval(), info

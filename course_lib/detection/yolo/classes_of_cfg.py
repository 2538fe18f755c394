"""Other classes, anchors or another input size for a Darknet cfg.

Taught in chapters/15_training_yolo.
"""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from course_lib.detection.darknet.cfg import Section
from course_lib.errors import InputError

MOST_CLASSES = 10_000


def change_classes(sections: Sequence[Section], num_classes: int) -> list[Section]:
    """The cfg of the same network for another number of classes.

    Two lines change in front of every head: ``classes=`` of ``[yolo]``, and
    ``filters=`` of the ``[convolutional]`` before it, anchors x (5 + classes).

    Args:
        sections: as ``parse_cfg`` gives them; they stay as they are.
        num_classes: 1 or more.

    Raises:
        InputError: for a cfg without ``[yolo]``, or with another layer than a
            convolution before one.

    Taught in chapters/15_training_yolo.
    """
    if not 1 <= num_classes <= MOST_CLASSES:
        raise InputError(f"{num_classes} classes; give 1 to {MOST_CLASSES}")
    changed = list(sections)
    for i in heads_of(sections):
        changed[i] = _with(sections[i], classes=num_classes)
        filters = len(_mask(sections[i])) * (5 + num_classes)
        changed[i - 1] = _with(sections[i - 1], filters=filters)
    return changed


def change_anchors(sections: Sequence[Section], anchors: Tensor) -> list[Section]:
    """The same network with other anchors.

    Args:
        sections: as ``parse_cfg`` gives them.
        anchors: (K, 2) px of the input, small ones first, as many as there are.

    Raises:
        InputError: for another number of anchors.
    """
    text = ",  ".join(f"{w:.1f},{h:.1f}" for w, h in anchors.tolist())
    changed = list(sections)
    for i in heads_of(sections):
        old = len(sections[i].numbers("anchors", 0, 1e6)) // 2
        if old != len(anchors):
            raise InputError(
                f"{sections[i].where} has {old} anchors, not {len(anchors)}; group the "
                f"boxes into {old}"
            )
        changed[i] = _with(sections[i], anchors=text, num=len(anchors))
    return changed


def change_size(sections: Sequence[Section], size: tuple[int, int]) -> list[Section]:
    """The same network for an input of (height, width) pixels."""
    return [_with(sections[0], height=size[0], width=size[1]), *sections[1:]]


def heads_of(sections: Sequence[Section]) -> list[int]:
    """Where the ``[yolo]`` sections stand, each behind its convolution."""
    places = [i for i, section in enumerate(sections) if section.kind == "yolo"]
    if not places:
        raise InputError("the cfg has no [yolo] section; give one of a detector")
    for i in places:
        if sections[i - 1].kind != "convolutional":
            raise InputError(
                f"{sections[i].where} follows [{sections[i - 1].kind}]; its classes "
                "can change behind a [convolutional] only"
            )
    return places


def cut_off(sections: Sequence[Section]) -> int:
    """How many layers lie before the convolution of the first head.

    Their weights know nothing of the classes: Darknet's ``partial`` cuts a weights
    file there, such as yolov3-tiny.conv.15 or darknet53.conv.74.

    Taught in chapters/15_training_yolo.
    """
    return heads_of(sections)[0] - 2  # [net] is no layer, the convolution is left out


def _mask(section: Section) -> list[int]:
    """The anchors of a head; all of them where it does not say."""
    total = section.integer("num", 1, 1000, 1)
    return section.integers("mask", 0, 999) or list(range(total))


def _with(section: Section, **options) -> Section:
    texts = {key: str(value) for key, value in options.items()}
    return replace(section, options=section.options | texts)

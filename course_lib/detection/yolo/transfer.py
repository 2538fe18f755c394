"""Begin from another network's weights.

Taught in chapters/15_training_yolo.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib.detection.darknet.heads import Head, Output
from course_lib.detection.darknet.layers import Convolutional
from course_lib.errors import InputError

PRIOR_OBJECT, PRIOR_CLASS = 0.01, 0.2


def head_layers(net: nn.Module) -> list[tuple[Convolutional, Head]]:
    """The convolution that makes each map of a ``Darknet``, and what the map means."""
    pairs = [(a, b) for a, b in pairwise(net.layers) if isinstance(b, Output)]
    if not pairs or not all(isinstance(a, Convolutional) for a, _ in pairs):
        raise InputError("the network has no head behind a convolution; give a YOLO")
    return [(a, b.head) for a, b in pairs]


@torch.no_grad()
def set_prior(net: nn.Module) -> None:
    """Let fresh heads say "1 in 100 slots holds an object" and boxes like anchors.

    Otherwise the first steps are spent on calming thousands of empty slots. Lin et
    al., Focal Loss, ICCV 2017, section 4.1. Taught in chapters/15_training_yolo.
    """
    for layer, head in head_layers(net):
        layer.conv.weight.normal_(std=0.01)
        bias = layer.conv.bias.view(len(head.anchors), -1)  # (A, 5 + C)
        bias.zero_()
        bias[:, 4] = torch.tensor(PRIOR_OBJECT).logit()
        bias[:, 5:] = torch.tensor(PRIOR_CLASS).logit()


@torch.no_grad()
def transfer(
    net: nn.Module, source: nn.Module, classes: Mapping[int, int] | None = None
) -> list[int]:
    """Copy the weights of every layer that is alike; the heads get a prior.

    A weights file cut off before the first head (``classes_of_cfg.cut_off``) fills the
    trunk alone; this also fills what lies between and behind the heads.

    Args:
        net: the ``Darknet`` to fill; its cfg differs in classes, anchors or size.
        source: the ``Darknet`` with weights.
        classes: new class -> old class that it continues, both from 0. Then a head of
            as many anchors keeps its box and objectness rows, and these class rows;
            None keeps nothing of the heads.

    Returns:
        The layers that were not filled wholly.

    Raises:
        InputError: for networks of different layers, or a class that is not there.

    Taught in chapters/15_training_yolo.
    """
    if len(net.layers) != len(source.layers):
        raise InputError(
            f"the networks have {len(net.layers)} and {len(source.layers)} layers; "
            "transfer between two cfgs that differ in their heads only"
        )
    set_prior(net)
    heads = [layer for layer, _ in head_layers(net)]
    fresh = []
    for i, (new, old) in enumerate(zip(net.layers, source.layers, strict=True)):
        theirs, ours = old.state_dict(), new.state_dict()
        alike = {k: v.shape for k, v in ours.items()} == {
            k: v.shape for k, v in theirs.items()
        }
        if alike and new not in heads:
            new.load_state_dict(theirs)
        elif new in heads and isinstance(old, Convolutional):
            fresh.append(i)
            if classes is not None:
                pair = net.layers[i + 1].head, source.layers[i + 1].head
                _copy_rows(new.conv, old.conv, *pair, classes)
        else:
            raise InputError(
                f"layer {i} differs between the networks; transfer between two cfgs "
                "that differ in their heads only"
            )
    return fresh


def _copy_rows(new: nn.Conv2d, old: nn.Conv2d, ours: Head, theirs: Head, classes):
    """Copy box, objectness and some class rows of a head's convolution."""
    if len(ours.anchors) != len(theirs.anchors):
        raise InputError(
            f"a head has {len(ours.anchors)} anchors, not {len(theirs.anchors)}; "
            "give classes=None, which starts it afresh"
        )
    for to, start in classes.items():
        if not (0 <= to < ours.num_classes and 0 <= start < theirs.num_classes):
            raise InputError(
                f"class {to} from class {start}: the networks have {ours.num_classes} "
                f"and {theirs.num_classes}, counted from 0"
            )
    for name in ("weight", "bias"):
        mine, other = (
            _rows(getattr(conv, name), head)
            for conv, head in ((new, ours), (old, theirs))
        )
        mine[:, :5] = other[:, :5]
        for to, start in classes.items():
            mine[:, 5 + to] = other[:, 5 + start]


def _rows(values: Tensor, head: Head) -> Tensor:
    """(A * (5 + C), ...) as (A, 5 + C, ...)."""
    return values.view(len(head.anchors), 5 + head.num_classes, *values.shape[1:])

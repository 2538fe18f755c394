"""R-CNNs with torchvision's COCO weights, their last layers for classes of your own."""

from torch import nn
from torchvision.models import detection
from torchvision.ops import FrozenBatchNorm2d

from course_lib.detection.rcnn.builders import swap_heads
from course_lib.errors import InputError


def faster_rcnn_resnet50(
    num_classes: int | None = None,
    weights: str | None = None,
    frozen_norms: bool = False,
    **options,
) -> nn.Module:
    """Faster R-CNN with ResNet-50 and pyramid, at torchvision's full size.

    Args:
        num_classes: background counted; None keeps COCO's 91.
        weights: "COCO_V1" downloads torchvision's (160 MB, once); None is random.
        frozen_norms: batch norms that keep their statistics, as a net has that began
            with weights.
        **options: of torchvision's class.

    Raises:
        InputError: for unknown weights, and where they cannot be downloaded.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    name = "fasterrcnn_resnet50_fpn"
    return _whole(name, num_classes, weights, frozen_norms, options)


def mask_rcnn_resnet50(
    num_classes: int | None = None,
    weights: str | None = None,
    frozen_norms: bool = False,
    **options,
) -> nn.Module:
    """Mask R-CNN with ResNet-50 and pyramid; see ``faster_rcnn_resnet50``.

    Its weights are 170 MB. Taught in chapters/13_mask_rcnn_finetuning.
    """
    name = "maskrcnn_resnet50_fpn"
    return _whole(name, num_classes, weights, frozen_norms, options)


def _whole(name, num_classes, weights, frozen_norms, options) -> nn.Module:
    build = getattr(detection, name)
    try:
        net = build(weights=weights, weights_backbone=None, **options)
    except OSError as error:  # no network, or a proxy that refuses
        raise InputError(
            f"the weights {weights} of {name} cannot be downloaded ({error}); try "
            "again with a network, or train --model maskrcnn without --weights"
        ) from None
    except KeyError:
        raise InputError(f"{name} has no weights {weights!r}; use COCO_V1") from None
    if frozen_norms:
        freeze_norms(net)
    return net if num_classes is None else swap_heads(net, num_classes)


def freeze_norms(net: nn.Module) -> None:
    """Put a ``FrozenBatchNorm2d`` in the place of every batch norm, in place."""
    for name, layer in net.named_children():
        if isinstance(layer, nn.BatchNorm2d):
            setattr(net, name, FrozenBatchNorm2d(layer.num_features, layer.eps))
        else:
            freeze_norms(layer)

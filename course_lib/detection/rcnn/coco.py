"""R-CNNs with torchvision's COCO weights, their last layers for classes of your own."""

from torch import nn
from torchvision.models import detection

from course_lib.detection.rcnn.builders import swap_heads


def faster_rcnn_resnet50(
    num_classes: int | None = None, weights: str | None = None, **options
) -> nn.Module:
    """Faster R-CNN with ResNet-50 and pyramid, at torchvision's full size.

    Args:
        num_classes: background counted; None keeps COCO's 91.
        weights: "COCO_V1" downloads torchvision's (160 MB, once); None is random.
        **options: of torchvision's class.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    return _whole("fasterrcnn_resnet50_fpn", num_classes, weights, options)


def mask_rcnn_resnet50(
    num_classes: int | None = None, weights: str | None = None, **options
) -> nn.Module:
    """Mask R-CNN with ResNet-50 and pyramid; see ``faster_rcnn_resnet50``.

    Its weights are 170 MB. Taught in chapters/13_mask_rcnn_finetuning.
    """
    return _whole("maskrcnn_resnet50_fpn", num_classes, weights, options)


def _whole(name: str, num_classes: int | None, weights: str | None, options: dict):
    build = getattr(detection, name)
    net = build(weights=weights, weights_backbone=None, **options)
    return net if num_classes is None else swap_heads(net, num_classes)

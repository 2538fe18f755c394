"""torchvision's Faster, Mask and Keypoint R-CNN on light backbones, from plain data.

All that decides about the net is numbers and strings, so that a checkpoint can
carry it. What is not given is as torchvision has it.
"""

import inspect
from collections.abc import Sequence

from torch import nn
from torchvision.models.detection import FasterRCNN, KeypointRCNN, MaskRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import (
    KeypointRCNNHeads,
    KeypointRCNNPredictor,
)
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign

from course_lib.detection.rcnn.backbones import build_backbone
from course_lib.detection.rcnn.exact import FloatHead, at_size
from course_lib.errors import InputError

RATIOS = (0.5, 1.0, 2.0)  # height / width


def faster_rcnn(num_classes: int, **options) -> FasterRCNN:
    """Faster R-CNN: boxes and labels.

    Args:
        num_classes: background counted.
        **options: see ``parts``.

    Ren et al., Faster R-CNN, NIPS 2015. Taught in chapters/13_mask_rcnn_finetuning.
    """
    arguments, _, short_side = parts(num_classes, **options)
    return at_size(FasterRCNN(**arguments), short_side)


def mask_rcnn(
    num_classes: int,
    mask_channels: int = 64,
    mask_layers: int = 2,
    mask_size: int = 14,
    **options,
) -> MaskRCNN:
    """Mask R-CNN: a mask for each box too.

    Args:
        num_classes: background counted.
        mask_channels: of the mask head's convolutions; 256 in the paper.
        mask_layers: how many; 4 in the paper.
        mask_size: of the map cut out for a mask, which comes out twice that, in
            cells a side; 14 in the paper.
        **options: see ``parts``.

    He et al., Mask R-CNN, ICCV 2017, figure 4 (right).
    Taught in chapters/13_mask_rcnn_finetuning.
    """
    arguments, levels, short_side = parts(num_classes, **options)
    depth, box_pool = arguments["backbone"].out_channels, arguments["box_roi_pool"]
    net = MaskRCNN(
        mask_roi_pool=MultiScaleRoIAlign(levels, mask_size, box_pool.sampling_ratio),
        mask_head=MaskRCNNHeads(depth, [mask_channels] * mask_layers, 1),
        mask_predictor=MaskRCNNPredictor(mask_channels, mask_channels, num_classes),
        **arguments,
    )
    return at_size(net, short_side)


def keypoint_rcnn(
    num_classes: int,
    num_keypoints: int = 17,
    keypoint_channels: int = 64,
    keypoint_layers: int = 2,
    **options,
) -> KeypointRCNN:
    """Keypoint R-CNN: named points of each thing.

    Args:
        num_classes: background counted.
        num_keypoints: K; targets carry ``keypoints`` (N, K, 3): x, y in pixels and
            1 where the point is visible.
        keypoint_channels: of the head's convolutions; 512 in the paper.
        keypoint_layers: how many; 8 in the paper.
        **options: see ``parts``.

    He et al., Mask R-CNN, ICCV 2017, section 5.
    Taught in chapters/13_mask_rcnn_finetuning.
    """
    arguments, levels, short_side = parts(num_classes, **options)
    depth, box_pool = arguments["backbone"].out_channels, arguments["box_roi_pool"]
    net = KeypointRCNN(
        keypoint_roi_pool=MultiScaleRoIAlign(levels, 14, box_pool.sampling_ratio),
        keypoint_head=KeypointRCNNHeads(depth, [keypoint_channels] * keypoint_layers),
        keypoint_predictor=KeypointRCNNPredictor(keypoint_channels, num_keypoints),
        **arguments,
    )
    return at_size(net, short_side)


def parts(
    num_classes: int,
    backbone: str = "resnet",
    backbone_options: dict | None = None,
    anchor_sizes: Sequence[Sequence[float]] = ((16,), (32,), (64,), (128,)),
    anchor_ratios: Sequence[float] | Sequence[Sequence[float]] = RATIOS,
    roi_samples: int = 2,
    box_size: int = 7,
    box_channels: int = 128,
    short_side: int | Sequence[int] | None = None,
    long_side: int = 1333,
    **options,
) -> tuple[dict, list[str], int | Sequence[int] | None]:
    """The arguments of torchvision's class, the maps RoIs look at, the short side.

    Args:
        num_classes: background counted.
        backbone: one of ``backbones.BACKBONES``.
        backbone_options: its options.
        anchor_sizes: of each map, finest first, sides in pixels.
        anchor_ratios: height / width, the same on every map, or a row for each map.
        roi_samples: samples a side in each cell of what is cut out; 1 halves the
            time of a step.
        box_size: of the map cut out for a box, in cells a side.
        box_channels: of the two hidden layers of the box head; 1,024 in the paper.
        short_side: pixels to which pictures are resized; of several, training takes
            any and prediction the last; None leaves pictures as they are.
        long_side: pixels beyond which the longer side never grows.
        **options: plain numbers of torchvision's class, such as ``box_nms_thresh``.

    Raises:
        InputError: for an unknown option, and where anchors and maps do not pair up.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    known = inspect.signature(FasterRCNN.__init__).parameters
    if unknown := options.keys() - known:  # torchvision would not mind
        raise InputError(
            f"there is no option {min(unknown)!r}; see rcnn.builders.parts"
        )
    net = build_backbone(backbone, **(backbone_options or {}))
    levels = getattr(net, "levels", ["0"])
    sizes = tuple(tuple(size) for size in anchor_sizes)
    maps = levels if len(levels) == 1 else [*levels, "pool"]
    if len(sizes) != len(maps):
        raise InputError(
            f"anchor_sizes has {len(sizes)} rows but the backbone gives {len(maps)} "
            "maps; give a row of sizes for each map"
        )
    ratios = list(anchor_ratios)
    if not isinstance(ratios[0], Sequence):
        ratios = [ratios] * len(sizes)
    counts = {len(s) * len(r) for s, r in zip(sizes, ratios, strict=True)}
    if len(counts) > 1:
        raise InputError(f"maps have {sorted(counts)} anchors a cell; give all as many")
    depth = net.out_channels
    return (
        {
            "backbone": net,
            "rpn_anchor_generator": AnchorGenerator(sizes, tuple(map(tuple, ratios))),
            "rpn_head": FloatHead(depth, counts.pop()),
            "box_roi_pool": MultiScaleRoIAlign(levels, box_size, roi_samples),
            "box_head": TwoMLPHead(depth * box_size**2, box_channels),
            "box_predictor": FastRCNNPredictor(box_channels, num_classes),
            "min_size": short_side or 1,
            "max_size": long_side,
            **options,
        },
        levels,
        short_side,
    )


def swap_heads(detector: nn.Module, num_classes: int) -> nn.Module:
    """Give a trained R-CNN new last layers, for classes of your own.

    Args:
        detector: Faster, Mask or Keypoint R-CNN; changed in place. All but the last
            layer of the box head, and of the mask head, keeps its weights.
        num_classes: background counted.

    Returns:
        The same detector.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    heads = detector.roi_heads
    depth = heads.box_predictor.cls_score.in_features
    heads.box_predictor = FastRCNNPredictor(depth, num_classes)
    if heads.has_mask():
        depth = heads.mask_predictor.conv5_mask.in_channels
        hidden = heads.mask_predictor.conv5_mask.out_channels
        heads.mask_predictor = MaskRCNNPredictor(depth, hidden, num_classes)
    return detector

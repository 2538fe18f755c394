"""RoIAlign: a map of fixed size for every box, without rounding a coordinate.

He et al., Mask R-CNN, ICCV 2017, section 3 and figure 3. ``torchvision.ops.roi_align``
does the same in C++; this one is to be read.
"""

import torch
from torch import Tensor

from course_lib.errors import InputError


def bilinear(maps: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """The values between the cells of a map.

    Args:
        maps: (C, H, W); the centre of cell (i, j) lies at y = i, x = j.
        y: of the points, any shape S, in cells.
        x: likewise.

    Returns:
        (C, *S): the mean of the four cells around a point, weighted by nearness. Up to
        one cell outside, the border's value; farther out 0.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    height, width = maps.shape[-2:]
    outside = (y < -1) | (y > height) | (x < -1) | (x > width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    y1, x1 = y.floor().long(), x.floor().long()
    y2, x2 = (y1 + 1).clamp(max=height - 1), (x1 + 1).clamp(max=width - 1)
    down, right = y - y1, x - x1  # in [0, 1)
    top = maps[:, y1, x1] * (1 - right) + maps[:, y1, x2] * right
    bottom = maps[:, y2, x1] * (1 - right) + maps[:, y2, x2] * right
    return (top * (1 - down) + bottom * down).masked_fill(outside, 0)


def sample_points(start: Tensor, length: Tensor, cells: int, samples: int) -> Tensor:
    """Places along one side of a box: ``samples`` in each of ``cells``, all even.

    Args:
        start: where the side begins, a number in cells of the map.
        length: of the side.
        cells: of the result.
        samples: in a cell.

    Returns:
        (cells * samples,) places.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    steps = torch.arange(cells * samples, dtype=start.dtype, device=start.device)
    return start + (steps + 0.5) * (length / (cells * samples))


def roi_align(
    maps: Tensor,
    boxes: Tensor,
    output_size: int,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
    aligned: bool = False,
) -> Tensor:
    """Cut boxes out of a map, each to the same number of cells.

    Args:
        maps: (B, C, H, W).
        boxes: (K, 5): number of the picture in the batch, then xyxy in its pixels.
        output_size: P, cells a side of the result.
        spatial_scale: cells of the map for a pixel, such as 1 / 4.
        sampling_ratio: samples a side in each of those cells; their mean counts.
        aligned: whether a pixel's centre is at half a pixel, as it should be. False,
            the default of torchvision's detectors, is half a cell off, and makes
            boxes below a cell one cell long.

    Returns:
        (K, C, P, P); gradients reach ``maps``.

    Raises:
        InputError: for a sampling ratio below 1.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    if sampling_ratio < 1:
        raise InputError(f"sampling_ratio is {sampling_ratio}; give 1 or more")
    cut = []
    for box in boxes:
        corners = box[1:] * spatial_scale - (0.5 if aligned else 0.0)
        sides = corners[2:] - corners[:2]  # (2,) width, height
        sides = sides if aligned else sides.clamp(min=1)
        x, y = (
            sample_points(start, side, output_size, sampling_ratio)
            for start, side in zip(corners[:2], sides, strict=True)
        )
        values = bilinear(maps[int(box[0])], *torch.meshgrid(y, x, indexing="ij"))
        cells = values.unflatten(1, (output_size, -1)).unflatten(3, (output_size, -1))
        cut.append(cells.mean(dim=(2, 4)))  # (C, P, P)
    return (
        torch.stack(cut)
        if cut
        else maps.new_zeros(0, maps.shape[1], *2 * [output_size])
    )

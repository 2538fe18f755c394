"""Another input size every few batches.

Taught in chapters/15_training_yolo.
"""

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from course_lib.errors import InputError


def sizes(
    size: tuple[int, int], stride: int, low: float = 0.75, high: float = 1.25
) -> list[tuple[int, int]]:
    """All inputs (H, W) around ``size`` whose sides the net's stride divides.

    Both sides go by one factor, between ``low`` and ``high``, and are rounded.
    """
    if not 0 < low <= high:
        raise InputError(f"sizes from {low} to {high} times; give 0 < low <= high")
    steps = max(1, round((high - low) * max(size) / stride))
    factors = (low + (high - low) * i / steps for i in range(steps + 1))
    rounded = (
        tuple(max(1, round(side * factor / stride)) * stride for side in size)
        for factor in factors
    )
    return sorted(set(rounded))


def multi_scale(
    detector: nn.Module, low: float = 0.75, high: float = 1.25, every: int = 10
) -> RemovableHandle:
    """Let a ``DarknetDetector`` draw its input's size anew while it trains.

    Every ``every`` batches one of ``sizes`` is drawn, from torch's global generator;
    in evaluation the size is that of now. Redmon and Farhadi, YOLO9000, CVPR 2017,
    section 2, "Multi-Scale Training". Taught in chapters/15_training_yolo.

    Returns:
        A handle; ``handle.remove()`` ends it.
    """
    base = tuple(detector.size)
    choices, seen = sizes(base, detector.net.stride, low, high), [0]

    def draw(module: nn.Module, _) -> None:
        if not module.training:
            module.size = base
            return
        if seen[0] % every == 0:
            module.size = choices[torch.randint(len(choices), ()).item()]
        seen[0] += 1

    return detector.register_forward_pre_hook(draw)

"""Boxes through transforms: torchvision's ``transforms.v2``, and a rule to drop.

``v2`` moves boxes with their picture and cuts them at its edge. Which objects are
still worth learning it leaves to us. Taught in chapters/12_boxes_anchors_ap.
"""

import torch
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms import v2

from course_lib.detection.boxes import box_area
from course_lib.errors import InputError

PER_OBJECT = ("boxes", "labels", "masks", "area", "iscrowd", "keypoints")


def keep_objects(target: dict, kept: Tensor) -> dict:
    """The target with only the objects where ``kept`` (N,) bool is true.

    Boxes and masks stay what they are, so that ``v2`` still moves them as such.
    """
    chosen = {name: target[name][kept] for name in PER_OBJECT if name in target}
    for name, part in chosen.items():
        if isinstance(target[name], tv_tensors.TVTensor):
            chosen[name] = tv_tensors.wrap(part, like=target[name])
    return target | chosen


def visible_share(before: Tensor, after: Tensor) -> Tensor:
    """Share of its area that every box has left, (N, 4) twice -> (N,) in 0 to 1."""
    return box_area(after) / box_area(before).clamp(min=1e-7)


class RandomBoxCrop(nn.Module):
    """Cut a window out anywhere and drop what is hardly in it.

    Args:
        size: (H, W) in pixels; a smaller picture is padded with black.
        share: an object stays if at least this share of its box is inside, 0 to 1.

    A target as ``data.targets.target_of`` makes it goes in and comes out; its
    ``area`` becomes that of the masks, where it has masks.

    Taught in chapters/12_boxes_anchors_ap.
    """

    def __init__(self, size: tuple[int, int], share: float = 0.3):
        super().__init__()
        if not 0 < share <= 1:
            raise InputError(f"the share is {share}; give more than 0, at most 1")
        self.crop, self.share = v2.RandomCrop(size, pad_if_needed=True), share

    def forward(self, image: Tensor, target: dict) -> tuple[Tensor, dict]:
        """Cut both at one place."""
        before = target["boxes"].as_subclass(Tensor)
        image, target = self.crop(image, target)
        left = visible_share(before, target["boxes"].as_subclass(Tensor))
        target = keep_objects(target, left >= self.share)
        if "masks" in target:
            target["area"] = target["masks"].sum(dim=(1, 2), dtype=torch.float32)
        return image, target

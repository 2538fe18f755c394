"""The harbour for detectors: its six kinds of things, counted from 1."""

import torch

from course_lib.data.classes import HARBOUR, ClassTable
from course_lib.data.harbour.dataset import Harbour

FIRST = 6  # id of the first thing in the class table of the harbour
THINGS = ClassTable(
    "harbour things",
    ("background", *HARBOUR.names[FIRST:]),
    (HARBOUR.palette[0], *HARBOUR.palette[FIRST:]),
)


class HarbourThings(Harbour):
    """Pictures of the harbour with boxes, masks and labels 1 to 6 of its things.

    1 boat, 2 car, 3 person, 4 mast, 5 lamp post, 6 buoy; 0 is background, as in
    torchvision's detectors. Pictures are twice the size of ``Harbour``'s own and
    what is thin is twice as thick, so that the same scene is drawn with more pixels.

    Args:
        split, count, size, seed, transform, **dials: as ``Harbour`` takes them;
            the transform is one of (image, target).

    A sample is (image uint8 (3, H, W), target); see
    ``course_lib.data.targets.target_of`` for the target.
    Taught in chapters/12_boxes_anchors_ap.
    """

    classes = THINGS

    def __init__(
        self, split="train", count=None, size=(192, 256), *, transform=None, **dials
    ):
        super().__init__(split, count, size, task="detection", **{"thin": 4} | dials)
        self.after = transform

    def __getitem__(self, i: int):
        image, target = super().__getitem__(i)
        target["labels"] = target["labels"] - (FIRST - 1)
        target["masks"] = target["masks"].to(torch.uint8)
        return self.after(image, target) if self.after else (image, target)

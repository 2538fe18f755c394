"""Animations of the chapters on detection, 13 and 14; see ``animations.py``."""

import torch
from frames import frame, measured, outline, save
from skimage.measure import label as pieces_of
from torch import Tensor

from course_lib.data.classes import ClassTable
from course_lib.data.harbour import HarbourThings
from course_lib.detection.boxes import box_iou
from course_lib.detection.darknet.letterbox import letterbox, stretch, to_input
from course_lib.detection.models import open_detector
from course_lib.detection.studies import aspect_resize
from course_lib.paths import weights_dir
from course_lib.show import overlay

COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0))
FIVE = ClassTable("five", ("background", *"abcde"), ((0, 0, 0), *COLOURS))
PERSON = HarbourThings.classes.names.index("person")
SURE, OVERLAP = 0.5, 0.5


def chapter_13() -> None:
    """People move together: pieces of a perfect class map merge, masks do not."""
    detector, _ = open_detector(weights_dir() / "maskrcnn_harbour.safetensors")
    figures = []
    for step in range(9):
        contact = step / 8
        image, target = HarbourThings("test", 40, occlusion=0, contact=contact)[25]
        people = target["masks"][target["labels"] == PERSON].bool()
        pieces = pieces_of(people.any(dim=0).numpy(), connectivity=2)
        found = detector([image / 255])[0]
        sure = (found["labels"] == PERSON) & (found["scores"] >= SURE)
        masks = found["masks"][sure, 0] > 0.5  # (M, H, W)
        panels = [
            (image, "picture", f"{len(people)} people", None),
            (in_five(image, torch.from_numpy(pieces)), "perfect class map",
             f"its pieces: {pieces.max()}", None),
            (in_five(image, numbered(masks)), "Mask R-CNN",
             f"people found: {count_found(people, masks)}", None),
        ]  # fmt: skip
        panels = [(each[0][:, 85:180, 60:187], *each[1:]) for each in panels]
        curve = measured("curve_harbour_contact_maskrcnn", {
            "perfect class map, pieces": "pieces", "Mask R-CNN": "Mask R-CNN"},
            contact, "mask AP50, 200 pictures")  # fmt: skip
        said = f"{contact:g}" + (": they touch" if contact == 1 else "")
        figures.append(frame(panels, "contact", said, contact, curve))
    save("13", figures, [900] * 9)


def in_five(image: Tensor, numbers: Tensor) -> Tensor:
    """Numbered pieces (H, W) in five colours over a picture; 0 is nothing."""
    colours = ((numbers - 1) % 5 + 1) * (numbers > 0)
    return overlay(image, colours, FIVE, alpha=0.85)


def numbered(masks: Tensor) -> Tensor:
    """(M, H, W) masks, the best first -> (H, W): 0, or the number of its mask."""
    numbers = torch.zeros(masks.shape[1:], dtype=torch.long)
    for k in range(len(masks) - 1, -1, -1):
        numbers[masks[k]] = k + 1
    return numbers


def count_found(things: Tensor, masks: Tensor) -> int:
    """How many of the things have a mask with an IoU above a half."""
    a, b = things.flatten(1).float(), masks.flatten(1).float()
    both = a @ b.T
    union = a.sum(1)[:, None] + b.sum(1) - both
    return int((both / union > OVERLAP).any(dim=1).sum())


def chapter_14() -> None:
    """Pictures grow wide: three ways to give them to one and the same net."""
    figures = []
    for k, aspect in enumerate(aspect_resize.VALUES):
        image, target = HarbourThings("test", size=aspect_resize.size_of(aspect))[3]
        ways = aspect_resize.detectors(aspect)
        panels = [seen(ways[name], image, target, name, resize)
                  for name, resize in (("stretched", stretch),
                                       ("letterboxed", letterbox),
                                       (aspect_resize.FITTING, letterbox))]  # fmt: skip
        curve = measured("curve_harbour_aspect_resize", {
            "stretched": "stretched", "letterboxed": "letterboxed",
            aspect_resize.FITTING: "own shape"}, aspect, "AP50, 200 pictures",
            log=True)  # fmt: skip
        figures.append(frame(panels, "width / height", f"{aspect:g}",
                             k / (len(aspect_resize.VALUES) - 1), curve))  # fmt: skip
    save("14", figures, [1300] * len(figures))


def seen(detector, image: Tensor, target: dict, name: str, resize) -> tuple:
    """A panel: what reaches the net, with the boxes it gives above a score of 0.5."""
    found = detector([image / 255])[0]
    sure = found["scores"] >= SURE
    boxes, labels = found["boxes"][sure], found["labels"][sure]
    hit = box_iou(target["boxes"], boxes) > OVERLAP  # (things, boxes)
    hit &= target["labels"][:, None] == labels
    inside, placement = resize(image / 255, detector.size)
    line = f"{int(hit.any(dim=1).sum())} of {len(hit)} things found"
    drawn = outline(to_input(boxes, placement).tolist(), "#D55E00")
    title = name if name != aspect_resize.FITTING else "input of its own shape"
    return inside.clamp(0, 1), title, line, drawn

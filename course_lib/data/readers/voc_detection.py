"""PASCAL VOC, boxes: one xml a picture; masks where there is SegmentationObject."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.ops import box_iou, masks_to_boxes

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import VOC, VOID, ClassTable
from course_lib.data.formats.voc_xml import read_voc_xml
from course_lib.data.images import read_image, read_labels
from course_lib.data.readers.pairs import check_sizes, check_split, pairs_of_split
from course_lib.data.readers.voc import voc_folder
from course_lib.data.targets import target_of_boxes
from course_lib.errors import InputError

MASKS = ("SegmentationClass/", "SegmentationObject/")
LEAST_OVERLAP = 0.1  # IoU of a box with that of its mask: void borders make it small


class VOCDetection(Dataset):
    """Pictures and boxes: (image uint8 (3, H, W), target) as detectors want them.

    The target is that of ``data.targets.target_of``, with masks only if asked for;
    besides it has ``difficult`` and ``truncated`` (N,) bool. Boxes are VOC's own, with
    its corners from 1 made ours: xmin - 1, ymin - 1, xmax, ymax.

    Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010.
    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        classes: ClassTable = VOC,
        masks: bool = False,
        first_pixel: int = 1,
    ):
        """Open a split.

        Args:
            root: the folder ``VOC2012``, or the ``VOCdevkit`` around it.
            split: the stem of a list in ``ImageSets/Main``; with masks, or where
                that is not there, in ``ImageSets/Segmentation``.
            transform: joint transform of (image, target), or None.
            classes: names in the xml, in the order of the labels; background first.
            masks: whether the target has masks, of ``SegmentationObject``.
            first_pixel: 1 as in VOC, 0 for other tools; see ``read_voc_xml``.

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        root = voc_folder(Path(root))
        task = "Segmentation"
        if not masks and (root / "ImageSets" / "Main").is_dir():
            task = "Main"
        needed = ("JPEGImages/", "Annotations/", f"ImageSets/{task}/*.txt")
        check_folder(root, "voc2012", (*needed, *MASKS) if masks else needed)
        lists = root / "ImageSets" / task
        known = tuple(sorted(path.stem for path in lists.glob("*.txt")))
        check_split(f"the VOC folder {root}", split, known)
        self.pairs = pairs_of_split(
            lists / f"{split}.txt", root / "JPEGImages", root / "Annotations", (".xml",)
        )
        self.name, self.classes, self.split = "voc", classes, split
        self.root, self.transform = root, transform
        self.masks, self.first_pixel = masks, first_pixel

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, i: int) -> tuple[Tensor, dict]:
        picture, file = self.pairs[i]
        image, target = read_image(picture), self.target(i)
        check_sizes(image.shape[-2:], target["boxes"].canvas_size, picture, file)
        return self.transform(image, target) if self.transform else (image, target)

    def target(self, i: int) -> dict:
        """The target of one sample, without its picture and its transform."""
        file = self.pairs[i][1]
        annotated = read_voc_xml(file, self.first_pixel)
        size, things = (annotated.height, annotated.width), annotated.things
        boxes = torch.tensor([thing.box for thing in things]).reshape(-1, 4)  # (N, 4)
        labels = torch.tensor([self._label(t.name, file) for t in things]).long()
        target = target_of_boxes(boxes, labels, i, size) | {
            "difficult": torch.tensor([t.difficult for t in things]).bool(),
            "truncated": torch.tensor([t.truncated for t in things]).bool(),
        }
        if self.masks:
            found = self._masks(file, boxes, labels)  # (N, H, W)
            target["masks"] = tv_tensors.Mask(found.to(torch.uint8))
            target["area"] = found.sum(dim=(1, 2), dtype=torch.float32)
        return target

    def file(self, i: int) -> str:
        """The xml of a sample, to be named in messages."""
        return str(self.pairs[i][1])

    def _label(self, name: str, file: Path) -> int:
        try:
            return self.classes.index(name)
        except InputError as error:
            raise InputError(
                f"{file}: {error}; give the table these boxes were named by (classes)"
            ) from None

    def _masks(self, file: Path, boxes: Tensor, labels: Tensor) -> Tensor:
        kinds, objects = (
            read_labels(self.root / folder / f"{file.stem}.png") for folder in MASKS
        )
        return match_masks(boxes, labels, objects, kinds, str(file))


def match_masks(
    boxes: Tensor, labels: Tensor, objects: Tensor, kinds: Tensor, file: str = "the xml"
) -> Tensor:
    """The mask of every box: the pairs of one class that overlap most, all together.

    Other tools do not number masks in the order of the xml, as VOC does, and draw
    masks of things that have no box: these are left out.

    Args:
        boxes: (N, 4) xyxy in pixels.
        labels: (N,) class ids.
        objects: (H, W) of SegmentationObject: 0, things from 1, 255 = void.
        kinds: (H, W) of SegmentationClass.
        file: for the message.

    Returns:
        (N, H, W) bool.

    Raises:
        InputError: for a box without a mask.
    """
    from scipy.optimize import linear_sum_assignment

    ids = objects.unique()
    ids = ids[(ids > 0) & (ids != VOID)]
    masks = objects == ids[:, None, None]  # (M, H, W)
    of_masks = torch.tensor([int(kinds[mask].mode().values) for mask in masks]).long()
    around = masks_to_boxes(masks) + torch.tensor([0.0, 0, 1, 1])  # (M, 4)
    overlap = box_iou(boxes, around) * (labels[:, None] == of_masks)  # (N, M)
    rows, columns = linear_sum_assignment(overlap.numpy(), maximize=True)
    found = overlap[rows, columns] >= LEAST_OVERLAP
    lonely = set(range(len(boxes))) - set(torch.as_tensor(rows)[found].tolist())
    if lonely:
        raise InputError(
            f"{file}, object {min(lonely) + 1}: no mask of SegmentationObject has its "
            "class and its place; open the set with masks=False, or draw the mask"
        )
    return masks[torch.as_tensor(columns)]

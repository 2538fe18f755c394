"""COCO panoptic: every pixel belongs to a thing, to some stuff, or to nothing."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.classes import VOID
from course_lib.data.formats.panoptic_json import read_ids, read_panoptic
from course_lib.data.images import read_labels
from course_lib.data.readers.coco import check_pictures, coco_classes, find_split
from course_lib.data.readers.pairs import PairsOnDisk, by_stem, check_task, paired
from course_lib.data.targets import target_of
from course_lib.data.tree import check_tree
from course_lib.errors import InputError

ENTRY = "coco2017_panoptic"


class CocoPanoptic(PairsOnDisk):
    """Pictures, and pictures of ids in which every segment has its own.

    For segmentation a sample is (image, mask), the classes numbered by rising category
    id, 255 where no segment is. For detection it is (image, target) of the things
    alone; see ``data.targets.target_of``. Crowds have ``iscrowd`` 1.

    Kirillov et al., Panoptic Segmentation, CVPR 2019.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        task: str = "segmentation",
        images: str | Path | None = None,
    ):
        """Open a split.

        Args:
            root: holds ``annotations/panoptic_SPLIT.json`` and the pictures of ids
                beside it, ``panoptic_SPLIT/``; coco128 says ``panoptic/``.
            split: such as "val2017"; "val" will do where there is one year only.
            transform: joint transform of a sample, or None.
            task: "segmentation" or "detection".
            images: holds the folder ``SPLIT/`` of the pictures; None looks in ``root``
                and in ``coco2017`` beside it.

        Raises:
            InputError: where files are missing or damaged.
        """
        check_task("coco_panoptic", task)
        root, self.task = Path(root), task
        path, self.split = find_split(root, "panoptic", split, ENTRY)
        self.pictures, categories = read_panoptic(path)
        beside = root.parent / "coco2017"
        if images is None and (beside / self.split).is_dir():
            images = root if (root / self.split).is_dir() else beside
        folder = Path(images or root) / self.split
        check_pictures(path, folder, [picture.file for picture in self.pictures])
        id_folder = path.with_suffix("")
        tree = {f"{id_folder.name}/": "pictures of ids, PNG"}
        fix = f"unpack {id_folder.name}.zip there"
        check_tree(id_folder.parent, "COCO panoptic", tree, fix)
        check_pictures(path, id_folder, [p.id_file for p in self.pictures])
        pairs = [(folder / p.file, id_folder / p.id_file) for p in self.pictures]
        given, names = categories, []
        if task == "detection":
            given = {k: kind for k, kind in categories.items() if kind.is_thing}
            names = ["background"]
        self.label = {k: i for i, k in enumerate(given, len(names))}
        names += [kind.name for kind in given.values()]
        super().__init__(
            "coco_panoptic", coco_classes("coco_panoptic", names), pairs, transform
        )

    def segment_map(self, i: int) -> Tensor:
        """(H, W) int64: the segment of every pixel, 0 where none is.

        Raises:
            InputError: where the JSON lists other segments than the picture shows.
        """
        ids = read_ids(self.pairs[i][1])
        found, told = set(ids.unique().tolist()), set(self.pictures[i].segments)
        if found - {0} != told:
            odd = min(found - {0} ^ told)
            where = "the JSON does not list" if odd in found else "it does not show"
            raise InputError(
                f"{self.file(i)} does not belong to its JSON: segment {odd}, which "
                f"{where}; take both from one download, the picture as PNG"
            )
        return ids

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 of one sample, without its picture and its transform."""
        ids, segments = self.segment_map(i), self.pictures[i].segments
        order = torch.tensor(sorted([0, *segments]))
        classes = [VOID, *(self.label[segments[k]] for k in sorted(segments))]
        place = torch.searchsorted(order, ids)  # (H, W)
        return tv_tensors.Mask(torch.tensor(classes)[place])

    def target(self, i: int) -> dict:
        """The things of one picture, without its transform."""
        ids, said = self.segment_map(i), self.pictures[i]
        things = [k for k, kind in said.segments.items() if kind in self.label]
        masks = ids == torch.tensor(things, dtype=torch.int64)[:, None, None]
        labels = torch.tensor([self.label[said.segments[k]] for k in things]).long()
        target = target_of(masks, labels, said.image_id)
        crowds = [int(k in said.crowds) for k in things]
        return target | {"iscrowd": torch.tensor(crowds, dtype=torch.int64)}


class CocoSemantic(PairsOnDisk):
    """COCO's panoptic classes as label pictures of category ids, 0 = not labelled.

    Ids are numbered as by ``CocoPanoptic``, whose JSON names them; 255 = void.
    """

    def __init__(
        self, root: str | Path, split: str = "train", transform: Callable | None = None
    ):
        """Open a split.

        Args:
            root: holds ``semantic_masks/SPLIT/``, ``SPLIT/`` and the panoptic JSON.
            split: such as "train2017"; "train" will do where there is one year only.
            transform: joint transform of (image, mask), or None.

        Raises:
            InputError: where files are missing or damaged.
        """
        root = Path(root)
        path, self.split = find_split(root, "panoptic", split, ENTRY)
        categories = read_panoptic(path)[1]
        folder = root / "semantic_masks" / self.split
        tree = {f"semantic_masks/{self.split}/": "label pictures of category ids, PNG"}
        check_tree(root, "COCO", tree, "give the folder that holds it")
        masks, pictures = by_stem(folder), by_stem(root / self.split)
        what = f"picture in {root / self.split}"
        found = paired(masks, pictures, what, "get the data set again")
        pairs = [(picture, mask) for mask, picture in found]
        classes = coco_classes("coco_panoptic", [c.name for c in categories.values()])
        super().__init__("coco_semantic", classes, pairs, transform)
        self.label = {k: i for i, k in enumerate(categories)} | {0: VOID, VOID: VOID}

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 of one sample, without its picture and its transform."""
        ids = read_labels(self.pairs[i][1])
        known = torch.tensor(sorted(self.label))
        place = torch.searchsorted(known, ids).clamp(max=len(known) - 1)  # (H, W)
        if (known[place] != ids).any():
            odd = int(ids[known[place] != ids][0])
            raise InputError(
                f"{self.file(i)} holds the id {odd}, which is no category of its JSON; "
                "give category ids, 0 where nothing is labelled"
            )
        return tv_tensors.Mask(torch.tensor([self.label[int(k)] for k in known])[place])

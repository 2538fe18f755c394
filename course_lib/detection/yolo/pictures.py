"""The data sets that train YOLO from the command line: boxes only, kept in memory."""

from argparse import Namespace

from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset

from course_lib.data.opening import read_dials
from course_lib.detection.yolo.mosaic import without_masks
from course_lib.errors import InputError
from course_lib.training.stream import Cached

# The harbour is drawn as told, half of it with four times as many buoys: the rare
# class is seen often, and the pictures it is measured on stay as they are.
HARBOUR_DIALS = ({}, {"rarity": 0.4})
HARBOUR_COUNT = 4000


class BoxesOnly(Dataset):
    """A data set of (image, target) without its masks, which cost memory."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def __getattr__(self, name: str):  # name, classes, file ...
        return getattr(self.__dict__["dataset"], name)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> tuple[Tensor, dict]:
        image, target = self.dataset[i]
        return image, without_masks(target)


class From(Dataset):
    """``count`` samples of a data set from number ``start`` on."""

    def __init__(self, dataset: Dataset, start: int, count: int):
        self.dataset, self.start, self.count = dataset, start, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> tuple[Tensor, dict]:
        return self.dataset[self.start + i]


def harbour_mix(count: int = HARBOUR_COUNT, dials=HARBOUR_DIALS) -> Dataset:
    """``count`` train pictures, an equal part of them drawn with each set of dials."""
    from course_lib.data.harbour import HarbourThings

    part = count // len(dials)
    return ConcatDataset(
        [
            From(
                BoxesOnly(HarbourThings("train", part * (k + 1), **each)),
                part * k,
                part,
            )
            for k, each in enumerate(dials)
        ]
    )


def dials(args: Namespace) -> list[dict]:
    """What the harbour's dials are turned to while training, a part each."""
    if args.dataset != "harbour":
        return []
    return [read_dials(args.dial)] if args.dial else list(HARBOUR_DIALS)


def open_sets(args: Namespace) -> dict[str, Dataset]:
    """Train, val and test set that the options of ``train-detector`` name."""
    if args.dataset == "harbour" and not args.dial:
        from course_lib.data.harbour import HarbourThings

        train = harbour_mix(args.count or HARBOUR_COUNT)
        sets = {split: HarbourThings(split) for split in ("val", "test")}
        return {"train": Cached(train)} | sets
    if args.dataset in ("harbour", "penn_fudan"):
        from course_lib.detection.rcnn.plan import open_split

        sets = {split: open_split(args, split) for split in ("train", "val", "test")}
        return sets | {"train": Cached(BoxesOnly(sets["train"]))}
    if args.dataset == "yolo-folder":
        return _folder(args)
    raise InputError(
        f"there is no data set {args.dataset!r} for --cfg; choose harbour, "
        "penn_fudan or yolo-folder"
    )


def _folder(args: Namespace) -> dict[str, Dataset]:
    from course_lib.data.readers.yolo import YoloFolder, check_folder, read_plan

    if args.data is None:
        raise InputError("yolo-folder wants --data, its data.yaml or .data file")
    plan = read_plan(args.data)
    train = YoloFolder(args.data, "train")
    check_folder(train)
    held = "test" if "test" in plan else "val"
    test = YoloFolder(args.data, held)
    return {"train": Cached(train), "val": test, "test": test}

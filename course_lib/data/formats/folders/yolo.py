"""YOLO: data.yaml (or a Darknet .data), images/SPLIT/ and labels/SPLIT/."""

from pathlib import Path

from course_lib.data.formats.files import write_text
from course_lib.data.formats.folders import Collection, Options, files_of
from course_lib.data.formats.yolo_plan import SPLITS, list_pictures, read_plan
from course_lib.data.formats.yolo_txt import read_yolo, write_yolo
from course_lib.errors import InputError


def read(source: Path, options: Options) -> Collection:
    """Read every split that data.yaml names; the pictures tell their sizes."""
    from course_lib.data.images import picture_size
    from course_lib.data.readers.yolo import label_file

    path = files_of(source, "*.yaml", "a folder with data.yaml, or a .data file")[0]
    plan = read_plan(path)
    names = tuple(plan.pop("names"))
    splits = {}
    for key, entry in plan.items():
        pictures = list_pictures(entry, path)
        splits["val" if key == "valid" else key] = [
            read_yolo(label_file(p), str(p), picture_size(p), names, options.faults)
            for p in pictures
        ]
    return Collection(splits, options.names or names)


def place(split: str) -> str:
    """Where the pictures lie."""
    return f"images/{split}"


def write(root: Path, collection: Collection) -> None:
    """Write the labels and data.yaml."""
    import yaml

    plan = {}
    for split, pictures in collection.splits.items():
        key = next((key for key in SPLITS if split.startswith(key)), None)
        if key is None or key in plan:
            raise InputError(
                f"YOLO's data.yaml has room for {', '.join(SPLITS)}, one each; "
                f"{split!r} has no place among {', '.join(collection.splits)}"
            )
        plan[key] = place(split)
        for picture in pictures:
            file = root / "labels" / split / f"{Path(picture.file).stem}.txt"
            write_yolo(file, picture, collection.names)
    plan["names"] = dict(enumerate(collection.names))
    text = yaml.safe_dump(plan, sort_keys=False, allow_unicode=True)
    write_text(root / "data.yaml", text)

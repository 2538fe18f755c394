"""What a public Darknet file finds in photographs that may be shared.

``python -m course_lib.detection.studies.pocket_darknet`` reads ``darknet/`` in
``COURSE_DATA`` and writes the card that chapter 14 shows. It holds boxes, no pictures.
"""

from pathlib import Path

import torch

from course_lib.data.classes import COCO
from course_lib.data.pocket import pocket_photo
from course_lib.detection.darknet.detector import load_detector
from course_lib.errors import InputError
from course_lib.paths import data_dir
from course_lib.training.cards import commit, file_hash, hardware, write_json
from course_lib.training.checkpoint import versions

NAME, SIZE, THRESHOLD = "yolo-fastest-1.1-xl", 320, 0.5
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "grace_hopper")
WAYS = ("letterbox", "stretch")


@torch.no_grad()
def found(folder: Path, way: str) -> dict[str, dict]:
    """Boxes (xyxy in px of the photograph), labels 1 to 80 and scores, by photograph.

    Args:
        folder: ``darknet`` with ``weights/``.
        way: "letterbox" or "stretch".

    Taught in chapters/14_yolov3_darknet.
    """
    cfg, weights = _files(folder)
    detector = load_detector(
        cfg, weights, size=SIZE, resize=way, score_threshold=THRESHOLD
    )
    answers = {}
    for name in PHOTOGRAPHS:
        (answer,) = detector([pocket_photo(name) / 255])
        answers[name] = {
            "boxes": [[round(x, 1) for x in box] for box in answer["boxes"].tolist()],
            "labels": answer["labels"].tolist(),
            "names": [COCO.names[label - 1] for label in answer["labels"].tolist()],
            "scores": [round(score, 3) for score in answer["scores"].tolist()],
        }
    return answers


def pocket_card(folder: Path) -> dict:
    """The card: both ways to make a photograph fit."""
    return {
        "name": "pocket_darknet",
        "model": NAME,
        "dataset": "photographs of scikit-image and matplotlib",
        "num_pictures": len(PHOTOGRAPHS),
        "resolution": [SIZE, SIZE],
        "score_threshold": THRESHOLD,
        "found": {way: found(folder, way) for way in WAYS},
        "weights_sha256": file_hash(_files(folder)[1]),
        "hardware": hardware(),
        "versions": versions(),
        "commit": commit(),
        "command": "python -m course_lib.detection.studies.pocket_darknet",
    }


def _files(folder: Path) -> tuple[Path, Path]:
    files = tuple(folder / "weights" / f"{NAME}{end}" for end in (".cfg", ".weights"))
    if not all(file.is_file() for file in files):
        raise InputError(
            f"{folder} has no weights/{NAME}.cfg and .weights; point COURSE_DATA at a "
            "folder with darknet/"
        )
    return files


if __name__ == "__main__":
    if data_dir() is None:
        raise SystemExit("set COURSE_DATA to a folder with darknet/")
    torch.set_num_threads(1)
    print(write_json(pocket_card(data_dir() / "darknet")))

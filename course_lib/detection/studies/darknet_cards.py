"""What the public Darknet files find in COCO's and Penn-Fudan's pictures, as cards.

``python -m course_lib.detection.studies.darknet_cards`` reads ``darknet``, ``coco128``
and ``PennFudanPed`` in ``COURSE_DATA``, and writes ``coco128_darknet.json`` and
``penn_fudan_darknet.json``: numbers, no pictures. Nothing is trained or chosen here.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from course_lib.data.images import read_image
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.detection.average_precision import evaluate
from course_lib.detection.coco_format import instances, to_results
from course_lib.detection.darknet.detector import load_detector
from course_lib.detection.darknet.names import COCO_IDS
from course_lib.errors import InputError
from course_lib.paths import data_dir
from course_lib.training import cards
from course_lib.training.checkpoint import versions

SIZE, WAYS = 320, ("stretch", "letterbox")
COCO_NETS = ("yolo-fastest-1.1-xl", "yolo-fastest-1.1", "mobilenetv2-yolov3-nano-coco")
PEOPLE_NETS = COCO_NETS[:2]
# OpenCV, with which the files are usually run, drops class scores up to 0.2.
THRESHOLDS = (0.2, 0.01)
ASPECTS = (1.0, 1.2, 1.4, 1.6, 10.0)  # bins of longer side / shorter side


def looked(
    folder: Path, net: str, images: Iterable[Tensor], threshold: float, nms: float
) -> dict[str, list[dict]]:
    """What a net finds in pictures, stretched and letterboxed."""
    files = [folder / "weights" / f"{net}{end}" for end in (".cfg", ".weights")]
    options = {"score_threshold": threshold, "nms_threshold": nms}
    ways = {w: load_detector(*files, size=SIZE, resize=w, **options) for w in WAYS}
    found: dict[str, list[dict]] = {way: [] for way in WAYS}
    with torch.inference_mode():
        for image in tqdm(images, desc=net, disable=None):
            for way, detector in ways.items():
                found[way] += detector([image.as_subclass(Tensor) / 255])
    return found


def coco_card(data: Path) -> dict:
    """AP of three nets on 120 pictures of coco128; scores above 0.005, NMS 0.45."""
    truth = json.loads(
        (data / "coco128/annotations/instances_train2017.json").read_text()
    )
    kept = data / "darknet/reference/coco128_ap_pycocotools.json"
    ids = json.loads(kept.read_text())["image_ids"]
    names = {image["id"]: image for image in truth["images"]}
    images = [
        read_image(data / "coco128/train2017" / names[i]["file_name"]) for i in ids
    ]
    ratios = [max(x.shape[1:]) / min(x.shape[1:]) for x in images]
    rows, curve = [], {}
    for net in COCO_NETS:
        for way, found in looked(data / "darknet", net, images, 0.005, 0.45).items():
            for each in found:
                each["labels"] = torch.tensor(COCO_IDS)[each["labels"] - 1]
                each |= {key: value[:100] for key, value in each.items()}  # the best
            report = evaluate(_only(truth, ids), to_results(found, ids))
            rows.append(_row(net, way, report, results=sum(map(_count, found))))
            if net == COCO_NETS[0]:
                curve[way] = [
                    _rounded(
                        _evaluated(truth, some, dict(zip(ids, found, strict=True)))
                    )
                    for some in _binned(ids, ratios)
                ]
    pictures = [len(some) for some in _binned(ids, ratios)]
    by_aspect = {"net": COCO_NETS[0], "bins": list(ASPECTS), "pictures": pictures}
    about = {"name": "coco128_darknet", "dataset": "coco128", "num_pictures": len(ids)}
    about |= {"score_threshold": 0.005, "nms_threshold": 0.45}
    return about | {"rows": rows, "by_aspect": by_aspect | {"ap50": curve}}


def people_card(data: Path) -> dict:
    """AP of persons in all of Penn-Fudan and in its test split; NMS 0.5."""
    dataset, rows = PennFudan(data / "PennFudanPed"), []
    samples = [dataset[i] for i in range(len(dataset))]
    test = PennFudan(data / "PennFudanPed", split="test").pairs
    test = [i for i, pair in enumerate(dataset.pairs) if pair in test]
    shapes = [(tuple(x.shape[-2:]), target) for x, target in samples]
    for net in PEOPLE_NETS:
        images = (image for image, _ in samples)
        every = looked(data / "darknet", net, images, min(THRESHOLDS), 0.5)
        for threshold in THRESHOLDS:
            for split, some in (("all", range(len(samples))), ("test", test)):
                truth = instances([shapes[i] for i in some], dataset.classes.names)
                for way in WAYS:
                    found = [_persons(every[way][i], threshold) for i in some]
                    report = evaluate(truth, to_results(found, list(some)))
                    more = {"split": split, "score_threshold": threshold}
                    rows.append(_row(net, way, report, **more, num_pictures=len(some)))
    about = {"name": "penn_fudan_darknet", "dataset": "penn_fudan"}
    return about | {"nms_threshold": 0.5, "rows": rows}


def _persons(found: dict[str, Tensor], threshold: float) -> dict[str, Tensor]:
    keep = (found["labels"] == 1) & (found["scores"] > threshold)
    return {key: value[keep] for key, value in found.items()}


def _evaluated(truth: dict, ids: list[int], found: dict[int, dict]) -> float:
    """AP50 of some of the pictures."""
    results = to_results([found[i] for i in ids], ids)
    return evaluate(_only(truth, ids), results).ap50


def _only(truth: dict, ids: list[int]) -> dict:
    rows = {key: truth[key] for key in ("categories", "annotations", "images")}
    rows["images"] = [row for row in truth["images"] if row["id"] in ids]
    rows["annotations"] = [r for r in truth["annotations"] if r["image_id"] in ids]
    return rows


def _binned(ids: list[int], ratios: list[float]) -> list[list[int]]:
    pairs = list(zip(ASPECTS, ASPECTS[1:], strict=False))
    return [
        [i for i, r in zip(ids, ratios, strict=True) if a <= r < b] for a, b in pairs
    ]


def _count(found: dict) -> int:
    return len(found["scores"])


def _rounded(value: float) -> float:
    return round(float(value), 4)


def _row(net: str, way: str, report, **more) -> dict:
    figures = {"ap": _rounded(report.stats[0]), "ap50": _rounded(report.ap50)}
    return {"net": net, "resize": way, **more, **figures}


def main() -> None:
    """Measure, print and write both cards."""
    torch.set_num_threads(1)
    data = data_dir()
    if data is None or not (data / "darknet" / "weights").is_dir():
        raise InputError("no darknet files; set COURSE_DATA to the folder of real data")
    weights = sorted((data / "darknet" / "weights").glob("*.weights"))
    for make in (people_card, coco_card):
        card = make(data) | {
            "resolution": [SIZE, SIZE],
            "weights_sha256": {file.stem: cards.file_hash(file) for file in weights},
            "hardware": cards.hardware(),
            "versions": versions(),
            "commit": cards.commit(),
            "command": "python -m course_lib.detection.studies.darknet_cards",
        }
        for row in card["rows"]:
            print(*(f"{key} {value}" for key, value in row.items()), sep=", ")
        print(f"card {cards.write_json(card).name}", flush=True)


if __name__ == "__main__":
    main()

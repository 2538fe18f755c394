"""A COCO detector becomes a detector of Penn-Fudan's pedestrians.

``python -m course_lib.detection.studies.people_transfer --data FOLDER`` trains, once
for every seed, and writes ``chapters/results/penn_fudan_yolo_transfer.json``. The
weights it starts from are others', so the trained ones are not shipped; they stay in
``runs/``, each with its figures, and a seed that is there is not trained again.

Taught in chapters/15_training_yolo.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import torch

from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.detection.bootstrap import bootstrap, found_in
from course_lib.detection.darknet.cfg import parse_cfg
from course_lib.detection.darknet.detector import DarknetDetector, load_net
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.engine import fit
from course_lib.detection.evaluation import evaluate_detector
from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.yolo.classes_of_cfg import change_classes
from course_lib.detection.yolo.mosaic import without_masks, yolo_transform
from course_lib.detection.yolo.plan import save_pair
from course_lib.detection.yolo.transfer import transfer
from course_lib.paths import data_dir
from course_lib.training import cards
from course_lib.training.checkpoint import versions
from course_lib.training.device import use_threads
from course_lib.training.stream import Cached
from course_lib.whole import write_whole

NAME, NET, SIZE = "penn_fudan_yolo_transfer", "yolo-fastest-1.1-xl", 384
RUNS = Path("runs") / NAME
PERSON = 0  # line of coco.names that the new class continues
DETECT = {"score_threshold": 0.01, "nms_threshold": 0.5}
RECIPE = {
    "steps": 700,
    "batch_size": 8,
    "optimiser": "adamw",
    "lr": 1e-3,
    "weight_decay": 0.01,
    "warmup_iters": 30,
    "clip": 10.0,
    "average": 0.98,
    "precision": "bfloat16",
}


def one_class(folder: Path, name: str = NET, size: int = SIZE) -> DarknetDetector:
    """The net of 80 classes as one of "pedestrian", which begins as "person"."""
    cfg, weights = folder / f"{name}.cfg", folder / f"{name}.weights"
    net = Darknet(change_classes(parse_cfg(cfg), 1))
    transfer(net, load_net(cfg, weights), {0: PERSON})
    return DarknetDetector(net, size, **DETECT)


def people(data: Path, split: str) -> Cached:
    """A split of Penn-Fudan, in memory, without its masks."""
    boxes_alone = lambda image, target: (image, without_masks(target))  # noqa: E731
    return Cached(PennFudan(data / "PennFudanPed", split, boxes_alone))


def train(data: Path, seed: int, train_set, val_set, **changes):
    """Train one detector; gives it and the CPU minutes it took, validation too."""
    recipe = DetectorRecipe(**(RECIPE | changes), seed=seed)
    start = time.process_time()
    training = fit(
        one_class(data / "darknet" / "weights"),
        train_set,
        recipe,
        transform=yolo_transform(zoom=(0.6, 1.3), saturation=0.3, brightness=0.25),
        score=None if val_set is None else partial(ap_of, dataset=val_set),
        say=partial(print, flush=True),
    )
    return training.detector, round((time.process_time() - start) / 60, 2)


def ap_of(detector, dataset) -> float:
    """AP of the boxes."""
    return evaluate_detector(detector, dataset)["bbox"].ap


def row(detector, test_set, **about) -> dict:
    """AP and AP50 on the test pictures, with what chance would make of them."""
    truth, results = found_in(detector, test_set)
    low, high = bootstrap(truth, results, test_set.classes.names)
    report = evaluate_detector(detector, test_set)["bbox"]
    return about | {
        "ap": round(report.ap, 4),
        "ap50": round(report.ap50, 4),
        "ap_interval": [round(low[0], 4), round(high[0], 4)],
        "ap50_interval": [round(low[1], 4), round(high[1], 4)],
    }


def row_of(seed: int, data: Path, test_set) -> dict:
    """The figures of a seed: as ``runs/`` keeps them, or trained now."""
    kept = RUNS / f"seed{seed}.json"
    if not kept.is_file():
        detector, minutes = train(data, seed, people(data, "train"), None)
        save_pair(detector, RUNS, f"seed{seed}")
        about = {"net": "transferred", "seed": seed, "cpu_minutes": minutes}
        write_whole(kept, json.dumps(row(detector, test_set, **about)).encode())
    return json.loads(kept.read_text())


def main() -> None:
    """Measure before and after, for every seed; write the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_dir(), help="COURSE_DATA")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", action="store_true", help="write the card")
    args = parser.parse_args()
    threads = use_threads(1)
    test_set = people(args.data, "test")
    before = one_class(args.data / "darknet" / "weights").eval()
    rows = [row(before, test_set, net="as it comes")]
    print(rows[-1], flush=True)
    for seed in args.seeds:
        rows.append(row_of(seed, args.data, test_set))
        print(rows[-1], flush=True)
    card = {
        "name": NAME,
        "dataset": "penn_fudan",
        "split": "test",
        "num_pictures": len(test_set),
        "start": f"{NET}.weights, whose classes are COCO's; person became pedestrian",
        "size": SIZE,
        "resize": "letterbox",
        **DETECT,
        "interval": "95 %, bootstrap over the test pictures, 1,000 times",
        "recipe": DetectorRecipe(**RECIPE).as_dict() | {"seed": "each"},
        "chosen_on": "val",
        "rows": rows,
        "hardware": cards.hardware(),
        "threads": threads,
        "versions": versions(),
        "commit": cards.commit(),
        "split_hash": cards.split_hash(test_set),
        "command": f"python -m {__spec__.name} --keep",
    }
    if args.keep:
        print(f"card {cards.write_json(card).name}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

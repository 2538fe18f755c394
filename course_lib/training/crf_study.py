"""Does a dense CRF help? Parameters chosen on val, measured on test, over dials.

``python -m course_lib.training.crf_study harbour`` (or ``camvid``, ``reference``,
``contrast``, ``texture``, ``nets``) writes a card of chapters/04_crf_refinement.
"""

import argparse
import json
import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.data.harbour import Harbour
from course_lib.paths import data_dir, results_dir, weights_dir
from course_lib.training import cards
from course_lib.training.checkpoint import load_net, versions
from course_lib.training.crf_reference import reference_card
from course_lib.training.crf_search import TEXTBOOK, Sample, scores_of, search
from course_lib.training.device import use_threads
from course_lib.training.evaluation import predictions
from course_lib.whole import write_whole

NETS = {"harbour": "fcn32s_harbour", "camvid": "dilated_fpn_camvid"}
DIALS = {
    "contrast": (0.05, 0.1, 0.2, 0.5, 1.0),
    "texture": (0.0, 0.25, 0.5, 0.75, 1.0),
}
QUALITY = tuple(f"fcn{stride}s_small" for stride in (32, 16, 8)) + tuple(
    f"resnet18_{stride}s" for stride in (32, 16, 8)
)
RANGES = 3  # parts of the test pictures, in place of seeds: nothing is trained here


def coarse_truth(
    labels: Tensor, num_classes: int, stride: int, noise: float = 1.0, seed: int = 0
) -> Tensor:
    """Probabilities as a net of that stride might give them, from the truth.

    The truth is averaged over cells, six times the shares and Gaussian noise are the
    logits of a cell, and those are enlarged as a net's are.

    Args:
        labels: (H, W) ids; 255 is void and has no vote.
        num_classes: C.
        stride: side of a cell, px.
        noise: standard deviation, in logits.
        seed: of the noise.

    Returns:
        (C, H, W) float32.

    Taught in chapters/04_crf_refinement.
    """
    draw = torch.Generator().manual_seed(seed)
    ids = torch.arange(num_classes)[:, None, None]
    votes = (labels == ids).float()[None]  # (1, C, H, W)
    shares = F.avg_pool2d(votes, stride, ceil_mode=True)  # (1, C, h, w)
    logits = 6 * shares + noise * torch.randn(shares.shape, generator=draw)
    large = F.interpolate(logits, scale_factor=stride, mode="bilinear")[0]
    return large[:, : labels.shape[0], : labels.shape[1]].softmax(dim=0)


def samples_of(net: nn.Module, dataset) -> list[Sample]:
    """What a net says of every picture."""
    samples = []
    for indices, logits, masks in predictions(net, dataset):
        for i, each, mask in zip(indices, logits.softmax(dim=1), masks, strict=True):
            image = dataset[i][0].permute(1, 2, 0).contiguous()
            samples.append((torch.as_tensor(image), each.half(), torch.as_tensor(mask)))
    return samples


def chosen_card(
    world: str, count: int, every: int, every_test: int = 1, say=print
) -> dict:
    """Choose on val, measure on test: without, textbook, chosen."""
    net, _ = load_net(weights_dir() / f"{NETS[world]}.safetensors")
    val = samples_of(net, _dataset(world, "val"))
    before = scores_of(val[::every], None)
    say("val", before)
    chosen, tried = search(val[::every], count, say)
    better = sum(scores["mean_iou"] > before["mean_iou"] for _, scores in tried)
    del val  # CamVid's take 400 MB
    test = samples_of(net, _dataset(world, "test"))[::every_test]
    rows = {"none": None, "textbook": TEXTBOOK, "chosen": chosen}
    return {
        "name": f"crf_{NETS[world]}",
        "dataset": world,
        "split": "test",
        "num_pictures": len(test),
        "resolution": list(test[0][0].shape[:2]),
        "void": "ignored",
        "net": NETS[world],
        "search": {
            "split": "val",
            "every": every,
            "tried": len(tried),
            "better_than_none": better,
            "none": before,
            "textbook": tried[0][1],
            "chosen": max((s for _, s in tried), key=lambda s: s["mean_iou"]),
        },
        "parameters": {"textbook": TEXTBOOK, "chosen": chosen},
        "crf": {name: scores_of(test, one) for name, one in rows.items()},
    }


def _dataset(world: str, split: str):
    if world == "harbour":
        return Harbour(split)
    from course_lib.data.readers.camvid import CamVid
    from course_lib.data.world import camvid_dir

    return CamVid(camvid_dir(), split)


def curve_card(dial: str, count: int, say=print) -> dict:
    """Mean IoU and boundary IoU without and with a CRF, over contrast or texture.

    For FCN-32s, and for coarse truth of stride 16, which no dial can reach. In place
    of seeds stand sets of test pictures.
    """
    ways, rows = _ways(), {}
    for value in DIALS[dial]:
        dataset = Harbour("test", count, **{dial: value})
        net, _ = load_net(weights_dir() / f"{NETS['harbour']}.safetensors")
        nets, coarse = samples_of(net, dataset), []
        for i, (image, p, labels) in enumerate(nets):
            coarse.append((image, coarse_truth(labels, len(p), 16, seed=i), labels))
        for unary, samples in (("coarse truth", coarse), ("FCN-32s", nets)):
            for how, one in ways.items():
                name = unary if how == "none" else f"{unary} + {how} CRF"
                row = rows.setdefault(name, {str(r): [] for r in range(RANGES)})
                for r, each in enumerate(row.values()):
                    each.append(scores_of(samples[r::RANGES], one))
                say(f"{dial} {value:g} {name}: {_rounded(row, 'mean_iou')}")
    parts = {key: {name: _rounded(row, key) for name, row in rows.items()}
             for key in ("mean_iou", "boundary_iou")}  # fmt: skip
    return _harbour_card(f"curve_harbour_{dial}_crf", count) | {
        "dial": dial,
        "unit": "",
        "values": list(DIALS[dial]),
        "score": "mean IoU",
        "methods": parts["mean_iou"],
        "others": {
            "boundary": {"score": "boundary IoU", "methods": parts["boundary_iou"]}
        },
        "shipped": {"FCN-32s": NETS["harbour"]},
    }


def nets_card(count: int, say=print) -> dict:
    """Mean IoU and boundary IoU of better and better nets, without and with a CRF."""
    rows = {}
    for name in QUALITY:
        net, _ = load_net(weights_dir() / f"{name}_harbour.safetensors")
        samples = samples_of(net, Harbour("test", count))
        scores = {how: [scores_of(samples[r::RANGES], one) for r in range(RANGES)]
                  for how, one in _ways().items()}  # fmt: skip
        rows[name] = {
            key: {how: [round(s[key], 4) for s in each] for how, each in scores.items()}
            for key in ("mean_iou", "boundary_iou")
        }
        say(name, rows[name])
    return _harbour_card("crf_nets_harbour", count) | {"nets": rows}


def _ways() -> dict[str, dict | None]:
    card = cards.read_card(f"crf_{NETS['harbour']}")
    return {"none": None, "chosen": card["parameters"]["chosen"], "textbook": TEXTBOOK}


def _rounded(row: dict[str, list[dict]], key: str) -> dict[str, list[float]]:
    return {r: [round(scores[key], 4) for scores in each] for r, each in row.items()}


def _harbour_card(name: str, count: int) -> dict:
    return {
        "name": name,
        "dataset": "harbour",
        "split": "test",
        "num_pictures": count,
        "resolution": [96, 128],
        "bars": f"{RANGES} sets of pictures",
        "parameters": {how: one for how, one in _ways().items() if one},
    }


def main() -> None:
    """Measure one card and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=[*NETS, "reference", *DIALS, "nets"])
    parser.add_argument("--tries", type=int, default=40, help="settings searched")
    parser.add_argument("--every", type=int, default=2, help="n-th picture of val")
    parser.add_argument("--every-test", type=int, default=1, help="likewise of test")
    parser.add_argument("--count", type=int, default=60, help="test pictures")
    args = parser.parse_args()
    use_threads(1)
    start = time.monotonic()
    if args.what in NETS:
        card = chosen_card(args.what, args.tries, args.every, args.every_test)
        options = f" --tries {args.tries} --every {args.every}"
        options += f" --every-test {args.every_test}" * (args.every_test > 1)
    elif args.what == "reference":
        card, options = reference_card(data_dir().parent / "reference" / "crf"), ""
    else:
        card = (
            nets_card(args.count)
            if args.what == "nets"
            else curve_card(args.what, args.count)
        )
        options = f" --count {args.count}"
    card |= {
        "minutes": round((time.monotonic() - start) / 60, 1),
        "hardware": cards.hardware(),
        "threads": 1,
        "versions": versions(),
        "commit": cards.commit(),
        "command": f"python -m course_lib.training.crf_study {args.what}{options}",
    }
    path = results_dir() / f"{card['name']}.json"
    write_whole(path, (json.dumps(card, indent=1) + "\n").encode())
    print(path.name)


if __name__ == "__main__":
    main()

"""``predict``: label your own pictures with a trained network."""

import argparse
import csv
import io
import json
import sys
from pathlib import Path

from course_lib.errors import InputError


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib predict``."""
    parser = subparsers.add_parser(
        "predict",
        help="label your own pictures",
        description="Writes for every picture NAME_labels.png (class ids, with a "
        "palette) and NAME_overlay.png, and the share of every class for all of them "
        "in ratios.csv.",
    )
    parser.add_argument("pictures", nargs="+", type=Path, help="pictures or folders")
    parser.add_argument("--checkpoint", required=True, type=Path, help="the network")
    parser.add_argument("--out", type=Path, default=Path("predictions"))
    parser.add_argument(
        "--longest-side",
        type=int,
        metavar="PX",
        help="show larger pictures to the network at this size (labels come back at "
        "the size of the picture)",
    )
    parser.add_argument("--json", action="store_true", help="print ratios as JSON")
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps or auto")
    parser.add_argument("--threads", type=int, help="processor threads; default: all")


def run(args: argparse.Namespace) -> int:
    """Predict every picture; one that cannot be read is told and skipped.

    Returns:
        0, or 1 when some picture was skipped.
    """
    from tqdm import tqdm

    from course_lib.data.images import read_image
    from course_lib.data.opening import trained_classes
    from course_lib.training.checkpoint import load_net
    from course_lib.training.device import pick_device, use_threads

    if args.longest_side is not None and args.longest_side < 1:
        raise InputError(f"--longest-side is {args.longest_side}; give at least 1")
    use_threads(args.threads)
    device = pick_device(args.device)
    net, info = load_net(args.checkpoint, device)
    classes = trained_classes(info)
    files, faults = find_pictures(args.pictures)
    _make_folder(args.out)
    ratios = {}
    for name, file in tqdm(named(files), disable=None):
        try:
            image = read_image(file)
        except InputError as error:
            faults.append(str(error))
            continue
        mask = predict_mask(net, image, device, args.longest_side)
        _write_pictures(args.out, name, image, mask, classes)
        ratios[name] = class_ratios(mask, classes)
    if ratios:
        _write_csv(args.out / "ratios.csv", ratios, classes.names)
    if args.json:
        print(json.dumps(ratios, indent=1))
    else:
        print(*(_line(*each) for each in ratios.items()), sep="\n")
    print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
    return 1 if faults else 0


def find_pictures(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """Pictures named or lying in the folders named, and a sentence for each fault.

    A file named by itself is taken whatever its ending.
    """
    from course_lib.data.readers.pairs import PICTURES

    files, faults = [], []
    for path in paths:
        if path.is_dir():
            found = [p for p in sorted(path.iterdir()) if p.suffix.lower() in PICTURES]
            files += found
            if not found:
                faults.append(f"{path} holds no picture; check the path")
        elif path.exists():
            files.append(path)
        else:
            faults.append(f"there is no picture or folder {path}; check the path")
    return files, faults


def named(files: list[Path]) -> list[tuple[str, Path]]:
    """A name of its own for every picture: its stem, numbered from the second on."""
    taken, pairs = set(), []
    for file in dict.fromkeys(files):
        name, number = file.stem, 1
        while name in taken:
            number += 1
            name = f"{file.stem}_{number}"
        taken.add(name)
        pairs.append((name, file))
    return pairs


def predict_mask(net, image, device="cpu", longest_side: int | None = None):
    """Class of every pixel.

    Args:
        net: takes normalised (B, 3, H, W), gives ``{"out": (B, C, H, W)}``.
        image: (3, H, W) uint8.
        device: where ``net`` is.
        longest_side: pixels; a larger picture is shown to the net at that size.

    Returns:
        (H, W) int64.

    Taught in chapters/02_fcn_conversion.
    """
    import torch
    from torch.nn import functional as F

    from course_lib.data.transforms import normalise

    height, width = image.shape[-2:]
    shown = normalise(image)[None].to(device)  # (1, 3, H, W)
    factor = (longest_side or max(height, width)) / max(height, width)
    if factor < 1:
        size = [max(1, round(side * factor)) for side in (height, width)]
        shown = F.interpolate(shown, size, mode="bilinear", antialias=True)
    with torch.no_grad():
        logits = net(shown)["out"]  # (1, C, h, w)
    if factor < 1:
        logits = F.interpolate(logits, (height, width), mode="bilinear")
    return logits[0].argmax(dim=0).cpu()


def class_ratios(mask, classes) -> dict[str, float]:
    """Share of the picture of every class, in [0, 1]."""
    counts = mask.flatten().bincount(minlength=classes.num_classes).double()
    return dict(zip(classes.names, (counts / mask.numel()).tolist(), strict=True))


def _write_pictures(out: Path, name: str, image, mask, classes) -> None:
    """Label picture and overlay; each is there whole or not at all."""
    from torchvision.transforms.v2.functional import to_pil_image

    from course_lib.data.images import write_labels
    from course_lib.show.labels import overlay
    from course_lib.whole import whole_file

    with whole_file(out / f"{name}_labels.png") as partial:
        write_labels(partial, mask, classes)
    with whole_file(out / f"{name}_overlay.png") as partial:
        to_pil_image(overlay(image, mask, classes)).save(partial, "PNG")


def _write_csv(path: Path, ratios: dict[str, dict[str, float]], names) -> None:
    from course_lib.whole import write_whole

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["picture", *names])
    for picture, shares in ratios.items():
        writer.writerow([picture, *(f"{shares[name]:.6f}" for name in names)])
    write_whole(path, text.getvalue().encode())


def _line(picture: str, shares: dict[str, float]) -> str:
    """Classes of a picture, the largest first, those of at least 0.1 per cent."""
    seen = sorted(((v, n) for n, v in shares.items() if v >= 0.001), reverse=True)
    return f"{picture}: " + ", ".join(f"{n} {100 * v:.1f} %" for v, n in seen)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot write to {folder}: {error.strerror}; name another --out"
        ) from None

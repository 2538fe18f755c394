"""Animations of the chapters on segmentation; see ``animations.py``."""

import copy

import torch
from frames import class_names, frame, measured, named_bars, outline, save
from torch import Tensor
from torch.nn import functional as F

from course_lib.crf import mean_field
from course_lib.data.harbour import Harbour
from course_lib.data.transforms import normalise
from course_lib.metrics import ConfusionMatrix, boundary_iou
from course_lib.models.dense import to_dense
from course_lib.models.dilation import stride_to_dilation
from course_lib.models.small_vgg import load_small_vgg
from course_lib.paths import weights_dir
from course_lib.show import colourise, overlay, paint
from course_lib.training.cards import read_card
from course_lib.training.checkpoint import load_net

NAMES = Harbour.classes.names
SMALL = ("boat", "car", "mast")


def net_of(name: str):
    """A shipped net."""
    return load_net(weights_dir() / f"{name}_harbour.safetensors")[0]


def answer(net, image: Tensor) -> Tensor:
    """Ids (H, W) of a net."""
    return net(normalise(image)[None])["out"][0].argmax(0)


def painted(ids: Tensor) -> Tensor:
    """Labels in colour."""
    return colourise(ids, Harbour.classes)


def scores(truth: Tensor, ids: Tensor):
    """The marks of one answer on one picture."""
    return ConfusionMatrix(12).update(truth, ids).scores()


def chapter_02() -> None:
    """A window slides and says one word each time; the map says all at once."""
    net, names = load_small_vgg()
    photo, truth = Harbour("test")[6]
    padded = F.pad(normalise(photo), [32] * 4)
    ids = to_dense(net)(padded[None])[0].argmax(0)  # (3, 4)
    seen, figures, agree = torch.full_like(ids, 255), [], 0
    for n in range(12):
        row, column = divmod(n, 4)
        y, x = 32 * row, 32 * column  # in the padded picture
        word = net(padded[None, :, y : y + 96, x : x + 96])[0].argmax()
        seen[row, column] = word
        agree += int(word == ids[row, column])
        window = outline([(x - 32, y - 32, x + 64, y + 64)], "white")
        panels = [
            (squares(photo, seen), f"A window: pass {n + 1} of 12",
             f"it says: {names[word]}", window),
            (squares(photo, ids), "As convolutions: one pass", "12 answers", None),
            (painted(truth), "truth", "no square says boat, car or mast", None),
        ]  # fmt: skip
        said = f"{n + 1} of 12" if n < 11 else f"{agree} of 12 answers agree"
        figures.append(frame(panels, "windows looked at", said, n / 11, class_names))
    assert not set(seen.unique().tolist()) & {NAMES.index(n) for n in SMALL}
    save("02", figures, [600] * 12)


def squares(photo: Tensor, ids: Tensor) -> Tensor:
    """A picture under one coloured square of 32 pixels for each answer."""
    return overlay(photo, paint(ids, 32, 0, photo.shape[1:]), Harbour.classes, 0.6)


def chapter_03() -> None:
    """Masts grow thin; skips hold them longer."""
    nets = {"FCN-32s": "fcn32s_small", "FCN-8s": "fcn8s_small"}
    mast, figures = NAMES.index("mast"), []
    for width in (8, 6, 4, 3, 2, 1):
        image, truth = Harbour("test", thin=width)[6]
        panels = [(painted(truth), "truth", f"masts {width} px wide", None)]
        for title, name in nets.items():
            ids = answer(net_of(name), image)
            line = f"IoU of mast {scores(truth, ids).class_iou[mast]:.2f}"
            panels.append((painted(ids), title, line, None))
        curve = measured("curve_harbour_thin_fcn", {name: name for name in nets},
                         width, "IoU of mast, 200 pictures")  # fmt: skip
        figures.append(frame(panels, "width of masts", f"{width} px", (8 - width) / 7,
                             curve))  # fmt: skip
    save("03", [*figures, *figures[-2::-1], *figures[1:3]], [900] * 13)


def chapter_04() -> None:
    """Round by round the edges of the picture sharpen the answer of a coarse net."""
    image, truth = Harbour("test")[6]
    p = net_of("fcn32s")(normalise(image)[None])["out"][0].softmax(0)
    knobs = read_card("crf_fcn32s_harbour")["parameters"]
    pixels, figures = image.permute(1, 2, 0).contiguous(), []
    for rounds in range(6):
        panels = [(image, "picture", "all edges are in it", None)]
        for how in ("textbook", "chosen"):
            done = min(rounds, int(knobs[how]["iterations"]))
            ids = p.argmax(0)
            if done:
                ids = mean_field(pixels, p, **{**knobs[how], "iterations": done})
                ids = ids.argmax(0)
            edges = boundary_iou(truth, ids, 12).nanmean()
            mean = scores(truth, ids).mean_iou
            line = f"mean IoU {mean:.2f}, boundary {edges:.2f}"
            panels.append((painted(ids), f"CRF, {how}: {done} rounds", line, None))
        said = f"{rounds}" if rounds else "0: the FCN-32s alone"
        figures.append(frame(panels, "rounds", said, rounds / 5, crf_scores))
    save("04", figures, [1500, *[1000] * 5])


def crf_scores(ax) -> None:
    """The kept card: mean IoU and boundary IoU on 200 pictures."""
    rows = read_card("crf_fcn32s_harbour")["crf"].values()
    named_bars(ax, ["net alone", "textbook", "chosen"],
               {"mean IoU": [row["mean_iou"] for row in rows],
                "boundary IoU": [row["boundary_iou"] for row in rows]},
               "200 pictures")  # fmt: skip


def chapter_06() -> None:
    """Strides become dilation: the old answers stay, new ones come between them."""
    image, truth = Harbour("test")[6]
    coarse, figures = net_of("resnet18_32s"), []
    old = score_map(coarse, image).argmax(0)  # (3, 4)
    for k, stride in enumerate((32, 16, 8)):
        fine = copy.deepcopy(coarse)
        stride_to_dilation(fine.backbone, output_stride=stride)
        cells, step = score_map(fine, image).argmax(0), 32 // stride
        assert torch.equal(cells[::step, ::step], old)
        kept = torch.full_like(cells, 255)
        kept[::step, ::step] = old
        trained = answer(net_of(f"resnet18_{stride}s"), image)
        for shown, line in ((kept, "the 12 old answers are here"),
                            (cells, f"{cells.numel()} answers")):  # fmt: skip
            rings = outline([(32 * x, 32 * y, 32 * x + stride, 32 * y + stride)
                             for y in range(3) for x in range(4)], "white")  # fmt: skip
            under = paint(shown, stride, 0, truth.shape)
            panels = [
                (painted(truth), "truth", "", None),
                (overlay(image, under, Harbour.classes, 0.75), "Same weights, dilated",
                 line, rings),
                (painted(trained), f"Trained at stride {stride}",
                 f"mean IoU {scores(truth, trained).mean_iou:.2f}", None),
            ]  # fmt: skip
            if stride < 32 or shown is cells:
                figures.append(frame(panels, "stride of the map", f"{stride} px",
                                     k / 2, stride_scores))  # fmt: skip
    save("06", figures, [1800] * len(figures))


def score_map(net, image: Tensor) -> Tensor:
    """The scores (12, h, w) of a ResNet before they are enlarged."""
    return net.classifier(net.backbone(normalise(image)[None])[-1])[0]


def stride_scores(ax) -> None:
    """The kept table: trained for equally many steps, mean of three seeds."""
    runs = {row["net"]: row["runs"] for row in read_card("table_harbour")["rows"]}
    means = []
    for stride in (32, 16, 8):
        by_seed = runs[f"ResNet-18-{stride}s"]["equal steps"].values()
        means.append(sum(run["mean_iou"] for run in by_seed) / len(by_seed))
    named_bars(ax, ["32 px", "16 px", "8 px"], {"mean IoU": means},
               "trained at each stride, 200 pictures")  # fmt: skip


def chapter_07() -> None:
    """Boats and cars become one hull; only surroundings tell them apart."""
    nets = {"sees 5 x 5 pixels": "near_sighted_none",
            "with pyramid pooling": "near_sighted_ppm"}  # fmt: skip
    figures = []
    for context in (0, 0.25, 0.5, 0.75, 1):
        image, truth = Harbour("test", context=context)[3]
        panels = [(image, "picture", "boats on water, cars on road", None)]
        for title, name in nets.items():
            ids = answer(net_of(name), image)
            line = f"mixed up: {100 * mixed_up(truth, ids):.0f} %"
            panels.append((hulls_of(truth, ids), title, line, None))
        curve = measured("curve_harbour_context_near", {"5 x 5 pixels": "5 x 5 px",
                         "with PPM": "with pyramid"}, context,
                         "share mixed up, 200 pictures", top=0.4)  # fmt: skip
        figures.append(frame(panels, "boats and cars of one hull",
                             f"{100 * context:.0f} %", context, curve))  # fmt: skip
    save("07", figures, [1400] * 5)


def mixed_up(truth: Tensor, ids: Tensor) -> float:
    """Share of the pixels of boats and cars that are given to the other of the two."""
    boat, car = (NAMES.index(name) for name in ("boat", "car"))
    wrong = (truth == boat) & (ids == car) | (truth == car) & (ids == boat)
    return float(wrong.sum() / ((truth == boat) | (truth == car)).sum())


def hulls_of(truth: Tensor, ids: Tensor) -> Tensor:
    """An answer in colour, pale where there is neither a boat nor a car."""
    hull = (truth == NAMES.index("boat")) | (truth == NAMES.index("car"))
    return torch.where(hull, painted(ids), 225 + painted(ids) // 9)

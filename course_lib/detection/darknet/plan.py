"""What a cfg asks for, worked out in whole numbers before anything is allocated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import nn

from course_lib.detection.darknet import layers
from course_lib.detection.darknet.cfg import REQUIRED, Section
from course_lib.errors import InputError

MAX_PARAMETERS = 200_000_000  # yolov3-spp has 63 million
MAX_MAP = 2**27  # values of one map of one picture: half a gigabyte
MAX_MAPS = 2**30  # of all maps: yolov3 at 608 has 400 million
MAX_SIDE = 64  # of a window, a stride or an upsampling
MAX_CHANNELS = 2**16
# Options that would change the result, and the only value that is understood.
UNDERSTOOD = {
    "convolutional": {"binary": "0", "xnor": "0", "antialiasing": "0"},
    "shortcut": {"weights_type": "none"},
    "upsample": {"scale": "1"},
    "maxpool": {"maxpool_depth": "0", "antialiasing": "0"},
    "region": {"coords": "4", "background": "0", "tree": ""},
    "softmax": {"spatial": "0", "tree": ""},
    "dropout": {"dropblock": "0"},
}


class Shape(NamedTuple):
    """Channels, height and width of a map."""

    c: int
    h: int
    w: int


@dataclass
class Layer:
    """A planned layer: its inputs' indices, its output, its floats, its module."""

    section: Section
    inputs: list[int]
    out: Shape
    floats: int
    build: Callable[[], nn.Module]


def plan(
    sections: Sequence[Section], size: tuple[int, int] | None = None
) -> list[Layer]:
    """Plan every layer.

    Args:
        sections: of ``parse_cfg``.
        size: height and width of the input; None: as [net] says.

    Raises:
        InputError: naming the section that cannot be, or is too large.
    """
    picture, planned = input_shape(sections, size), []
    for index, section in enumerate(sections[1:]):
        if section.kind not in KINDS:
            raise InputError(
                f"{section.where} is of no kind known here; known are "
                f"{', '.join(sorted(KINDS))}"
            )
        for key, value in UNDERSTOOD.get(section.kind, {}).items():
            if section.options.get(key, value) != value:
                raise section.refuse(key, section.options[key], "this is not supported")
        sources = _sources(section, index)
        shapes = [planned[i].out if i >= 0 else picture for i in sources]
        out, floats, build = KINDS[section.kind](section, shapes, picture)
        planned.append(Layer(section, sources, out, floats, build))
        _check_size(section, planned)
    if not planned:
        raise InputError(f"{sections[0].where} is the only section; a net needs layers")
    return planned


def input_shape(sections: Sequence[Section], size=None) -> Shape:
    """Channels, height and width of the input."""
    net = sections[0]
    height = net.integer("height", 1, MAX_MAP)
    width = net.integer("width", 1, MAX_MAP)
    height, width = size or (height, width)
    shape = Shape(net.integer("channels", 1, MAX_CHANNELS, 3), height, width)
    if min(shape) < 1 or shape.c * shape.h * shape.w > MAX_MAP:
        raise InputError(
            f"{net.where}: an input of {shape.w} x {shape.h} pixels with {shape.c} "
            "channels cannot be; give 320 x 320 with 3, or another usual size"
        )
    return shape


def _check_size(section: Section, planned: list[Layer]) -> None:
    out = planned[-1].out
    if min(out) < 1:
        raise InputError(
            f"{section.where} leaves a map of {out.w} x {out.h}; enlarge the input or "
            "correct size, stride and padding"
        )
    floats = sum(layer.floats for layer in planned)
    values = sum(layer.out.c * layer.out.h * layer.out.w for layer in planned)
    if floats > MAX_PARAMETERS or out.c * out.h * out.w > MAX_MAP or values > MAX_MAPS:
        raise InputError(
            f"{section.where} makes the net too large ({floats:,} weights, a map of "
            f"{out.c:,} x {out.h:,} x {out.w:,}); correct filters, size or input"
        )


def _sources(section: Section, index: int) -> list[int]:
    """Indices of the layers a layer reads; -1 is the picture."""
    if section.kind not in ("route", "shortcut"):
        return [index - 1]
    key = "layers" if section.kind == "route" else "from"
    given = section.integers(key, -10_000, 10_000, REQUIRED)
    sources = [index + i if i < 0 else i for i in given]
    for i, source in zip(given, sources, strict=True):
        if not 0 <= source < index:
            raise section.refuse(key, i, f"name one of the {index} layers before it")
    if not sources or len(sources) > 64:
        raise section.refuse(key, section.text(key), "name 1 to 64 earlier layers")
    return sources if section.kind == "route" else [index - 1, *sources]


def _convolutional(section: Section, shapes, picture) -> tuple:
    (x,) = shapes
    filters = section.integer("filters", 1, MAX_CHANNELS, 1)
    size = section.integer("size", 1, MAX_SIDE, 1)
    stride = _stride(section, 1)
    dilation = section.integer("dilation", 1, MAX_SIDE, 1)
    groups = section.integer("groups", 1, MAX_CHANNELS, 1)
    padding = section.integer("padding", 0, MAX_SIDE, 0)
    if section.integer("pad", 0, MAX_SIDE, 0):
        padding = size // 2
    if x.c % groups or filters % groups:
        raise section.refuse(
            "groups", groups, f"it must divide {x.c} channels and {filters} filters"
        )
    norm = bool(section.integer("batch_normalize", 0, 1, 0))
    activation = _activation(section, "logistic")
    reach = dilation * (size - 1) + 1
    sides = [(n + 2 * padding * dilation - reach) // stride + 1 for n in (x.h, x.w)]
    floats = filters * (4 if norm else 1) + filters * (x.c // groups) * size * size
    return (
        Shape(filters, *sides),
        floats,
        lambda: layers.convolutional(
            x.c,
            filters,
            size,
            stride,
            padding * dilation,
            dilation,
            groups,
            norm,
            activation,
        ),
    )


def _maxpool(section: Section, shapes, picture) -> tuple:
    (x,) = shapes
    stride = _stride(section, 1)
    size = section.integer("size", 1, MAX_SIDE, stride)
    padding = section.integer("padding", 0, MAX_SIDE, size - 1)
    sides = [(n + padding - size) // stride + 1 for n in (x.h, x.w)]
    return Shape(x.c, *sides), 0, lambda: layers.MaxPool(size, stride, padding)


def _avgpool(section: Section, shapes, picture) -> tuple:
    return Shape(shapes[0].c, 1, 1), 0, layers.AveragePool


def _shortcut(section: Section, shapes, picture) -> tuple:
    x, *others = shapes
    for other in others:
        steps = layers.shortcut_steps(x.w, other.w)
        if steps != layers.shortcut_steps(x.h, other.h):
            raise InputError(
                f"{section.where} adds a map of {other.w} x {other.h} to one of {x.w} "
                f"x {x.h}; correct from="
            )
    activation = _activation(section, "linear")
    return x, 0, lambda: layers.Shortcut(activation)


def _route(section: Section, shapes, picture) -> tuple:
    groups = section.integer("groups", 1, MAX_CHANNELS, 1)
    part = section.integer("group_id", 0, groups - 1, 0)
    if any(x[1:] != shapes[0][1:] for x in shapes):
        sizes = ", ".join(f"{x.w} x {x.h}" for x in shapes)
        raise InputError(
            f"{section.where} joins maps of {sizes}; they must be of one size: correct "
            "layers=, or give an input whose sides the net's stride divides"
        )
    if any(x.c % groups for x in shapes):
        raise section.refuse("groups", groups, f"it must divide {shapes[0].c} channels")
    channels = sum(x.c for x in shapes) // groups
    return Shape(channels, *shapes[0][1:]), 0, lambda: layers.Route(groups, part)


def _upsample(section: Section, shapes, picture) -> tuple:
    (x,), stride = shapes, section.integer("stride", 1, MAX_SIDE, 2)
    return Shape(x.c, x.h * stride, x.w * stride), 0, lambda: layers.Upsample(stride)


def _reorg(section: Section, shapes, picture) -> tuple:
    (x,), s = shapes, section.integer("stride", 1, MAX_SIDE, 1)
    if x.c % s**2 or x.h % s or x.w % s:
        raise section.refuse(
            "stride", s, f"it cannot part {x.c} channels of {x.w} x {x.h}"
        )
    return Shape(x.c * s**2, x.h // s, x.w // s), 0, lambda: layers.Reorg(s)


def _softmax(section: Section, shapes, picture) -> tuple:
    groups = section.integer("groups", 1, MAX_CHANNELS, 1)
    temperature = section.number("temperature", 1e-3, 1e3, 1)
    if shapes[0].c % groups:
        raise section.refuse("groups", groups, f"it must divide {shapes[0].c} channels")
    return shapes[0], 0, lambda: layers.Softmax(groups, temperature)


def _dropout(section: Section, shapes, picture) -> tuple:
    probability = section.number("probability", 0, 1, 0.5)
    return shapes[0], 0, lambda: layers.Dropout(probability)


def _output(section: Section, shapes, picture) -> tuple:
    (x,) = shapes
    head = _head(section, x, picture)
    wanted = len(head.anchors) * (5 + head.num_classes)
    if x.c != wanted:
        raise InputError(
            f"{section.where}: the layer before gives {x.c} channels, but "
            f"{len(head.anchors)} anchors and {head.num_classes} classes want "
            f"{wanted}; set its filters= to that"
        )
    return x, 0, lambda: layers.Output(head)


def _head(section: Section, x: Shape, picture: Shape) -> layers.Head:
    stride = picture.w // x.w
    if (x.w * stride, x.h * stride) != (picture.w, picture.h):
        raise InputError(
            f"{section.where}: a map of {x.w} x {x.h} does not divide the input of "
            f"{picture.w} x {picture.h}; give an input whose sides its stride divides"
        )
    region = section.kind == "region"
    num = section.integer("num", 1, 100, 1)
    values = section.numbers("anchors", 1e-3, 1e5)
    if len(values) != 2 * num:
        raise section.refuse(
            "anchors", section.text("anchors"), f"num={num} wants {2 * num} numbers"
        )
    unit = stride if region else 1  # [region] counts in cells
    pairs = [
        (w * unit, h * unit) for w, h in zip(values[::2], values[1::2], strict=True)
    ]
    every = ",".join(map(str, range(num)))
    mask = range(num) if region else section.integers("mask", 0, num - 1, every)
    return layers.Head(
        section.kind,
        tuple(pairs[i] for i in mask),
        stride,
        section.integer("classes", 1, 10_000, 20),
        section.number("scale_x_y", 1, 10, 1),
        bool(section.integer("new_coords", 0, 1, 0)),
        region and bool(section.integer("softmax", 0, 1, 0)),
    )


def _stride(section: Section, default: int) -> int:
    stride = section.integer("stride", 1, MAX_SIDE, default)
    for key in ("stride_x", "stride_y"):
        if section.integer(key, 1, MAX_SIDE, stride) != stride:
            raise section.refuse(key, section.text(key), f"give stride={stride} alone")
    return stride


def _activation(section: Section, default: str) -> str:
    name = section.text("activation", default)
    if name not in layers.ACTIVATIONS:
        known = ", ".join(layers.ACTIVATIONS)
        raise section.refuse("activation", name, f"known are {known}")
    return name


KINDS = {
    "avgpool": _avgpool,
    "convolutional": _convolutional,
    "dropout": _dropout,
    "maxpool": _maxpool,
    "region": _output,
    "reorg": _reorg,
    "route": _route,
    "shortcut": _shortcut,
    "softmax": _softmax,
    "upsample": _upsample,
    "yolo": _output,
}

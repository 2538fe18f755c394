"""What a cfg asks for, worked out in whole numbers before anything is allocated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from course_lib.detection.darknet.cfg import REQUIRED, Section
from course_lib.detection.darknet.heads import Shape
from course_lib.detection.darknet.kinds import KINDS, MAX_CHANNELS
from course_lib.errors import InputError

MAX_PARAMETERS = 150_000_000  # 600 MB; yolov3-spp has 63 million
MAX_MAP = 2**27  # values of one map of one picture: half a gigabyte
MAX_MAPS = 2**29  # of all maps: yolov3 at 608 pixels has 122 million
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

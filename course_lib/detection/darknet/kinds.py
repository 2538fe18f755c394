"""The kinds of layers: what each wants of its section, gives, and costs.

A function of ``KINDS`` takes a section, the shapes of the layer's inputs and the
picture's shape; it gives the output's shape, the number of floats in the weights file,
and how to build the module. Nothing is allocated before all of that is known.
"""

from course_lib.detection.darknet import layers
from course_lib.detection.darknet.cfg import Section
from course_lib.detection.darknet.heads import Shape, output
from course_lib.errors import InputError

MAX_SIDE = 64  # of a window, a stride or an upsampling
MAX_CHANNELS = 2**16


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
    # at most so much that every window still meets the map
    padding = section.integer("padding", 0, 2 * (size - 1), size - 1)
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


def _stride(section: Section, default: int) -> int:
    default = section.text("stride_x", str(default))
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
    "region": output,
    "reorg": _reorg,
    "route": _route,
    "shortcut": _shortcut,
    "softmax": _softmax,
    "upsample": _upsample,
    "yolo": output,
}

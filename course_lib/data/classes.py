"""Which number means what, and which colour shows it.

A class table is a name, the class names in the order of their ids, and one RGB
colour for each. Id 255 is void in every data set of the course: not labelled.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from course_lib.errors import InputError

VOID = 255
VOID_COLOUR = (224, 224, 192)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class ClassTable:
    """Names and colours of the classes of a data set, in the order of the ids.

    Taught in chapters/01_pixels_and_labels.
    """

    name: str
    names: tuple[str, ...]
    palette: tuple[Colour, ...]

    def __post_init__(self):
        if len(self.names) != len(self.palette):
            raise InputError(
                f"class table {self.name!r} has {len(self.names)} names and "
                f"{len(self.palette)} colours; give one colour for each class"
            )

    @property
    def num_classes(self) -> int:
        """Number of classes, void not counted."""
        return len(self.names)

    def colour_map(self) -> Tensor:
        """Colour of every id: (256, 3) uint8, black where no class is, void at 255."""
        colours = torch.zeros(256, 3, dtype=torch.uint8)
        colours[: self.num_classes] = torch.tensor(self.palette, dtype=torch.uint8)
        colours[VOID] = torch.tensor(VOID_COLOUR, dtype=torch.uint8)
        return colours

    def index(self, name: str) -> int:
        """Id of a class, by its name; an unknown name lists the known."""
        if name not in self.names:
            raise InputError(
                f"no class {name!r} in {self.name}; it has {', '.join(self.names)}"
            )
        return self.names.index(name)


def table_of(said: dict) -> ClassTable:
    """The class table that ``dataclasses.asdict`` told, perhaps through JSON."""
    palette = tuple(tuple(colour) for colour in said["palette"])
    return ClassTable(said["name"], tuple(said["names"]), palette)


def voc_palette(n: int = 256) -> tuple[Colour, ...]:
    """The first ``n`` colours of PASCAL VOC, made by moving bits.

    The lowest three bits of an id become the highest bits of red, green and
    blue, the next three the second highest, and so on.

    Everingham et al., The PASCAL VOC 2012 Development Kit, function VOClabelcolormap.
    Taught in chapters/01_pixels_and_labels.
    """
    return tuple(_voc_colour(index) for index in range(n))


def _voc_colour(index: int) -> Colour:
    colour = [0, 0, 0]
    for bit in range(7, -1, -1):
        for channel in range(3):
            colour[channel] |= (index >> channel & 1) << bit
        index >>= 3
    return tuple(colour)


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(","))


def _read_table(name: str) -> ClassTable:
    path = Path(__file__).parent / "tables" / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    colours = tuple((int(r["red"]), int(r["green"]), int(r["blue"])) for r in rows)
    return ClassTable(name, tuple(r["name"] for r in rows), colours)


# Our own colours: at least 21 units of CIELAB apart, also as seen with the three
# kinds of colour blindness, and no two of the same lightness.
HARBOUR = ClassTable(
    "harbour",
    _split(
        "background, sky, water, road, lawn, building, boat, car, person, mast, "
        "lamp post, buoy"
    ),
    (
        (162, 164, 157), (198, 241, 254), (0, 58, 129), (104, 94, 124),
        (120, 210, 101), (166, 114, 81), (230, 93, 29), (166, 68, 206),
        (239, 209, 62), (8, 2, 4), (139, 17, 58), (230, 100, 195),
    ),
)  # fmt: skip

# PASCAL VOC 2012: 20 classes of things and a background.
VOC = ClassTable(
    "voc",
    _split(
        "background, aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, "
        "cow, diningtable, dog, horse, motorbike, person, pottedplant, sheep, sofa, "
        "train, tvmonitor"
    ),
    voc_palette(21),
)

# CamVid in the 11 classes of SegNet (Badrinarayanan et al., 2017).
CAMVID = ClassTable(
    "camvid",
    _split(
        "sky, building, pole, road, pavement, tree, sign symbol, fence, car, "
        "pedestrian, bicyclist"
    ),
    (
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128),
        (60, 40, 222), (128, 128, 0), (192, 128, 128), (64, 64, 128),
        (64, 0, 128), (64, 64, 0), (0, 128, 192),
    ),
)  # fmt: skip

# Cityscapes, the 19 training classes, colours of the official cityscapesScripts.
CITYSCAPES = ClassTable(
    "cityscapes",
    _split(
        "road, sidewalk, building, wall, fence, pole, traffic light, traffic sign, "
        "vegetation, terrain, sky, person, rider, car, truck, bus, train, "
        "motorcycle, bicycle"
    ),
    (
        (128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156),
        (190, 153, 153), (153, 153, 153), (250, 170, 30), (220, 220, 0),
        (107, 142, 35), (152, 251, 152), (70, 130, 180), (220, 20, 60),
        (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100), (0, 80, 100),
        (0, 0, 230), (119, 11, 32),
    ),
)  # fmt: skip

# COCO's 80 things, numbered from 0 in the order of their category ids; COCO has
# no colours of its own, so these are VOC's from 1 on.
COCO = ClassTable(
    "coco",
    _split(
        "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, "
        "traffic light, fire hydrant, stop sign, parking meter, bench, bird, cat, "
        "dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, "
        "handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, "
        "baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle, "
        "wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, "
        "broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, "
        "bed, dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, "
        "microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, "
        "teddy bear, hair drier, toothbrush"
    ),
    voc_palette(81)[1:],
)

# EndoVis 2017. Its files hold 0, 10, 20, 30 for the parts; these are their ids.
ENDOVIS_PARTS = ClassTable(
    "endovis_parts",
    _split("background, shaft, wrist, claspers"),
    ((40, 30, 40), (86, 180, 233), (240, 228, 66), (213, 94, 0)),
)
ENDOVIS_BINARY = ClassTable(
    "endovis_binary", ("background", "instrument"), ENDOVIS_PARTS.palette[:2]
)
# Ids are the challenge's own numbers; its 7, "other", is no robot's instrument.
ENDOVIS_TYPES = _read_table("endovis_types")

# ADE20K, 150 classes. Its files hold 0 for "other" (void) and 1-150; id = that - 1.
ADE20K = _read_table("ade20k")

TABLES = {
    table.name: table
    for table in (HARBOUR, CAMVID, VOC, ADE20K, CITYSCAPES, COCO, ENDOVIS_PARTS,
                  ENDOVIS_BINARY, ENDOVIS_TYPES)
}  # fmt: skip


def class_table(name: str) -> ClassTable:
    """The class table of that name; an unknown name lists the known.

    Raises:
        InputError: if there is no table of that name.
    """
    if name not in TABLES:
        raise InputError(f"no class table {name!r}; there are {', '.join(TABLES)}")
    return TABLES[name]

"""The dials of the harbour: each turns one phenomenon and leaves the rest alone."""

from dataclasses import dataclass, fields

from course_lib.errors import InputError

RANGES = {  # dial: (lowest, highest, whole numbers only)
    "thin": (1, 8, True),
    "contrast": (0, 1, False),
    "texture": (0, 1, False),
    "context": (0, 1, False),
    "scale": (1, 8, False),
    "contact": (0, 1, False),
    "occlusion": (0, 1, False),
    "rarity": (0, 1, False),
    "void": (0, 8, True),
}
MATERIALS = ("paint", "photo")


@dataclass(frozen=True)
class Dials:
    """How the harbour is drawn.

    Args:
        thin: width of masts, lamp posts and railings, in whole pixels, 1 to 8.
        contrast: distance of all colours from one common haze; 0 leaves texture alone.
        texture: strength of grain, waves, paving and brick; 0 is flat colour.
        context: share of boats and cars that are drawn as one and the same hull.
        scale: size of the nearest things divided by the size of the farthest, 1 to 8.
        contact: closes the gaps in rows of boats and groups of people; 1 = touching.
        occlusion: slides these neighbours over each other; 1 = about
            nine tenths hidden.
        rarity: chance of each of the 8 places for a buoy, the rare class.
        void: width of the band of 255 around boats, cars and people, whole px, 0 to 8.
        materials: "paint", or "photo" for the brick, gravel and grass photographs
            of scikit-image on quay, road and lawn.

    Raises:
        InputError: if a dial is out of its range.

    Taught in chapters/01_pixels_and_labels; every later chapter turns its own dial.
    """

    thin: int = 2
    contrast: float = 1.0
    texture: float = 0.3
    context: float = 0.0
    scale: float = 3.0
    contact: float = 0.3
    occlusion: float = 0.2
    rarity: float = 0.1
    void: int = 1
    materials: str = "paint"

    def __post_init__(self):
        for dial, (low, high, whole) in RANGES.items():
            check_dial(dial, getattr(self, dial), low, high, whole)
        if self.materials not in MATERIALS:
            raise InputError(
                f"the dial materials is {self.materials!r}; "
                "give 'paint' or 'photo' instead"
            )


def check_dial(dial: str, value, low: float, high: float, whole: bool) -> None:
    """Refuse a value outside ``low`` to ``high``, naming the range."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise InputError(
            f"the dial {dial} is {value!r}; give {kind} from {low} to {high}"
        )


def make_dials(values: dict) -> Dials:
    """``Dials(**values)``, where an unknown name lists the known."""
    known = [field.name for field in fields(Dials)]
    for name in values:
        if name not in known:
            raise InputError(
                f"the harbour has no dial {name!r}; choose from {', '.join(known)}"
            )
    return Dials(**values)

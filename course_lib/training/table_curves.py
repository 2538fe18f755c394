"""The failure curves of chapters 03, 06 and 07, by the nets of the harbour's table.

Those nets have seen masts of all widths and boats in all contexts, so one training
gives the table and the curves.
"""

from dataclasses import dataclass

from torch import nn

from course_lib.data.harbour import Harbour
from course_lib.training import compare
from course_lib.training.recipe import Recipe
from course_lib.training.tables import ASPP, BOTH, HARBOUR, PSP, Entry

COLUMN = "equal steps"


@dataclass(frozen=True)
class TableCurve:
    """A plan of the command ``curve``: which dial, which measures, which nets.

    ``CLASSES`` are measures, as ``training.curve.measure`` takes them; the first leads.
    """

    DIAL: str
    UNIT: str
    VALUES: tuple[float, ...]
    CLASSES: tuple[str, ...]
    entries: tuple[Entry, ...]

    trained_by = "python -m course_lib compare harbour --seeds 0 1 2 --keep"

    @property
    def RECIPES(self) -> dict[str, Recipe]:
        """Method -> how its net was trained."""
        recipes = (compare.recipe_of(HARBOUR, COLUMN, 0, e, "") for e in self.entries)
        return dict(zip((e.net for e in self.entries), recipes, strict=True))

    @property
    def SHIPPED(self) -> dict[str, str]:
        """Method -> its net of seed 0 in ``course_lib/weights``, where it is kept."""
        return {e.net: f"{e.model}_harbour" for e in self.entries if e.shipped}

    def methods(self, seed: int, precision: str) -> dict[str, nn.Module]:
        """The nets of a seed; what the table has not trained yet is trained."""
        train_set, test_set = compare.training_set(HARBOUR), Harbour("test")
        nets = {}
        for entry in self.entries:
            job = (HARBOUR, COLUMN, seed, entry)
            compare.train_one(*job, train_set, test_set, precision)
            nets[entry.net] = compare.net_of(*job)
        return nets


def _nets(*names: str) -> tuple[Entry, ...]:
    return tuple(entry for entry in HARBOUR.entries if entry.net in names)


WIDTHS = (1, 2, 3, 4, 6, 8)
THIN = ("mast", "lamp post", "building", "road", "sky")
thin_fcn = TableCurve(
    "thin", "px", WIDTHS, THIN, _nets("FCN-32s", "FCN-16s", "FCN-8s")
)
thin_resnet = TableCurve(
    "thin",
    "px",
    WIDTHS,
    THIN,
    _nets("ResNet-18-32s", "ResNet-18-16s", "ResNet-18-8s"),
)
context_heads = TableCurve(
    "context",
    "",
    (0, 0.25, 0.5, 0.75, 1),
    ("boat or car mixed up", "boat called car", "car called boat", "boat", "car"),
    (*_nets("ResNet-18-8s", "PSP without auxiliary loss"), PSP, ASPP, BOTH),
)

"""Which networks are compared with which, and for how long they are trained."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """A network of a table: its name there, what ``build`` takes, its own recipe."""

    net: str
    model: str
    options: dict = field(default_factory=dict)
    shipped: bool = False
    recipe: dict = field(default_factory=dict)  # what differs from the table's

    @property
    def key(self) -> str:
        """Name of its folders, such as ``psp_resnet18_8s-aux=False-width=16``."""
        both = sorted(self.options.items()) + sorted(self.recipe.items())
        options = [f"-{k}={v}" for k, v in both]
        return "".join([self.model, *options]).replace(" ", "")


@dataclass(frozen=True)
class Table:
    """What is compared, on what, how and for how long.

    ``lengths`` says it for every column of the table: ``{"steps": 800}``,
    ``{"epochs": 30}``, or ``{"cpu_seconds": 20}``: as many steps as the network makes
    in that time, by the fastest of its runs of "equal steps".
    """

    dataset: str
    recipe: dict
    lengths: dict[str, dict]
    entries: tuple[Entry, ...]
    thin_class: str | None = None  # sorted by width
    not_trained: tuple[str, ...] = ()


def plan(
    table: Table, seeds: list[int], columns: list[str] | None = None
) -> Iterator[tuple[str, int, Entry]]:
    """(column, seed, entry) of every training, in order: seeds before networks."""
    for column in columns or table.lengths:
        for seed in seeds:
            for entry in table.entries:
                yield column, seed, entry


def narrow(net: str, model: str, shipped: bool = False, **options) -> Entry:
    """An entry of the harbour's table, 16 channels wide."""
    return Entry(net, model, {"width": 16} | options, shipped)


# The harbour's map is 12 x 16 cells at stride 8, so the rates of ASPP shrink with it:
# the papers' 12, 24 and 36 belong to maps of 65 cells.
AT8, AT16 = (3, 6, 9), (1, 2, 4)
PLAIN = narrow("ResNet-18-8s", "resnet18_8s", True)
PSP = narrow("PSP-ResNet-18-8s", "psp_resnet18_8s", True)
ASPP = narrow("DeepLabV3-ResNet-18-8s", "deeplabv3_resnet18_8s", rates=AT8)
BOTH = narrow(
    "DeepLabV3 with pyramid", "deeplabv3_resnet18_8s", rates=AT8, bins=(1, 2, 3, 6)
)
HARBOUR = Table(
    dataset="harbour",
    recipe={"batch_size": 8, "lr": 2e-3},
    lengths={"equal steps": {"steps": 800}, "equal time": {"cpu_seconds": 20}},
    entries=(
        narrow("FCN-32s", "fcn32s_small", True),
        narrow("FCN-16s", "fcn16s_small", True),
        narrow("FCN-8s", "fcn8s_small", True),
        narrow("ResNet-18-32s", "resnet18_32s", True),
        narrow("ResNet-18-16s", "resnet18_16s", True),
        PLAIN,
        PSP,
        narrow("PSP without auxiliary loss", "psp_resnet18_8s", aux=False),
        ASPP,
        BOTH,
        narrow(
            "DeepLabV3+-ResNet-18-16s", "deeplabv3plus_resnet18_16s", True, rates=AT16
        ),
    ),
)
CAMVID = Table(
    dataset="camvid",
    recipe={
        "batch_size": 4,
        "crop_size": (180, 240),
        "scale": (0.5, 1.5),
        "colour": 0.3,
        "lr": 2e-3,
        "warmup_iters": 200,
        "class_weight": 0.25,
    },
    lengths={"30 epochs": {"epochs": 30}},
    entries=tuple(
        Entry(net, model, {"width": 24} | options, net == "ResNet-18-8s")
        for net, model, options in (
            ("ResNet-18-32s", "resnet18_32s", {}),
            ("ResNet-18-8s", "resnet18_8s", {}),
            (
                "DeepLabV3+-ResNet-18-16s",
                "deeplabv3plus_resnet18_16s",
                {"rates": (3, 6, 9)},
            ),
            ("FCN-8s-ResNet-18", "fcn8s_resnet18", {}),
            ("PSP-ResNet-18-8s", "psp_resnet18_8s", {}),
            ("ResNet-18-16s", "resnet18_16s", {}),
        )
    ),
    thin_class="pole",
    not_trained=("FCN-32s-VGG-16", "FCN-16s-VGG-16", "FCN-8s-VGG-16"),
)
ALIGNED = Table(  # chapter 06, beside the same nets of HARBOUR
    dataset="harbour",
    recipe=HARBOUR.recipe,
    lengths={"equal steps": HARBOUR.lengths["equal steps"]},
    entries=(
        narrow("ResNet-18-32s, aligned", "resnet18_32s", align=True),
        narrow("ResNet-18-8s, aligned", "resnet18_8s", align=True),
    ),
)
FEATHER = {"widths": (16, 16, 32, 32), "blocks": (1, 1), "dilations": (1, 2),
           "decoder_width": 16, "fine_width": 16}  # fmt: skip


def changed(what: str, norm: str = "batch", **recipe) -> Entry:
    """The same small net, trained with one thing changed (chapter 05)."""
    options = FEATHER | ({} if norm == "batch" else {"norm": norm})
    return Entry(what, "dilated_fpn", options, recipe=recipe)


RECIPES = Table(  # chapter 05: every row sees 2,400 crops
    dataset="harbour",
    recipe={
        "batch_size": 8,
        "crop_size": (48, 64),
        "scale": (1, 1),
        "lr": 1e-2,
        "warmup_iters": 30,
        "average": 0.97,
    },
    lengths={"equal pictures": {"steps": 300}},
    entries=(
        changed("as it is"),
        changed("learning rate / 10", lr=1e-3),
        changed("learning rate x 10", lr=1e-1),
        changed("batch 2", batch_size=2, steps=1200, warmup_iters=120),
        changed("batch 32", batch_size=32, steps=75, warmup_iters=8),
        changed("group norm", "group"),
        changed("constant rate", schedule="constant"),
        changed("random scale 0.5-2", scale=(0.5, 2.0)),
        changed("class weights", class_weight=0.5),
        changed("cross entropy + Dice", loss="cross_entropy+dice"),
    ),
)
TABLES = {
    "harbour": HARBOUR,
    "camvid": CAMVID,
    "aligned": ALIGNED,
    "recipes_harbour": RECIPES,
}

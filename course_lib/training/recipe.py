"""Everything that decides how a training goes, in one place."""

from dataclasses import asdict, dataclass, field, fields

from course_lib.errors import InputError
from course_lib.losses import pick_loss
from course_lib.training.optimiser import OPTIMISERS
from course_lib.training.schedules import SCHEDULES


@dataclass(frozen=True)
class Recipe:
    """A training run as data: two runs of one recipe give the same weights.

    Exactly one of ``epochs``, ``steps`` and ``budget_minutes`` says how long. A
    budget becomes a number of steps after a timed warm-up; that number is kept
    in the checkpoint.

    Taught in chapters/02_fcn_conversion; in full in
    chapters/05_training_recipes.
    """

    model: str
    options: dict = field(default_factory=dict)  # of the network
    epochs: float | None = None
    steps: int | None = None
    budget_minutes: float | None = None  # training and validation, all resumes
    batch_size: int = 8
    crop_size: tuple[int, int] | None = None  # (H, W) px; None: whole pictures
    scale: tuple[float, float] = (0.5, 2.0)  # random enlargement before the crop
    colour: float = 0.0  # random change of brightness, contrast, saturation
    blur: float = 0.0  # probability
    optimiser: str = "adamw"  # or "sgd", with momentum 0.9
    lr: float = 1e-3
    head_lr: float = 1.0  # of all that is not backbone, as a multiple of lr
    weight_decay: float = 0.01
    schedule: str = "poly"  # or another of SCHEDULES
    milestones: tuple[float, ...] = (1 / 3, 2 / 3)  # of (multi)step, shares of the run
    warmup_iters: int = 100
    warmup_factor: float | None = None  # at step 0; None: 1 / warmup_iters
    power: float = 0.9  # of the poly schedule
    loss: str = "cross_entropy"  # or others of LOSSES, joined by "+"
    aux_weight: float = 0.4
    class_weight: float = 0.0  # class weights = (1 / share of pixels) ** this
    lovasz_weight: float = 0.0
    average: float = 0.995  # decay of the running average of the weights
    val_epochs: float | None = None  # epochs between validations; None: ten in all
    precision: str = "float32"
    threads: int = 1
    seed: int = 0

    def __post_init__(self):
        lengths = [self.epochs, self.steps, self.budget_minutes]
        if sum(length is not None for length in lengths) != 1:
            raise InputError(
                f"epochs, steps and budget_minutes are {lengths}; give exactly one"
            )
        for name in ("epochs", "steps", "budget_minutes", "val_epochs"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InputError(f"{name} is {value}; it must be above 0")
        for name in ("batch_size", "lr", "threads"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name, known in (("optimiser", OPTIMISERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; use {', '.join(known)}"
                )
        pick_loss(self.loss)
        if not 0 <= self.average < 1:
            raise InputError(f"average is {self.average}; it must lie in [0, 1)")

    def as_dict(self) -> dict:
        """Plain data for a checkpoint or a card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "Recipe":
        """The recipe in a checkpoint; tuples come back as tuples."""
        names = {f.name for f in fields(cls)}
        known = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**{k: v for k, v in known.items() if k in names})


# What ``train --dataset NAME`` does when nothing else is said.
DEFAULTS = {
    "camvid": {
        "model": "dilated_fpn",
        "options": {"widths": (32, 64, 96, 112)},  # 2.7 MB in 16 bits
        "batch_size": 4,
        "crop_size": (240, 320),
        "scale": (0.5, 1.5),
        "colour": 0.3,
        "lr": 2e-3,
        "warmup_iters": 200,
        "class_weight": 0.5,
    },
    "harbour": {
        "model": "dilated_fpn",
        "crop_size": (96, 128),
        "scale": (0.75, 1.5),
        "lr": 3e-3,
    },
    "voc": {"model": "dilated_fpn", "crop_size": (320, 320), "colour": 0.3},
}

"""How a detector is trained, as data."""

from dataclasses import asdict, dataclass

from course_lib.errors import InputError
from course_lib.training.optimiser import OPTIMISERS
from course_lib.training.schedules import SCHEDULES


@dataclass(frozen=True)
class DetectorRecipe:
    """A training run: two runs of one recipe on one machine give the same weights.

    Exactly one of ``epochs`` and ``steps`` says how long. The defaults are those of
    torchvision's fine-tuning tutorial: SGD at 0.005, a warm-up over the first steps.

    Taught in chapters/13_mask_rcnn_finetuning.
    """

    epochs: float | None = None
    steps: int | None = None
    batch_size: int = 2
    optimiser: str = "sgd"  # momentum 0.9, or "adamw"
    lr: float = 0.005
    head_lr: float = 1.0  # of all that is not backbone, as a multiple of lr
    weight_decay: float = 5e-4
    schedule: str = "cosine"  # or another of SCHEDULES
    milestones: tuple[float, ...] = (1 / 3, 2 / 3)  # of (multi)step, shares of the run
    warmup_iters: int = 100
    warmup_factor: float | None = 0.001  # at step 0; None: 1 / warmup_iters
    power: float = 0.9  # of the poly schedule
    clip: float = 0.0  # longest gradient, all parameters together; 0: any
    average: float = 0.0  # decay of the running average of the weights; 0: none
    group_aspect: bool = False  # batches of pictures of one shape
    precision: str = "float32"  # or "bfloat16"
    threads: int = 1
    seed: int = 0

    def __post_init__(self):
        if (self.epochs is None) == (self.steps is None):
            raise InputError(
                f"epochs is {self.epochs} and steps {self.steps}; give exactly one"
            )
        for name in ("epochs", "steps", "batch_size", "lr", "threads"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InputError(f"{name} is {value}; it must be above 0")
        for name, known in (("optimiser", OPTIMISERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; use {', '.join(known)}"
                )
        if not 0 <= self.average < 1:
            raise InputError(f"average is {self.average}; it must lie in [0, 1)")

    def as_dict(self) -> dict:
        """Plain data for a checkpoint or a card; tuples become lists."""
        plain = asdict(self)
        return plain | {"milestones": list(self.milestones)}

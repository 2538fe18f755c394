"""Failure curves: the score of methods while a dial of the harbour is turned."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from torch import nn
from torch.utils.data import Dataset

from course_lib.data.harbour import Harbour
from course_lib.metrics import ConfusionMatrix
from course_lib.training.evaluation import evaluate_net
from course_lib.training.stream import Cached

WHOLE = {"mean IoU": "mean_iou", "pixel accuracy": "pixel_accuracy"}
Scores = dict[str, list[float]]  # measure: score at every value of the dial
MIXED = " mixed up"


class TurnedHarbour(Dataset):
    """Training pictures of the harbour while its dials go round and round.

    A net trained on them has seen the whole range of every dial. The dials turn
    like the wheels of a counter, the last one fastest: with ``context=(0, 1),
    thin=(1, 5)`` pictures 0 to 3 have (0, 1), (0, 5), (1, 1) and (1, 5), and
    picture 4 begins again.

    Args:
        count: number of pictures.
        **dials: the values of each dial.
    """

    name, classes, transform = Harbour.name, Harbour.classes, None

    def __init__(self, count: int = 1000, **dials: Sequence[float]):
        turns = product(*dials.values())
        self.harbours = [
            Harbour("train", count, **dict(zip(dials, turn, strict=True)))
            for turn in turns
        ]

    def __len__(self) -> int:
        return len(self.harbours[0])

    def __getitem__(self, i: int):
        return self._harbour(i)[i]

    def file(self, i: int) -> str:
        """The name of picture ``i`` in messages."""
        return self._harbour(i).file(i)

    def _harbour(self, i: int) -> Harbour:
        return self.harbours[i % len(self.harbours)]


def score_over_dial(
    net: nn.Module,
    dial: str,
    values: Sequence[float],
    measures: Sequence[str],
    count: int = 200,
) -> Scores:
    """Scores of a net on the same test pictures at every value of a dial.

    Args:
        net: a segmentation network of the harbour's classes.
        dial: of the harbour.
        values: of the dial.
        measures: as ``measure`` takes them.
        count: test pictures.

    Returns:
        Measure -> one score for each value, in [0, 1].

    Taught in chapters/02_fcn_conversion.
    """
    scores = {name: [] for name in measures}
    for value in values:
        test_set = _drawn_once(dial, value, count)
        matrix = evaluate_net(net, test_set)
        for name in measures:
            scores[name].append(measure(matrix, test_set.classes.names, name))
    return scores


@lru_cache(maxsize=8)
def _drawn_once(dial: str, value: float, count: int) -> Cached:
    """Test pictures that stay in memory for the next net."""
    return Cached(Harbour("test", count, **{dial: value}))


def measure(matrix: ConfusionMatrix, names: Sequence[str], what: str) -> float:
    """One figure of a confusion matrix, in [0, 1].

    Args:
        matrix: whose.
        names: of its classes.
        what: "mean IoU"; "pixel accuracy"; a class, for its IoU; "boat called car",
            for that share of the pixels that truly are boat; "boat or car mixed up",
            for the share of the pixels of both that are called the other.

    Taught in chapters/07_psp_deeplab.
    """
    if what in WHOLE:
        return float(getattr(matrix.scores(), WHOLE[what]))
    if what in names:
        return float(matrix.scores().class_iou[names.index(what)])
    mixed = what.endswith(MIXED)
    pair = what.removesuffix(MIXED).split(" or " if mixed else " called ")
    a, b = map(names.index, pair)
    called = matrix.matrix[a, b] + mixed * matrix.matrix[b, a]
    return float(called / matrix.matrix[[a, b] if mixed else [a]].sum())


def title(what: str) -> str:
    """What ``measure`` gives, in words."""
    if what in WHOLE:
        return what
    if what.endswith(MIXED) or " called " in what:
        return f"share of {what}"
    return f"IoU of {what}"


def curves(scores: dict[str, dict[str, Scores]], measures: Sequence[str]) -> dict:
    """Turn method -> seed -> scores into a part of a curve card for each measure.

    Returns:
        Measure -> ``{"score": its title, "methods": {method: {seed: [score]}}}``.
    """
    return {
        name: {
            "score": title(name),
            "methods": {
                method: {
                    seed: [round(score, 4) for score in each[name]]
                    for seed, each in seeds.items()
                }
                for method, seeds in scores.items()
            },
        }
        for name in measures
    }

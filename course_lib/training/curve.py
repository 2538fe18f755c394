"""Failure curves: the score of methods while a dial of the harbour is turned."""

from collections.abc import Sequence

from torch import nn
from torch.utils.data import Dataset

from course_lib.data.harbour import Harbour
from course_lib.training.evaluation import evaluate_net

Scores = dict[str, list[float]]  # class: IoU at every value of the dial


class TurnedHarbour(Dataset):
    """Training pictures of the harbour while a dial goes round and round.

    Picture i is drawn with ``values[i % len(values)]``, so that a net trained on
    them has seen the whole range.
    """

    name, classes, transform = Harbour.name, Harbour.classes, None

    def __init__(self, dial: str, values: Sequence[float], count: int = 1000):
        self.harbours = [Harbour("train", count, **{dial: v}) for v in values]

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
    classes: Sequence[str],
    count: int = 200,
) -> Scores:
    """IoU of some classes on the same test pictures at every value of a dial.

    Args:
        net: a segmentation network of the harbour's classes.
        dial: of the harbour.
        values: of the dial.
        classes: names.
        count: test pictures.

    Returns:
        Class name -> one IoU for each value, in [0, 1].

    Taught in chapters/02_fcn_conversion.
    """
    scores = {name: [] for name in classes}
    for value in values:
        test_set = Harbour("test", count, **{dial: value})
        class_iou = evaluate_net(net, test_set).scores().class_iou
        for name in classes:
            scores[name].append(float(class_iou[test_set.classes.index(name)]))
    return scores


def curves(scores: dict[str, dict[str, Scores]], classes: Sequence[str]) -> dict:
    """Turn method -> seed -> scores into a part of a curve card for each class.

    Returns:
        Class -> ``{"score": "IoU of CLASS", "methods": {method: {seed: [IoU]}}}``.
    """
    return {
        name: {
            "score": f"IoU of {name}",
            "methods": {
                method: {
                    seed: [round(iou, 4) for iou in each[name]]
                    for seed, each in seeds.items()
                }
                for method, seeds in scores.items()
            },
        }
        for name in classes
    }

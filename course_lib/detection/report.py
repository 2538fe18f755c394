"""The report of an evaluation: COCO's 12 figures, those of each class, curves."""

from dataclasses import dataclass, field

import numpy as np

STAT_NAMES = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR1", "AR10")
STAT_NAMES += ("AR100", "AR_small", "AR_medium", "AR_large")


@dataclass(frozen=True)
class Report:
    """What an evaluation found; -1 stands where nothing was to be found.

    ``stats`` are COCO's 12 figures (``STAT_NAMES``, in pycocotools' order).
    """

    # (T, R, K, A): at each limit of IoU, recall 0 to 1, category and range of areas.
    precision: np.ndarray = field(repr=False)
    # (T, K, A, M): what is reached with 1, 10 and 100 results.
    recall: np.ndarray = field(repr=False)
    categories: tuple[str, ...]  # K names
    num_pictures: int

    @property
    def stats(self) -> np.ndarray:
        """COCO's 12 figures, (12,) float64 in 0 to 1, or -1."""
        precision, recall = self.precision, self.recall
        tables = [precision[..., 0], precision[0, :, :, 0], precision[5, :, :, 0]]
        tables += [precision[..., area] for area in (1, 2, 3)]
        tables += [recall[:, :, 0, most] for most in (0, 1, 2)]
        tables += [recall[:, :, area, 2] for area in (1, 2, 3)]
        return np.array([mean_of_known(table) for table in tables])

    @property
    def ap(self) -> float:
        """COCO's AP: the mean over categories and the limits 0.5 to 0.95."""
        return mean_of_known(self.precision[..., 0])

    @property
    def ap50(self) -> float:
        """AP at an IoU of 0.5."""
        return mean_of_known(self.precision[0, :, :, 0])

    @property
    def per_class(self) -> dict[str, dict[str, float]]:
        """AP, AP50, AP75 and AR100 of every category."""
        figures = {}
        for k, name in enumerate(self.categories):
            precision = self.precision[:, :, k, 0]  # (T, R)
            tables = [precision, precision[0], precision[5], self.recall[:, k, 0, 2]]
            means = [mean_of_known(table) for table in tables]
            names = ("AP", "AP50", "AP75", "AR100")
            figures[name] = dict(zip(names, means, strict=True))
        return figures

    def as_dict(self) -> dict:
        """The figures as plain data: ``stats``, each by its name, and per class."""
        stats = self.stats.tolist()
        return {
            "stats": stats,
            **dict(zip(STAT_NAMES, stats, strict=True)),
            "per_class": self.per_class,
            "num_pictures": self.num_pictures,
        }

    def __str__(self) -> str:
        """In per cent: COCO's figures, then one line a class."""
        lines = [f"{self.num_pictures} pictures, in per cent"]
        stats = self.stats
        for name, value in zip(STAT_NAMES, stats, strict=True):
            lines.append(f"{name:<24}{_cell(value)}")
        lines.append(f"{'class':<24}{'AP':>8}{'AP50':>8}{'AP75':>8}{'AR100':>8}")
        for name, row in self.per_class.items():
            lines.append(f"{name:<24}" + "".join(map(_cell, row.values())))
        return "\n".join(lines)


def mean_of_known(table: np.ndarray) -> float:
    """Mean of the entries above -1; -1 where there are none."""
    known = table[table > -1]
    return float(known.mean()) if known.size else -1.0


def _cell(value: float) -> str:
    return f"{'absent':>8}" if value < 0 else f"{100 * value:8.1f}"

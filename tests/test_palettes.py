"""Colours told apart by colour-blind readers, with a name beside every colour.

Reduced colour vision is simulated by the matrices of Machado, Oliveira and Fernandes
(IEEE TVCG 15(6), 2009; severity 1.0), applied to linear RGB. Distances are Euclidean in
CIELAB; 2.3 is just noticeable.
"""

import itertools

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from skimage.color import rgb2lab

from course_lib import show
from course_lib.data.classes import HARBOUR, VOID_COLOUR
from course_lib.data.harbour import Harbour
from course_lib.show.style import COLOURS, MARKERS

SIGHT = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868],
                   [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968],
                     [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779],
                   [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
NAMES = (*HARBOUR.names, "void")
CLASSES = np.array([*HARBOUR.palette, VOID_COLOUR]) / 255
LINES = np.array([to_rgb(colour) for colour in COLOURS])

every_sight = pytest.mark.parametrize("sight", SIGHT)


def seen(colours: np.ndarray, sight: str) -> np.ndarray:
    """CIELAB of sRGB colours (N, 3), 0 to 1, as such a reader sees them."""
    low, high = colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4
    light = np.where(colours <= 0.04045, low, high) @ np.transpose(SIGHT[sight])
    light = light.clip(0, 1)
    low, high = 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055
    return rgb2lab(np.where(light <= 0.0031308, low, high))


def nearest(colours: np.ndarray, names, sight: str) -> tuple[float, str, str]:
    """The two colours that are most alike, and how far they are apart."""
    lab = seen(colours, sight)
    pairs = itertools.combinations(range(len(names)), 2)
    return min((np.linalg.norm(lab[a] - lab[b]), names[a], names[b]) for a, b in pairs)


@every_sight
def test_the_simulation_leaves_greys_alone(sight):
    greys = np.linspace(0, 1, 5)[:, None].repeat(3, axis=1)
    np.testing.assert_allclose(seen(greys, sight), rgb2lab(greys), atol=0.1)


def test_the_simulation_confuses_what_such_readers_confuse():
    red_and_green = np.array([[0.65, 0.35, 0.1], [0.36, 0.46, 0.1]])
    apart = {sight: nearest(red_and_green, "rg", sight)[0] for sight in SIGHT}
    assert apart["full"] > 45 and apart["tritanopia"] > 30
    assert apart["deuteranopia"] < 12


@every_sight
def test_the_classes_of_the_harbour_are_told_apart(sight):
    distance, *pair = nearest(CLASSES, NAMES, sight)
    assert distance > 20, (pair, distance)


@every_sight
def test_the_lines_of_plots_are_told_apart(sight):
    distance, *pair = nearest(LINES, COLOURS, sight)
    assert distance > 15, (pair, distance)


@every_sight
def test_the_lines_stand_out_from_white(sight):
    white = seen(np.ones((1, 3)), sight)
    assert np.linalg.norm(seen(LINES, sight) - white, axis=1).min() > 35


def test_no_two_lines_share_a_marker():
    assert len(set(MARKERS)) == len(MARKERS) == len(COLOURS)


def test_label_pictures_name_their_colours():
    image, labels = Harbour("test", count=2, size=(96, 128))[1]
    fig = show.pictures([image, labels], ["picture", "labels"], classes=HARBOUR)
    [legend] = fig.legends
    beside = {
        text.get_text(): tuple(np.round(np.array(patch.get_facecolor()[:3]) * 255))
        for text, patch in zip(legend.texts, legend.legend_handles, strict=True)
    }
    there = torch.unique(labels).tolist()
    assert set(beside) == {NAMES[i] if i < 255 else "void" for i in there}
    for name in set(beside) - {"void"}:
        assert beside[name] == HARBOUR.palette[HARBOUR.index(name)], name

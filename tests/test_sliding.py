"""Windows, pyramid and sliding window, against loops."""

import pytest
import torch
from torch.nn import functional as F

from course_lib.detection.sliding import examples, pyramid, sliding_window, windows
from course_lib.errors import InputError


@pytest.mark.parametrize(
    "shape, size, stride",
    [((3, 20, 33), (8, 16), 4), ((5, 5), (5, 5), 1), ((9, 9), (2, 3), 7)],
)
def test_windows_are_those_of_a_loop(shape, size, stride):
    expected = [
        [x, y, x + size[1], y + size[0]]
        for y in range(0, shape[-2] - size[0] + 1, stride)
        for x in range(0, shape[-1] - size[1] + 1, stride)
    ]
    assert windows(shape, size, stride).tolist() == expected


def test_levels_shrink_until_the_window_fits_no_more():
    image = torch.rand(3, 40, 60)
    levels = list(pyramid(image, (16, 16), 0.5))
    assert [tuple(copy.shape) for copy, _ in levels] == [(3, 40, 60), (3, 20, 30)]
    assert levels[0][0].allclose(image) and levels[1][1].tolist() == [2, 2, 2, 2]
    corner = torch.tensor([30.0, 20, 30, 20]) * levels[1][1]
    assert corner.tolist() == [60, 40, 60, 40]
    (_, scale), *_ = pyramid(torch.rand(3, 33, 50), (3, 3), 0.9)
    assert scale.tolist() == [1, 1, 1, 1]


def test_every_window_gets_the_classifiers_word():
    image = torch.rand(3, 24, 31)

    def classifier(cuts):  # how bright, and how dark
        assert cuts.shape[1:] == (3, 8, 12)
        return torch.stack([cuts.mean(dim=(1, 2, 3)), -cuts.mean(dim=(1, 2, 3))], 1)

    boxes, scores = sliding_window(classifier, image, (8, 12), 3, 0.7)
    n = len(windows(image.shape, (8, 12), 3))
    for box, score in zip(boxes[:n].int().tolist(), scores[:n], strict=True):
        cut = image[None, :, box[1] : box[3], box[0] : box[2]]
        torch.testing.assert_close(classifier(cut).softmax(1)[0], score)
    small = F.interpolate(image[None], (17, 22), mode="bilinear", antialias=True)
    cut = small[:, :, 9:17, 9:21]  # the last window of the second level
    at = n + len(windows((17, 22), (8, 12), 3)) - 1
    torch.testing.assert_close(classifier(cut).softmax(1)[0], scores[at])
    expected = torch.tensor([9 * 31 / 22, 9 * 24 / 17, 21 * 31 / 22, 24])
    torch.testing.assert_close(boxes[at], expected)


def test_examples_are_windows_with_the_right_labels():
    image = torch.zeros(3, 32, 48)
    image[:, 8:16, 20:36] = 1  # the thing: 8 x 16 px
    thing = torch.tensor([[20.0, 8, 36, 16]])
    cuts, labels = examples(image, thing, (8, 16), stride=4, background=5)
    assert cuts.shape[1:] == (3, 8, 16) and len(cuts) == len(labels)
    full = cuts.mean(dim=(1, 2, 3))
    assert full[labels == 1].min() > 0.5 > full[labels == 0].max()
    assert full.max() == 1 and 5 <= (labels == 0).sum() <= 20
    assert examples(image, torch.zeros(0, 4), (8, 16))[1].sum() == 0


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="does not fit a picture of"):
        sliding_window(lambda x: x, torch.rand(3, 10, 10), (11, 4))
    with pytest.raises(InputError, match="does not fit"):
        windows((10, 10), (4, 4), 0)
    with pytest.raises(InputError, match="between 0 and 1"):
        next(pyramid(torch.rand(3, 10, 10), (4, 4), 1.0))

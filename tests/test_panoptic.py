"""Panoptic quality against loops, and masks laid into one map."""

import math

import pytest
import torch

from course_lib.detection.panoptic import panoptic_quality, paste, region_iou
from course_lib.errors import InputError


def by_loops(pictures):
    """Sum of IoUs, pairs, missed, invented, as the paper defines them."""
    total, pairs, missed, invented = 0.0, 0, 0, 0
    for truth, found in pictures:
        things = {i for i in truth.flatten().tolist() if i}
        regions = {i for i in found.flatten().tolist() if i}
        hit = 0
        for i in things:
            for j in regions:
                a, b = truth == i, found == j
                iou = (a & b).sum().item() / (a | b).sum().item()
                if iou > 0.5:
                    total, hit = total + iou, hit + 1
        pairs, missed = pairs + hit, missed + len(things) - hit
        invented += len(regions) - hit
    return total, pairs, missed, invented


def some_maps(seed):
    """A map of ids and the same with some pixels and ids changed."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, 5, (1, 1, 3, 4), generator=generator).float()
    truth = torch.nn.functional.interpolate(coarse, (12, 16))[0, 0].long()
    noise = torch.rand(12, 16, generator=generator) < 0.45
    return truth, torch.where(noise, (truth + 1) % 6, 7 * truth)


def test_equal_to_loops_on_random_maps():
    pictures = [some_maps(seed) for seed in range(60)]
    got = panoptic_quality(pictures)
    total, *counts = by_loops(pictures)
    assert [got.pairs, got.missed, got.invented] == counts and min(counts) > 10
    assert got.overlap == pytest.approx(total, abs=1e-9)
    pairs, missed, invented = counts
    wanted = total / (pairs + (missed + invented) / 2)
    assert got.quality == pytest.approx(wanted, abs=1e-12)


def test_truth_against_itself_is_one_whatever_the_ids():
    truth, _ = some_maps(3)
    got = panoptic_quality([(truth, truth * 250)])
    assert got.quality == got.segmentation == got.recognition == 1


def test_half_is_not_enough_and_empty_maps():
    truth, found = torch.tensor([[1, 1]]), torch.tensor([[1, 0]])
    assert panoptic_quality([(truth, found)]).quality == 0
    nothing = torch.zeros(2, 3, dtype=torch.uint8)
    assert math.isnan(panoptic_quality([(nothing, nothing)]).quality)
    assert panoptic_quality([(nothing, nothing + 1)]).invented == 1
    assert region_iou(nothing, nothing).shape == (0, 0)
    with pytest.raises(InputError, match=r"\(1, 2\) and what was found \(2, 3\)"):
        panoptic_quality([(truth, nothing)])


@pytest.mark.parametrize("extra", [False, True])
def test_masks_are_laid_best_first(extra):
    masks = torch.tensor([[[0.9, 0.9, 0.1]], [[0.0, 0.6, 0.8]], [[1.0, 1.0, 1.0]]])
    masks = masks[:, None] if extra else masks
    scores = torch.tensor([0.6, 0.9, 0.4])
    assert paste(masks, scores).tolist() == [[1, 2, 2]]
    assert paste(masks, scores, threshold=0.7).tolist() == [[0, 2, 2]]
    assert paste(masks[:0], scores[:0]).tolist() == [[0, 0, 0]]

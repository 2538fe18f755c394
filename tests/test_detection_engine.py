"""The loop that trains every detector, on a detector that takes a millisecond."""

import pytest
import torch
from torch import nn

from course_lib.detection.batches import AspectBatches, aspect_ratios, detector_batches
from course_lib.detection.engine import fit
from course_lib.detection.recipe import DetectorRecipe
from course_lib.errors import InputError


class MeanBox(nn.Module):
    """A detector that learns one box for all pictures: two losses, no maps."""

    def __init__(self):
        super().__init__()
        self.box = nn.Parameter(torch.zeros(4))

    def forward(self, images, targets=None):
        if not self.training:
            return [{"boxes": self.box[None]} for _ in images]
        wanted = torch.stack([target["boxes"][0] for target in targets])
        noise = torch.rand(()) * 0.01  # what a resume has to restore as well
        off = (wanted - self.box).abs()
        return {"loss_corner": off[:, :2].mean() + noise, "loss_end": off[:, 2:].mean()}


class Boxes(torch.utils.data.Dataset):
    """Six pictures, half of them upright, with the same box."""

    def __init__(self, box=(1.0, 2, 5, 7)):
        self.box = torch.tensor([box])

    def __len__(self):
        return 6

    def __getitem__(self, i):
        size = (3, 8, 16) if i % 2 else (3, 16, 8)
        return torch.full(size, 255, dtype=torch.uint8), {"boxes": self.box}


RECIPE = {"batch_size": 2, "lr": 0.1, "warmup_iters": 2}


def test_learns_and_says_every_loss_once_an_epoch():
    said = []
    training = fit(MeanBox(), Boxes(), DetectorRecipe(epochs=20, **RECIPE),
                   say=said.append)  # fmt: skip
    assert len(said) == 20 and len(training.losses) == training.steps == 60
    assert training.losses[-1]["sum"] < 0.1 * training.losses[0]["sum"]
    last = [sum(x[k] for x in training.losses[-3:]) / 3 for k in training.losses[0]]
    told = "epoch 20  step 60  corner {:.3f}  end {:.3f}  sum {:.3f}"
    assert said[-1] == told.format(*last)
    assert not training.detector.training


def test_the_score_is_said_and_sees_the_average():
    said, seen = [], []
    recipe = DetectorRecipe(steps=4, average=0.9, **RECIPE)
    training = fit(MeanBox(), Boxes(), recipe, say=said.append,
                   score=lambda net: seen.append(net) or 0.5)  # fmt: skip
    assert said[0].startswith("epoch 1  step 3  ") and said[0].endswith("score 0.500")
    assert said[1].startswith("epoch 2  step 4  ")
    assert all(net is training.detector for net in seen)
    assert training.detector is not training.model
    assert not torch.equal(training.detector.box, training.model.box)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_it():
    broken = Boxes((1.0, 2, float("nan"), 7))
    with pytest.raises(InputError, match=r"step 0 \(.*loss_end nan\); lower lr"):
        fit(MeanBox(), broken, DetectorRecipe(steps=3, **RECIPE), say=str)


def test_a_resumed_run_ends_in_the_same_bits(tmp_path):
    recipe = DetectorRecipe(epochs=4, average=0.9, **RECIPE)
    whole = fit(MeanBox(), Boxes(), recipe, say=str)

    class Stop(Exception):
        pass

    def stop(line):
        if line.startswith("epoch 3"):
            raise Stop

    with pytest.raises(Stop):
        fit(MeanBox(), Boxes(), recipe, folder=tmp_path, say=stop)
    torch.manual_seed(99)
    again = fit(MeanBox(), Boxes(), recipe, folder=tmp_path, resume=True, say=str)
    assert again.losses == whole.losses
    assert again.seconds[0] > again.before[0] > 0
    assert torch.equal(again.detector.box, whole.detector.box)
    other = DetectorRecipe(epochs=5, average=0.9, **RECIPE)
    with pytest.raises(InputError, match="epochs is 5.* but the checkpoint was made"):
        fit(MeanBox(), Boxes(), other, folder=tmp_path, resume=True, say=str)


def test_warm_up_begins_low():
    recipe = DetectorRecipe(steps=10, batch_size=2, lr=0.1, warmup_iters=5,
                            schedule="constant")  # fmt: skip
    moved = []
    for steps in (1, 2):
        net = MeanBox()
        fit(net, Boxes(), DetectorRecipe(**recipe.as_dict() | {"steps": steps}),
            say=str)  # fmt: skip
        moved.append(net.box.abs().max().item())
    assert moved[0] < 0.001 * moved[1] * 10  # a thousandth of lr, then a fifth


def test_grouped_batches_hold_one_shape_and_every_picture_once():
    ratios = [0.5] * 6 + [2.0] * 6
    keys = list(AspectBatches(ratios, 3, seed=1, start=0, stop=8))
    shapes = [{ratios[i] for _, i in batch} for batch in keys]
    assert all(len(shape) == 1 for shape in shapes)
    for epoch in (keys[:4], keys[4:]):
        assert sorted(i for batch in epoch for _, i in batch) == list(range(12))
    assert keys[:4] != keys[4:]
    assert list(AspectBatches(ratios, 3, seed=1, start=5, stop=8)) == keys[5:]


def test_pictures_come_as_floats_in_lists():
    data = Boxes()
    ratios = aspect_ratios(data)
    assert ratios == [0.5, 2.0] * 3
    for images, targets in detector_batches(data, 2, 0, 0, 3, ratios=ratios):
        assert images[0].shape == images[1].shape and len(targets) == 2
        assert images[0].dtype == torch.float32 and images[0].max() == 1


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({}, "give exactly one"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": 1, "optimiser": "adam"}, "optimiser is 'adam'; use adamw, sgd"),
        ({"steps": 1, "average": 1.0}, "average is 1.0"),
    ],
)
def test_a_wrong_recipe_is_refused(wrong, told):
    with pytest.raises(InputError, match=told):
        DetectorRecipe(**wrong)

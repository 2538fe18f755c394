"""SqueezeNet before and after conversion: windows, crops on a sheet, the kept card."""

import json

import pytest
import torch
from torch import nn

from course_lib.errors import InputError
from course_lib.models.classifiers import classifier
from course_lib.models.dense import to_dense
from course_lib.training import imagenet
from course_lib.training.cards import read_card


def test_one_window_has_the_answer_of_the_classifier():
    torch.manual_seed(0)
    net, _ = classifier("squeezenet1_0")
    crop = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        window = imagenet.answers(to_dense(net), crop)  # (1, 1000, 1, 1)
        torch.testing.assert_close(window[..., 0, 0], net(crop), atol=1e-5, rtol=0)
        assert imagenet.answers(to_dense(net), torch.zeros(1, 3, 240, 256)).shape == (
            1, 1000, 2, 3)


class Brightness(nn.Module):
    """A class for each channel; ``dense`` answers as SqueezeNet's map does."""

    def forward(self, images):
        return images.mean(dim=(2, 3))


def test_a_crop_counts_as_found_only_in_its_own_place(monkeypatch):
    crops = torch.zeros(4, 3, 224, 224)
    crops[0, 0], crops[1, 1], crops[2, 2] = 1, 1, 1
    crops[3, 0] = 0.5  # its class is stronger in another corner
    pool = nn.AvgPool2d(16)
    monkeypatch.setattr(imagenet, "to_dense", lambda net: pool)
    assert imagenet.found(Brightness(), crops).tolist() == [True, True, True, False]


def test_a_folder_without_the_pictures_is_named(tmp_path):
    with pytest.raises(InputError, match="has no squeezenet_reference.json"):
        imagenet.sample(tmp_path)


@pytest.mark.real
def test_card_and_reference_agree_picture_by_picture(real_data):
    folder = real_data / "imagenet"
    rows = json.loads((folder / "squeezenet_reference.json").read_text())["results"]
    expected = torch.tensor([row["top5"][0] for row in rows])
    net, _ = classifier("squeezenet1_0", "real")
    crops, labels = imagenet.sample(folder)
    with torch.no_grad():
        before = net(crops).argmax(1)
        after = to_dense(net)(crops).mean(dim=(2, 3)).argmax(1)
    assert before.tolist() == after.tolist() == expected.tolist()
    card = read_card(imagenet.NAME)
    assert (after == labels).float().mean().item() == pytest.approx(card["top1"])

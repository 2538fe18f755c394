"""The card of a public detector on photographs agrees with our own polygons."""

import pytest
import torch
from torchvision.ops import box_iou

from course_lib.data.pocket import Pocket
from course_lib.detection.studies import pocket_darknet
from course_lib.errors import InputError
from course_lib.training.cards import read_card

SHOWN = {"astronaut": "person", "chelsea": "cat", "coffee": "cup"}
SHOWN["grace_hopper"] = "person"


@pytest.mark.parametrize("way", pocket_darknet.WAYS)
@pytest.mark.parametrize("name, thing", SHOWN.items())
def test_what_is_found_lies_on_our_polygons(way, name, thing):
    found = read_card("pocket_darknet")["found"][way][name]
    assert found["names"][0] == thing and found["scores"][0] > 0.7
    pocket = Pocket("detection", [name])
    _, target = pocket[0]
    ours = target["boxes"][target["labels"] == pocket.classes.names.index(thing)]
    theirs = torch.tensor(found["boxes"][:1])
    assert box_iou(theirs, ours.as_subclass(torch.Tensor)).max() > 0.75


def test_a_folder_without_the_files_is_named(tmp_path):
    with pytest.raises(InputError, match="point COURSE_DATA at a folder with darknet/"):
        pocket_darknet.found(tmp_path, "letterbox")


@pytest.mark.real
def test_the_card_can_be_measured_again(real_data):
    kept = read_card("pocket_darknet")
    again = pocket_darknet.pocket_card(real_data / "darknet")
    assert again["weights_sha256"] == kept["weights_sha256"]
    for way, pictures in kept["found"].items():
        for name, found in pictures.items():
            now = again["found"][way][name]
            assert now["labels"] == found["labels"], (way, name)
            torch.testing.assert_close(
                torch.tensor(now["boxes"]),
                torch.tensor(found["boxes"]),
                atol=0.5,
                rtol=0,
            )
            assert now["scores"] == pytest.approx(found["scores"], abs=0.005)

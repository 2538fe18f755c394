"""The study behind chapter 04: imitated nets, widths, search, kept cards."""

import numpy as np
import pytest
import torch

from course_lib.crf import mean_field
from course_lib.data.harbour import Harbour
from course_lib.training import crf_reference, crf_search, crf_study
from course_lib.training.cards import read_card


def test_coarse_truth_without_noise_is_the_truth_where_cells_are_pure():
    labels = torch.zeros(30, 44, dtype=torch.int64)
    labels[:, 16:] = 1
    labels[:3] = 255
    p = crf_study.coarse_truth(labels, 3, stride=8, noise=0)
    assert p.shape == (3, 30, 44)
    torch.testing.assert_close(p.sum(0), torch.ones(30, 44))
    kept = labels != 255
    assert (p.argmax(0) == labels)[kept].all()
    assert p[:, 20, 40].tolist() == pytest.approx(
        torch.tensor([0.0, 6, 0]).softmax(0).tolist()
    )


def test_noise_is_drawn_from_its_seed_and_finer_cells_are_better():
    labels = torch.as_tensor(Harbour("val")[0][1])
    one, same, other = (
        crf_study.coarse_truth(labels, 12, 16, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(one, same) and not torch.equal(one, other)
    kept, right = labels != 255, []
    for stride in (4, 16, 32):
        p = crf_study.coarse_truth(labels, 12, stride)
        right.append((p.argmax(0) == labels)[kept].float().mean())
    assert right[0] > right[1] > right[2]


def test_widths_are_those_of_the_squares_that_fit():
    labels = torch.zeros(80, 100, dtype=torch.int64)
    labels[:, 10:13] = 1  # 3 px wide
    labels[:, 50:60] = 1  # 10 px wide
    found = crf_reference.widths(labels, 2)
    assert found["under 5 px"][:, 10:13].all()
    assert found["5 to 32 px"][:, 50:60].all()
    assert found["33 px or more"][:, 60:].all()
    assert sum(found.values()).eq(1).all()


def test_the_search_gives_the_best_of_what_it_tried():
    image, labels = Harbour("val", size=(24, 32))[0]
    image, labels = image.permute(1, 2, 0).contiguous(), torch.as_tensor(labels)
    samples = [(torch.as_tensor(image), crf_study.coarse_truth(labels, 12, 8), labels)]
    chosen, tried = crf_study.search(samples, 3, say=lambda *_: None)
    assert tried[0][0] == crf_study.TEXTBOOK and len(tried) == 4
    best = max(scores["mean_iou"] for _, scores in tried)
    assert dict((str(one), s) for one, s in tried)[str(chosen)]["mean_iou"] == best
    p = mean_field(samples[0][0], samples[0][1], **chosen, method="fast")
    right = (p.argmax(0) == labels)[labels != 255].double().mean().item()
    again = crf_study.scores_of(samples, chosen)["pixel_accuracy"]
    assert again == pytest.approx(right)


@pytest.mark.parametrize("name", ["crf_fcn32s_harbour", "crf_dilated_fpn_camvid"])
def test_kept_parameters_won_the_search_on_val(name):
    card = read_card(name)
    search = card["search"]
    assert search["split"] == "val" and card["split"] == "test"
    assert search["chosen"]["mean_iou"] >= search["textbook"]["mean_iou"]
    assert set(card["crf"]) == {"none", "textbook", "chosen"}
    assert set(card["parameters"]["chosen"]) == set(crf_search.GRID)


@pytest.mark.parametrize("dial", sorted(crf_study.DIALS))
def test_a_point_of_a_kept_curve_is_measured_again(dial):
    card = read_card(f"curve_harbour_{dial}_crf")
    i, r = 2, 1
    dataset = Harbour("test", card["num_pictures"], **{dial: card["values"][i]})
    samples = []
    for number in range(r, card["num_pictures"], crf_study.RANGES):
        image, labels = dataset[number]
        labels = torch.as_tensor(labels)
        p = crf_study.coarse_truth(labels, 12, 16, seed=number)
        samples.append((torch.as_tensor(image).permute(1, 2, 0), p, labels))
    for method, one in (("", None), (" + chosen CRF", card["parameters"]["chosen"])):
        kept = card["methods"]["coarse truth" + method][str(r)][i]
        got = crf_study.scores_of(samples, one)["mean_iou"]
        assert np.isclose(got, kept, atol=2e-3)


@pytest.mark.real
def test_the_reference_card_is_measured_again(real_data):
    folder = real_data.parent / "reference" / "crf"
    if not folder.is_dir():
        pytest.skip("reference/crf is not there")
    kept, again = (
        read_card("crf_reference")["cases"],
        crf_reference.reference_card(folder),
    )
    for name, case in again["cases"].items():
        assert case["pixels_broken"] == kept[name]["pixels_broken"]
        assert case["accuracy_by_width"] == kept[name]["accuracy_by_width"]

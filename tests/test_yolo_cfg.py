"""Other classes, anchors and weights for a Darknet net."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.detection.darknet.cfg import parse_cfg, parse_text
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.darknet.weights import load_weights, save_weights
from course_lib.detection.yolo.classes_of_cfg import (
    change_anchors,
    change_classes,
    change_size,
    cut_off,
    heads_of,
)
from course_lib.detection.yolo.kmeans import fitness, kmeans_anchors, shape_iou
from course_lib.detection.yolo.transfer import head_layers, set_prior, transfer
from course_lib.errors import InputError
from course_lib.paths import LIBRARY

CFG = LIBRARY / "detection/darknet/cfgs/yolo_project.cfg"


@pytest.fixture
def eighty():
    return parse_cfg(CFG)


def test_two_lines_change_in_front_of_every_head(eighty):
    three = change_classes(eighty, 3)
    changed = [i for i, (a, b) in enumerate(zip(eighty, three, strict=True)) if a != b]
    heads = heads_of(eighty)
    assert changed == sorted(heads + [i - 1 for i in heads])
    assert all(three[i].options["classes"] == "3" for i in heads)
    assert all(three[i - 1].options["filters"] == "24" for i in heads)  # 3 (5 + 3)
    assert eighty[heads[0]].options["classes"] == "80"  # left as it was
    maps = Darknet(three)(torch.zeros(1, 3, 64, 64))
    assert [raw.shape[1] for raw in maps] == [24, 24]


def test_anchors_and_size_change(eighty):
    anchors = torch.tensor([[4.0, 8], [8, 4], [9, 9], [20, 10], [10, 20], [30, 30]])
    sections = change_size(change_anchors(eighty, anchors), (64, 96))
    net = Darknet(sections)
    assert net.size == (64, 96)
    assert net.heads[1].anchors == ((4, 8), (8, 4), (9, 9))
    with pytest.raises(InputError, match="has 6 anchors, not 5"):
        change_anchors(eighty, anchors[:5])


def test_what_has_no_head_behind_a_convolution_is_refused(eighty):
    with pytest.raises(InputError, match="has no .yolo. section"):
        change_classes(eighty[:3], 3)
    with pytest.raises(InputError, match="follows .net.; its classes"):
        change_classes(parse_text("[net]\n[yolo]\n"), 3)
    with pytest.raises(InputError, match="0 classes; give 1 to"):
        change_classes(eighty, 0)


def test_a_file_cut_off_before_the_first_head_fills_the_trunk(eighty, tmp_path):
    torch.manual_seed(0)
    source, net = Darknet(eighty), Darknet(change_classes(eighty, 3))
    save_weights(source, tmp_path / "a.weights")
    before = net.layers[-2].conv.weight.clone()
    load_weights(net, tmp_path / "a.weights", cut_off=cut_off(eighty))
    first = cut_off(eighty)
    assert net.layers[first] is head_layers(net)[0][0]
    for a, b in zip(net.layers[:first], source.layers[:first], strict=True):
        assert all(map(torch.equal, a.state_dict().values(), b.state_dict().values()))
    assert torch.equal(net.layers[-2].conv.weight, before)


def test_transfer_fills_all_but_the_heads(eighty):
    torch.manual_seed(0)
    source, net = Darknet(eighty), Darknet(change_classes(eighty, 3))
    fresh = transfer(net, source)
    assert [net.layers[i] for i in fresh] == [layer for layer, _ in head_layers(net)]
    for i, (a, b) in enumerate(zip(net.layers, source.layers, strict=True)):
        if i not in fresh:
            pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
            assert all(torch.equal(x, y) for x, y in pairs)


def test_a_continued_class_answers_as_before(eighty):
    torch.manual_seed(0)
    source, net = Darknet(eighty).eval(), Darknet(change_classes(eighty, 3)).eval()
    transfer(net, source, {2: 17})
    x = torch.rand(1, 3, 64, 64)
    for raw, old in zip(net(x), source(x), strict=True):
        raw, old = (m.view(3, -1, *m.shape[-2:]) for m in (raw, old))
        torch.testing.assert_close(raw[:, :5], old[:, :5], rtol=0, atol=1e-6)
        torch.testing.assert_close(raw[:, 7], old[:, 5 + 17], rtol=0, atol=1e-6)


def test_transfers_that_cannot_be_are_refused(eighty):
    net, source = Darknet(change_classes(eighty, 3)), Darknet(eighty)
    with pytest.raises(InputError, match="class 3 from class 0: the networks have 3"):
        transfer(net, source, {3: 0})
    with pytest.raises(InputError, match="layers; transfer between"):
        transfer(net, Darknet(eighty[:5]))
    other = parse_cfg(CFG)
    other[2].options["filters"] = "20"
    with pytest.raises(InputError, match="layer 1 differs"):
        transfer(net, Darknet(other))


def test_a_prior_says_one_in_a_hundred(eighty):
    net = Darknet(eighty)
    set_prior(net)
    for raw in net.eval()(torch.rand(1, 3, 64, 64)):
        raw = raw.view(3, 85, -1)
        assert 0.005 < raw[:, 4].sigmoid().mean() < 0.02
        assert raw[:, :4].abs().mean() < 0.5


def test_kmeans_finds_groups_that_are_there():
    torch.manual_seed(0)
    truth = torch.tensor([[6.0, 10], [4, 40], [10, 25], [45, 20]])
    sizes = (truth[:, None] * (1 + 0.05 * torch.randn(4, 50, 2))).reshape(-1, 2)
    anchors = kmeans_anchors(sizes, 4)
    nearest = shape_iou(truth, anchors).argmax(dim=1)
    assert sorted(nearest.tolist()) == [0, 1, 2, 3]
    torch.testing.assert_close(anchors[nearest], truth, rtol=0.05, atol=0)
    assert fitness(sizes, anchors)["recall"] == 1
    assert fitness(sizes, anchors)["mean_iou"] > 0.9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_more_anchors_never_fit_worse_than_the_mean(seed, count):
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.rand(30, 2, generator=generator) * 50 + 2
    anchors = kmeans_anchors(sizes, count, seed=seed)
    assert anchors.shape == (count, 2) and anchors.isfinite().all()
    area = anchors.prod(dim=1)
    assert (area[1:] >= area[:-1]).all()
    assert torch.equal(anchors, kmeans_anchors(sizes, count, seed=seed))
    alone = fitness(sizes, sizes.mean(dim=0, keepdim=True))["mean_iou"]
    assert fitness(sizes, anchors)["mean_iou"] >= alone - 0.02


def test_few_boxes_and_boxes_without_area_are_refused():
    with pytest.raises(InputError, match="3 anchors from 5 boxes; give 1 to 2"):
        kmeans_anchors(torch.tensor([[3.0, 4], [3, 4], [3, 4], [5, 6], [5, 6]]), 3)
    with pytest.raises(InputError, match="no width or height"):
        kmeans_anchors(torch.tensor([[3.0, 0], [3, 4]]), 1)


@pytest.mark.real
def test_the_real_nets_take_one_class_and_keep_their_trunk(real_data):
    folder = real_data / "darknet" / "weights"
    names = ("yolo-fastest-1.1", "mobilenetv2-yolov3-nano-voc")
    for name, classes in product(names, (1, 6)):
        sections = parse_cfg(folder / f"{name}.cfg")
        net = Darknet(change_classes(sections, classes))
        load_weights(net, folder / f"{name}.weights", cut_off=cut_off(sections))
        source = Darknet(sections)
        load_weights(source, folder / f"{name}.weights")
        assert len(transfer(net, source, {0: 0})) == len(net.heads)

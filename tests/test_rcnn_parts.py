"""RoIAlign, pyramid and proposals as taught, against torchvision's."""

from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import ops
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import (
    AnchorGenerator,
    RegionProposalNetwork,
    RPNHead,
)
from torchvision.ops.poolers import LevelMapper

from course_lib.detection.rcnn import rpn
from course_lib.detection.rcnn.fpn import FeaturePyramid, pyramid_level
from course_lib.detection.rcnn.roi_align import bilinear, roi_align
from course_lib.errors import InputError


def random_boxes(
    count: int, generator: torch.Generator, side: float = 40
) -> torch.Tensor:
    """Boxes that also leave the picture, and some without area."""
    corner = torch.rand(count, 2, generator=generator) * (side + 16) - 8
    size = torch.rand(count, 2, generator=generator) * side
    size[::5] = 0
    return torch.cat([corner, corner + size], dim=1)


def test_between_four_cells_by_hand():
    maps = torch.tensor([[[0.0, 4], [8, 12]]])
    y, x = torch.tensor([0.5, 0.0, 1.0]), torch.tensor([0.5, 0.25, 1.0])
    assert bilinear(maps, y, x).tolist() == [[6.0, 1.0, 12.0]]
    far = torch.tensor([-1.5]), torch.tensor([0.0])
    assert bilinear(maps, *far).tolist() == [[0.0]]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([1.0, 0.5, 0.25]),
    st.integers(1, 7),
    st.integers(1, 3),
    st.booleans(),
)
def test_roi_align_and_its_gradient_equal_torchvision(
    seed, scale, size, ratio, aligned
):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.rand(2, 3, 10, 13, generator=generator, dtype=torch.double)
    boxes = random_boxes(7, generator).double()
    index = torch.randint(2, (7, 1), generator=generator)
    rows = torch.cat([index, boxes], dim=1)
    ours, theirs = (maps.clone().requires_grad_() for _ in range(2))
    arguments = (size, scale, ratio, aligned)
    out = roi_align(ours, rows, *arguments)
    wanted = ops.roi_align(theirs, rows, *arguments)
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-10)
    weight = torch.rand(wanted.shape, generator=generator, dtype=torch.double)
    (out * weight).sum().backward()
    (wanted * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)


def test_roi_align_of_no_box_and_of_a_wrong_ratio():
    maps = torch.rand(1, 3, 8, 8)
    assert roi_align(maps, torch.zeros(0, 5), 7).shape == (0, 3, 7, 7)
    with pytest.raises(InputError, match="sampling_ratio is 0"):
        roi_align(maps, torch.zeros(1, 5), 7, sampling_ratio=0)


def test_pyramid_and_its_gradient_equal_torchvision():
    torch.manual_seed(0)
    depths, sizes = [4, 6, 8], [(13, 17), (7, 9), (4, 5)]
    ours = FeaturePyramid(depths, 5)
    theirs = ops.FeaturePyramidNetwork(depths, 5)
    with torch.no_grad():
        pairs = zip(ours.parameters(), theirs.parameters(), strict=True)
        for a, b in pairs:
            b.copy_(a)
    maps = [torch.rand(2, d, *s, requires_grad=True)
            for d, s in zip(depths, sizes, strict=True)]  # fmt: skip
    out = ours(maps)
    wanted = list(theirs(OrderedDict(enumerate(maps))).values())
    for a, b in zip(out, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    grads = [torch.autograd.grad(sum(x.square().sum() for x in y), maps)
             for y in (out, wanted)]  # fmt: skip
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_the_level_of_a_box_equals_torchvision():
    boxes = random_boxes(200, torch.Generator().manual_seed(0), side=900)
    edges = torch.tensor([[0.0, 0, s, s] for s in (112, 224, 448, 111.9, 447.9)])
    boxes = torch.cat([boxes[boxes[:, 2] > boxes[:, 0]], edges])
    wanted = LevelMapper(2, 5)([boxes]) + 2
    assert torch.equal(pyramid_level(boxes, 2, 5), wanted)


@pytest.fixture
def network():
    """torchvision's proposal network, maps of two pictures, and its anchors."""
    torch.manual_seed(3)
    anchors = AnchorGenerator(((16,), (32,)), ((0.5, 1.0, 2.0),) * 2)
    net = RegionProposalNetwork(
        anchors, RPNHead(8, 3), 0.5, 0.3, 64, 0.5,
        {"training": 50, "testing": 50}, {"training": 40, "testing": 40}, 0.6,
    )  # fmt: skip
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    maps = [torch.rand(2, 8, 12, 16), torch.rand(2, 8, 6, 8)]
    images = ImageList(torch.rand(2, 3, 96, 128), [(96, 128)] * 2)
    return net, maps, images


def our_outputs(net, maps):
    head = rpn.ProposalHead(8, 3)
    pairs = zip(head.parameters(), net.head.parameters(), strict=True)
    with torch.no_grad():
        for a, b in pairs:
            a.copy_(b)
    return [head(x) for x in maps]


def test_proposals_equal_torchvision(network):
    net, maps, images = network
    with torch.no_grad():
        wanted, _ = net.eval()(images, dict(enumerate(maps)))
        outputs = our_outputs(net, maps)
    anchors = list(
        net.anchor_generator(images, maps)[0].split([12 * 16 * 3, 6 * 8 * 3])
    )
    for i in range(2):
        boxes, scores = rpn.propose(
            [o[i] for o, _ in outputs], [d[i] for _, d in outputs], anchors,
            (96, 128), before=50, after=40, threshold=0.6,
        )  # fmt: skip
        torch.testing.assert_close(boxes, wanted[i], rtol=0, atol=1e-4)
        assert scores.diff().max() <= 0


def test_losses_of_the_proposals_equal_torchvision(network, monkeypatch):
    net, maps, images = network
    boxes = torch.tensor([[10.0, 20, 40, 60], [50, 10, 70, 30]])
    targets = [{"boxes": boxes}, {"boxes": torch.zeros(0, 4)}]
    _, wanted = net.train()(images, dict(enumerate(maps)), targets)
    anchors = net.anchor_generator(images, maps)[0]
    outputs = our_outputs(net, maps)
    objectness, deltas = (
        torch.cat(parts, dim=1) for parts in zip(*outputs, strict=True)
    )
    drawn, labels, towards = [], [], []
    torch.manual_seed(11)
    for i, target in enumerate(targets):
        label, delta = rpn.assign(anchors, target["boxes"], 0.5, 0.3)
        drawn.append(rpn.draw(label, 64) + i * len(anchors))
        labels.append(label), towards.append(delta)
    labels, towards, drawn = map(torch.cat, (labels, towards, drawn))
    # both draw at random: give torchvision's loss what ours drew
    masks = [torch.zeros(len(labels), dtype=torch.bool) for _ in range(2)]
    masks[0][drawn[labels[drawn] == 1]] = True
    masks[1][drawn[labels[drawn] == 0]] = True
    split = [m.split(len(anchors)) for m in masks]
    monkeypatch.setattr(net, "fg_bg_sampler", lambda labels: split)
    _, wanted = net(images, dict(enumerate(maps)), targets)
    what, where = rpn.proposal_losses(
        objectness.flatten(), deltas.reshape(-1, 4), labels, towards, drawn
    )
    torch.testing.assert_close(what, wanted["loss_objectness"], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(where, wanted["loss_rpn_box_reg"], rtol=1e-5, atol=1e-6)


def test_a_draw_is_half_things_at_most():
    wanted = torch.tensor([1.0] * 10 + [0.0] * 500 + [-1.0] * 50)
    drawn = rpn.draw(wanted, 64)
    assert len(drawn) == len(drawn.unique()) == 64
    assert (wanted[drawn] == 1).sum() == 10 and (wanted[drawn] >= 0).all()
    many = rpn.draw(torch.ones(100), 64)
    assert len(many) == 32

"""R-CNNs from plain data: what they take, give and learn."""

import pytest
import torch

from course_lib.data.harbour import HarbourThings
from course_lib.data.targets import target_of
from course_lib.detection.boxes import box_iou
from course_lib.detection.evaluation import evaluate_detector
from course_lib.detection.models import build_detector, open_detector
from course_lib.detection.rcnn.builders import swap_heads
from course_lib.detection.rcnn.keypoints import extreme_points
from course_lib.errors import InputError
from course_lib.paths import weights_dir
from course_lib.training.checkpoint import save_net

TINY = {
    "backbone_options": {"name": "resnet9", "width": 4, "channels": 8, "stages": 2},
    "anchor_sizes": [[8], [16], [32]],
    "box_channels": 16,
    "box_batch_size_per_image": 16,
    "rpn_post_nms_top_n_train": 50,
    "rpn_post_nms_top_n_test": 20,
}
OTHERS = {
    "squeezenet": {
        "backbone_options": {"channels": 8, "finest": 8},
        "anchor_sizes": [[8], [16], [32]],
    },
    "mobilenet": {"backbone_options": {}, "anchor_sizes": [[8, 16, 32]]},
}
FIVE = ["classifier", "box_reg", "mask", "objectness", "rpn_box_reg"]


def sample(height: int = 64, width: int = 96):
    """Two bars on grey: a picture in 0-1 and its target."""
    masks = torch.zeros(2, height, width, dtype=torch.bool)
    masks[0, 10:40, 10:20], masks[1, 30:50, 40:90] = True, True
    image = (
        0.5 - 0.4 * masks[0] + 0.5 * masks[1] * torch.tensor([1, 0, 0])[:, None, None]
    )
    return image.float(), target_of(masks, torch.tensor([1, 2]), 0)


def build(name: str, **more):
    torch.manual_seed(0)
    return build_detector(name, 3, **TINY | more)


def test_five_losses_in_training_and_boxes_in_evaluation():
    net = build("maskrcnn", mask_channels=8)
    pictures = [sample(), sample(80, 100)]
    losses = net([image for image, _ in pictures], [target for _, target in pictures])
    assert set(losses) == {f"loss_{name}" for name in FIVE}
    sum(losses.values()).backward()
    with torch.no_grad():
        found = net.eval()([image for image, _ in pictures])
    for (image, _), each in zip(pictures, found, strict=True):
        height, width = image.shape[-2:]
        assert each["masks"].shape == (len(each["boxes"]), 1, height, width)
        edge = torch.tensor([width, height, width, height])
        assert (each["boxes"] >= 0).all() and (each["boxes"] <= edge).all()


def test_learns_one_picture_and_finds_nothing_on_a_blank_one():
    net = build("maskrcnn", mask_channels=8)
    image, target = sample()
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    sums = []
    for _ in range(100):
        total = sum(net([image], [target]).values())
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        sums.append(total.item())
    assert sum(sums[-5:]) < 0.3 * sum(sums[:5])
    with torch.no_grad():
        found = net.eval()([image])[0]
        blank = net([torch.full_like(image, 0.5)])[0]
    best = {label: found["labels"].tolist().index(label) for label in (1, 2)}
    for row, label in enumerate((1, 2)):
        box = found["boxes"][best[label]][None]
        assert box_iou(box, target["boxes"][row][None]) > 0.6, (label, box)
    assert (blank["scores"] < 0.5).all()


def test_a_picture_without_things_is_learnt_from():
    net = build("fasterrcnn")
    image, target = sample()
    empty = {key: value[:0] if torch.is_tensor(value) else value
             for key, value in target.items()}  # fmt: skip
    losses = net([image, image], [target, empty])
    assert all(torch.isfinite(loss) for loss in losses.values())


@pytest.mark.parametrize("backbone", OTHERS)
def test_other_backbones_give_losses_and_boxes(backbone):
    net = build("fasterrcnn", backbone=backbone, **OTHERS[backbone])
    image, target = sample()
    losses = net([image, image], [target, target])
    assert set(losses) == {f"loss_{name}" for name in FIVE if name != "mask"}
    with torch.no_grad():
        assert set(net.eval()([image])[0]) == {"boxes", "labels", "scores"}


def test_keypoints_of_masks_are_learnt():
    net = build("keypointrcnn", num_keypoints=4, keypoint_channels=8)
    image, target = sample()
    points = extreme_points(target["masks"])
    assert points[0].tolist() == [[14.5, 10.5, 1], [19.5, 24.5, 1],
                                  [14.5, 39.5, 1], [10.5, 24.5, 1]]  # fmt: skip
    losses = net([image], [target | {"keypoints": points}])
    assert "loss_keypoint" in losses and torch.isfinite(losses["loss_keypoint"])
    with torch.no_grad():
        found = net.eval()([image])[0]
    assert found["keypoints"].shape == (len(found["boxes"]), 4, 3)


def test_swapped_heads_have_the_new_classes_and_keep_the_rest():
    net = build("maskrcnn", mask_channels=8)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    swapped = swap_heads(net, 5).state_dict()
    changed = {k for k in swapped
               if swapped[k].shape != before[k].shape}  # fmt: skip
    heads = ["roi_heads.box_predictor", "roi_heads.mask_predictor"]
    assert {k.rsplit(".", 2)[0] for k in changed} == set(heads)
    assert swapped["roi_heads.box_predictor.cls_score.weight"].shape == (5, 16)
    same = [k for k in swapped if not k.startswith(tuple(heads))]
    assert all(torch.equal(swapped[k], before[k]) for k in same)
    image, target = sample()
    assert len(net([image], [target])) == 5


def test_a_shipped_detector_comes_back(tmp_path):
    net = build("maskrcnn", mask_channels=8).eval()
    options = TINY | {"mask_channels": 8}
    info = {"model": "maskrcnn", "options": options, "num_classes": 3}
    save_net(tmp_path / "net.safetensors", net, info)
    again, told = open_detector(tmp_path / "net.safetensors")
    assert told["options"]["anchor_sizes"] == [[8], [16], [32]]
    image, _ = sample()
    with torch.no_grad():
        ours, theirs = again([image])[0], net.half().float()([image])[0]
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    "name, options, told",
    [
        ("yolov9", {}, "there is no detector 'yolov9'; choose one of fasterrcnn"),
        ("fasterrcnn", {"backbone": "vgg"}, "there is no backbone 'vgg'"),
        ("fasterrcnn", {"anchor_sizes": [[8]]}, "1 rows but the backbone gives 3 maps"),
        (
            "fasterrcnn",
            {"anchor_ratios": [[1], [1, 2], [1]]},
            "have \\[1, 2\\] anchors",
        ),
    ],
)
def test_wrong_names_and_anchors_are_refused(name, options, told):
    with pytest.raises(InputError, match=told):
        build(name, **options)


def test_the_backbone_of_a_shipped_net_is_taken():
    start = {"name": "resnet18", "width": 16, "channels": 8, "stages": 3,
             "start": "resnet18_8s_harbour"}  # fmt: skip
    sizes = [[8], [16], [32], [64]]
    net = build("fasterrcnn", backbone_options=start, anchor_sizes=sizes)
    again = build("fasterrcnn", backbone_options=start, anchor_sizes=sizes)
    key = "backbone.body.resnet.layer2.0.conv1.weight"
    assert torch.equal(net.state_dict()[key], again.state_dict()[key])
    with pytest.raises(InputError, match="backbone in resnet18_8s_harbour.* not fit"):
        build("fasterrcnn", backbone_options=start | {"width": 8}, anchor_sizes=sizes)


def test_boxes_stay_exact_under_bfloat16():
    """bfloat16 knows every second whole number at 300: a thin box would vanish."""
    net = build("fasterrcnn").eval()
    seen = []
    net.rpn.register_forward_hook(lambda module, args, out: seen.extend(out[0]))
    image, target = sample(64, 400)
    target["boxes"] = torch.tensor([[301.0, 10, 302, 40], [10, 10, 60, 30]])
    with torch.autocast("cpu", torch.bfloat16):
        losses = net.train()([image], [target])
    assert seen[0].dtype == torch.float32
    assert all(torch.isfinite(loss) for loss in losses.values())


class Truth(torch.nn.Module):
    """A detector that says what is there."""

    def __init__(self, targets):
        super().__init__()
        self.targets = iter(targets)

    def forward(self, images):
        found = []
        for target in (next(self.targets) for _ in images):
            masks = target["masks"][:, None].float()
            scores = torch.ones(len(masks))
            kept = {key: target[key] for key in ("boxes", "labels")}
            found.append(kept | {"masks": masks, "scores": scores})
        return found


def test_the_truth_has_an_ap_of_one():
    pictures = HarbourThings("test", 3, (96, 128))
    truth = Truth(pictures[i][1] for i in range(3))
    reports = evaluate_detector(truth, pictures, iou_types=("bbox", "segm"))
    assert reports["bbox"].ap == reports["segm"].ap == pytest.approx(1)
    assert reports["bbox"].categories == pictures.classes.names[1:]


def test_the_shipped_detector_finds_things_and_none_on_a_blank_picture():
    detector, info = open_detector(weights_dir() / "maskrcnn_harbour.safetensors")
    pictures = HarbourThings("test", 8)
    assert tuple(info["classes"]["names"]) == pictures.classes.names
    report = evaluate_detector(detector, pictures, iou_types=("segm",))["segm"]
    assert report.ap50 > 0.5
    with torch.no_grad():
        for grey in (0.0, 0.5, 1.0):
            (found,) = detector([torch.full((3, 192, 256), grey)])
            assert (found["scores"] < 0.5).all()


def test_a_net_that_began_with_coco_weights_is_read_again(monkeypatch):
    """torchvision freezes the norms of such a net; without weights it does not."""
    from course_lib.detection.rcnn import coco
    from course_lib.detection.rcnn.plan import without_files

    def whole(weights=None, weights_backbone=None):
        if weights == "no network":
            raise OSError("refused")
        net = build("maskrcnn", mask_channels=8)
        if weights:
            coco.freeze_norms(net)
        return net

    monkeypatch.setattr(coco.detection, "maskrcnn_resnet50_fpn", whole)
    options = {"weights": "COCO_V1"}
    began = build_detector("maskrcnn_resnet50_fpn", 2, **options)
    again = build_detector("maskrcnn_resnet50_fpn", 2, **without_files(options))
    assert began.state_dict().keys() == again.state_dict().keys()
    assert "backbone.body.resnet.bn1.num_batches_tracked" not in began.state_dict()
    again.load_state_dict(began.state_dict())
    assert again.roi_heads.box_predictor.cls_score.out_features == 2
    with pytest.raises(InputError, match="cannot be downloaded .refused.; try again"):
        build_detector("maskrcnn_resnet50_fpn", 2, weights="no network")

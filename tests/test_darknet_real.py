"""Darknet's own cfgs, public weights files, and OpenCV's answers for them."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.ops import box_iou

from course_lib.data.images import read_image
from course_lib.detection.darknet.cfg import parse_cfg
from course_lib.detection.darknet.decode import decode
from course_lib.detection.darknet.detector import load_detector, load_net
from course_lib.detection.darknet.network import Darknet, fused
from course_lib.detection.darknet.plan import plan
from course_lib.detection.darknet.weights import save_weights
from course_lib.training.cards import read_card

pytestmark = pytest.mark.real
NETS = {
    "yolo-fastest-1.1": 346_062,
    "yolo-fastest-1.1-xl": 923_486,
    "mobilenetv2-yolov3-nano-coco": 891_070,
    "mobilenetv2-yolov3-nano-voc": 769_750,
    "yolo-lite-trial3-nobatch-voc": 572_317,
}
YOLOV3 = [name for name in NETS if "lite" not in name]
# Layers, and bytes of the public weights file (yolov3-voc: as the cfg says).
CFGS = {
    "yolov3": (107, 248_007_048),
    "yolov3-tiny": (24, 35_434_956),
    "yolov3-spp": (114, 252_209_544),
    "yolov3-voc": (107, 246_714_648),
    "yolov2": (32, 203_934_260),
    "yolov2-tiny": (16, 44_948_600),
    "tiny": (22, 4_185_972),
    "darknet19": (26, 83_427_120),
    "darknet53": (78, 166_582_580),
    "resnet18": (29, 46_094_004),
}


@pytest.fixture
def darknet(real_data):
    return real_data / "darknet"


@pytest.mark.parametrize("name", CFGS)
def test_the_cfgs_of_darknet(darknet, name):
    layers = plan(parse_cfg(darknet / "cfg" / f"{name}.cfg"))
    floats = sum(layer.floats for layer in layers)
    count, size = CFGS[name]
    assert len(layers) == count and size - 4 * floats in (16, 20)


@pytest.mark.parametrize("name", ["yolov3-tiny", "tiny", "yolov2-tiny"])
def test_small_cfgs_of_darknet_run(darknet, name):
    sections = parse_cfg(darknet / "cfg" / f"{name}.cfg")
    with torch.device("meta"):  # shapes alone
        net = Darknet(sections).eval()
        shapes = [out.shape[1:] for out in net(torch.empty(1, 3, 224, 224))]
    planned = plan(sections, (224, 224))
    ends = [p.out for p in planned if p.section.kind in ("yolo", "region", "softmax")]
    assert shapes == [tuple(end) for end in ends]


@pytest.mark.parametrize("name", NETS)
def test_no_float_is_left_over_and_the_same_bytes_come_back(darknet, name, tmp_path):
    cfg, weights = (darknet / "weights" / f"{name}{e}" for e in (".cfg", ".weights"))
    assert sum(layer.floats for layer in plan(parse_cfg(cfg))) == NETS[name]
    net = load_net(cfg, weights)
    save_weights(net, tmp_path / "again.weights")
    assert (tmp_path / "again.weights").read_bytes() == weights.read_bytes()


@pytest.mark.parametrize("name", YOLOV3)
def test_rows_before_nms_are_opencvs(darknet, name):
    reference = np.load(darknet / "reference" / "raw_rows_dog_opencv.npz")
    net = load_net(*(darknet / "weights" / f"{name}{e}" for e in (".cfg", ".weights")))
    for size in (320, 416):
        with Image.open(darknet / "reference" / f"dog_{size}.png") as picture:
            x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
        for ours in (net.eval(), fused(net)):
            with torch.inference_mode():
                rows = decode(ours(x), net)[0].numpy()
            theirs = reference[f"{name}@{size}"]
            rows[:, 5:][(rows[:, 5:] <= 0.2) & (theirs[:, 5:] == 0)] = 0
            assert np.abs(rows - theirs).max() < 1e-4


@pytest.mark.parametrize("name", YOLOV3)
def test_boxes_above_a_half_are_opencvs(darknet, name):
    kept = json.loads((darknet / "reference" / "detections_opencv.json").read_text())
    files = [darknet / "weights" / f"{name}{end}" for end in (".cfg", ".weights")]
    cases = [case for case in kept["results"] if case["weights"] == name]
    assert len(cases) == 6
    for case in cases:
        detector = load_detector(
            *files, size=case["network_size"], resize="stretch",
            score_threshold=kept["conf_threshold"], nms_threshold=kept["nms_iou"],
        )  # fmt: skip
        with torch.inference_mode():
            (found,) = detector([read_image(darknet.parent / case["image"]) / 255])
        theirs = case["detections"]
        classes = torch.tensor([each["class_id"] for each in theirs]) + 1
        boxes = torch.tensor([each["box_xyxy"] for each in theirs]).reshape(-1, 4)
        scores = torch.tensor([each["score"] for each in theirs])
        assert sorted(found["labels"].tolist()) == sorted(classes.tolist())
        overlap = box_iou(boxes, found["boxes"])
        overlap[classes[:, None] != found["labels"]] = 0
        best = overlap.max(dim=1)
        assert best.values.min() >= 0.98
        assert best.indices.unique().numel() == len(boxes)
        assert (found["scores"][best.indices] - scores).abs().max() < 0.01


def test_the_fitted_input_is_opencvs_byte_by_byte(darknet):
    from course_lib.detection.darknet.letterbox import stretch

    image = read_image(darknet / "images" / "dog.jpg") / 255
    for size in (320, 416):
        with Image.open(darknet / "reference" / f"dog_{size}.png") as picture:
            theirs = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
        ours = (stretch(image, (size, size))[0] * 255).round()
        assert (ours - theirs).abs().max() <= 1  # JPEG readers differ by one
        assert (ours != theirs).float().mean() < 0.01


@pytest.fixture
def cv2():
    return pytest.importorskip("cv2", reason="OpenCV 4 is in the extra `bench`")


# OpenCV's cut at 0.2 hides most class scores; objectness and boxes are not cut.
@pytest.mark.parametrize("size", [224, 320, 416])
@pytest.mark.parametrize("picture", ["dog", "eagle", "person"])
def test_the_region_file_agrees_with_opencv(darknet, cv2, size, picture):
    name = darknet / "weights" / "yolo-lite-trial3-nobatch-voc"
    theirs, blob = opencv_rows(cv2, name, darknet / f"images/{picture}.jpg", size)
    net = load_net(f"{name}.cfg", f"{name}.weights").eval()
    with torch.inference_mode():
        ours = decode(net(torch.from_numpy(blob)), net)[0].numpy()
    assert np.abs(ours[:, :5] - theirs[:, :5]).max() < 1e-4
    shown = theirs[:, 5:] > 0
    assert np.abs(ours[:, 5:] - theirs[:, 5:])[shown].max(initial=0) < 1e-4


@pytest.mark.parametrize("name", YOLOV3)
@pytest.mark.parametrize(("picture", "size"), [("kite", 256), ("horses", 608)])
def test_other_pictures_and_sizes_agree_with_opencv(darknet, cv2, name, picture, size):
    file = darknet / "images" / f"{picture}.jpg"
    theirs, blob = opencv_rows(cv2, darknet / "weights" / name, file, size)
    net = load_net(*(darknet / "weights" / f"{name}{e}" for e in (".cfg", ".weights")))
    with torch.inference_mode():
        ours = decode(fused(net)(torch.from_numpy(blob)), net)[0].numpy()
    assert np.abs(ours[:, :5] - theirs[:, :5]).max() < 1e-4
    shown = theirs[:, 5:] > 0
    assert np.abs(ours[:, 5:] - theirs[:, 5:])[shown].max(initial=0) < 1e-4


def opencv_rows(cv2, name, file, size):
    """Rows and input blob of OpenCV's dnn; older readers only (it left OpenCV 5)."""
    if not hasattr(cv2.dnn, "readNetFromDarknet"):
        pytest.skip("this OpenCV reads no Darknet files; install 4.x")
    net = cv2.dnn.readNetFromDarknet(f"{name}.cfg", f"{name}.weights")
    blob = cv2.dnn.blobFromImage(
        cv2.imread(str(file)), 1 / 255, (size, size), swapRB=True
    )
    net.setInput(blob)
    outs = net.forward(net.getUnconnectedOutLayersNames())
    return np.concatenate([out.reshape(-1, out.shape[-1]) for out in outs]), blob


def test_every_box_of_120_pictures_is_the_references(real_data):
    from course_lib.detection.darknet.names import COCO_IDS

    folder, name = real_data / "darknet", "yolo-fastest-1.1"
    rows = json.loads(
        (folder / "reference" / f"coco128_results_{name}_320.json").read_text()
    )
    theirs = {}
    for row in rows:
        theirs.setdefault(row["image_id"], []).append(row)
    files = [folder / "weights" / f"{name}{end}" for end in (".cfg", ".weights")]
    options = {"size": 320, "resize": "stretch", "score_threshold": 0.005}
    detector = load_detector(*files, **options)
    for image_id in sorted(theirs)[::4]:
        image = read_image(real_data / f"coco128/train2017/{image_id:012}.jpg")
        with torch.inference_mode():
            (found,) = detector([image / 255])
        kept = sorted(theirs[image_id], key=lambda row: -row["score"])
        assert min(100, len(found["scores"])) == len(kept)
        scores = torch.tensor([row["score"] for row in kept])
        assert (found["scores"][:100] - scores).abs().max() < 2e-3
        best = torch.tensor(kept[0]["bbox"])
        best[2:] += best[:2]
        assert (found["boxes"][0] - best).abs().max() < 1
        assert COCO_IDS[found["labels"][0] - 1] == kept[0]["category_id"]


def test_the_kept_cards_hold_the_references_figures(darknet):
    kept = json.loads((darknet / "reference/coco128_ap_pycocotools.json").read_text())
    rows = read_card("coco128_darknet")["rows"]
    ours = {row["net"]: row["ap50"] for row in rows if row["resize"] == "stretch"}
    for name, each in kept["results"].items():
        assert ours[name] == pytest.approx(each["stats"][1], abs=0.005)
    people = {
        row["net"]: (row["ap"], row["ap50"])
        for row in read_card("penn_fudan_darknet")["rows"]
        if (row["split"], row["resize"]) == ("all", "stretch")
        and row["score_threshold"] == 0.2  # OpenCV's cut
    }
    assert people["yolo-fastest-1.1"] == pytest.approx((0.487, 0.929), abs=0.005)
    assert people["yolo-fastest-1.1-xl"] == pytest.approx((0.550, 0.954), abs=0.005)

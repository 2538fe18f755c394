"""Darknet nets beside OpenCV's dnn, and decoding beside the loops of old tutorials.

Both get the same input; a detection is net, decoding and NMS of one picture. The public
files are read from ``COURSE_DATA``; the shipped net is always there.
"""

import math

import numpy as np
import pytest
import torch

from course_lib.data.pocket import pocket_photo
from course_lib.detection.darknet.decode import decode, detections
from course_lib.detection.darknet.detector import load_detector, load_net
from course_lib.detection.darknet.letterbox import stretch
from course_lib.paths import data_dir, weights_dir

SCORE, IOU = 0.5, 0.45
PUBLIC = (
    "yolo-fastest-1.1", "yolo-fastest-1.1-xl", "mobilenetv2-yolov3-nano-coco",
    "mobilenetv2-yolov3-nano-voc",
)  # fmt: skip


def file_of(name):
    if name == "yolo_harbour":
        return weights_dir() / name
    folder = data_dir()
    if folder is None or not (folder / "darknet").is_dir():
        pytest.skip("COURSE_DATA is unset: no public Darknet files")
    return folder / "darknet" / "weights" / name


@pytest.fixture(params=["yolo_harbour", *PUBLIC])
def case(request, benchmark):
    """Files of a net and its input (1, 3, H, W), a photograph."""
    file = file_of(request.param)
    size = (192, 256) if request.param == "yolo_harbour" else (320, 320)
    benchmark.group = f"detection, {request.param}, {size[1]}x{size[0]}, one thread"
    return file, stretch(pocket_photo("astronaut") / 255, size)[0][None]


def run(benchmark, detect, *arguments):
    benchmark.pedantic(detect, arguments, rounds=40, warmup_rounds=5)


def test_ours(benchmark, case):
    file, x = case
    detector = load_detector(f"{file}.cfg", f"{file}.weights", size=tuple(x.shape[-2:]))
    x = x.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def detect():
        rows = decode(detector.net(x), detector.net)[0]
        return detections(rows, SCORE, IOU)

    assert detect()[0].isfinite().all()
    run(benchmark, detect)


def test_opencv(benchmark, case):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "readNetFromDarknet"):
        pytest.skip("this OpenCV reads no Darknet files; install 4.x")
    file, x = case
    cv2.setNumThreads(1)
    net = cv2.dnn.readNetFromDarknet(f"{file}.cfg", f"{file}.weights")
    outs = net.getUnconnectedOutLayersNames()

    def detect():
        net.setInput(x.numpy())
        rows = np.concatenate(net.forward(outs))
        best = rows[:, 5:].argmax(axis=1)
        scores = rows[np.arange(len(rows)), 5 + best]
        keep = scores > SCORE
        boxes = np.hstack([rows[keep, :2] - rows[keep, 2:4] / 2, rows[keep, 2:4]])
        return cv2.dnn.NMSBoxesBatched(
            boxes.tolist(), scores[keep].tolist(), best[keep].tolist(), SCORE, IOU
        )

    detect()
    run(benchmark, detect)


def raw_maps():
    """Maps with a few dozen boxes above the threshold, as a busy street gives."""
    file = weights_dir() / "yolo_harbour"
    net = load_net(f"{file}.cfg", f"{file}.weights").eval()
    generator = torch.Generator().manual_seed(0)
    sizes = [(192 // head.stride, 256 // head.stride) for head in net.heads]
    channels = [len(h.anchors) * (5 + h.num_classes) for h in net.heads]
    maps = [
        torch.randn(1, c, *size, generator=generator) * 2
        for c, size in zip(channels, sizes, strict=True)
    ]
    for raw, head in zip(maps, net.heads, strict=True):
        raw[:, 4 :: 5 + head.num_classes] -= 5  # most cells are sure of nothing
    return maps, net


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def wide(value, head):
    """How far into its cell a centre lies; ``scale_x_y`` lets it out a little."""
    return (sigmoid(value) - 0.5) * head.scale_x_y + 0.5


def boxes_by_loops(maps, net):
    """Cell after cell, anchor after anchor, class after class; then NMS in pairs."""
    found = []
    for raw, head in zip(maps, net.heads, strict=True):
        _, _, h, w = raw.shape
        each = 5 + head.num_classes
        for row in range(h):
            for column in range(w):
                for a, (anchor_w, anchor_h) in enumerate(head.anchors):
                    cell = raw[0, a * each : (a + 1) * each, row, column]
                    x = (wide(float(cell[0]), head) + column) / w
                    y = (wide(float(cell[1]), head) + row) / h
                    bw = math.exp(float(cell[2])) * anchor_w / (w * head.stride)
                    bh = math.exp(float(cell[3])) * anchor_h / (h * head.stride)
                    objectness = sigmoid(float(cell[4]))
                    scores = [objectness * sigmoid(float(v)) for v in cell[5:]]
                    k = scores.index(max(scores))
                    if scores[k] > SCORE:
                        box = [x - bw / 2, y - bh / 2, x + bw / 2, y + bh / 2]
                        found.append((scores[k], k, box))
    found.sort(key=lambda f: -f[0])
    kept = []
    for f in found:
        if all(f[1] != g[1] or overlap(f[2], g[2]) <= IOU for g in kept):
            kept.append(f)
    return kept


def overlap(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return w * h / (areas - w * h)


def vectorised(maps, net):
    return detections(decode(maps, net)[0], SCORE, IOU)


GROUP = "decoding and NMS, maps of 256x192, 6 classes, one thread"


@pytest.mark.benchmark(group=GROUP)
def test_decode_ours(benchmark):
    maps, net = raw_maps()
    with torch.inference_mode():
        boxes, _, scores = vectorised(maps, net)
        kept = boxes_by_loops(maps, net)
        assert len(kept) == len(scores) > 20
        wanted = torch.tensor([box for _, _, box in kept])
        torch.testing.assert_close(boxes, wanted, rtol=1e-4, atol=1e-5)
        benchmark.pedantic(vectorised, (maps, net), rounds=40, warmup_rounds=5)


@pytest.mark.benchmark(group=GROUP)
def test_decode_by_loops(benchmark):
    benchmark.pedantic(boxes_by_loops, raw_maps(), rounds=3)

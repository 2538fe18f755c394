"""What PyTorch says of the pictures on the page of the nets; the browser must agree.

Run where the course is installed: ``python tests/browser/expect_nets.py``.
"""

import json
from pathlib import Path

import torch

from course_lib.commands.predict import predict_mask
from course_lib.data.images import read_image
from course_lib.detection.darknet.detector import load_detector
from course_lib.paths import results_dir, weights_dir
from course_lib.training.checkpoint import load_net

ANSWERS = Path(__file__).with_name("nets_expected.json")
PICTURES = results_dir().parent / "book" / "static" / "nets"


def labels_of(name: str) -> list[list[int]]:
    """Classes of all pixels, row by row, as runs (class, length)."""
    net, _ = load_net(weights_dir() / "dilated_fpn_camvid.safetensors")
    labels = predict_mask(net, read_image(PICTURES / name)).flatten()
    ids, lengths = labels.unique_consecutive(return_counts=True)
    return torch.stack([ids, lengths], dim=1).tolist()


def boxes_of(name: str) -> list[dict]:
    """Boxes with a score above 0.5 as the page has them, the best first."""
    at = [weights_dir() / f"yolo_harbour.{end}" for end in ("cfg", "weights")]
    names = json.loads((PICTURES / "nets.json").read_text())["yolo_harbour"]["names"]
    detector = load_detector(*at, score_threshold=0.5)
    image = read_image(PICTURES / name).as_subclass(torch.Tensor)
    with torch.inference_mode():
        (found,) = detector([image.float() / 255])
    rows = zip(found["boxes"], found["labels"], found["scores"], strict=True)
    return [
        {
            "box": [round(x, 2) for x in box.tolist()],
            "name": names[label - 1],
            "score": round(score.item(), 4),
        }
        for box, label, score in rows
    ]


if __name__ == "__main__":
    answers = {
        name: {"labels": labels_of(name), "boxes": boxes_of(name)}
        for name in ("harbour.png", "camera.jpg")
    }
    ANSWERS.write_text(json.dumps(answers, separators=(",", ":")) + "\n")

"""A Darknet net as a detector: pictures in, boxes out; with targets, losses."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from course_lib.detection.darknet.cfg import parse_cfg
from course_lib.detection.darknet.decode import decode, detections
from course_lib.detection.darknet.letterbox import (
    RESIZE,
    batch,
    to_input,
    unletterbox,
)
from course_lib.detection.darknet.network import Darknet, fused
from course_lib.detection.darknet.plan import plan
from course_lib.detection.darknet.weights import check_size, load_weights
from course_lib.errors import InputError


class DarknetDetector(nn.Module):
    """Torchvision's contract of a detector around a Darknet net.

    In training, ``detector(images, targets)`` is a dict of losses (``yolo.loss``);
    in evaluation, ``detector(images)`` is a list of ``boxes`` (N, 4) xyxy in pixels
    of that picture, not clipped to it, ``labels`` (line of the names file, counted
    from 1) and ``scores``, the best first.

    Taught in chapters/14_yolov3_darknet.
    """

    def __init__(
        self,
        net: Darknet,
        size: int | tuple[int, int] | None = None,
        resize: str = "letterbox",
        score_threshold: float = 0.01,
        nms_threshold: float = 0.45,
        best_class: bool = True,
    ):
        """Wrap a net.

        Args:
            net: with at least one [yolo] or [region].
            size: side, or (height, width), of the input in pixels; None: the cfg's.
            resize: "letterbox" keeps the shape of things, "stretch" does not.
            score_threshold: smallest score of a box, 0 to 1.
            nms_threshold: largest IoU of two boxes of one class.
            best_class: one class a box; False: every class above the threshold.

        Raises:
            InputError: for a net without boxes, and a size it cannot take.
        """
        super().__init__()
        size = net.size if size is None else size
        self.net, self.size = (
            net,
            (size, size) if isinstance(size, int) else tuple(size),
        )
        self.resize, self.best_class = resize, best_class
        self.score_threshold, self.nms_threshold = score_threshold, nms_threshold
        self._check()

    def forward(self, images: Sequence[Tensor], targets: Sequence[dict] | None = None):
        """Losses in training, detections in evaluation; see the class."""
        inputs, placements = batch(list(images), self.size, self.resize)
        inputs = inputs.to(memory_format=torch.channels_last)
        maps = self.net(inputs)
        if self.training:
            return self._losses(maps, placements, targets)
        rows = decode(maps, self.net)  # (B, N, 5 + C)
        return [self._boxes(*pair) for pair in zip(rows, placements, strict=True)]

    def _boxes(self, rows: Tensor, placement) -> dict[str, Tensor]:
        boxes, classes, scores = detections(
            rows, self.score_threshold, self.nms_threshold, self.best_class
        )
        height, width = self.size
        boxes = boxes * boxes.new_tensor([width, height, width, height])
        boxes = unletterbox(boxes, placement)
        return {"boxes": boxes, "labels": classes + 1, "scores": scores}

    def _losses(self, maps, placements, targets) -> dict[str, Tensor]:
        from course_lib.detection.yolo.loss import yolo_loss

        if targets is None:
            raise InputError("a detector in training wants targets; or call .eval()")
        placed = [
            {
                "boxes": to_input(t["boxes"].as_subclass(Tensor), p),
                "labels": t["labels"],
            }
            for t, p in zip(targets, placements, strict=True)
        ]  # labels 1..N, boxes xyxy in pixels of the input
        return yolo_loss(maps, self.net.heads, placed, self.size)

    def _check(self) -> None:
        if not self.net.heads:
            raise InputError(
                f"{self.net.sections[0].where}: the net has no [yolo] or [region] "
                "section, so it finds no boxes; it is a classifier"
            )
        if self.resize not in RESIZE:
            raise InputError(f"resize is {self.resize!r}; choose letterbox or stretch")
        if any(side < 1 or side % self.net.stride for side in self.size):
            raise InputError(
                f"size {self.size[1]} x {self.size[0]} does not suit the net; give "
                f"multiples of {self.net.stride}"
            )
        for name in ("score_threshold", "nms_threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}; give 0 to 1")
        self.net.check((3, *self.size))


def load_net(
    cfg: str | Path, weights: str | Path | None = None, sha256: str | None = None
) -> Darknet:
    """A net of a cfg file, with the weights of a file or random ones.

    The file's length is compared with the cfg's demand before anything is allocated.
    """
    sections = parse_cfg(cfg)
    if weights is not None:
        floats = sum(layer.floats for layer in plan(sections))
        check_size(Path(weights), floats)
    net = Darknet(sections)
    if weights is not None:
        load_weights(net, weights, sha256)
    return net


def load_detector(
    cfg: str | Path, weights: str | Path, sha256: str | None = None, **options
) -> DarknetDetector:
    """A detector in evaluation mode from a cfg and a weights file.

    Its batch normalisations are folded in (``fused``): it detects, and does not
    learn. To train on, wrap a ``load_net`` instead.

    Args:
        cfg: the net.
        weights: its floats.
        sha256: of the weights file, or None.
        options: of ``DarknetDetector``.

    Raises:
        InputError: for a faulty file, naming file, section or byte.

    Taught in chapters/14_yolov3_darknet.
    """
    return DarknetDetector(fused(load_net(cfg, weights, sha256)), **options).eval()

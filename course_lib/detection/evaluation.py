"""Measure a detector on a data set: average precision of its boxes and masks."""

from collections.abc import Iterator

import torch
from torch import nn
from torchvision.transforms.v2.functional import to_dtype
from tqdm import tqdm

from course_lib.detection.average_precision import Report, evaluate
from course_lib.detection.coco_format import instances, to_results
from course_lib.errors import InputError


def evaluate_detector(
    detector: nn.Module,
    dataset,
    *,
    iou_types: tuple[str, ...] = ("bbox",),
    batch_size: int = 1,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> dict[str, Report]:
    """Detect in every picture and measure as COCO does.

    Args:
        detector: takes a list of float (3, H, W) in 0 to 1, gives ``boxes, labels,
            scores`` (and ``masks``) of each; it runs in evaluation mode and is left
            in the mode it came in.
        dataset: samples (image uint8 (3, H, W), target), and ``classes``.
        iou_types: "bbox", "segm", or both.
        batch_size: pictures at a time.
        device: where ``detector`` is.
        progress: show a bar on the terminal.

    Returns:
        A report for each of ``iou_types``.

    Raises:
        InputError: where two pictures have one ``image_id``, or the detector gives
            something that is not finite.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    truth, results = [], {kind: [] for kind in iou_types}
    for targets, found in detections(
        detector, dataset, batch_size=batch_size, device=device, progress=progress
    ):
        truth += targets
        ids = [int(target["image_id"]) for _, target in targets]
        for kind in iou_types:
            if kind == "segm" and found and "masks" not in found[0]:
                raise InputError("the detector gives no masks; evaluate bbox alone")
            results[kind] += to_results(found, ids, kind)
    ground_truth = instances(truth, dataset.classes.names)
    return {kind: evaluate(ground_truth, results[kind], kind) for kind in iou_types}


@torch.no_grad()
def detections(
    detector: nn.Module,
    dataset,
    *,
    batch_size: int = 1,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> Iterator[tuple[list[tuple], list[dict]]]:
    """What a detector finds, a few pictures at a time.

    Arguments as of ``evaluate_detector``.

    Yields:
        (size (H, W), target) of the pictures, and their predictions on the CPU.
    """
    was_training = detector.training
    detector.eval()
    starts = range(0, len(dataset), batch_size)
    for start in tqdm(starts, disable=None if progress else True):
        rows = range(start, min(start + batch_size, len(dataset)))
        samples = [dataset[i] for i in rows]
        images = [to_dtype(x, torch.float32, scale=True).to(device) for x, _ in samples]
        found = [{k: v.cpu() for k, v in each.items()} for each in detector(images)]
        yield [(tuple(x.shape[-2:]), target) for x, target in samples], found
    detector.train(was_training)

"""Measure a network on a data set, or a folder of predictions against labels."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from course_lib.data.classes import VOID, class_table
from course_lib.data.images import read_labels
from course_lib.data.readers.pairs import by_stem
from course_lib.data.transforms import normalise
from course_lib.errors import InputError
from course_lib.metrics import ConfusionMatrix

BATCH_SIZE = 4


def evaluate_net(
    net: nn.Module,
    dataset,
    *,
    device: str | torch.device = "cpu",
    autocast: AbstractContextManager | None = None,
    progress: bool = False,
) -> ConfusionMatrix:
    """Predict every picture of a data set whole and count, at its own size.

    Args:
        net: takes normalised (B, 3, H, W), gives ``{"out": (B, C, H, W)}``; it runs
            in evaluation mode and is left in the mode it came in.
        dataset: gives (image uint8 (3, H, W), mask int64 (H, W)) and has
            ``classes`` and ``file(i)``; pictures may differ in size.
        device: where ``net`` is.
        autocast: context of the forward pass, such as ``torch.autocast(...)``.
        progress: show a bar on the terminal.

    Returns:
        The summed confusion matrix; its ``scores`` knows both treatments of void.

    Raises:
        InputError: for an id in the labels that is no class, naming the file.

    Taught in chapters/01_pixels_and_labels.
    """
    matrix = ConfusionMatrix(dataset.classes.num_classes)
    for indices, logits, masks in predictions(
        net, dataset, device=device, autocast=autocast, progress=progress
    ):
        answers = logits.argmax(dim=1)  # (B, H, W)
        for i, mask, answer in zip(indices, masks, answers, strict=True):
            _count(matrix, mask, answer, dataset.file(i))
    return matrix


@torch.no_grad()
def predictions(
    net: nn.Module,
    dataset,
    *,
    device: str | torch.device = "cpu",
    autocast: AbstractContextManager | None = None,
    progress: bool = False,
) -> Iterator[tuple[list[int], Tensor, list[Tensor]]]:
    """What a network says of every picture, a few pictures at a time.

    Arguments as of ``evaluate_net``.

    Yields:
        indices of the pictures, logits (B, C, H, W) on the CPU, masks (H, W).
    """
    was_training = net.training
    net.eval()
    for indices, images, masks in _batches(dataset, progress):
        with autocast or nullcontext():
            logits = net(normalise(images).to(device))["out"]
        yield indices, logits.cpu(), masks
    net.train(was_training)


def evaluate_folders(
    labels_dir: Path, predictions_dir: Path, dataset: str, progress: bool = False
) -> tuple[ConfusionMatrix, int]:
    """Hold a folder of predicted label pictures against the true ones.

    Args:
        labels_dir: label pictures; ids as the files of ``dataset`` have them.
        predictions_dir: one label picture of the same stem and size for each.
        dataset: name of a class table, such as "camvid".
        progress: show a bar on the terminal.

    Returns:
        The summed confusion matrix and the number of pictures.

    Raises:
        InputError: for an empty folder, a picture without partner, two sizes, or an
            id that is no class; names the file, the value and the fix.

    Taught in chapters/01_pixels_and_labels.
    """
    matrix = ConfusionMatrix(class_table(dataset).num_classes)
    pairs = _pairs(Path(labels_dir), Path(predictions_dir))
    for truth, answer in tqdm(pairs, disable=None if progress else True):
        labels, prediction = (
            file_ids(read_labels(p), dataset) for p in (truth, answer)
        )
        if labels.shape != prediction.shape:
            raise InputError(
                f"{answer} is {_size(prediction)} pixels but its labels are "
                f"{_size(labels)}; bring predictions to the size of the picture, by "
                "nearest neighbour"
            )
        _count(matrix, labels, prediction, truth.name)
    return matrix, len(pairs)


def file_ids(mask: Tensor, dataset: str) -> Tensor:
    """Ids as the files of a data set have them, brought to 0 to C-1 and 255.

    CamVid's files call void 11; those of ADE20K call it 0 and count from 1.
    """
    if dataset == "camvid":
        return mask.masked_fill(mask == 11, VOID)
    if dataset == "ade20k":
        return torch.where(mask == 0, VOID, mask - 1)
    return mask


def _batches(dataset, progress: bool) -> Iterator[tuple[list[int], Tensor, list]]:
    """Runs of up to BATCH_SIZE pictures that follow each other in one size."""
    run, images, masks = [], [], []
    for i in tqdm(range(len(dataset)), disable=None if progress else True):
        image, mask = dataset[i]
        if run and (len(run) == BATCH_SIZE or image.shape != images[0].shape):
            yield run, torch.stack(images), masks
            run, images, masks = [], [], []
        run, images, masks = run + [i], images + [image], masks + [mask]
    if run:
        yield run, torch.stack(images), masks


def _count(matrix: ConfusionMatrix, mask: Tensor, answer: Tensor, name: str) -> None:
    try:
        matrix.update(mask, answer)
    except InputError as error:
        raise InputError(f"{name}, {error}") from None


def _pairs(labels_dir: Path, predictions_dir: Path) -> list[tuple[Path, Path]]:
    truths, answers = by_stem(labels_dir), by_stem(predictions_dir)
    for here, there, folder in (
        (truths, answers, predictions_dir),
        (answers, truths, labels_dir),
    ):
        alone = [path for stem, path in here.items() if stem not in there]
        if alone:
            raise InputError(
                f"{alone[0]} has no partner {alone[0].stem}.* in {folder} "
                f"({len(alone)} such of {len(here)}); give both folders the same names"
            )
    return [(path, answers[stem]) for stem, path in truths.items()]


def _size(mask: Tensor) -> str:
    height, width = mask.shape
    return f"{width}x{height}"

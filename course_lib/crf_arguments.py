"""What may be given to ``crf.mean_field``, and what is said of anything else."""

import torch
from torch import Tensor

from course_lib.errors import InputError


def check_arguments(image, probabilities, method, *, iterations, **parameters) -> None:
    """Refuse what ``crf.mean_field`` cannot work with; its docstring says shapes.

    Raises:
        InputError: with the argument, its value and what to give instead.
    """
    if method not in ("exact", "fast", "auto"):
        raise InputError(f'method is {method!r}; choose "exact", "fast" or "auto"')
    for name, value in (("image", image), ("probabilities", probabilities)):
        if not isinstance(value, Tensor):
            raise InputError(
                f"{name} is a {type(value).__name__}; give a tensor, of an array "
                "torch.from_numpy(array)"
            )
    if image.ndim != 3 or image.shape[-1] != 3 or image.dtype != torch.uint8:
        raise InputError(
            f"image is {tuple(image.shape)} {image.dtype}; give (H, W, 3) uint8, of a "
            "(3, H, W) picture image.permute(1, 2, 0)"
        )
    shape, size = tuple(probabilities.shape), tuple(image.shape[:2])
    if len(shape) != 3 or shape[1:] != size:
        raise InputError(
            f"probabilities are {shape} but the image is {size[0]} x {size[1]} pixels; "
            f"give (C, {size[0]}, {size[1]})"
        )
    _check_values(probabilities)
    if iterations != int(iterations) or iterations < 0:
        raise InputError(f"iterations is {iterations}; give a whole number from 0")
    for name, value in parameters.items():
        _check_parameter(name, value, shape[0])


def _check_values(probabilities: Tensor) -> None:
    if not probabilities.is_floating_point():
        raise InputError(
            f"probabilities are {probabilities.dtype}; give floats, for hard labels "
            "those of labels_to_probabilities"
        )
    p = probabilities.detach().float()
    low, high, sums = p.min(), p.max(), p.sum(dim=0)
    if not (low >= -1e-3 and high <= 1.001 and (sums - 1).abs().max() < 0.01):
        raise InputError(
            f"probabilities reach from {low:.3g} to {high:.3g} and sum to "
            f"{sums.min():.3g} to {sums.max():.3g} over the classes; give those of a "
            "softmax, of logits logits.softmax(dim=0)"
        )


def _check_parameter(name: str, value: float | Tensor, num_classes: int) -> None:
    if name.endswith("compat"):
        shape = tuple(value.shape) if isinstance(value, Tensor) else ()
        if shape not in ((), (num_classes, num_classes)):
            raise InputError(
                f"{name} is {shape}; give a number or ({num_classes}, {num_classes})"
            )
    elif not value > 0:
        raise InputError(f"{name} is {value}; give a standard deviation above 0")

"""Checkpoints: written whole or not at all, read without trusting a pickle.

A *checkpoint* (``.pt``) carries all that a resume needs. A *net file*
(``.safetensors``, 16-bit floats) carries what a reader needs: weights, the name
and options of the network, and the class table.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from course_lib.errors import InputError
from course_lib.models import build
from course_lib.models.weights import fit, read_net_file
from course_lib.whole import write_whole

FORMAT = 1


def versions() -> dict[str, str]:
    """Versions of what moves trained figures: python, torch, the course."""
    import course_lib

    python = ".".join(map(str, sys.version_info[:3]))
    return {
        "python": python,
        "torch": str(torch.__version__),
        "course_lib": course_lib.__version__,
    }


def save_checkpoint(path: Path, state: dict) -> None:
    """Write a training state: tensors, numbers, strings, lists and dicts only."""
    import io

    content = io.BytesIO()
    torch.save({"format": FORMAT, **state}, content)
    write_whole(path, content.getvalue())


def load_checkpoint(path: Path) -> dict:
    """Read what ``save_checkpoint`` wrote, on the CPU.

    Raises:
        InputError: if the file is missing, cut short, holds anything but plain
            data, or comes from another format of checkpoint.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no checkpoint {path}; check the path")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is no readable checkpoint: {reason}") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise InputError(f"{path} is not a checkpoint of course_lib format {FORMAT}")
    return state


def save_net(path: Path, net: nn.Module, info: dict) -> None:
    """Ship a network: fp16 weights with ``info`` (model, options, classes ...).

    Batch-norm statistics and counters go along; reading gives float32 back.
    """
    weights = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in net.state_dict().items()
    }
    content = to_safetensors(weights, {"info": json.dumps(info, sort_keys=True)})
    write_whole(path, content)


def load_net(path: Path, device: str | torch.device = "cpu") -> tuple[nn.Module, dict]:
    """Read a network, ready to predict, from a checkpoint or a shipped net file.

    Args:
        path: ``.safetensors`` from ``save_net``, or ``.pt`` from training (its
            averaged weights, those that were validated).
        device: where the network goes.

    Returns:
        The network in evaluation mode, and its info: ``model``, ``options``,
        ``num_classes``, ``classes`` (for ``data.opening.trained_classes``) and
        ``dataset``.

    Raises:
        InputError: for a missing or damaged file, or weights that do not fit
            the network they name (the first keys that differ are listed).
    """
    path = Path(path)
    info, weights = (
        read_net_file(path) if path.suffix == ".safetensors" else _read_training(path)
    )
    net = build(info["model"], num_classes=info["num_classes"], **info["options"])
    fit(net, weights, str(path))
    return net.to(device).eval(), info


def _read_training(path: Path) -> tuple[dict, dict[str, Tensor]]:
    state = load_checkpoint(path)
    return state["info"], state["averaged"]

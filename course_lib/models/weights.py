"""Weights from a file into a network, with a readable word when they do not fit."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from course_lib.errors import InputError


def fit(net: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Load ``weights`` strictly; a mismatch is told by key, shape and source."""
    own = net.state_dict()
    wrong = [f"missing {key}" for key in own if key not in weights]
    wrong += [f"unknown {key}" for key in weights if key not in own]
    wrong += [
        f"{key} is {tuple(value.shape)}, wanted {tuple(own[key].shape)}"
        for key, value in weights.items()
        if key in own and own[key].shape != value.shape
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise InputError(
            f"{source} does not fit the network: {'; '.join(wrong[:3])}{more}"
        )
    net.load_state_dict(weights)


def read_net_file(path: Path) -> tuple[dict, dict[str, Tensor]]:
    """Info and float32 weights of a shipped ``.safetensors`` file.

    Raises:
        InputError: if the file is missing, damaged, or names no network.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no weights file {path}; check the path")
    try:
        with safe_open(path, framework="pt") as file:
            info = json.loads((file.metadata() or {}).get("info", "{}"))
            weights = {key: file.get_tensor(key) for key in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is no readable weights file: {error}") from None
    if "model" not in info:
        raise InputError(f"{path} does not say which network it is for")
    floats = {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}
    return info, floats

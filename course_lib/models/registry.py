"""Networks by name.

A file of ``course_lib.models`` says ``@register("name")`` above a function or
class that takes ``num_classes`` first; ``build`` finds it by that name.
"""

import pkgutil
from collections.abc import Callable
from importlib import import_module

from torch import nn

from course_lib.errors import InputError
from course_lib.models.normalisation import group_norm

_BUILDERS: dict[str, Callable[..., nn.Module]] = {}


def register(name: str) -> Callable:
    """Make the decorated builder known under ``name``; a name is taken once."""

    def add(builder: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        if name in _BUILDERS:
            raise InputError(f"a network called {name!r} is registered already")
        _BUILDERS[name] = builder
        return builder

    return add


def known() -> list[str]:
    """Names that ``build`` takes, in alphabetical order."""
    import course_lib.models as package

    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"course_lib.models.{module.name}")
    return sorted(_BUILDERS)


def build(name: str, num_classes: int, **options) -> nn.Module:
    """Build a segmentation network with random weights.

    Args:
        name: one of ``known()``.
        num_classes: C, at least 1; void is no class.
        options: what the network's own builder takes, such as ``width=32``; every net
            takes ``norm="group"``, group norm in the place of batch norm.

    Returns:
        A module that takes images (B, 3, H, W) float32, ImageNet-normalised, of
        any size, and returns ``{"out": logits (B, C, H, W)}``, in training some
        also ``"aux"``.

    Raises:
        InputError: for an unknown name, listing the known ones, and for an
            option the network does not take.

    Taught in chapters/02_fcn_conversion.
    """
    if name not in known():
        raise InputError(f"no network is called {name!r}; known: {', '.join(known())}")
    if num_classes < 1:
        raise InputError(f"num_classes is {num_classes}; a network needs at least 1")
    norm = options.pop("norm", "batch")
    if norm not in ("batch", "group"):
        raise InputError(f"norm is {norm!r}; use batch or group")
    try:
        net = _BUILDERS[name](num_classes, **options)
    except TypeError as error:
        raise InputError(f"network {name!r} does not take {options}: {error}") from None
    return group_norm(net) if norm == "group" else net

"""What is asked of whatever somebody wants to make a network from, and what is found out about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import index
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from zfwidgets.backend.device import DEVICES


def check_module(module: nn.Module) -> None:
    """Raise TypeError for what is no module, ValueError for weights that are not finite or have no shape yet."""
    if not isinstance(module, nn.Module):
        raise TypeError(f"a Network is made from a torch.nn.Module; this is {type(module).__name__}")
    for name, weight in [*module.named_parameters(), *module.named_buffers()]:
        if is_lazy(weight):
            raise ValueError(f"the weights {name!r} have no shape yet; call the module once with a batch of images")
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            raise ValueError(
                f"the weights {name!r} hold numbers that are not finite (NaN or infinity): has the training diverged?"
            )


def checked_size(size: Any) -> tuple[int, int]:
    """Height and width. Raises ValueError for what is neither a number nor two."""
    try:
        height, width = map(index, (size, size) if np.ndim(size) == 0 else size)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(
            f"size is the height and width of the input in pixels, or one number for both; {size!r} is not possible"
        )
    return height, width


def check_input(x: Tensor, channels: int, network: str) -> None:
    """Raise ValueError for a preprocessed image (C, H, W) of other channels than a network reads, or not finite."""
    if len(x) != channels:
        raise ValueError(f"{network} reads images of {channels} channels; after preprocessing there are {len(x)}")
    if not bool(torch.isfinite(x).all()):
        raise ValueError("after preprocessing, the image holds numbers that are not finite (NaN or infinity)")


def best_device(device: str | torch.device) -> torch.device:
    """The device; "auto" is CUDA, else MPS, else the CPU. Raises ValueError where this machine has none of the kind."""
    here = [kind for kind, properties in DEVICES.items() if properties.available()]
    if device == "auto":
        return torch.device(here[0])
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen).cpu()
    except Exception as error:  # each device has its own
        there_is = ", ".join(map(repr, ["auto", *here]))
        raise ValueError(f"there is no device {str(device)!r} here that computes; there is {there_is}") from error
    return chosen


def working_type(module: nn.Module) -> torch.dtype:
    """The type of number that the network computes with."""
    double = any(p.dtype == torch.float64 for p in module.parameters())
    return torch.float64 if double else torch.float32


def notes_on(module: nn.Module) -> list[str]:
    """Sentences about the module for the report."""
    notes = []
    if module.training:
        notes.append("The module is in training mode; it is looked at as in evaluation mode, and left as it is.")
    if any(p.dtype in (torch.float16, torch.bfloat16) for p in module.parameters()):
        notes.append("The module's weights are in half precision; they are computed with in single precision here.")
    return notes


def checked_labels(labels: Any, count: int, shape: tuple[int, ...]) -> tuple[str, ...]:
    """The names of the classes, from any sequence, or from a dictionary by its numbers; by default "class 0", ….

    `count` is how many scores the network ends in; one score can stand for two classes. `shape` is that of its output.

    Raises:
        TypeError: a set, which has no order, a dictionary without numbers, or no collection of names.
        ValueError: too many, too few or doubled; or the network has no classes.
    """
    if labels is None:
        return ("output",) if count == 1 else tuple(f"class {index}" for index in range(count))
    if not count:
        raise ValueError(f"there are no classes to give labels to: the network ends in an output of shape {shape}")
    text = isinstance(labels, str | bytes)
    names = [""] * len(labels) if text else _names(labels)
    if text or len(names) not in ((1, 2) if count == 1 else (count,)):
        classes = "class, or of two" if count == 1 else f"{count} classes, in order"
        raise ValueError(f"labels are the names of the {classes}; {len(names)} were given")
    _check_different(names)
    return tuple(names)


def _names(labels: Any) -> list[str]:
    """Names as text, in the order of the classes."""
    if isinstance(labels, set | frozenset) or not isinstance(labels, Iterable):
        kind = "a set has no order" if isinstance(labels, set | frozenset) else f"{_shortened(labels)} was given"
        raise TypeError(f"labels are a sequence of names, in the order of the classes; {kind}")
    found = _by_number(labels) if isinstance(labels, Mapping) else list(labels)
    for number, label in enumerate(found):
        missing = label is None or (not isinstance(label, str) and str(label) in ("nan", "<NA>"))
        if missing or np.ndim(label) or isinstance(label, set | frozenset | Mapping):
            raise TypeError(f"labels are names, one for each class; that of class {number} is {_shortened(label)}")
    return [label.decode() if isinstance(label, bytes) else str(label) for label in found]


def _by_number(labels: Mapping[Any, Any]) -> list[Any]:
    """From {number: name}, where a number may be text, or from {name: number}."""
    numbered = {_number(key): name for key, name in labels.items()}
    if not all(isinstance(name, str) for name in labels.values()) and all(isinstance(key, str) for key in labels):
        numbered = {_number(number, text=False): name for name, number in labels.items()}
    given = f"{_shortened(labels)} was given"
    if None in numbered:
        raise TypeError(f"a dictionary of labels is {{number: name}} or {{name: number}}; {given}")
    if len(numbered) < len(labels) or set(numbered) != set(range(len(labels))):
        raise ValueError(f"a dictionary of labels has the numbers 0 to {len(labels) - 1}, each once; {given}")
    return [numbered[number] for number in range(len(labels))]


def _number(value: Any, text: bool = True) -> int | None:
    """A class's number; None where it is none."""
    if text and isinstance(value, str) and value.isdecimal():
        return int(value)
    return int(value) if isinstance(value, int | np.integer) and not isinstance(value, bool) else None


def _check_different(names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        first = names.index(name)
        if first < number:
            raise ValueError(
                f"labels name each class differently, and classes {first} and {number} are both {name!r}: tell them "
                f"apart, for instance as {name + ' 1'!r} and {name + ' 2'!r}"
            )


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"

"""Weights of a file, fitted to a module whatever they are wrapped in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zfwidgets.models.weights_file import Weights, check_tensors

NAMED = 3  # keys of each kind that an error names
PREFIXES = 8  # that are tried, those first that most names have
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")  # as torchvision's files still have it


def best_fit(found: list[Weights], module: nn.Module, path: Path) -> Weights:
    """Of several collections in a file, the one that fits a module best, its names without what was put before them
    (`module.` by DataParallel, `_orig_mod.` by torch.compile, `model.` by Lightning). Raises ValueError where one of
    its weights is sparse, quantised or the like."""
    shapes = {name: value.shape for name, value in module.state_dict().items()}

    def fitting(weights: Weights) -> tuple[int, int]:
        alike = [name for name in weights if name in shapes]
        return len(alike), sum(weights[name].shape == shapes[name] for name in alike)

    ways = [way for weights in found for way in _ways(weights, shapes)]
    best = max(ways, key=fitting)
    check_tensors(best, path)
    return best


def _ways(weights: Weights, names: Mapping[str, Any]) -> Iterator[Weights]:
    """The weights as they are, and without each prefix that makes some name one of the module's."""
    yield weights
    if any(_OLD_DENSENET.search(name) for name in weights):
        weights = {_OLD_DENSENET.sub(r"\1\2", name): value for name, value in weights.items()}
        yield weights
    prefixes = Counter(name[:place] for name in weights for place in _dots(name) if name[place:] in names)
    for prefix in sorted(dict(prefixes.most_common(PREFIXES)), key=len):
        yield {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}


def _dots(name: str) -> list[int]:
    """Where the parts of a dotted name begin, but for the first."""
    return [place + 1 for place, letter in enumerate(name) if letter == "."]


def fill(module: nn.Module, weights: Weights, path: Path, name: str) -> None:
    """Put weights into a module, in double precision where they are. Raises ValueError, with the names of a few, for
    those that are missing, have no place or have another shape."""
    own = module.state_dict()
    missing = [key for key in own if key not in weights and not key.endswith("num_batches_tracked")]
    unknown = [key for key in weights if key not in own]
    unlike = [
        f"{key}, {tuple(value.shape)} in the file and {tuple(own[key].shape)} in the network"
        for key, value in weights.items()
        if key in own and value.shape != own[key].shape
    ]
    strange = [
        f"{key}, {value.dtype} in the file and {own[key].dtype} in the network"
        for key, value in weights.items()
        if key in own and own[key].is_floating_point() and not value.is_floating_point()
    ]
    kinds = {"missing": missing, "not known to the network": unknown, "of another shape": unlike,
             "of another type": strange}  # fmt: skip
    errors = [f"{len(keys)} {kind} ({_few(keys)})" for kind, keys in kinds.items() if keys]
    if errors:
        raise ValueError(
            f"the weights in {path.name} do not fit {name}: of {len(own)}, {'; '.join(errors)}. "
            "Is it another model, or were its layers changed?"
        )
    numbers = [value.dtype for value in weights.values() if value.is_floating_point()]
    if numbers and all(kind is torch.float64 for kind in numbers):
        module.double()
    try:
        module.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # a type that torch cannot convert
        why = " ".join(str(error).split())[:300]
        raise ValueError(f"the weights in {path.name} do not fit {name}: {why}") from error


def _few(keys: list[str]) -> str:
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return f"{'; '.join(keys[:NAMED])}{more}"


def class_count(weights: Weights, module: nn.Module, classes: int) -> int:
    """For how many classes a file's weights are: what stands in it where the untrained module has `classes`."""
    counts = {
        len(weights[name])
        for name, value in module.state_dict().items()
        if value.ndim and len(value) == classes and name in weights and weights[name].ndim == value.ndim
        and weights[name].shape[1:] == value.shape[1:]
    }  # fmt: skip
    return counts.pop() if len(counts) == 1 else classes

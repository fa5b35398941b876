"""Weights in a file: read without running anything, and fitted to a module whatever they are wrapped in."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path, PosixPath, WindowsPath
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

Weights = dict[str, Tensor]
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar")
NAMED = 3  # keys of each kind that an error names
# what checkpoints often hold beside weights, and what runs nothing when it is read: arguments, paths, NumPy's numbers
HARMLESS: list[Any] = [
    Namespace, PosixPath, WindowsPath, np.dtype, np.float64(0).__reduce__()[0],
    *{type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "?")},
]  # fmt: skip
# how torch says that it would have to run something
_WOULD_RUN = re.compile(r"GLOBAL|Unsupported (?:global|class)|TorchScript|Trying to (?:call|instantiate)")
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")  # as torchvision's files still have it


def read_weights(path: Path) -> list[Weights]:
    """Every collection of weights in a file, the likeliest first: what is nested under `state_dict`, `model` and the
    like, averaged ones (`ema`) last.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds something else, or more than may be read without running code.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    content = _safetensors(path) if path.suffix == ".safetensors" else _state_dict(path)
    found = sorted(_collections(content), key=lambda each: "ema" in each[0])
    if not found:
        raise ValueError(f"{path.name} holds no weights: {type(content).__name__} instead of a state dict")
    return [weights for _, weights in found]


def _safetensors(path: Path) -> Weights:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path.name} is damaged, or no safetensors file ({error})") from error


def _state_dict(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(HARMLESS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, EOFError, RuntimeError, ValueError, KeyError, OSError) as error:
        said = str(error)
        if _WOULD_RUN.search(said):
            raise ValueError(
                f"{path.name} holds more than weights (a whole module, or objects of a training framework), and to "
                "read that would run code out of the file. Where you trust it, load it yourself and save the weights "
                "alone: torch.save(model.state_dict(), path)"
            ) from error
        raise ValueError(f"{path.name} is damaged, or no file of torch.save ({said.partition(chr(10))[0]})") from error


def _collections(content: Any, path: str = "") -> Iterator[tuple[str, Weights]]:
    """Mappings that hold tensors by name, however deep, each with the keys that lead there."""
    if not isinstance(content, Mapping):
        return
    weights = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if weights:
        yield path, weights
    for key, value in content.items():
        yield from _collections(value, f"{path}.{key}")


def best_fit(found: list[Weights], module: nn.Module) -> Weights:
    """Of several collections, the one that fits a module best, its names without what was put before them (`module.`
    by DataParallel, `_orig_mod.` by torch.compile, `model.` by Lightning)."""
    shapes = {name: value.shape for name, value in module.state_dict().items()}

    def fitting(weights: Weights) -> tuple[int, int]:
        alike = [name for name in weights if name in shapes]
        return len(alike), sum(weights[name].shape == shapes[name] for name in alike)

    ways = [way for weights in found for way in _ways(weights, shapes)]
    return max(ways, key=fitting)


def _ways(weights: Weights, names: Mapping[str, Any]) -> Iterator[Weights]:
    """The weights as they are, and without each prefix that makes some name one of the module's."""
    yield weights
    if any(_OLD_DENSENET.search(name) for name in weights):
        weights = {_OLD_DENSENET.sub(r"\1\2", name): value for name, value in weights.items()}
        yield weights
    prefixes = {name[:place] for name in weights for place in _dots(name) if name[place:] in names}
    for prefix in sorted(prefixes, key=len):
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
    kinds = {"missing": missing, "not known to the network": unknown, "of another shape": unlike}
    errors = [f"{len(keys)} {kind} ({_few(keys)})" for kind, keys in kinds.items() if keys]
    if errors:
        raise ValueError(
            f"the weights in {path.name} do not fit {name}: of {len(own)}, {'; '.join(errors)}. "
            "Is it another model, or were its layers changed?"
        )
    numbers = [value.dtype for value in weights.values() if value.is_floating_point()]
    if numbers and all(kind is torch.float64 for kind in numbers):
        module.double()
    module.load_state_dict(weights, strict=False)


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

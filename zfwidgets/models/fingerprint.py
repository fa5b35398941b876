"""Tell whether two networks are the same: results that were saved belong to one of them only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.program import Program


def fingerprint(program: Program, preprocess: Any) -> str:
    """Sixteen hexadecimal digits of all steps, their weights and numbers, and of the preprocessing."""
    places = {step: place for place, step in enumerate(program.steps)}
    found = sha256()
    for step in program.steps:
        inputs = [places[source] for source in step.inputs]
        for part in _parts([step.name, step.shape, inputs, step.op]):
            found.update(part)
    for part in _parts(preprocess):
        found.update(part)
    return found.hexdigest()[:16]


def _parts(value: Any) -> Iterator[bytes]:
    """What a value is made of, as bytes; nothing that differs from one run to the next, like an address."""
    if isinstance(value, Tensor):
        yield f"tensor {tuple(value.shape)} {value.dtype}".encode()
        yield np.ascontiguousarray(value.detach().to("cpu", copy=False).reshape(-1).view(torch.uint8)).tobytes()
    elif is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__.encode()
        yield from _parts([getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, dict):
        yield from _parts([item for pair in value.items() for item in pair])
    elif isinstance(value, list | tuple):
        yield f"{len(value)} parts".encode()
        for item in value:
            yield from _parts(item)
    elif isinstance(value, str | int | float | bool | None):
        yield repr(value).encode()
    else:
        yield getattr(value, "__name__", type(value).__name__).encode()

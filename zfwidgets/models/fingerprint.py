"""Tell whether two networks are the same: results that were saved belong to one of them only."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from hashlib import sha256
from types import CodeType, FunctionType, MethodType, ModuleType
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
    for part in (*_parts(preprocess), *_contents(getattr(preprocess, "function", None), [])):
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


def _contents(value: Any, seen: list[Any]) -> Iterator[bytes]:
    """What a user's own function or object is made of: its code, and all that it holds. A name would not tell two."""
    if value is None or any(value is other for other in seen):
        return
    seen.append(value)  # objects may hold each other
    if isinstance(value, dict | list | tuple | set | frozenset):
        items = [*value, *value.values()] if isinstance(value, dict) else value
        yield f"{type(value).__name__} of {len(value)}".encode()
        for item in sorted(items, key=repr) if isinstance(items, set | frozenset) else items:
            yield from _contents(item, seen)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield from _parts(torch.from_numpy(np.ascontiguousarray(value)))
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, type | ModuleType):
        yield value.__name__.encode()
    elif (held := _held(value)) is None:
        yield from _parts(value)
    else:
        yield type(value).__qualname__.encode()
        yield from _contents(held, seen)


def _held(value: Any) -> Any:
    """What a function or an object holds; None for what is a value itself."""
    if isinstance(value, CodeType):
        return [value.co_code, value.co_names, value.co_consts]
    if isinstance(value, FunctionType):
        inside = inspect.getclosurevars(value)
        return [value.__code__, value.__defaults__, value.__kwdefaults__, inside.nonlocals, inside.globals]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    return None if isinstance(value, Tensor | Enum) else getattr(value, "__dict__", None)

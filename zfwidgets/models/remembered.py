"""Captures of this session: the same module, asked for again while a network of it is alive, is not traced again."""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Iterator
from hashlib import sha256
from itertools import count
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules import module as of_all

from zfwidgets.backend.graph.program import Program

OWN = set(vars(nn.Module()))  # what every module has
LIBRARIES = ("torch", "torchvision", "timm", "numpy", "builtins")  # whose code stays as it is for a session

_programs: WeakValueDictionary[Hashable, Program] = WeakValueDictionary()  # weak: it keeps no memory
_numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_counter = count()


def remembered(module: nn.Module, how: Hashable, capture: Callable[[], Program]) -> Program:
    """The program that was captured of the same module in the same way (`how`), or a new one.

    The same are modules of the same classes and code, with the same attributes and the same numbers in all tensors.
    Where something in a module cannot be compared, it is captured anew.
    """
    content = content_of(module)
    found = None if content is None else _programs.get((content, how))
    if found is None:
        found = capture()
        if content is not None and content == content_of(module):  # another thread may train it meanwhile
            _programs[content, how] = found
    return found


class _Unreadable(Exception):
    """Something of which nobody can tell whether it has changed."""


def content_of(module: nn.Module) -> bytes | None:
    """A digest of all that a module computes with; None where something in it cannot be read: hooks, functions, and
    objects of unknown kinds."""
    if any(value for name, value in vars(of_all).items() if name.startswith("_global_") and "hooks" in name):
        return None
    found = sha256(repr(torch.get_default_dtype()).encode())
    try:
        for name, part in module.named_modules(remove_duplicate=False):
            for piece in _of_part(name, part):
                found.update(piece)
    except (_Unreadable, RecursionError):
        return None
    return found.digest()


def _of_part(name: str, part: nn.Module) -> Iterator[bytes | memoryview]:
    own = vars(part)
    if any(own.get(kind) for kind in OWN if "hooks" in kind):
        raise _Unreadable
    yield f"{name} {part.training}".encode()
    for kind in type(part).__mro__:
        if kind not in (nn.Module, object):
            yield from _of_class(kind)
    for key, value in [*own["_parameters"].items(), *own["_buffers"].items()]:
        yield key.encode()
        yield from _of(value)
    for key, value in own.items():
        if key not in OWN:
            yield key.encode()
            yield from _of(value)


def _of(value: Any) -> Iterator[bytes | memoryview]:
    """What a value is: its bytes where it is a plain one."""
    if isinstance(value, Tensor | np.ndarray):
        yield from _of_numbers(value)
    elif value is None or isinstance(value, str | bytes | int | float | complex | enum.Enum):
        yield f"{type(value).__name__} {value!r};".encode()
    elif isinstance(value, torch.dtype | torch.device | torch.Size | torch.memory_format | slice | range):
        yield repr(value).encode()
    elif type(value) in (list, tuple, dict, set, frozenset):
        yield f"{type(value).__name__} {len(value)}".encode()
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        for item in [one for pair in value.items() for one in pair] if isinstance(value, dict) else items:
            yield from _of(item)
    elif isinstance(value, nn.Module):
        yield from (piece for name, part in value.named_modules() for piece in _of_part(name, part))
    elif isinstance(value, type | ModuleType | BuiltinFunctionType) or _of_library(value):
        yield _number(value)
    else:
        raise _Unreadable


def _of_numbers(value: Tensor | np.ndarray) -> Iterator[bytes | memoryview]:
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise _Unreadable
        value = torch.from_numpy(np.ascontiguousarray(value))
    if value.layout != torch.strided or value.device.type == "meta" or value.is_quantized:
        raise _Unreadable
    yield f"{tuple(value.shape)} {value.stride()} {value.dtype} {value.device}".encode()
    flat = value.detach().cpu().contiguous().reshape(-1)
    yield flat.view(torch.uint8).numpy().data


def _of_class(kind: type) -> Iterator[bytes | memoryview]:
    """Which class it is, and its code, with whatever that reads from outside."""
    yield _number(kind)
    for name, value in vars(kind).items():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(function, FunctionType):
            yield from _of_function(function, set())
        elif not name.startswith("__") and not _of_library(kind) and not name.startswith("_abc_"):
            yield from _of(value)


def _of_function(function: FunctionType, seen: set[FunctionType]) -> Iterator[bytes | memoryview]:
    """Which function it is, and what it reads of its surroundings: a helper or a setting that a cell defines anew."""
    yield _number(function)
    if function in seen or _of_library(function):
        return
    seen.add(function)
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    names = [name for name in _names(function.__code__) if name in function.__globals__]
    for value in [*cells, *(function.__globals__[name] for name in names), *(function.__defaults__ or ())]:
        if isinstance(value, FunctionType):
            yield from _of_function(value, seen)
        else:
            yield from _of(value)


def _names(code: Any) -> list[str]:
    inner = [name for each in code.co_consts if hasattr(each, "co_names") for name in _names(each)]
    return [*code.co_names, *inner]


def _of_library(value: Any) -> bool:
    return str(getattr(value, "__module__", None) or "").partition(".")[0] in LIBRARIES and callable(value)


def _number(value: Any) -> bytes:
    """A number of its own for each class, function and module, as long as it lives."""
    try:
        if value not in _numbers:
            _numbers[value] = next(_counter)
        return f"#{_numbers[value]};".encode()
    except TypeError:  # what is built in cannot be referred to weakly, and stays
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')};".encode()

"""What all results of experiments have in common: they can be saved and loaded, without pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KEYS = "the keys of its arrays"


class Result:
    """Base of the frozen dataclasses that experiments return: arrays, dictionaries of arrays, and plain values."""

    former_names: ClassVar[Mapping[str, str]] = {}  # of fields, as they stand in older files, and what they are now

    def plot(self, *choices: Any, **options: Any) -> Figure:
        """Draw it in the paper's layout, by the `figure.draw` that stands beside it, whose arguments are taken."""
        room = type(self).__module__.rpartition(".")[0]
        return import_module(f"{room}.figure").draw(self, *choices, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to one file: arrays as safetensors, everything else as JSON in its header."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        arrays, plain = {}, {}
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                arrays[name] = np.ascontiguousarray(value)
            elif _holds_arrays(value):
                plain[name] = {_KEYS: list(value)}
                arrays |= {f"{name}/{key}": np.ascontiguousarray(array) for key, array in value.items()}
            else:
                plain[name] = value
        header = {"result": type(self).__name__, "values": json.dumps(plain)}
        save_file(arrays, path, metadata=header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote. Raises ValueError when the file holds another kind of result or version, or none."""
        try:
            with safe_open(path, framework="numpy") as file:
                header = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dictionary)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"{os.fspath(path)!r} is not a file that {cls.__name__}.save wrote: {error}") from error
        if header.get("result") != cls.__name__:
            raise ValueError(f"{os.fspath(path)!r} holds {header.get('result', 'no result')}, not {cls.__name__}")
        values = {name: _tupled(value) for name, value in json.loads(header["values"]).items()}
        for name, value in values.items():
            if isinstance(value, dict) and _KEYS in value:
                values[name] = {key: arrays.pop(f"{name}/{key}") for key in value[_KEYS]}
        found = {cls.former_names.get(name, name): value for name, value in (arrays | values).items()}
        try:
            return cls(**found)
        except TypeError as error:
            raise ValueError(f"{os.fspath(path)!r} was written by another version of zfwidgets: {error}") from error


def _holds_arrays(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(item, np.ndarray) for item in value.values())


def _tupled(value: Any) -> Any:
    """JSON knows lists only; results hold tuples."""
    return tuple(map(_tupled, value)) if isinstance(value, list) else value

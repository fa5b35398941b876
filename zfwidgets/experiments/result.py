"""What all results of experiments have in common: they can be saved and loaded, without pickle."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from typing import Any, Self

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file


class Result:
    """Base of the frozen dataclasses that experiments return: arrays and plain values."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to one file: arrays as safetensors, everything else as JSON in its header."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        arrays = {name: np.ascontiguousarray(value) for name, value in values.items() if isinstance(value, np.ndarray)}
        plain = {name: value for name, value in values.items() if name not in arrays}
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
        plain = {name: _tupled(value) for name, value in json.loads(header["values"]).items()}
        try:
            return cls(**arrays, **plain)
        except TypeError as error:
            raise ValueError(f"{os.fspath(path)!r} was written by another version of zfwidgets: {error}") from error


def _tupled(value: Any) -> Any:
    """JSON knows lists only; results hold tuples."""
    return tuple(map(_tupled, value)) if isinstance(value, list) else value

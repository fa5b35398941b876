"""What all results of experiments have in common: they can be saved and loaded, without pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zfwidgets.experiments.schema import checked
from zfwidgets.files import HEADER_BYTES, Arrays, arrays_to_bytes, of_form, read_arrays, read_json, write_aside

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

    def save(self, path: str | os.PathLike[str], stamp: str = "") -> None:
        """Write to one file: arrays as safetensors, everything else as JSON in its header, and a checksum of all.

        A stamp is a note of whoever keeps the file, for `load_stamped`.
        """
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
        header = {"result": type(self).__name__, "values": json.dumps(plain), "stamp": stamp}
        write_aside(path, arrays_to_bytes(header, arrays))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises:
            ValueError: the file is damaged, holds another kind of result or version, or none, or its numbers contradict
                each other.
            OSError: there is no such file, or it cannot be opened.
        """
        return cls.load_stamped(path)[0]

    @classmethod
    def load_stamped(cls, path: str | os.PathLike[str]) -> tuple[Self, str]:
        """The same, and the stamp that it was saved with."""
        name = os.fspath(path)
        try:
            header, arrays = read_arrays(path)
        except ValueError as error:
            raise ValueError(f"{name!r} is not a file that {cls.__name__}.save wrote: {_printable(error)}") from error
        if header.get("result") != cls.__name__:
            raise ValueError(f"{name!r} holds {_printable(header.get('result', 'no result'))}, not {cls.__name__}")
        if strange := header.keys() - {"result", "values", "stamp"}:
            raise ValueError(f"{name!r} is damaged: its header has {_printable(', '.join(sorted(strange)))}")
        try:
            values: dict[str, Any] = read_json(header.get("values", ""), dict[str, Any], HEADER_BYTES)
            found = cls(**cls._read(values, arrays))
            found.verify()
        except TypeError as error:
            raise ValueError(f"{name!r} was written by another version of zfwidgets: {_printable(error)}") from error
        except ValueError as error:
            said = f"is damaged, or was not written by {cls.__name__}.save: {_printable(error)}"
            raise ValueError(f"{name!r} {said}") from error
        return found, header.get("stamp", "")

    @classmethod
    def _read(cls, values: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
        """The values of the fields, each of its type. Raises TypeError where there are others than the fields."""
        for name, value in values.items():
            if isinstance(value, dict) and _KEYS in value:
                keys: list[str | int] = of_form(value[_KEYS], list[str | int])
                if missing := [key for key in keys if f"{name}/{key}" not in arrays]:
                    raise ValueError(f"{name} lacks its array of {missing[0]!r}")
                if len({f"{name}/{key}" for key in keys}) < len(keys):
                    raise ValueError(f"{name} has an array that stands for two keys")
                values[name] = {key: arrays.pop(f"{name}/{key}") for key in keys}
        found = {cls.former_names.get(name, name): value for name, value in (arrays | values).items()}
        if len(found) < len(arrays) + len(values):
            raise ValueError("a field is there twice: as an array and as a value, or by its former name as well")
        if strange := found.keys() - {field.name for field in fields(cls)}:  # type: ignore[arg-type]
            raise TypeError(f"it has {', '.join(map(repr, sorted(strange)))}, of which nothing is known here")
        return checked(cls, found)

    def verify(self) -> None:
        """Raise ValueError where what the fields hold cannot be so: numbers that contradict each other, or lie."""


def _printable(said: object) -> str:
    """What quotes a file, whatever stands there, as part of a sentence that can be printed."""
    letters = " ".join(str(said).split())[:300]
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in letters)


def _holds_arrays(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(item, np.ndarray) for item in value.values())

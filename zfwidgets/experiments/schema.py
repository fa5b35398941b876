"""What the fields of a result hold, said once beside their names, and checked when a file is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np

from zfwidgets.files import of_form


@dataclass(frozen=True)
class Array:
    """Type and dimensions of an array, as in `Annotated[np.ndarray, Array("float32", "images H W")]`.

    A dimension is a number, or a name: the same name is the same length in all arrays of a result, with a star before
    it only in those of the same key. Limits are those of its numbers; without any, they may be infinite or NaN.
    """

    dtype: str
    dims: str
    low: float = -np.inf
    high: float = np.inf

    def check(self, array: Any, what: str, key: str, lengths: dict[tuple[str, str], tuple[int, str]]) -> None:
        """Raise ValueError where an array is another one; `lengths` are those known, and from where."""
        names = self.dims.split()
        if not isinstance(array, np.ndarray) or array.dtype.kind != np.dtype(self.dtype).kind:
            raise ValueError(f"{what} is {_described(array)}, not an array of {self.dtype}")
        if array.ndim != len(names):
            raise ValueError(f"{what} has the shape {array.shape}, not ({', '.join(names)})")
        for name, length in zip(names, array.shape, strict=True):
            known = (int(name), "") if name.isdecimal() else None
            known = known or lengths.setdefault((name, key if name.startswith("*") else ""), (length, what))
            if known[0] != length:
                beside = f" as {known[1]} has" if known[1] else ""
                raise ValueError(f"{what} has the shape {array.shape}, and should have {name} = {known[0]}{beside}")
        limited = np.isfinite([self.low, self.high]).any()
        if limited and not ((array >= self.low) & (array <= self.high)).all():
            raise ValueError(f"{what} holds numbers outside {self.low:g} to {self.high:g}")


def checked(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """The values of the fields of a dataclass, as they were read from a file, each of its declared type.

    Raises ValueError, which names the field, where one is not.
    """
    hints = get_type_hints(kind, include_extras=True)
    lengths: dict[tuple[str, str], tuple[int, str]] = {}
    found = {}
    for field in fields(kind):
        if field.name not in values:
            continue
        hint, value = hints[field.name], values[field.name]
        if _is_array(hint):
            _check(hint, value, field.name, "", lengths)
        elif get_origin(hint) is dict and _is_array(get_args(hint)[1]):
            if not isinstance(value, dict):
                raise ValueError(f"{field.name} is {_described(value)}, not arrays by name")
            for key, array in value.items():
                _check(get_args(hint)[1], array, f"{field.name} of {key!r}", str(key), lengths)
        else:
            value = _plain(value, hint, field.name)
        found[field.name] = value
    return found


def _check(hint: Any, value: Any, what: str, key: str, lengths: dict[tuple[str, str], tuple[int, str]]) -> None:
    for declared in _declared(hint):
        declared.check(value, what, key, lengths)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{what} is {_described(value)}, not an array")


def _declared(hint: Any) -> Iterator[Array]:
    yield from (part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Array))


def _is_array(hint: Any) -> bool:
    return hint is np.ndarray or (get_origin(hint) is Annotated and get_args(hint)[0] is np.ndarray)


def _plain(value: Any, hint: Any, what: str) -> Any:
    try:
        return of_form(value, hint)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def _described(value: Any) -> str:
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"

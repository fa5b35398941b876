"""What the fields of a result hold, said once beside their names, and checked when a file is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np

from zfwidgets.files import of_form
from zfwidgets.models import Meaning

if TYPE_CHECKING:
    from typing import Annotated as Bool
    from typing import Annotated as Float16
    from typing import Annotated as Float32
    from typing import Annotated as Float64
    from typing import Annotated as Int8
    from typing import Annotated as Int16
    from typing import Annotated as Int32
    from typing import Annotated as Int64
    from typing import Annotated as UInt8


@dataclass(frozen=True)
class Array:
    """An array's type of number, and its dimensions: as in `pictures: UInt8[np.ndarray, "images H W 3"]`.

    A dimension is a number, or a name: the same name is the same length in all arrays of a result, with a star before
    it only in those of the same key.
    """

    dtype: str
    dims: str = ""

    def __getitem__(self, declared: tuple[Any, str]) -> Any:
        return Annotated[declared[0], Array(self.dtype, declared[1])]

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


if not TYPE_CHECKING:
    Bool, UInt8, Int8, Int16, Int32, Int64, Float16, Float32, Float64 = map(
        Array, ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
    )


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


def check(holds: Any, what: str) -> None:
    """Raise ValueError, which says what cannot be so, unless all of it holds."""
    if not np.all(holds):
        raise ValueError(what)


def within(numbers: Any, low: float, high: float) -> Any:
    """Whether each number lies from `low` to `high`, both included; NaN does not."""
    return (np.asarray(numbers) >= low) & (np.asarray(numbers) <= high)


def check_probabilities(meaning: str, *probabilities: np.ndarray) -> None:
    """Raise ValueError for another meaning than there is, or probabilities beyond 0 to 1 where they are such."""
    check(meaning in list(Meaning), f"there is no meaning {meaning!r}")
    for numbers in probabilities:
        slack = 1e-4 if meaning != Meaning.RAW else np.inf
        check(
            within(numbers, -slack, 1 + slack), "there are probabilities outside 0 to 1, or scores that are no numbers"
        )


def check_activations(values: np.ndarray, images: np.ndarray, units: np.ndarray) -> None:
    """Raise ValueError where the strongest activations (n, k) are not in order, or lack an image (n, k) or a unit
    (n, k, 2): -inf, -1 and -1 where a map has fewer than k."""
    there = values > -np.inf
    check(values < np.inf, "there are activations that are not finite")
    check(values[:, 1:] <= values[:, :-1], "activations do not fall")
    check((images >= 0) == there, "there are activations without an image, or images without one")
    check((units >= 0).all(axis=2) == there, "there are activations without a unit, or units without one")

"""Files: those handed to us are looked at before the work and nothing in them is run; ours are whole, or not there."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

HEADER_BYTES = 20_000_000  # of a file of arrays: names, shapes, and all that is no array
MANIFEST_BYTES = 1_000_000
DRAFT = ".draft"  # how the names of files end that are not finished
CHECKSUM = "checksum"  # its key in a file's metadata

_TYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}

Read = TypeVar("Read")
Arrays = dict[str, np.ndarray]


def read_json(content: str | bytes, form: type[Read] | Any, most: int) -> Read:
    """What a JSON text holds, as a type of Python's: lists where it says tuples become such.

    Raises ValueError, in words: more than `most` bytes, no JSON, too deep, a key twice, or not of that form.
    """
    if len(content) > most:
        raise ValueError(f"it has {len(content):,} bytes, and at most {most:,} are read")
    try:
        found = json.loads(content, object_pairs_hook=_without_doubles, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError as error:  # no text, a number of thousands of digits, a key twice
        raise ValueError(f"it is not JSON: {error}") from None
    return of_form(found, form)


def of_form(value: Any, form: type[Read] | Any) -> Read:
    """A value of JSON as a type of Python's. Raises ValueError, which says where it is of another form."""
    try:
        return msgspec.convert(value, form)
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)[:300]) from None


def read_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, str], Arrays]:
    """The metadata of a file of safetensors, and its arrays by name.

    Where the file carries a checksum, it is checked. Memory is that of the file; its header is limited before it is
    read.

    Raises:
        OSError: there is no such file, or it cannot be opened.
        ValueError: in words, it is something else, damaged or cut short.
    """
    check_header(Path(path))
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dictionary)
    except Exception as error:  # safetensors has its own, and numpy's for types that it does not know
        raise ValueError(f"{type(error).__name__}: {error}") from error
    said = metadata.pop(CHECKSUM, None)
    if said is not None and said != checksum(metadata, arrays):
        raise ValueError("its contents do not agree with its checksum: it is damaged")
    return metadata, arrays


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The metadata of a file of safetensors, without its arrays. Raises as `read_arrays`."""
    check_header(Path(path))
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except Exception as error:  # safetensors has its own
        raise ValueError(f"{type(error).__name__}: {error}") from error


def mapped_arrays(path: str | os.PathLike[str]) -> Arrays:
    """The arrays of a file that `read_arrays` has read before, mapped into memory: what is looked at is read.

    Raises OSError, or ValueError in words, as it does; the checksum is not looked at.
    """
    check_header(Path(path))
    with Path(path).open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        form = dict[str, dict[str, Any]]
        header: dict[str, dict[str, Any]] = read_json(file.read(size), form, HEADER_BYTES)
    header.pop("__metadata__", None)
    return {name: _mapped(Path(path), 8 + size, said) for name, said in header.items()}


def _mapped(path: Path, start: int, said: dict[str, Any]) -> np.ndarray:
    shape = tuple(said["shape"])
    if 0 in shape:
        return np.empty(shape, _TYPES[said["dtype"]])  # nothing, which cannot be mapped
    return np.memmap(path, _TYPES[said["dtype"]], "r", start + said["data_offsets"][0], shape)


def arrays_to_bytes(metadata: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> bytes:
    """A file of safetensors with metadata and a checksum: always the same bytes for the same contents."""
    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})  # it takes memory as it lies
    size = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:size])
    header["__metadata__"] = {**metadata, CHECKSUM: checksum(metadata, arrays)}
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)  # as the format has it, so that arrays lie at multiples of eight
    return len(text).to_bytes(8, "little") + text + content[size:]


def checksum(metadata: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> str:
    """Of all that a file of arrays holds, however it lies there."""
    found = sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(json.dumps([name, str(array.dtype), array.shape]).encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def write_aside(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file under another name, and rename it when all of it is on the disk: nobody ever sees half of it.

    Raises OSError, and leaves what was there.
    """
    path = Path(os.path.realpath(path))  # a link stays one
    draft = path.with_name(f".{path.name}.{uuid4().hex}{DRAFT}")
    try:
        draft.write_bytes(content)
        _flush(draft)
        os.replace(draft, path)
        _flush(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    if path.is_dir() and sys.platform == "win32":
        return  # there, a folder cannot be opened
    number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def check_header(path: Path) -> None:
    """Raise ValueError, in words, for a file of safetensors whose header is too large, or which is no file."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is no file")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > HEADER_BYTES:
        raise ValueError(f"its header claims {length:,} bytes, and at most {HEADER_BYTES:,} are read")


def _whole_number(digits: str) -> int:
    number = int(digits)
    if abs(number) >= 2**63:
        raise ValueError("a number does not fit into 64 bits")
    return number


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found

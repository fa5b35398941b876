"""A file of weights: looked at before it is read, and read without running anything."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from encodings import normalize_encoding
from encodings.aliases import aliases
from io import BytesIO
from pathlib import Path
from pickletools import genops  # which says what stands in a pickle, and runs nothing of it
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from zfwidgets.files import check_header

Weights = dict[str, Tensor]
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar")
MOST_TENSORS = 20_000  # in one collection
LONGEST = 300  # letters of a name
UNPACKED = 4  # times its size a file may have; torch.save compresses nothing, but others may have
PICKLE_BYTES = 16_000_000  # what says how tensors lie in a file; a ResNet-50 with its optimiser needs 100,000
_ZIP = b"PK\x03\x04"  # how the newer layout of torch.save begins
PICKLES = 5  # in a file of torch.save's older layout, before the numbers
_FILLED = re.compile(rb"bytearray\n")  # torch would make one of any length that the file says
_ENCODED = re.compile(rb"_codecs\nencode\n")  # as NumPy's numbers are written: a text in Latin 1
# what an encoding must not be: these take what they have made, twice as long each time, or time by the square
_GROWING = {"base64_codec", "bz2_codec", "hex_codec", "idna", "punycode", "quopri_codec", "uu_codec", "zlib_codec"}
# how torch says that it would have to run something
_WOULD_RUN = re.compile(r"GLOBAL|Unsupported (?:global|class)|TorchScript|Trying to (?:call|instantiate)")


class Ignored:
    """Stands for what checkpoints hold beside weights, whatever is said of it: nobody asks, and nothing is made."""

    def __new__(cls, *args: Any) -> Ignored:
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        pass


IGNORED: list[Any] = [
    (Ignored, name)
    for name in (
        "argparse.Namespace", "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib._local.PosixPath",
        "pathlib._local.WindowsPath", "numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
    )
]  # fmt: skip


def read_weights(path: Path) -> list[Weights]:
    """Every collection of weights in a file, the likeliest first: what is nested under `state_dict`, `model` and the
    like, averaged ones (`ema`) last.

    They take about as much memory as the file has bytes. What the file says of anything else is not made.

    Raises:
        FileNotFoundError: there is no such file.
        PermissionError: it may not be read.
        ValueError: it is damaged, holds something else, or more than may be read without running code.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if not path.is_file():
        raise ValueError(f"{path.name} is a folder, a pipe or a device, and no file of weights")
    path.open("rb").close()  # or PermissionError
    content = _safetensors(path) if path.suffix == ".safetensors" else _state_dict(path)
    found = sorted(_collections(content), key=lambda each: each[0])
    if not found:
        raise ValueError(f"{path.name} holds no weights: {type(content).__name__} instead of a state dict")
    if (most := max(len(weights) for _, weights in found)) > MOST_TENSORS:
        raise ValueError(f"{path.name} holds {most:,} tensors; at most {MOST_TENSORS:,} are read")
    return [weights for _, weights in found]


def _safetensors(path: Path) -> Weights:
    try:
        check_header(path)
        return load_file(path)
    except Exception as error:  # the library's own, Python's for types that it does not know, and ours
        raise ValueError(f"{path.name} is damaged, or no safetensors file ({_line(error)})") from error


def _state_dict(path: Path) -> Any:
    try:
        _check_layout(path)
        with torch.serialization.safe_globals(IGNORED):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of any kind: the file says which functions of torch are called with what
        if _WOULD_RUN.search(str(error)):
            raise ValueError(
                f"{path.name} holds more than weights (a whole module, or objects of a training framework), and to "
                "read that would run code out of the file. Where you trust it, load it yourself and save the weights "
                "alone: torch.save(model.state_dict(), path)"
            ) from error
        raise ValueError(f"{path.name} is damaged, or no file of torch.save ({_line(error)})") from error


def _check_layout(path: Path) -> None:
    """Raise ValueError for a file of torch.save that would take far more memory than it has bytes."""
    with path.open("rb") as file:
        zipped = file.read(len(_ZIP)) == _ZIP
        file.seek(0)
        pickles = _pickles(path) if zipped else [BytesIO(file.read())] * PICKLES  # each begins where the last one ends
    contents = [pickle.getbuffer() for pickle in set(pickles)]
    if any(map(_FILLED.search, contents)):
        raise ValueError("it holds a bytearray")
    if any(map(_ENCODED.search, contents)) and any(map(_grows, _texts(pickles))):
        raise ValueError("it holds a text in an encoding that torch.save does not use")


def _texts(pickles: list[BytesIO]) -> Iterator[str]:
    """All texts in some pickles. Raises ValueError where one breaks off."""
    for pickle in pickles:
        yield from (argument for _, argument, _ in genops(pickle) if isinstance(argument, str))


def _grows(text: str) -> bool:
    """Whether Python takes a text for the name of an encoding whose result can be longer than any limit."""
    name = normalize_encoding(text.lower())
    return not _GROWING.isdisjoint({name, aliases.get(name), aliases.get(name.replace(".", "_"))})


def _pickles(path: Path) -> list[BytesIO]:
    """What says how the tensors lie in a zipped file, of which nothing is run."""
    with zipfile.ZipFile(path) as archive:
        records = archive.infolist()
        size = sum(record.file_size for record in records)
        if size > UNPACKED * path.stat().st_size:
            raise ValueError(f"unpacked, it would have {size:,} bytes")
        pickles = [record for record in records if record.filename.endswith(".pkl")]
        size = sum(record.file_size for record in pickles)
        if size > PICKLE_BYTES:
            raise ValueError(f"it says in {size:,} bytes what tensors it has; at most {PICKLE_BYTES:,} are read")
        return [BytesIO(archive.read(record)) for record in pickles]


def _collections(content: Any) -> Iterator[tuple[bool, Weights]]:
    """Mappings that hold tensors by name, however deep, each once, and whether a key says that it is an average."""
    seen, waiting = set(), [(False, content)]
    while waiting:
        average, one = waiting.pop()
        if not isinstance(one, Mapping) or id(one) in seen:
            continue
        seen.add(id(one))
        weights = {key: value for key, value in one.items() if isinstance(value, Tensor) and _is_name(key)}
        if weights:
            yield average, weights
        inner = [(average or (isinstance(key, str) and "ema" in key), value) for key, value in one.items()]
        waiting += reversed(inner)


def _is_name(key: Any) -> bool:
    """Whether a module could call one of its weights so."""
    return isinstance(key, str) and len(key) <= LONGEST and key.isprintable()


def check_tensors(weights: Weights, path: Path) -> None:
    """Raise ValueError where a weight is no array of numbers that the file holds one by one."""
    size = UNPACKED * path.stat().st_size
    for name, value in weights.items():
        odd = {
            "sparse": value.layout is not torch.strided,
            "quantised": value.is_quantized,
            "without numbers": value.device.type != "cpu",
            "of a kind of its own": type(value) not in (Tensor, torch.nn.Parameter),
            f"{tuple(value.shape)} of numbers repeated": value.numel() * value.element_size() > size,
        }
        if kind := next((words for words, is_so in odd.items() if is_so), ""):
            raise ValueError(f"{name} in {path.name} is {kind}; weights are tensors with all their numbers in the file")


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0][:300]

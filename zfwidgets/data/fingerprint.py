"""Tell whether two collections hold the same images: by names, and a sample of the contents, never by all of them."""

import os
import random
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zfwidgets.data.item import image_of
from zfwidgets.data.pixels import MAX_PIXELS, check_size, is_tensor, numbers_of

AT_HAND = 64  # images that are sampled of files, arrays and lists
MADE = 32  # of a data set, which makes its items when they are asked for; these are asked for twice
PIECES, PIECE = 4, 65_536  # of a file: how many are read, from its beginning to its end, and bytes in each


def digits(names: Sequence[str], contents: Iterable[bytes]) -> str:
    """Sixteen hexadecimal digits of names in their order and of contents, the same wherever they are computed."""
    found = sha256()
    for part in (str(len(names)).encode(), *(name.encode("utf-8", "surrogatepass") for name in names), *contents):
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()[:16]


def sample(items: Any) -> list[bytes]:
    """What some of the items hold, the first and the last among them; of one that cannot be read, its error's type.

    Random numbers of torch, NumPy and Python go on as if nothing had been read.

    Raises:
        ValueError: an item that a data set makes is another one when it is asked for again.
    """
    if isinstance(items, list | tuple | np.ndarray) or is_tensor(items):
        return [_contents(items, place) for place in places(len(items), AT_HAND)]
    with _random_states_kept():
        chosen = {place: _contents(items, place) for place in places(len(items), MADE)}
        for place, contents in chosen.items():
            if contents != _contents(items, place):
                raise ValueError(
                    f"item {place} of {type(items).__name__} is another one each time that it is read, perhaps by a "
                    "random transform, so nobody can tell whether the images are the same as before; say it yourself: "
                    'zf.images(source, fingerprint="my data, version 1")'
                )
    return list(chosen.values())


def places(count: int, most: int) -> list[int]:
    """So many of `count` places at most, evenly spread, the first and the last among them."""
    return list(range(count)) if count <= most else [step * (count - 1) // (most - 1) for step in range(most)]


def _contents(items: Any, place: int) -> bytes:
    """Thirty-two bytes that stand for what an item holds."""
    found = sha256()
    try:
        for part in _parts(image_of(items[place])):
            found.update(part)
    except Exception as error:  # whatever a data set raises: what cannot be read belongs to what it is
        return sha256(type(error).__name__.encode()).digest()
    return found.digest()


def _parts(image: Any) -> Iterator[bytes]:
    if isinstance(image, str | os.PathLike):
        yield from _parts_of_file(Path(os.path.expanduser(image)))
    elif isinstance(image, bytes | bytearray | memoryview):
        yield b"bytes"
        yield bytes(image)
    elif isinstance(image, Image.Image):
        check_size(image.height, image.width, MAX_PIXELS)
        held = image.mode, image.size, image.getpalette(), image.info.get("transparency")
        yield repr(held).encode()
        yield image.tobytes()
    elif isinstance(image, np.ndarray) or is_tensor(image):
        array, kind = (image, "ndarray") if isinstance(image, np.ndarray) else (numbers_of(image), "Tensor")
        if array.dtype.hasobject:
            raise TypeError("an array of objects has no bytes of its own")
        yield f"{kind} {tuple(image.shape)} {array.dtype.newbyteorder('<').str}".encode()
        yield np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    else:
        yield type(image).__qualname__.encode()  # no image: `decode` will say so


def _parts_of_file(path: Path) -> Iterator[bytes]:
    found = path.stat()
    yield f"file of {found.st_size} bytes".encode()
    if not stat.S_ISREG(found.st_mode):  # to open a pipe is to wait for its writer
        return
    with path.open("rb") as file:
        if found.st_size <= PIECES * PIECE:
            yield file.read(PIECES * PIECE)
            return
        for piece in range(PIECES):
            file.seek(piece * (found.st_size - PIECE) // (PIECES - 1))
            yield file.read(PIECE)


@contextmanager
def _random_states_kept() -> Iterator[None]:
    torch = sys.modules.get("torch")  # where nobody imported it, nothing draws from it
    states = random.getstate(), np.random.get_state(), torch and torch.get_rng_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        if torch:
            torch.set_rng_state(states[2])

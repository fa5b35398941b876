"""One image, however the user has it, as pixels: every other module sees only (H, W, 3) uint8 RGB."""

import io
import os
import stat
import struct
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias, Union, cast

import numpy as np
from PIL import Image

from zfwidgets.data.blocks import upright_pixels
from zfwidgets.data.depth import check_planes
from zfwidgets.data.headers import check_header
from zfwidgets.data.memory import fit
from zfwidgets.data.pixels import MAX_PIXELS, check_size, from_array, from_tensor, is_tensor, rgb
from zfwidgets.data.watched import TooSlow, Watched

if TYPE_CHECKING:
    import torch

ImageLike: TypeAlias = Union[
    str, os.PathLike[str], bytes, bytearray, memoryview, Image.Image, np.ndarray, "torch.Tensor"
]

# Pillow reads more, some of it by starting another program (EPS, through Ghostscript); these it decodes itself.
# MPO is several JPEGs in one file: it has a suffix of its own, and Pillow opens it as JPEG.
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO", "JPEG2000", "AVIF")


def decode(image: ImageLike, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Return any image as a new array (H, W, 3) uint8 RGB, upright, at its own size.

    - A file's path, or a file's bytes: PNG, JPEG, WebP, GIF, TIFF, BMP and others. Turned as its EXIF orientation
      says; the first frame of an animation; 12 and 16 bits scaled to 8; palette, grey, CMYK, YCbCr, LAB and HSV
      converted; colour profiles are passed over.
    - A PIL image of any mode: the same; of an animation, the frame it stands at. Mode I is 8 bits where no number is
      over 255, else 16 bits; F is in [0, 1], or in 0 to 255 where a number is 2 or more.
    - A numpy array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): uint8, uint16 (of 65535), bool, floats in [0, 1], or
      wider integers from 0 to 255.
    - A torch tensor (H, W), (1, H, W), (3, H, W) or (4, H, W), on any device, of the same types.

    What is transparent is laid on white. `max_pixels` limits height x width; a file's size is read from its header and
    checked before its pixels are decoded.

    To decode a file takes 400 MB at most, whatever it says; what would take more is refused by its header: more than 53
    million pixels, or 20, 17 or 15 million as WebP, AVIF or colour JPEG 2000. A JPEG that would take more is read at
    half its size, a quarter or an eighth: one of more than 53 million pixels, or of 28 million where it is progressive.
    What takes more than 30 s of the processor is given up, and so is a file with more than 64 MB before its picture.

    Raises:
        ValueError: no such file, not an image, damaged or cut short, no pixels, too many, another shape, numbers
            outside their range.
        TypeError: not an image by its type, or numbers of another type.
    """
    if isinstance(image, str | os.PathLike):
        return _decode_file(os.fspath(image), max_pixels)
    if isinstance(image, bytes | bytearray | memoryview):
        return _decode_stream(io.BytesIO(image), max_pixels)
    if isinstance(image, Image.Image):
        return _decode_picture(image, max_pixels)
    if isinstance(image, np.ndarray):
        return _decode_pixels(from_array(image), max_pixels)
    if is_tensor(image):
        return _decode_pixels(from_tensor(image), max_pixels)
    raise TypeError(
        "an image is a path, the bytes of a file, a PIL image, a numpy array (H, W, 3), or a torch tensor (3, H, W); "
        f"this is {type(image).__module__}.{type(image).__qualname__}"
    )


def _decode_pixels(pixels: np.ndarray, max_pixels: int) -> np.ndarray:
    check_size(pixels.shape[0], pixels.shape[1], max_pixels)
    return rgb(pixels)


def _decode_file(path: str, max_pixels: int) -> np.ndarray:
    place = os.path.expanduser(path)
    _check_file(path, place)
    try:
        with Path(place).open("rb") as stream:
            return _decode_stream(stream, max_pixels)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path!r}: {error}") from error


def _check_file(path: str, place: str) -> None:
    if path.startswith(("http://", "https://")):
        raise ValueError(f"{path!r} is a web address; download it, and give the file")
    try:
        mode = os.stat(place).st_mode
    except PermissionError as error:
        raise ValueError(f"cannot read {path!r}: its folder may not be looked into") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"there is no file {path!r}") from error
    if stat.S_ISDIR(mode):
        raise ValueError(
            f"{path!r} is a folder, not an image; give a file in it, or give the folder where images are asked for"
        )
    if not stat.S_ISREG(mode):  # to open a pipe is to wait for its writer
        raise ValueError(f"{path!r} is no file, but a pipe, a socket or a device")


def _decode_stream(stream: IO[bytes], max_pixels: int) -> np.ndarray:
    if not stream.read(1):
        raise ValueError("it is empty: 0 bytes")
    with _open(stream, max_pixels) as picture:
        check_size(picture.height, picture.width, max_pixels)
        try:
            check_planes(picture)
            fit(picture, stream)
        except ValueError:
            raise
        except Exception as error:  # what a header says may be of any type
            raise _broken(error) from error
        return upright_pixels(picture, _broken)


def _open(stream: IO[bytes], max_pixels: int) -> Image.Image:
    """Read the header only.

    As `Image.open` does it, but for its limit of pixels, which warns, and warnings belong to all threads. Ours is
    checked next.
    """
    stream.seek(0)
    prefix = stream.read(16)
    for kind in _formats():
        factory, accept = Image.OPEN[kind]
        accepted = accept is None or accept(prefix)
        if not accepted or isinstance(accepted, str):  # a text says why not
            continue
        check_header(kind, stream, max_pixels)
        stream.seek(0)
        watched = Watched(stream)
        try:
            picture = factory(cast(IO[bytes], watched), "")
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue  # another kind
        except Exception as error:
            raise _broken(error) from error
        watched.opened(kind)
        return picture
    raise ValueError(f"it is not an image of a known kind ({', '.join(_formats())})")


@cache
def suffixes() -> tuple[str, ...]:
    """The endings of files that `decode` reads, in lower case, as Pillow knows them: ".jpg", ".jpeg", ".jfif", …"""
    Image.init()
    return tuple(sorted(suffix for suffix, kind in Image.registered_extensions().items() if kind in _FORMATS))


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)  # older Pillows have no AVIF


def _decode_picture(picture: Image.Image, max_pixels: int) -> np.ndarray:
    check_size(picture.height, picture.width, max_pixels)
    check_planes(picture)
    return upright_pixels(picture, _broken)


def _broken(error: Exception) -> ValueError:
    if isinstance(error, TooSlow):
        return error
    if isinstance(error, MemoryError):
        return ValueError("there is not memory enough to decode the image; make it smaller")
    # On a damaged file Pillow's decoders raise whatever came up: OSError, SyntaxError, struct.error, zlib.error, …
    return ValueError(f"the image is damaged or cut short; save or download it again ({type(error).__name__}: {error})")

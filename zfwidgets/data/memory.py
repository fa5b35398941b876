"""How much memory it takes to decode an image file; what takes too much is read smaller, or not at all."""

import os
import struct
from typing import IO, Any, cast

from PIL import Image

from zfwidgets.data.avif import coded_pixels
from zfwidgets.data.watched import Watched

MOST = 400_000_000  # bytes, above what the process has: for one image, whatever its file says
_SPARE = 24_000_000  # for parts of the picture on their way, and for what decoders have besides pixels
_PICTURE = 4  # bytes a pixel of a picture in Pillow; grey takes less, but is made RGB again to be preprocessed
_EACH = _PICTURE + 3  # with the result, (H, W, 3) uint8
_MOST_VISITS = 2_000_000_000  # pixels x scans of a progressive JPEG, each of which changes all pixels
_PIECE = 1 << 20

# Bytes a pixel besides Pillow's picture and the result. WebP: two canvases, the picture of a frame and its bytes. AVIF:
# planes of the picture and of those that it refers to, and its bytes. JPEG 2000: of each channel 32 bits and its bytes.
_DECODERS = {"WEBP": 11, "AVIF": 14}
_JPEG2000_CHANNEL = 6
_AVIF_FRAME = 8  # a pixel of its frames, at their own size: three channels of 16 bits, and some more
_PYTHON_DECODERS = {"bmp_rle": 4, "ppm": 9, "ppm_plain": 9}  # these collect all bytes

_COMPRESSION, _ORIENTATION, _SAMPLES, _ROWS, _TILE_WIDTH, _TILE_LENGTH = 259, 274, 277, 278, 322, 323  # TIFF 6.0
_BITS = 258


def fit(picture: Image.Image, stream: IO[bytes]) -> None:
    """Have a JPEG that takes too much memory read at half, a quarter or an eighth of its size, as its decoder can.

    Raises:
        ValueError: a picture that does not fit.
    """
    pixels = picture.width * picture.height
    if picture.format not in ("JPEG", "MPO"):
        check(picture.height, picture.width, _decoder(picture, stream) + _EACH * pixels)
        return
    coefficients = _coefficients(picture, stream)
    scale = next((scale for scale in (1, 2, 4, 8) if coefficients + _EACH * pixels / scale**2 <= MOST - _SPARE), 8)
    check(picture.height, picture.width, coefficients + _EACH * pixels / scale**2)
    if scale > 1:
        picture.draft(None, (picture.width // scale, picture.height // scale))


def check(height: int, width: int, needed: float) -> None:
    """Raise ValueError where so many bytes are too many."""
    if needed > MOST - _SPARE:
        raise ValueError(
            f"the image has {height} x {width} = {height * width:,} pixels, and to decode it takes "
            f"{(needed + _SPARE) / 1e6:,.0f} MB, more than the limit of {MOST / 1e6:.0f} MB; make it smaller, or save "
            "it as another kind, such as JPEG"
        )


def check_claimed(kind: str, height: int, width: int, channels: int = 3) -> None:
    """Raise ValueError where a file of this kind is too large by its header alone."""
    decoder = _JPEG2000_CHANNEL * channels if kind == "JPEG2000" else _DECODERS[kind]
    check(height, width, height * width * (decoder + _EACH))


def _decoder(picture: Image.Image, stream: IO[bytes]) -> float:
    """Bytes besides Pillow's picture and the result."""
    pixels = picture.width * picture.height
    if picture.format == "JPEG2000":
        return _JPEG2000_CHANNEL * len(picture.getbands()) * pixels
    if picture.format == "AVIF":
        coded = _AVIF_FRAME * coded_pixels(cast(IO[bytes], Watched(stream)))
        return max(_DECODERS["AVIF"] * pixels, coded) + 3 * _size(stream)
    if picture.format in _DECODERS:
        return _DECODERS[picture.format] * pixels + 3 * _size(stream)
    if picture.format == "TIFF":
        return _tiff_decoder(picture, stream)
    tile: Any = getattr(picture, "tile", None)
    return _PYTHON_DECODERS.get(tile[0][0], 0) * pixels if tile else 0


def _tiff_decoder(picture: Any, stream: IO[bytes]) -> float:
    """Of a TIFF: one strip or tile at once, and the picture once more where it is to be turned."""
    tags = picture.tag_v2
    strip = picture.width * min(tags.get(_ROWS) or picture.height, picture.height)
    if _TILE_WIDTH in tags:
        strip = tags[_TILE_WIDTH] * tags.get(_TILE_LENGTH, 1)
    each = max(4, tags.get(_SAMPLES, 1) * max(tags.get(_BITS, (1,))) / 8)
    each += 0 if tags.get(_COMPRESSION) != 7 else 6  # a JPEG, perhaps progressive
    compressed = bool(picture.tile) and picture.tile[0][0] == "libtiff"
    turned = _PICTURE * picture.width * picture.height if tags.get(_ORIENTATION, 1) > 1 else 0
    return turned + (strip * each + _size(stream) if compressed else 0)


def _size(stream: IO[bytes]) -> int:
    place = stream.tell()
    size = stream.seek(0, os.SEEK_END)
    stream.seek(place)
    return size


def _coefficients(picture: Any, stream: IO[bytes]) -> float:
    """Bytes of a JPEG's coefficients, which its decoder keeps unless one scan holds all components.

    Raises:
        ValueError: so many scans that to read them takes minutes.
    """
    place = stream.tell()
    try:
        if picture.info.get("progressive"):
            _check_scans(picture, stream)
        elif _components(stream) == len(picture.layer):
            return 0
    finally:
        stream.seek(place)
    wide, high = (max(layer[axis] for layer in picture.layer) for axis in (1, 2))
    shares = sum(layer[1] * layer[2] for layer in picture.layer) / (wide * high)
    return 2 * shares * (picture.width + 8 * wide) * (picture.height + 8 * high)


def _components(stream: IO[bytes]) -> int:
    """How many components the first scan of a JPEG has; 0 where that is not plain (ITU-T T.81, B.1)."""
    stream.seek(2)
    try:
        while True:
            marker, length = struct.unpack(">HH", stream.read(4))
            if marker == 0xFFDA:
                return stream.read(1)[0]
            if marker <= 0xFFBF or marker == 0xFFFF or length < 2:
                return 0
            stream.seek(length - 2, os.SEEK_CUR)
    except (struct.error, IndexError):
        return 0


def _check_scans(picture: Image.Image, stream: IO[bytes]) -> None:
    stream.seek(0)
    scans, before = 0, b""
    while piece := stream.read(_PIECE):
        scans += (before + piece).count(b"\xff\xda")
        before = piece[-1:]
    if scans * picture.width * picture.height > _MOST_VISITS:
        raise ValueError(
            f"it is a JPEG of {scans} scans of {picture.height} x {picture.width} pixels, which takes minutes to "
            "decode; save it again, not as progressive"
        )

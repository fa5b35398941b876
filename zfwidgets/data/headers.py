"""What the header of a file claims, looked at where Pillow would take memory or time for it as it opens the file."""

import math
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, cast

from zfwidgets.data.memory import check_claimed
from zfwidgets.data.pixels import check_size
from zfwidgets.data.watched import TooSlow, Watched

LARGEST_ICON = 1024  # pixels along a side
MOST_TAGGED = 2_000_000  # numbers in the tags of a TIFF
MOST_TILES = 4096  # of a JPEG 2000, each with tables of its own
LEAST_BLOCK = 256  # pixels in a code block or precinct of a JPEG 2000, each with tables of its own

MOST_EXIF = 64  # segments of a JPEG, which Pillow joins anew with each

_TIFF_NUMBERS = {3: 2, 4: 4, 13: 4, 16: 8}  # types of whole numbers, and bytes
_CODESTREAM = b"\xff\x4f\xff\x51"  # how that of a JPEG 2000 begins


def check_header(kind: str, stream: IO[bytes], max_pixels: int) -> None:
    """Raise ValueError where the header of a file of this kind claims more than fits; leave damage to the decoder."""
    if kind in _CHECKS:
        stream.seek(0)
        with suppress(struct.error, IndexError, OverflowError, OSError):  # it is cut short, as Pillow will say
            _CHECKS[kind](cast(IO[bytes], Watched(stream)), max_pixels)


def _check_jpeg(stream: IO[bytes], max_pixels: int) -> None:
    """What stands before the picture (ITU-T T.81, B.1): all of it is read as the file is opened."""
    stream.seek(2)
    exif = 0
    while (marker := stream.read(2)) != b"\xff\xda":
        if marker[0] != 0xFF or marker[1] in (0x00, 0xFF):
            stream.seek(-1, os.SEEK_CUR)
        elif not (marker[1] == 0x01 or 0xD0 <= marker[1] <= 0xD9):  # these stand alone
            length = struct.unpack(">H", stream.read(2))[0]
            exif += marker[1] == 0xE1 and stream.read(4) == b"Exif"
            stream.seek(length - (6 if marker[1] == 0xE1 else 2), os.SEEK_CUR)
        if exif > MOST_EXIF:
            raise TooSlow


def _check_webp(stream: IO[bytes], max_pixels: int) -> None:
    head = stream.read(30)
    if head[12:16] == b"VP8X":
        width, height = (int.from_bytes(head[place : place + 3], "little") + 1 for place in (24, 27))
    elif head[12:16] == b"VP8L":
        bits = struct.unpack_from("<I", head, 21)[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (number & 0x3FFF for number in struct.unpack_from("<HH", head, 26))
    check_size(height, width, max_pixels)
    check_claimed("WEBP", height, width)


def _check_icon(stream: IO[bytes], max_pixels: int) -> None:
    """A picture in an icon has a header of its own, which the icon's directory may contradict."""
    count = struct.unpack("<4xH", stream.read(6))[0]
    places = {place for (place,) in struct.iter_unpack("<12xI", stream.read(16 * count))}
    for place in sorted(places):
        stream.seek(place)
        head = stream.read(24)
        png = head.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack_from(">II", head, 16) if png else struct.unpack_from("<ii", head, 4)
        if max(abs(width), abs(height) // (1 if png else 2)) > LARGEST_ICON:
            raise ValueError(
                f"it is an icon that holds a picture of {abs(height)} x {abs(width)} pixels, more than the limit of "
                f"{LARGEST_ICON} along a side; save that picture as PNG"
            )


def _check_tiff(stream: IO[bytes], max_pixels: int) -> None:
    numbers = sum(count for _, _, count, _ in tiff_entries(stream))
    if numbers > MOST_TAGGED:
        raise ValueError(
            f"it is a TIFF whose tags hold {numbers:,} numbers, more than the limit of {MOST_TAGGED:,}; save it with "
            "larger strips or tiles, and without metadata"
        )


def tiff_entries(stream: IO[bytes]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the entries of a TIFF's first directory: tag, type, count, and the value or its place (TIFF 6.0, p. 14)."""
    stream.seek(0)
    head = stream.read(16)
    order = ">" if head.startswith(b"MM") else "<"
    big = struct.unpack_from(order + "H", head, 2)[0] == 43
    stream.seek(struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0])
    count = struct.unpack(order + ("Q" if big else "H"), stream.read(8 if big else 2))[0]
    entry = order + ("HHQQ" if big else "HHII")
    yield from struct.iter_unpack(entry, stream.read(struct.calcsize(entry) * min(count, 65_536)))


def _check_jpeg2000(stream: IO[bytes], max_pixels: int) -> None:
    """Its tiles, code blocks and precincts: each has tables, also where nothing of it is in the file."""
    stream.seek(_find_codestream(stream) + 2)
    claimed = None
    for marker, segment in _segments(stream):
        if marker == 0x51:
            claimed = struct.unpack_from(">8IH", segment, 2)
            width, height, left, top, tile_width, tile_height, tile_left, tile_top, _ = claimed
            check_size(height - top, width - left, max_pixels)
            check_claimed("JPEG2000", height - top, width - left, claimed[-1])
            tiles = math.ceil((width - tile_left) / max(tile_width, 1)) * math.ceil(
                (height - tile_top) / max(tile_height, 1)
            )
            _check_least("tiles", tiles <= MOST_TILES, f"{tiles:,}")
        elif marker == 0x52:
            _check_blocks(segment, segment[0] & 1, 5)
        elif marker == 0x53:
            wide = 2 if claimed and claimed[-1] > 256 else 1
            _check_blocks(segment, segment[wide] & 1, wide + 1)


def _find_codestream(stream: IO[bytes]) -> int:
    if stream.read(4) == _CODESTREAM:
        return 0
    place = 0
    while True:
        stream.seek(place)
        length, kind = struct.unpack(">I4s", stream.read(8))
        head = 8
        if length == 1:
            length, head = struct.unpack(">Q", stream.read(8))[0], 16
        if kind == b"jp2c":
            return place + head
        if length < head:
            raise IndexError
        place += length


def _segments(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the marker segments of a codestream's main header, and of the headers of its tiles' parts."""
    ends = None  # of the tile's part
    while True:
        begins = stream.tell()
        _, marker = struct.unpack(">BB", stream.read(2))
        if marker == 0x93:  # its data follow
            if ends is None or ends <= stream.tell():
                return
            stream.seek(ends)
            continue
        if marker == 0xD9:
            return
        length = struct.unpack(">H", stream.read(2))[0]
        segment = stream.read(length - 2)
        if marker == 0x90:
            part = struct.unpack_from(">2xI", segment)[0]
            ends = begins + part if part else None
        yield marker, segment


def _check_blocks(segment: bytes, precincts: int, place: int) -> None:
    """Look at the sizes in a COD or COC segment (ITU-T T.800, A.6.1), which begin at a place."""
    _check_least("code blocks", 1 << (segment[place + 1] + segment[place + 2] + 4) >= LEAST_BLOCK, "very small")
    if precincts:
        sizes = segment[place + 5 :]
        smallest = min((1 << (size & 15) + (size >> 4) for size in sizes[1:]), default=LEAST_BLOCK)
        _check_least("precincts", smallest >= LEAST_BLOCK, "very small")


def _check_least(noun: str, fits: bool, given: str) -> None:
    if not fits:
        raise ValueError(
            f"it is a JPEG 2000 of {given} {noun}, which take more memory than its pixels; there may be {MOST_TILES} "
            f"tiles, and blocks of {LEAST_BLOCK} pixels or more: save it again, as PNG"
        )


_CHECKS: dict[str, Callable[[IO[bytes], int], None]] = {
    "JPEG": _check_jpeg,
    "WEBP": _check_webp,
    "ICO": _check_icon,
    "TIFF": _check_tiff,
    "JPEG2000": _check_jpeg2000,
}

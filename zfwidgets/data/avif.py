"""How large the frames of an AVIF are, which its header may belie: they are decoded at their own size, then scaled."""

import io
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

_HOLDERS = (b"meta", b"moov", b"trak", b"mdia", b"minf", b"stbl")  # boxes of boxes (ISO/IEC 14496-12)
_SEQUENCE_HEADER = 1  # a type of units (AV1, 6.2.2)
_KEPT = 3  # times as many bytes as of a single picture: a film's frames refer to eight others

Extent = tuple[int, int]  # place and length in the file; length 0: up to its end


def coded_pixels(stream: IO[bytes]) -> int:
    """Pixels that a decoder may hold at once: of the frames of all items, or of the first samples of all tracks.

    What is damaged counts nothing: nobody can decode it.
    """
    boxes = list(_boxes(stream, stream.seek(0, os.SEEK_END)))
    data = [start for kind, start, _ in boxes if kind == b"idat"]
    items = tracks = 0
    for kind, start, end in boxes:
        if kind in (b"iloc", b"stco", b"co64"):
            stream.seek(start)
            content = stream.read(end - start)
            with suppress(struct.error, IndexError):
                if kind == b"iloc":
                    for extents in _items(content, data):
                        items += _frame(stream, extents)
                else:
                    tracks += _frame(stream, _first_sample(content, kind))
    return max(items, tracks)


def _boxes(stream: IO[bytes], end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box's kind, and where its content lies; those within others, too."""
    left = [(0, end)]
    while left:
        start, end = left.pop()
        stream.seek(start)
        head = stream.read(min(16, end - start))
        if len(head) < 8:
            continue
        size, kind = struct.unpack_from(">I4s", head)
        content = start + 8
        if size == 1:
            size, content = int.from_bytes(head[8:]), start + 16
        last = min(start + size, end) if size else end
        if last >= content:
            yield kind, content, last
            left.append((last, end))
            if kind in _HOLDERS:
                left.append((content + (4 if kind == b"meta" else 0), last))


def _items(iloc: bytes, data: list[int]) -> Iterator[list[Extent]]:
    """Yield the extents of each item; some are counted from a box `idat`, of which several may be meant."""
    version, sizes, place = iloc[0], struct.unpack_from(">H", iloc, 4)[0], 6
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))

    def number(size: int) -> int:
        nonlocal place
        if place + size > len(iloc):
            raise IndexError
        place += size
        return int.from_bytes(iloc[place - size : place])

    for _ in range(number(4 if version == 2 else 2)):
        number(4 if version == 2 else 2)  # its name
        inside = version and number(2) & 15 == 1
        number(2)
        begin = number(base)
        extents = []
        for _ in range(number(2)):
            number(index if version else 0)
            extents.append((begin + number(offset), number(length)))
        for counted_from in data if inside else [0]:
            yield [(counted_from + place, length) for place, length in extents]


def _first_sample(chunks: bytes, kind: bytes) -> list[Extent]:
    """It begins with the first chunk; the others that follow it are as large."""
    return [(struct.unpack_from(">8xI" if kind == b"stco" else ">8xQ", chunks)[0], 0)]


def _frame(stream: IO[bytes], extents: list[Extent]) -> int:
    """The pixels of an item's frames, by the largest of its sequence headers; 0 where it is no picture."""
    if len(extents) > 1:
        stream, extents = io.BytesIO(b"".join(_part(stream, *extent) for extent in extents)), [(0, 0)]
    return max((pixels for extent in extents for pixels in _sequences(stream, *extent)), default=0)


def _part(stream: IO[bytes], place: int, length: int) -> bytes:
    if place > stream.seek(0, os.SEEK_END):
        return b""
    stream.seek(place)
    return stream.read(length or -1)


def _sequences(stream: IO[bytes], place: int, length: int) -> Iterator[int]:
    """Yield the pixels of a frame by each sequence header among units that follow each other (AV1, 5.3)."""
    end = stream.seek(0, os.SEEK_END)
    end = min(place + length, end) if length else end
    while place < end:
        head = _part(stream, place, 10)
        begin = 1 + (head[0] >> 2 & 1)
        size = end - place - begin
        if head[0] & 2:
            try:
                size, taken = _leb128(head[begin:])
            except IndexError:
                return
            begin += taken
        if head[0] >> 3 & 15 == _SEQUENCE_HEADER:
            with suppress(IndexError):
                yield _largest(_Bits(_part(stream, place + begin, min(size, 1024) or 1)))
        place += begin + size


def _leb128(content: bytes) -> tuple[int, int]:
    """A number and how many bytes it has (AV1, 4.10.5)."""
    number = 0
    for place, byte in enumerate(content[:8]):
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number, place + 1
    raise IndexError


class _Bits:
    def __init__(self, content: bytes) -> None:
        self._number, self._left = int.from_bytes(content), 8 * len(content)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise IndexError
        return self._number >> self._left & (1 << count) - 1


def _largest(bits: _Bits) -> int:
    """The pixels of a frame by a sequence header (AV1, 5.5.1), `_KEPT` times where others may refer to it."""
    bits.take(4)
    single = bits.take(1)
    if single:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    if single:
        return (bits.take(width_bits) + 1) * (bits.take(height_bits) + 1)
    return _KEPT << width_bits + height_bits  # each frame may say its own size in so many bits


def _skip_operating_points(bits: _Bits) -> None:
    delay = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            zeros = 0
            while not bits.take(1):
                zeros += 1
            bits.take(zeros)
        if bits.take(1):  # a decoder's model
            delay = bits.take(5) + 1
            bits.take(42)
    displayed = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay and bits.take(1):
            bits.take(2 * delay + 1)
        if displayed and bits.take(1):
            bits.take(4)

"""The bytes of an image file as Pillow reads them, with an end to its patience: some files are made to be slow."""

import time
from collections.abc import Callable
from typing import IO, Any

MOST_SECONDS = 30  # of the processor, for one file
MOST_OPENING = 64_000_000  # bytes before the picture; of WebP and AVIF, which are read whole, with it
MOST_PIECES = 200_000  # before the picture, each of which may become an object
MOST_CHUNKS = 1_000_000  # of a PNG, before, in and behind the picture: three pieces each
_LARGE = 4096  # bytes, from which on the clock is looked at each time
_SELDOM = 4096  # pieces


class TooSlow(ValueError):
    """A file whose picture takes minutes to reach."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why or "it has more metadata than picture, which takes minutes to read; save it again")


class Watched:
    """A file open for reading: `read` raises TooSlow where it has given too much, or too long."""

    read: Callable[..., bytes]

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._began = time.thread_time()
        self._limit(MOST_PIECES, MOST_OPENING)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def opened(self, kind: str) -> None:
        """The header is read; from now on it may be as many bytes as the picture has."""
        if kind == "PNG":
            self._limit(MOST_CHUNKS, float("inf"))
        else:
            self.read = self._patiently()

    def _limit(self, most_pieces: int, most_bytes: float) -> None:
        patiently, pieces, left = self._patiently(), 0, most_bytes

        def read(size: int = -1) -> bytes:
            nonlocal pieces, left
            content = patiently(size if 0 <= size <= left or left == float("inf") else int(left) + 1)
            pieces += 1
            left -= len(content)
            if pieces > most_pieces or left < 0:
                raise TooSlow
            return content

        self.read = read

    def _patiently(self) -> Callable[..., bytes]:
        """How to read as long as there is time. Some decoders read pixel by pixel, so it does not look each time."""
        whole, pieces, began = self._stream.read, 0, self._began

        def read(size: int = -1) -> bytes:
            nonlocal pieces
            pieces += 1
            if not (0 <= size < _LARGE and pieces % _SELDOM) and time.thread_time() - began > MOST_SECONDS:
                raise TooSlow(f"to decode it takes more than {MOST_SECONDS} s; save it as another kind, such as PNG")
            return whole(size)

        return read

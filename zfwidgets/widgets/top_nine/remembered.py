"""Pictures that have been computed, as many as there is room for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

import numpy as np


class Remembered:
    """Arrays by their keys, of at most `room` bytes together; those that nobody asked for longest are forgotten first.

    The latest one stays, however large it is.
    """

    def __init__(self, room: int) -> None:
        self.room, self.bytes = room, 0
        self._arrays: OrderedDict[Hashable, np.ndarray] = OrderedDict()

    def keep(self, key: Hashable, array: np.ndarray) -> None:
        """Remember an array, in place of what had that key."""
        self._forget(key)
        self._arrays[key] = array
        self.bytes += array.nbytes
        while self.bytes > self.room and len(self._arrays) > 1:
            self._forget(next(iter(self._arrays)))

    def recall(self, key: Hashable) -> np.ndarray | None:
        """What was kept under that key, if it is still there; it is forgotten later then."""
        if key in self._arrays:
            self._arrays.move_to_end(key)
        return self._arrays.get(key)

    def _forget(self, key: Hashable) -> None:
        array = self._arrays.pop(key, None)
        self.bytes -= 0 if array is None else array.nbytes

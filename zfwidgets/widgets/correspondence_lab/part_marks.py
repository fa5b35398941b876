"""Which pixels of which image belong to which part, and a file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zfwidgets.experiments.correspondence import RANDOM
from zfwidgets.experiments.occlusion import mask_of
from zfwidgets.widgets.canvas import extent, runs, slices

FORMAT = "zfwidgets parts"
LONGEST = 30  # letters of a name


class PartMarks:
    """Parts by name, in order; each has a mark on some of the images, all of one size."""

    def __init__(self, images: Sequence[str], shape: tuple[int, int]) -> None:
        self.images, self.shape = tuple(images), shape
        self._marks: dict[str, dict[str, np.ndarray]] = {}

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts."""
        return tuple(self._marks)

    def add(self, name: str) -> str:
        """Begin a part. Raises ValueError where the name is empty, too long, or taken."""
        name = self._free(name)
        self._marks[name] = {}
        return name

    def rename(self, old: str, new: str) -> str:
        """Give a part another name, at the same place. Raises ValueError as `add` does."""
        if new.strip() == old:
            return old
        new = self._free(new)
        self._marks = {new if name == old else name: marks for name, marks in self._marks.items()}
        return new

    def remove(self, name: str) -> None:
        """Forget a part and its marks."""
        del self._marks[name]

    def mark(self, part: str, image: str, mask: np.ndarray) -> None:
        """Let this be what belongs to the part, (H, W) bool; nothing, where no pixel does."""
        if mask.any():
            self._marks[part][image] = mask
        else:
            self._marks[part].pop(image, None)

    def mask(self, part: str, image: str) -> np.ndarray:
        """What belongs to the part, (H, W) bool."""
        nothing = np.zeros(self.shape, bool)
        return self._marks.get(part, {}).get(image, nothing)

    def missing(self, part: str) -> list[str]:
        """The images on which the part is not marked."""
        return [image for image in self.images if image not in self._marks.get(part, {})]

    def complete(self) -> dict[str, np.ndarray]:
        """The parts that are marked on every image, each (images, H, W) bool."""
        found = {}
        for part, marks in tuple(self._marks.items()):  # a worker asks while a reader draws
            masks = [marks[image] for image in self.images if image in marks]
            if len(masks) == len(self.images):
                found[part] = np.stack(masks)
        return found

    def to_json(self) -> str:
        """All marks: a rectangle as [top, left, bottom, right], anything else as runs of [row, first, after last]."""
        parts = {part: {image: _written(mask) for image, mask in marks.items()} for part, marks in self._marks.items()}
        return json.dumps({"format": FORMAT, "size": list(self.shape), "parts": parts})

    def from_json(self, text: str | bytes) -> PartMarks:
        """The marks that a file holds, for the same images; polygons [[row, column], …] are understood, too.

        Raises:
            ValueError: in words, where the text is no JSON, no such file, or is for other images or another size.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            where = f": line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise ValueError(f"this file is not JSON{where}") from None
        if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("parts"), dict):
            raise ValueError("this file holds no parts that were saved here")
        if found.get("size") != list(self.shape):
            theirs, ours = _size(found.get("size")), _size(self.shape)
            raise ValueError(f"the parts in this file are for pictures of {theirs} pixels; these have {ours}")
        read = PartMarks(self.images, self.shape)
        for part, marks in found["parts"].items():
            name = read.add(part)
            if not isinstance(marks, Mapping):
                raise ValueError(f"the part {part!r} in this file has no marks by the names of images")
            for image, mark in marks.items():
                if image not in self.images:
                    raise ValueError(f"the file marks {part!r} on an image {image!r}, which is not here")
                read.mark(name, image, self._read(mark, f"the part {part!r} of {image!r}"))
        return read

    def _read(self, mark: Any, what: str) -> np.ndarray:
        stretches = mark.get("runs") if isinstance(mark, Mapping) else None
        try:
            numbers = np.array(mark if stretches is None else stretches, float)
        except (TypeError, ValueError):
            numbers = np.full(1, np.nan)
        if not np.isfinite(numbers).all() or not numbers.size:
            raise ValueError(f"{what} is neither a rectangle, nor a polygon, nor runs of pixels")
        if stretches is None:
            return mask_of(numbers, self.shape, what)
        if numbers.ndim != 2 or numbers.shape[1] != 3 or (numbers != np.rint(numbers)).any():
            raise ValueError(f"{what} has runs that are not [row, first column, column after the last]")
        rows, starts, ends = numbers.astype(int).T
        inside = (rows >= 0) & (rows < self.shape[0]) & (starts >= 0) & (starts < ends) & (ends <= self.shape[1])
        if not inside.all():
            raise ValueError(f"{what} does not lie in a picture of {_size(self.shape)} pixels")
        mask = np.zeros(self.shape, bool)
        for row, start, end in zip(rows, starts, ends, strict=True):
            mask[row, start:end] = True
        return mask

    def _free(self, name: str) -> str:
        name = " ".join(name.split())
        if not name or len(name) > LONGEST:
            raise ValueError(f"a part has a name of 1 to {LONGEST} letters")
        if name in self._marks or name == RANDOM:
            raise ValueError(f"there is a part {name!r} already" if name != RANDOM else
                             f"{RANDOM!r} is what parts are compared with; please choose another name")  # fmt: skip
        return name


def _written(mask: np.ndarray) -> Any:
    box = extent(mask)
    if box is not None and mask[slices(box)].all():
        return list(box)
    return {"runs": np.stack(runs(mask), 1).tolist()}


def _size(shape: Any) -> str:
    return "×".join(map(str, shape)) if isinstance(shape, list | tuple) else "unknown"

"""Which pixels of which image belong to which part, and a file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from zfwidgets.experiments.correspondence import RANDOM
from zfwidgets.experiments.occlusion import mask_of
from zfwidgets.files import of_form, read_json
from zfwidgets.widgets.canvas import extent, runs, slices

FORMAT: Literal["zfwidgets parts"] = "zfwidgets parts"
LONGEST = 30  # letters of a name
MOST_PARTS = 50
MOST_BYTES = 4_000_000  # of a file
MOST_CORNERS = 20_000  # of all polygons in a file


@dataclass(frozen=True)
class Saved:
    """What a file holds; each part and each mark is read by itself, so that a message says which is wrong."""

    format: Literal["zfwidgets parts"]
    size: tuple[int, int]  # height and width of the pictures
    parts: dict[str, Any]


@dataclass(frozen=True)
class Runs:
    """Any mark: its stretches of pixels as [row, first column, column after the last]."""

    runs: list[tuple[float, float, float]]


Place = Annotated[list[float], Meta(min_length=2, max_length=4)]  # a corner of a polygon, or a rectangle of several
Mark = list[float | Place] | Runs  # numbers are those of one rectangle


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
        """Begin a part. Raises ValueError where the name is empty, too long, or taken, and after `MOST_PARTS`."""
        name = self._free(name)
        if len(self._marks) == MOST_PARTS:
            raise ValueError(f"there are {MOST_PARTS} parts, and no more can be told apart")
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

    def add_image(self, name: str) -> None:
        """One image more, on which nothing is marked yet."""
        self.images = (*self.images, name)

    def marked(self, part: str, images: Sequence[str]) -> dict[str, np.ndarray]:
        """Those of some images on which a part is marked, each with its mask (H, W) bool."""
        marks = dict(self._marks.get(part, {}))  # a worker asks while a reader draws
        return {image: marks[image] for image in images if image in marks}

    def comparable(self, images: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
        """The parts that are marked on two of these images or more, each with its masks by image."""
        found = {part: self.marked(part, images) for part in self.parts}
        return {part: masks for part, masks in found.items() if len(masks) > 1}

    def to_json(self) -> str:
        """All marks: a rectangle as [top, left, bottom, right], anything else as runs of [row, first, after last]."""
        parts = {part: {image: _written(mask) for image, mask in marks.items()} for part, marks in self._marks.items()}
        return json.dumps({"format": FORMAT, "size": list(self.shape), "parts": parts})

    def from_json(self, text: str | bytes) -> PartMarks:
        """The marks that a file holds, for these images or some of them; polygons [[row, column], …] are understood.

        A file has at most 4 MB, 50 parts, and 20,000 corners of polygons.

        Raises:
            ValueError: in words, where the text is no JSON, no such file, too much, or is for other images or another
                size.
        """
        try:
            saved: Saved = read_json(text, Saved, MOST_BYTES)
        except ValueError as error:
            raise ValueError(f"this file holds no parts that were saved here: {error}") from None
        if saved.size != self.shape:
            raise ValueError(
                f"the parts in this file are for pictures of {_size(saved.size)} pixels; these have {_size(self.shape)}"
            )
        if len(saved.parts) > MOST_PARTS:
            raise ValueError(f"this file has {len(saved.parts):,} parts, and at most {MOST_PARTS} are read")
        marks = {part: self._marks_of(part, found) for part, found in saved.parts.items()}
        corners = sum(_corners(mark) for found in marks.values() for mark in found.values())
        if corners > MOST_CORNERS:
            raise ValueError(
                f"the polygons in this file have {corners:,} corners, and at most {MOST_CORNERS:,} are read"
            )
        read = PartMarks(self.images, self.shape)
        for part, found in marks.items():
            name = read.add(part)
            for image, mark in found.items():
                read.mark(name, image, self._read(mark, f"the part {name!r} of {image!r}"))
        return read

    def _marks_of(self, part: str, found: Any) -> dict[str, Any]:
        what = repr(part[:LONGEST])
        if not isinstance(found, Mapping):
            raise ValueError(f"the part {what} in this file has no marks by the names of images")
        if strange := [image for image in found if image not in self.images]:
            raise ValueError(f"the file marks {what} on an image {strange[0][:LONGEST]!r}, which is not here")
        return dict(found)

    def _read(self, given: Any, what: str) -> np.ndarray:
        try:
            mark: Mark = of_form(given, Mark)
            numbers = np.array(mark.runs if isinstance(mark, Runs) else mark, float)
        except ValueError:
            raise ValueError(f"{what} is neither a rectangle, nor a polygon, nor runs of pixels") from None
        if not isinstance(mark, Runs):
            return mask_of(numbers, self.shape, what)
        if not numbers.size or (numbers != np.rint(numbers)).any():
            raise ValueError(f"{what} has runs that are not [row, first column, column after the last]")
        rows, starts, ends = numbers.T
        return mask_of(np.stack([rows, starts, rows + 1, ends], axis=1), self.shape, what)

    def _free(self, name: str) -> str:
        name = " ".join(name.split())
        if not name or len(name) > LONGEST or not name.isprintable():
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


def _corners(mark: Any) -> int:
    """Of a polygon; 0 where it is something else."""
    polygon = isinstance(mark, list) and mark and isinstance(mark[0], list) and len(mark[0]) == 2
    return len(mark) if polygon else 0


def _size(shape: tuple[int, int]) -> str:
    return "×".join(str(length)[:20] for length in shape)

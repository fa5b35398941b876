"""One form on a ground: the truth of a picture, and the picture of a truth."""

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from zfwidgets.data.clutter import clutter
from zfwidgets.data.forms import FORMS, TEXTURES

Colour = tuple[int, int, int]  # red, green, blue, 0 to 255

_STEPS = 256  # places that a centre can have within a pixel


@dataclass(frozen=True)
class Truth:
    """All that there is to know of one picture; change it with `dataclasses.replace`, and `render` it.

    Nothing else will change: the clutter stays as it was. A texture moves, turns and grows with its form.

    Raises:
        ValueError: no form or texture has that name (the nearest names are given), or the size, the radius or the
            clutter is out of its range.
    """

    form: str  # a name in `FORMS`
    label: int  # place of the form in the data set's classes; not drawn, so change it along with the form
    texture: str  # a name in `TEXTURES`
    colour: Colour  # of the form
    accent: Colour  # of its stripes, checks, dots or noise; not seen where it is plain
    ground: Colour  # under the clutter
    centre: tuple[float, float]  # row and column, pixels from the top left corner: the first pixel's middle is at 0.5
    radius: float  # of the smallest circle about the centre that holds the form, pixels
    angle: float  # degrees, counter-clockwise from upright
    size: int  # side of the picture, pixels, 16 to 512
    clutter: float  # 0 to 10; 0: the ground is plain
    seed: int  # of the clutter, and of where a texture begins

    def __post_init__(self) -> None:
        check_name("form", self.form, FORMS)
        check_name("texture", self.texture, TEXTURES)
        check_size(self.size)
        check_clutter(self.clutter)
        if not 0 < self.radius < math.inf:
            raise ValueError(f"a radius is more than 0 pixels, and this is {self.radius}")

    @property
    def turn(self) -> float:
        """The smallest turn that maps the outline to itself, degrees: 0 where every turn does, 360 where none does."""
        return FORMS[self.form].turn


def render(truth: Truth, size: int | None = None) -> np.ndarray:
    """Draw the picture of a truth, (size, size, 3) uint8 RGB.

    `size` is the truth's own by default; any other shows the same scene at another resolution.

    Raises:
        ValueError: the size is not within 16 to 512.
    """
    size = truth.size if size is None else size
    check_size(size)
    picture = _ground(truth, size)
    _draw_form(picture, truth, size / truth.size)
    return np.rint(picture).astype(np.uint8).transpose(1, 2, 0).copy()


def generator(seed: int, *key: int) -> np.random.Generator:
    """Make the random numbers of one thing, which are the same whatever else was drawn before."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def check_name(noun: str, name: str, known: Iterable[str]) -> None:
    """Raise ValueError with the nearest names where `name` is not among those `known`."""
    if name in known:
        return
    near = get_close_matches(str(name), known, n=3)
    hint = f"perhaps {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(known)}"
    raise ValueError(f"no {noun} is called {name!r}; {hint}")


def check_size(size: int) -> None:
    """Raise ValueError for a side that is not within 16 to 512 pixels."""
    if not 16 <= operator.index(size) <= 512:
        raise ValueError(f"size is the side of a picture, from 16 to 512 pixels, and this is {size}")


def check_clutter(clutter: float) -> None:
    """Raise ValueError for an amount that is not within 0 to 10."""
    if not 0 <= clutter <= 10:
        raise ValueError(f"clutter goes from 0, a plain ground, over 1, the usual one, to 10, and this is {clutter}")


def _ground(truth: Truth, size: int) -> np.ndarray:
    """Draw what is behind the form, (3, size, size) float32, 0 to 255."""
    colour = np.array(truth.ground, np.float32)[:, None, None]
    if not truth.clutter:
        return np.broadcast_to(colour, (3, size, size)).copy()
    return np.clip(colour + float(truth.clutter) * clutter(generator(truth.seed, 0), size), 0, 255)


def _draw_form(picture: np.ndarray, truth: Truth, scale: float) -> None:
    """Lay the form on a picture (3, size, size) whose size is `scale` times the truth's."""
    radius = float(truth.radius * scale)
    rows, down = _around(truth.centre[0] * scale, radius, picture.shape[1])
    columns, across = _around(truth.centre[1] * scale, radius, picture.shape[2])
    # a symmetric form is turned no further than it must be: it is then the same to the last bit
    angle = truth.angle % truth.turn if truth.turn else 0.0
    cover = _inside(FORMS[truth.form].distance(*_turned(across, down, angle)), radius)
    patch = picture[:, rows, columns]
    patch += cover * (_surface(truth, across, down, radius) - patch)


def _around(centre: float, radius: float, size: int) -> tuple[slice, np.ndarray]:
    """Find the rows or columns that a form may touch, and how far from its centre their middles are, in radii."""
    # a part of a pixel that float32 holds exactly: a move by whole pixels then changes no level
    base, rest = divmod(round(centre * _STEPS), _STEPS)
    reach = math.ceil(radius) + 1
    first = max(base - reach, 0)
    last = max(min(base + reach + 1, size), first)
    middles = np.arange(first - base, last - base, dtype=np.float32) + np.float32(0.5 - rest / _STEPS)
    return slice(first, last), middles / np.float32(radius)


def _turned(across: np.ndarray, down: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Make the places (rows, columns) across and up as they are for a form turned by `angle`, degrees."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    up = -down[:, None]
    return cos * across + sin * up, cos * up - sin * across


def _inside(distance: np.ndarray, radius: float) -> np.ndarray:
    """Say how much of each pixel is inside, 0 to 1, from its middle's distance in radii."""
    return np.clip(0.5 - radius * distance, 0, 1)


def _surface(truth: Truth, across: np.ndarray, down: np.ndarray, radius: float) -> np.ndarray:
    """Colour the form, (3, rows, columns) float32, or (3, 1, 1) where it is plain."""
    colour, accent = np.array([truth.colour, truth.accent], np.float32)[:, :, None, None]
    pattern = TEXTURES[truth.texture]
    if pattern is None:
        return colour
    start = generator(truth.seed, 1).uniform(0, 2 * math.pi, 4).astype(np.float32)
    return colour + _inside(pattern(*_turned(across, down, truth.angle), start), radius) * (accent - colour)

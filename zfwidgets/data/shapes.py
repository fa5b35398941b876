"""A labelled data set, drawn when it is asked for, of which all is known: the truth of a network's invariances."""

import math
import operator
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property

import numpy as np

from zfwidgets.data.forms import FORMS, TEXTURES
from zfwidgets.data.scene import Colour, Truth, check_clutter, check_name, check_size, generator, render

__all__ = ["Shapes", "Truth", "render"]

_TEXTURES = tuple(TEXTURES)

# the least and the most of a form, of its texture, and of its ground, in OKLab, where equal steps look equal
_LIGHT_ON_DARK = (0.66, 0.90, 0.26), (0.78, 0.97, 0.42)
_DARK_ON_LIGHT = (0.50, 0.30, 0.84), (0.62, 0.40, 0.94)
_CHROMA = (0.11, 0.04, 0.01), (0.20, 0.12, 0.05)

# from OKLab to the cube roots of the cones' responses, and from these responses to linear RGB (Ottosson 2020)
_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@dataclass(frozen=True)
class Shapes:
    """Forms on cluttered grounds: `shapes[i]` is an image, (size, size, 3) uint8 RGB, and its label, the form.

    Texture, colours, place, radius and angle do not depend on the form, and `truth` tells them all; the form lies whole
    within the image. An image is drawn when it is asked for, from the seed and its index alone: it is the same in any
    order and process, however many there are, and at another size it is the same scene. Another seed gives other
    images, to test on. `forms` are the classes to have, all by default; `clutter` is as in `Truth`.

    Raises:
        ValueError: no form has that name (the nearest names are given), one is named twice, or there is none; the size
            is not within 16 to 512, the clutter not within 0 to 10, the count less than 1, or the seed less than 0.
    """

    count: int = 10_000
    size: int = 64
    seed: int = 0
    _: KW_ONLY
    forms: Sequence[str] = tuple(FORMS)
    clutter: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "forms", (self.forms,) if isinstance(self.forms, str) else tuple(self.forms))
        _check_forms(self.classes)
        check_size(self.size)
        check_clutter(self.clutter)
        if operator.index(self.count) < 1:
            raise ValueError(f"count is the number of images, 1 or more, and this is {self.count}")
        if operator.index(self.seed) < 0:
            raise ValueError(f"a seed is a whole number, 0 or more, and this is {self.seed}")

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the forms, by label."""
        return tuple(self.forms)

    @cached_property
    def targets(self) -> tuple[int, ...]:
        """The labels of all images; none is drawn for it.

        They are shuffled round by round: each form comes once in the first `len(classes)` images, once in the next, …
        """
        rounds = math.ceil(self.count / len(self.forms))
        labels = generator(self.seed).random((rounds, len(self.forms))).argsort(axis=1)
        return tuple(labels.ravel()[: self.count].tolist())

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        """Return image `index` (negative counts from the end) and its label. Raises IndexError beyond them."""
        truth = self.truth(index)
        return render(truth), truth.label

    def truth(self, index: int) -> Truth:
        """Tell all of image `index` without drawing it. Raises IndexError beyond them."""
        place = range(self.count)[operator.index(index)]
        rng = generator(self.seed, place)
        radius = self.size * rng.uniform(0.18, 0.34)
        row, column = rng.uniform(radius + 0.03 * self.size, 0.97 * self.size - radius, 2).tolist()
        colour, accent, ground = _colours(rng)
        return Truth(
            form=self.forms[self.targets[place]],
            label=self.targets[place],
            texture=_TEXTURES[rng.integers(len(_TEXTURES))],
            colour=colour,
            accent=accent,
            ground=ground,
            centre=(row, column),
            radius=radius,
            angle=rng.uniform(0, 360),
            size=self.size,
            clutter=self.clutter,
            seed=int(rng.integers(2**32)),
        )


def _check_forms(forms: tuple[str, ...]) -> None:
    for name in forms:
        check_name("form", name, FORMS)
        if forms.count(name) > 1:
            raise ValueError(f"forms are classes, each to be named once, and {name!r} is named twice")
    if not forms:
        raise ValueError(f"forms are the classes to have, one or more of {', '.join(FORMS)}; these are none")


def _colours(rng: np.random.Generator) -> list[Colour]:
    """Draw the colours of a form, of its texture, which has a related hue, and of a ground that sets both off."""
    lightness = rng.uniform(*(_LIGHT_ON_DARK if rng.random() < 0.5 else _DARK_ON_LIGHT))
    chroma = rng.uniform(*_CHROMA)
    hue, ground = rng.uniform(0, 2 * math.pi, 2)
    hues = np.array([hue, hue + rng.uniform(-1.2, 1.2), ground])
    return _rgb(np.stack([lightness, chroma * np.cos(hues), chroma * np.sin(hues)], axis=1))


def _rgb(lab: np.ndarray) -> list[Colour]:
    """Convert colours (N, 3) from OKLab; what a screen cannot show is clipped."""
    linear = np.clip((lab @ _TO_CONES.T) ** 3 @ _TO_LINEAR.T, 0, 1)
    levels = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return [(red, green, blue) for red, green, blue in np.rint(255 * levels).astype(int).tolist()]

"""How a network is trained: all numbers of it, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Recipe:
    """All numbers of a training; `zf.recipe` has two to begin with."""

    epochs: int
    batch_size: int = 128
    optimizer: Literal["sgd", "adamw"] = "adamw"
    rate: float = 2e-3  # learning rate: the first one, or the highest of the cycle
    schedule: Literal["plateau", "cycle"] = "cycle"  # a tenth where the validation error stands still; or up and down
    patience: int = 3  # epochs in which it stands still
    momentum: float = 0.9
    weight_decay: float = 0.0
    filter_rms: float | None = None  # filters of convolutions whose RMS is larger are scaled back to it after each step
    gradient_norm: float | None = None  # of all gradients together, clipped before each step
    border: int = 4  # pixels by which an image is larger than the crop; made so where that is beyond its own edge
    crops: Literal["corners", "anywhere"] = "anywhere"  # with the centre; each mirrored half of the time
    centred: Literal["pixel", "channel"] = "channel"  # what is subtracted: the mean of each pixel, or of each channel
    levels: bool = False  # inputs keep their 256 levels, about ±128; else they are divided by the standard deviation
    ten_crops: bool = False  # at the end, probabilities are the mean over the centre, the corners and their mirrors
    low_precision: bool = False  # bfloat16 where the device is faster with it

    def __post_init__(self) -> None:
        """Raise ValueError for a word or a number that is none of those there are."""
        for name, kind in get_type_hints(type(self)).items():
            if get_origin(kind) is Literal and getattr(self, name) not in get_args(kind):
                known = " or ".join(map(repr, get_args(kind)))
                raise ValueError(f"{name} is {known}; {getattr(self, name)!r} was given")
        for name, least in {"epochs": 1, "batch_size": 1, "patience": 0, "border": 0}.items():
            if getattr(self, name) < least or getattr(self, name) != int(getattr(self, name)):
                raise ValueError(f"{name} is a whole number, at least {least}; {getattr(self, name)!r} was given")
        if not self.rate > 0:
            raise ValueError(f"rate is above 0; {self.rate!r} was given")

    @property
    def enlarged(self) -> bool:
        """Whether images are read larger than the network's input, for the crops to lie inside."""
        return self.crops == "corners"


PAPER = Recipe(
    epochs=70,
    optimizer="sgd",
    rate=0.01,
    schedule="plateau",
    filter_rms=0.1,
    border=32,
    crops="corners",
    centred="pixel",
    levels=True,
    ten_crops=True,
)
SMALL = Recipe(epochs=20, weight_decay=0.01, gradient_norm=1.0, low_precision=True)
RECIPES: Mapping[str, Recipe] = MappingProxyType({"paper": PAPER, "small": SMALL})


def recipe(named: str | Recipe, **changes: Any) -> Recipe:
    """The recipe "paper" (§3) or "small", with some numbers changed: `zf.recipe("small", epochs=64)`.

    Raises:
        ValueError: there is no such recipe, or no such word or number in one.
        TypeError: a recipe has no such number; or it is neither a name nor a recipe.
    """
    if isinstance(named, str) and named not in RECIPES:
        raise ValueError(f"the recipes are {', '.join(map(repr, RECIPES))}, or one of your own; {named!r} was given")
    found = RECIPES[named] if isinstance(named, str) else named
    if not isinstance(found, Recipe):
        raise TypeError(f'a recipe is "paper", "small" or a zf.Recipe; this is {named!r}')
    if strange := changes.keys() - {field.name for field in fields(Recipe)}:
        known = ", ".join(field.name for field in fields(Recipe))
        raise TypeError(f"a recipe has {known}; not {', '.join(sorted(strange))}")
    return replace(found, **changes)

"""Traits that check themselves where they are declared, and say what their control looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import traitlets as T

from zfwidgets.experiments.projection import checked_unit
from zfwidgets.experiments.responses import checked_box

RULES = {"deconvnet (the paper's)": "deconvnet", "gradient": "gradient", "guided (both)": "guided"}  # by their labels
FILLS = ("grey", "mean", "blur", "noise", "black", "white")  # what stands in hidden places
HIDING = (
    "What stands in hidden places: mid-grey (the paper), the image's mean colour, the image blurred, noise like the "
    "image"
)


def reject_unknown(cls: type[T.HasTraits], names: Iterable[str]) -> None:
    """Raise TypeError for the first of `names` that is no trait of `cls`, naming the trait that was probably meant."""
    known = cls.class_trait_names()
    for name in names:
        if name not in known:
            raise TypeError(f"{cls.__name__} has no setting {name!r}{_suggestion(name, known)}")


def _suggestion(name: str, known: Iterable[str]) -> str:
    public = [trait for trait in known if not trait.startswith("_")]
    nearest = get_close_matches(name, public, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


@dataclass(frozen=True)
class Selected:
    """What is selected, all at one moment."""

    image: str  # name
    layer: str  # name
    feature: int | None = None  # number; None: nobody has chosen one
    unit: str | tuple[int, int] = "max"
    target: str = ""  # label of a class; empty: what the network says
    found_on: str = ""  # the image on which a panel found the feature, because nobody had chosen one


class SelectedTrait(T.TraitType[Any, Any]):
    """A trait that lives in the selection of whoever declares it: the same for all panels that share it."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        return getattr(obj.selection.state, str(self.name))

    def set(self, obj: Any, value: Any) -> None:
        obj.selection.choose(**{str(self.name): value})

    def taken_over(self, selection: Any, state: Selected, value: Any) -> Selected:
        """The state with this value in it. Raises ValueError, in words, for a value that does not fit."""
        raise NotImplementedError

    def for_choice(self, state: Selected) -> Any:
        """What a panel's choice holds of it."""
        return getattr(state, str(self.name))


class ImageName(SelectedTrait):
    """The name of one of the selection's images."""

    def taken_over(self, selection: Any, state: Selected, value: Any) -> Selected:
        return replace(state, image=selection.images.known(value))


class LayerName(SelectedTrait):
    """The name of a layer. In another layer no feature is chosen; a unit stays about the same place of the image."""

    def taken_over(self, selection: Any, state: Selected, value: Any) -> Selected:
        now, before = selection.network.layer(value), selection.network.layer(state.layer)
        if now.name == before.name:
            return state
        unit = state.unit
        if not isinstance(unit, str):
            unit = unit[0] * now.height // before.height, unit[1] * now.width // before.width
        return replace(state, layer=now.name, feature=None, unit=unit, found_on="")


class FeatureNumber(SelectedTrait):
    """The number of a feature map of the layer; None: nobody has chosen one, and a panel finds one.

    With `anew=True`, one that a panel has found for an image is found anew for another image.
    """

    def __init__(self, anew: bool = False, **metadata: Any) -> None:
        super().__init__(**metadata)
        self.anew = anew

    def taken_over(self, selection: Any, state: Selected, value: Any) -> Selected:
        number = None if value is None else selection.network.layer(state.layer).checked(value)
        return replace(state, feature=number, found_on="")

    def for_choice(self, state: Selected) -> int | None:
        return None if self.anew and state.found_on not in ("", state.image) else state.feature


class UnitPlace(SelectedTrait):
    """ "max": the strongest unit of the feature map; (row, column): that unit; "all": the whole map."""

    def taken_over(self, selection: Any, state: Selected, value: Any) -> Selected:
        return replace(state, unit=checked_unit(selection.network.layer(state.layer), value))


class PlaceOfImage(T.TraitType[Any, Any]):
    """A box of pixels of the picture as the network gets it, (top, left, bottom, right); None: all of it."""

    default_value = None

    def validate(self, obj: Any, value: Any) -> tuple[int, int, int, int] | None:
        height, width = obj.selection.network.program.input.shape[1:]
        return None if value is None else checked_box(value, height, width)


class ClassLabel(SelectedTrait):
    """The label of a class; empty: what the network says of the image."""

    def taken_over(self, selection: Any, state: Selected, value: Any) -> Selected:
        network = selection.network
        return replace(state, target=network.labels[network.class_number(value)] if value or value == 0 else "")


class LayerNames(T.TraitType[Any, Any]):
    """The names of one to `most` layers of the panel's network, in the order of the network."""

    default_value = ()
    label, tooltip = "Layers", "Early layers first: later ones see more of the image (§4.1)"

    def __init__(self, most: int, **metadata: Any) -> None:
        super().__init__(**metadata)
        self.most = most

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:
        names = tuple(obj.selection.network.layer_names(value if isinstance(value, str) else list(value), ()))
        if not 1 <= len(names) <= self.most:
            raise ValueError(f"choose one to {self.most} layers; {len(names)} were given")
        return names


class Option(T.Enum[Any]):
    """One of several values, each with a label: a list to open, or buttons side by side."""

    def __init__(
        self, values: Mapping[str, Any] | Sequence[Any], default: Any, label: str, help: str,
        tooltip: str = "", buttons: bool = False, width: int = 180,
    ) -> None:  # fmt: skip
        self.labels = dict(values) if isinstance(values, Mapping) else {str(value): value for value in values}
        self.label, self.tooltip, self.buttons, self.width = label, tooltip, buttons, width
        super().__init__(tuple(self.labels.values()), default, help=help)

    def label_of(self, value: Any) -> str:
        """What a value is called on screen."""
        return next(label for label, each in self.labels.items() if each == value)


class OneOf(T.TraitType[str, Any]):
    """One of several names that depend on the panel, as buttons side by side; `what` says what they are called.
    `words` has what stands on a button in place of its name."""

    def __init__(
        self, what: str, names: Callable[[Any], Sequence[str]], label: str, help: str, tooltip: str = "",
        words: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.what, self.names, self.label, self.tooltip, self.words = what, names, label, tooltip, words or {}
        super().__init__("", help=help)

    def validate(self, obj: Any, value: Any) -> str:
        names = self.names(obj)
        if value not in names:
            raise ValueError(f"the {self.what} here are {', '.join(map(repr, names))}; {value!r} was given")
        return str(value)


class Number(T.Int[int, Any]):
    """A whole number on a slider; `most` may depend on the panel."""

    def __init__(
        self, default: int, least: int, most: int | Callable[[Any], int], label: str, help: str,
        tooltip: str = "", width: int = 190,
    ) -> None:  # fmt: skip
        self.label, self.tooltip, self.width, self.least, self.most = label, tooltip, width, least, most
        super().__init__(default, min=1, help=help)

    def most_for(self, panel: Any) -> int:
        """The upper end of the slider of a panel."""
        return self.most(panel) if callable(self.most) else self.most


class Switch(T.Bool[bool, Any]):
    """On or off."""


CHOSEN = (Option, OneOf, Number, LayerNames, PlaceOfImage, Switch)  # the kinds of traits that a reader sets

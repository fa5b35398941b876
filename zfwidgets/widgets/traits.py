"""Refuse keyword arguments that no trait answers to: traitlets alone would drop a misspelt one in silence."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from traitlets import HasTraits


def reject_unknown(cls: type[HasTraits], names: Iterable[str]) -> None:
    """Raise TypeError for the first of `names` that is no trait of `cls`, naming the trait that was probably meant."""
    known = cls.class_trait_names()
    for name in names:
        if name not in known:
            raise TypeError(f"{cls.__name__} has no setting {name!r}{_suggestion(name, known)}")


def _suggestion(name: str, known: Iterable[str]) -> str:
    public = [trait for trait in known if not trait.startswith("_")]
    nearest = get_close_matches(name, public, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""

"""What the correspondence lab says: a sentence a layer, and Table 1 with bars against chance."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Sequence
from html import escape

import ipywidgets as W

from zfwidgets.experiments.correspondence import Correspondence
from zfwidgets.widgets.controls import classed
from zfwidgets.widgets.correspondence_lab.table import LOW, table


class CorrespondenceView(W.Box):
    """Words, and beside them the table with a bar for each part and layer."""

    def __init__(self) -> None:
        self.words = classed(W.HTML(), "zf-verdict", "zf-correspondence-words")
        self.table = classed(W.HTML(), "zf-correspondence-table")
        super().__init__([self.words, self.table])
        self.add_class("zf-correspondence-view")

    def show(self, result: Correspondence | None, missing: str, pictures: int) -> None:
        """Show a result, or nothing but what is still missing for one; `pictures` is how many there are to mark."""
        sentences = [] if result is None else summary_html(result)
        self.words.value = "".join(f"<p>{each}</p>" for each in [*sentences, *filter(None, [missing])])
        self.table.value = "" if result is None else table(result, pictures)


def summary_html(result: Correspondence) -> list[str]:
    """A sentence for all layers of which the same is true, as HTML: which parts change features more alike than the
    same masks elsewhere."""
    layers: dict[str, list[str]] = {}
    for layer in result.layers:
        low = [part for part in result.parts if result.p_value(part, layer) <= LOW]
        rest = [part for part in result.parts if part not in low]
        says = f"hiding {_listed(low)} changes the features of its images more alike than chance" if low else (
            "no part changes the features of its images more alike than the same masks at random places")  # fmt: skip
        says += f"; {_listed(rest)} not" if low and rest else ""
        layers.setdefault(says, []).append(layer)
    return [f"{_listed(alike, 'b')}: {says}." for says, alike in layers.items()]


def coverage_html(part: str, marked: Collection[str], images: Sequence[str]) -> str:
    """On how many pictures a part rests, and where it is not marked, as HTML; nothing where it is marked in all."""
    missing = escape(", ".join(name for name in images if name not in marked))
    if not missing:
        return ""
    if len(marked) < 2:
        return f"<i>{escape(part)}</i> is not marked in {missing}. It takes two pictures to compare."
    return f"<i>{escape(part)}</i> rests on {len(marked)} of {len(images)} pictures: it is not marked in {missing}."


def link_to(text: str) -> str:
    """A link that saves the text as a file, in HTML."""
    data = b64encode(text.encode()).decode()
    title, data = "Save the marks of all parts as a JSON file", f"data:application/json;base64,{data}"
    return f"<a class='zf-save' title='{title}' download='parts.json' href='{data}'>Save marks</a>"


def _listed(names: list[str], tag: str = "i") -> str:
    marked = [f"<{tag}>{escape(name)}</{tag}>" for name in names]
    return marked[0] if len(marked) == 1 else f"{', '.join(marked[:-1])} and {marked[-1]}"

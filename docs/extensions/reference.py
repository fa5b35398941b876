"""The reference: a page for each room that hands out public names, and what docstrings leave to comments and traits."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import traitlets as T
from pages import write_folder
from sphinx.application import Sphinx
from sphinx.util.inspect import signature as function_signature
from sphinx.util.inspect import stringify_signature

import zfwidgets
from zfwidgets.experiments.result import Result
from zfwidgets.widgets.panel import FeaturePanel, Panel
from zfwidgets.widgets.panel.cycle import Cycle

API = Path(__file__).parents[1] / "api"
TITLES = {"models": "Networks", "data": "Images"}  # of pages; by default the name of the room
MORE = {  # what public functions and classes hand out, room by room
    "models": ["backend.graph.layer.FeatureLayer", "models.report.Report"],
    "data": ["data.collection.Collection", "data.corpus.Corpus", "data.scene.Truth"],
    "task": ["task.Foreground"],
    "experiments.invariance": ["experiments.invariance.transforms.Transformation"],
}
FIRST = ("models", "data")  # then the experiments, then the widgets

INDEX = """# Reference

Everything that `import zfwidgets as zf` gives. Names are imported when they are first used, so that the import itself
loads nothing heavy. What the inside of the package offers to those who extend it is under [](../inside.md).

{tables}

```{{toctree}}
:hidden:

{names}
```
"""


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for sources; complete docstrings as they are read."""
    app.connect("config-inited", lambda *_: write_pages())
    app.connect("autodoc-process-docstring", complete, priority=900)  # after napoleon
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}


def write_pages() -> None:
    """A page for each room with public names, and one that lists them all."""
    rooms: dict[str, list[str]] = {}
    for name, place in zfwidgets._PLACES.items():
        rooms.setdefault("widgets" if place.startswith("widgets.") else place, []).append(name)
    order = sorted(rooms, key=lambda room: (*(room != first for first in FIRST), "." not in room, room))
    pages = {room.rpartition(".")[2]: page(room, rooms[room]) for room in order}
    tables = "\n\n".join(table(room, rooms[room]) for room in order)
    write_folder(API, pages | {"index": INDEX.format(tables=tables, names="\n".join(pages))})


def title(room: str) -> str:
    """What a room's page is called."""
    return TITLES.get(room, room.rpartition(".")[2].replace("_", " ").capitalize())


def page(room: str, names: list[str]) -> str:
    """The page of a room: what the room is for, then its functions, then its classes."""
    functions = [name for name in names if not inspect.isclass(getattr(zfwidgets, name))]
    classes = [name for name in names if name not in functions] + MORE.get(room, [])
    entries = [f".. autofunction:: zfwidgets.{name}" for name in functions]
    entries += [f".. autoclass:: zfwidgets.{name}{_with_bases(name)}" for name in classes]
    lead = inspect.getdoc(import_module(f"zfwidgets.{room}"))
    more = (
        "\nThe settings, methods and results that all widgets have are those of a [panel](../inside.md#widgets).\n"
        if room == "widgets"
        else ""
    )
    return f"# {title(room)}\n\n{lead}\n{more}\n```{{eval-rst}}\n" + "\n\n".join(entries) + "\n```\n"


def _with_bases(name: str) -> str:
    """The option to name what a class inherits from, where that is a base of ours, whose page says more."""
    base = getattr(zfwidgets, name).__mro__[1] if "." not in name else object
    return "\n   :show-inheritance:" if base.__module__.startswith("zfwidgets") else ""


def table(room: str, names: list[str]) -> str:
    """The names of a room with the first sentences of their docstrings."""
    rows = []
    for name in names:
        text = " ".join((inspect.getdoc(getattr(zfwidgets, name)) or "").partition("\n\n")[0].split())
        first = re.split(r"(?<=[.?!])(?<!Fig\.) ", text, maxsplit=1)[0]
        rows.append(f"| {{py:obj}}`~zfwidgets.{name}` | {first} |")
    return f"## [{title(room)}]({room.rpartition('.')[2]}.md)\n\n| | |\n|---|---|\n" + "\n".join(rows)


def complete(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Add what a class says elsewhere than in its docstring: comments on fields, help on traits, its figure."""
    if what in ("attribute", "property"):
        lines[:] = (inspect.getdoc(obj) or "").splitlines()  # napoleon takes what stands before a colon for a type
    if what != "class":
        return
    if is_dataclass(obj):
        lines += entries((field, kind, words) for field, kind, words in fields_of(obj))
    if issubclass(obj, T.HasTraits):
        lines += entries((trait, "", words) for trait, words in traits_of(obj))
    figure = f"{obj.__module__.rpartition('.')[0]}.figure"
    if issubclass(obj, Result) and obj is not Result and obj.plot is Result.plot and find_spec(figure):
        draw = import_module(figure).draw
        options = list(inspect.signature(draw).parameters.values())[1:]
        lines += ["", f".. method:: plot({', '.join(map(str, options))}) -> Figure", "   :no-index-entry:", ""]
        lines += textwrap.indent(inspect.getdoc(draw) or "", "   ").splitlines()


def entries(attributes: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    """Attributes, their types and what is said of them, as Sphinx reads them."""
    for name, kind, words in attributes:
        yield from ["", f".. attribute:: {name}", *([f"   :type: {kind}"] if kind else []), "", f"   {words}", ""]


def fields_of(cls: type) -> Iterator[tuple[str, str, str]]:
    """The public fields of a dataclass: name, type, and the comment at the end of its line."""
    text = textwrap.dedent(inspect.getsource(cls))
    lines = text.splitlines()
    (tree,) = ast.parse(text).body
    assert isinstance(tree, ast.ClassDef)
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and not (kind := ast.unparse(node.annotation)).startswith("ClassVar"):
            name = ast.unparse(node.target)
            if not name.startswith("_"):
                yield name, kind, lines[(node.end_lineno or 0) - 1].partition("  # ")[2]


def traits_of(cls: type[T.HasTraits]) -> Iterator[tuple[str, str]]:
    """The traits that a class adds to what all panels have, and their help."""
    base: type[T.HasTraits] = next(
        (one for one in (FeaturePanel, Panel, Cycle) if issubclass(cls, one) and cls is not one), T.HasTraits
    )
    for name, trait in cls.class_traits().items():
        if trait.this_class.__module__.startswith("zfwidgets") and base.class_traits().get(name) is not trait:
            yield name, trait.help


def signature(app: Sphinx, what: str, name: str, obj: Any, options: Any, given: str, returned: str) -> Any:
    """Results are made by functions: how to construct them says nothing. Of a widget, traitlets hide how it is made."""
    if what != "class" or not issubclass(obj, Result | T.HasTraits):
        return None
    if issubclass(obj, Result):
        return "", None
    arguments = function_signature(obj.__init__, bound_method=True)
    return stringify_signature(arguments, show_return_annotation=False, unqualified_typehints=True), None


def skip(app: Sphinx, what: str, name: str, obj: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out former names, and how a widget does what every panel does."""
    if (inspect.getdoc(obj) or "").startswith("The former name of"):
        return True
    if isinstance(obj, T.TraitType):
        return True  # listed with its help
    owner = getattr(obj, "__qualname__", "").partition(".")[0]
    if inspect.isfunction(obj) and owner == obj.__qualname__:
        return True  # the default of a field, which is listed with its comment
    return True if owner not in ("Panel", "FeaturePanel", "Cycle") and _is_override(obj, name) else None


def _is_override(obj: Any, name: str) -> bool:
    return getattr(obj, "__module__", "").startswith("zfwidgets.widgets.") and hasattr(FeaturePanel, name)

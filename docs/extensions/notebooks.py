"""The notebooks as pages, and a gallery of them. They are committed without outputs, and are not run here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pages import write_folder
from sphinx.application import Sphinx

import zfwidgets

DOCS = Path(__file__).parents[1]
PICTURES = {  # of what a cell shows when it is run, by the widget in it; where there is one
    "FeatureExplorer": "explorer",
    "TopNine": "top_nine",
    "OcclusionCanvas": "occlusion",
    "InvarianceExplorer": "invariance",
    "CorrespondenceLab": "correspondence",
    "EvolutionPlayer": "evolution",
    "ArchitectureLab": "architecture",
    "TransferLab": "transfer",
    "SharingExplorer": "sharing",
}
BINDER = f"https://mybinder.org/v2/gh/zfwidgets/zfwidgets/v{zfwidgets.__version__}?urlpath="

GALLERY = """# Notebooks

There is a notebook for each experiment of the paper. The pages show them as they are written, without outputs: what is
live in them needs a kernel.

Run them
: on your own machine: from a checkout, `make demo` opens JupyterLab on the tour, with the other notebooks beside it;
  after `pip install "zfwidgets[demo]"`, `zfwidgets demo` opens a copy of the tour. Nothing is fetched, and no GPU is
  needed.

Run them without installing anything
: on Binder, which takes a few minutes to start: [the tour in JupyterLab]({lab}), or [as an application]({voila}).

::::{{container}} zf-gallery
{cards}
::::

```{{toctree}}
:hidden:

{names}
```
"""

HEAD = """
:::{{container}} zf-run
[Run it on Binder]({lab}), or [as an application]({voila}); or see [how to run it here](index.md).
:::
"""


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for sources."""
    app.connect("config-inited", lambda *_: write_pages(DOCS.parent / "notebooks", DOCS / "notebooks"))
    return {"parallel_read_safe": True}


def write_pages(notebooks: Path, folder: Path) -> None:
    """A page for each notebook of a folder, and the gallery."""
    found = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["cells"] for path in sorted(notebooks.glob("*.ipynb"))
    }
    cards = "\n".join(card(name, cells) for name, cells in found.items())
    gallery = GALLERY.format(cards=cards, names="\n".join(found), **binder(next(iter(found))))
    write_folder(folder, {name: page(name, cells) for name, cells in found.items()} | {"index": gallery})


def page(name: str, cells: list[dict[str, Any]]) -> str:
    """A notebook in Markdown: code as code, and below the first cell with a widget the widget's picture."""
    shown, parts = picture_of(cells), []
    for cell in cells:
        text = source(cell)
        if cell["cell_type"] != "code":
            parts.append(re.sub(r"\.ipynb(?=\))", ".md", text))
            continue
        parts.append(f"```python\n{text}\n```")
        if shown and shown[0] in text:
            parts.append(f":::{{figure}} ../pictures/{shown[1]}.png\nWhat the cell shows when it is run.\n:::")
            shown = None
    heading, _, rest = parts[0].partition("\n")
    return "\n\n".join([heading, HEAD.format(**binder(name)), rest, *parts[1:]]) + "\n"


def card(name: str, cells: list[dict[str, Any]]) -> str:
    """A notebook in the gallery: its picture, or else its number; its title, and the first sentence."""
    heading, _, text = source(cells[0]).partition("\n")
    title, words = heading.lstrip("# "), " ".join(text.split())
    first = re.match(r".*?[.?!][*”]*(?= |$)", words)
    sentence = first.group() if first else words
    shown = picture_of(cells)
    face = f"[![](../pictures/{shown[1]}.png)]({name}.md)" if shown else f"[{name[:2]}]({name}.md){{.zf-number}}"
    return f":::{{container}} zf-card\n{face}\n\n**[{title}]({name}.md)**\n\n{sentence}\n:::"


def picture_of(cells: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The first widget in a notebook of which there is a picture: how its call begins, and the picture's name."""
    there = {f"zf.{name}(": file for name, file in PICTURES.items() if (DOCS / "pictures" / f"{file}.png").exists()}
    code = [source(cell) for cell in cells if cell["cell_type"] == "code"]
    return next(((call, file) for text in code for call, file in there.items() if call in text), None)


def source(cell: dict[str, Any]) -> str:
    """The text of a cell."""
    return "".join(cell["source"])


def binder(name: str) -> dict[str, str]:
    """Where a notebook runs without being installed."""
    return {
        "lab": f"{BINDER}lab/tree/notebooks/{name}.ipynb",
        "voila": f"{BINDER}voila%2Frender%2Fnotebooks%2F{name}.ipynb",
    }

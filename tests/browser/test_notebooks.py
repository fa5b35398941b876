"""Every notebook of the project in JupyterLab: it runs to its end, its panels rest, and the console is silent."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
RESTING = """() => document.querySelectorAll(".zf-panel").length > 0
  && [...document.querySelectorAll(".zf-status")].every((one) => one.dataset.state === "ready")"""


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_says_nothing_on_the_console(open_notebook, context, path):
    errors = []
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    page = open_notebook(cells)
    page.wait_for_function(RESTING)
    assert errors == []

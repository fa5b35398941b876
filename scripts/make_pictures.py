"""Make the pictures of the README with the project itself: `python -m scripts.make_pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

import zfwidgets as zf
from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.jupyter import JupyterServer
from tests.browser.pages import run_all_cells
from zfwidgets.drawing import signed_picture

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
PANELS = {
    "explorer": 'zf.FeatureExplorer(zf.load("squeezenet1_1"), image="cat", layer="features.9.cat", feature=364)',
    "top_nine": 'zf.TopNine(zf.load("squeezenet1_1"), layer="features.11.cat", feature=492)',
    "occlusion": """
panel = zf.OcclusionCanvas(zf.load("squeezenet1_1"), image="cat")
mask = panel.canvas.mask.copy()
mask[66:112, 46:104] = True
panel.canvas.put(mask)
panel.sweep()
panel""",
    "evolution": 'zf.EvolutionPlayer(layer="conv 3", epoch=30)',
    "architecture": 'zf.ArchitectureLab(view="errors")',
    "transfer": 'zf.TransferLab(zf.load("squeezenet1_1"), per_class=(1, 3, 10), layer="fire 4", beside="new")',
    "sharing": 'zf.SharingExplorer(zf.load("squeezenet1_1"), layer="fire 5", feature=232)',
    "invariance": 'zf.InvarianceExplorer(zf.load("squeezenet1_1"), value=24)',
    "correspondence": 'zf.CorrespondenceLab(zf.load("squeezenet1_1"))',
}

# photograph, layer, feature: from edges to parts of objects
CLIMB = (
    ("cat", "features.3.cat", 20),
    ("cat", "features.6.cat", 235),
    ("coffee", "features.6.cat", 240),
    ("cat", "features.9.cat", 364),
    ("camera", "features.9.cat", 231),
    ("motorcycle", "features.9.cat", 324),
)
TILE = 150
SWEPT = """() => !document.querySelector(".zf-sweep")
  || document.querySelector(".zf-job-note").textContent.includes("places in")"""


def main() -> None:
    """Write all pictures."""
    Image.fromarray(climb()).save(FOLDER / "features.png", optimize=True)
    screenshots(PANELS)


def climb() -> np.ndarray:
    """Projections in a row, each above the patch that caused it."""
    net = zf.load("squeezenet1_1")
    columns = []
    for photograph, layer, feature in CLIMB:
        projection = zf.project(net, zf.photograph(photograph), layer, feature)
        top, left, bottom, right = projection.box
        signed = signed_picture(projection.pixels[:, top:bottom, left:right], projection.robust_scale)
        columns.append(np.vstack([tile(signed), tile(projection.patch)]))
    return np.hstack(columns)


def tile(picture: np.ndarray) -> np.ndarray:
    """A picture on a white square of one size, with a margin."""
    inner = TILE - 6
    scaled = Image.fromarray(picture)
    factor = inner / max(scaled.size)
    scaled = scaled.resize((round(scaled.width * factor), round(scaled.height * factor)), Image.Resampling.NEAREST)
    square = Image.new("RGB", (TILE, TILE), "white")
    square.paste(scaled, ((TILE - scaled.width) // 2, (TILE - scaled.height) // 2))
    return np.array(square)


def screenshots(panels: dict[str, str]) -> None:
    """Each panel as it looks in JupyterLab."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.set_default_timeout(300_000)
        with JupyterServer(Path(folder)) as server:
            for name, panel in panels.items():
                notebook = server.write([f"import zfwidgets as zf\n{panel}"])
                page.goto(server.address(notebook, "lab", "light"))
                run_all_cells(page, server, notebook)
                page.wait_for_selector(".zf-status:has-text('Ready')")
                page.wait_for_function(SWEPT)
                page.wait_for_timeout(1000)
                page.locator(".zf-panel").first.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()

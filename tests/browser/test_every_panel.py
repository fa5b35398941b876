"""Every panel in both themes, which change while it is open: nothing serious by the rules of axe-core, and at four
widths and at 150 % it looks as in the references that were looked at.

`ZFWIDGETS_REFERENCES=write` renews them. Letters differ from machine to machine, so they are compared coarsely.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from .pages import change_theme, eventually, opened

pytestmark = pytest.mark.browser

REFERENCES = Path(__file__).parent / "references"
COARSE = 8  # pixels of the page that become one
SAME = 7.0  # of 255, on average: other letters stay below it, a picture that is missing or has moved does not
TALLER = 0.06  # by which other letters may make a panel higher

START = 'import zfwidgets as zf\nnet = zf.load("squeezenet1_1")\n'
TRANSFER = """
shapes = zf.Shapes(60, 32, forms=("disc", "star", "bar"))
zf.TransferLab(zf.load("zfnet_shapes"), shapes, per_class=(1, 5), layer="conv 2")
"""
PANELS = {
    "explorer": "zf.FeatureExplorer(net, image='cat', layer='fire 6', feature=364)",
    "nine": "zf.TopNine(net, layer='fire 4')",
    "invariance": "zf.InvarianceExplorer(net)",
    "occlusion": "zf.OcclusionCanvas(net, image='cat')",
    "correspondence": "zf.CorrespondenceLab(net)",
    "evolution": "zf.EvolutionPlayer()",
    "architecture": "zf.ArchitectureLab()",
    "errors": "zf.ArchitectureLab(view='errors')",
    "transfer": TRANSFER,
    "teach": TRANSFER.replace("layer=", "view='teach', layer="),
    "sharing": "zf.SharingExplorer(net, layer='fire 5', feature=232)",
    "matrix": "zf.SharingExplorer(net, view='matrix')",
    "tree": "zf.SharingExplorer(net, view='tree')",
}
OPENED = {"width": 1280, "height": 900}
# name: window, and the panel's own width; at 150 % a window of 1280 pixels has room for 853
VIEWS = {
    "640": ((1440, 900), 640),
    "848": ((1440, 900), 848),
    "992": ((1280, 720), 992),
    "1200": ((1440, 900), 1200),
    "150": ((853, 533), None),
}
RESTING = """() => [...document.querySelectorAll(".zf-status")].every((one) => one.dataset.state === "ready")
  && !document.querySelector(".zf-status-words")?.textContent.includes("…")"""


def seen(page, window, width):
    """The panel as a coarse picture, once it has come to rest."""
    page.set_viewport_size({"width": window[0], "height": window[1]})
    panel = page.locator(".zf-panel").first
    panel.evaluate("(panel, width) => (panel.style.width = width ? `${width}px` : '')", width)
    page.mouse.move(2, 2)
    shots = [b""]

    def rests():
        page.wait_for_timeout(250)
        shots.append(panel.screenshot(animations="disabled"))
        return shots[-1] == shots[-2]

    assert eventually(page, rests)
    picture = Image.open(io.BytesIO(shots[-1])).convert("RGB")
    return picture.resize((picture.width // COARSE, picture.height // COARSE), Image.Resampling.BOX)


@pytest.fixture(scope="module", params=PANELS)
def panel(request, browser, server):
    """Its name, and a page with it."""
    with opened(browser, server, [START + PANELS[request.param]], OPENED["height"]) as page:
        yield request.param, page


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request, panel):
    _, page = panel
    page.set_viewport_size(OPENED)
    change_theme(page, request.param)
    page.wait_for_function(RESTING)
    return request.param


def test_nothing_serious_is_wrong_with_it(panel, theme):
    found = Axe().run(panel[1], context=".zf-panel").response["violations"]
    serious = {
        rule["id"]: [node["html"][:200] + " | " + " ".join(node["target"][-1:])[-80:] for node in rule["nodes"]]
        for rule in found
        if rule["impact"] in ("serious", "critical")
    }
    assert serious == {}


def test_it_looks_as_it_did(panel, theme):
    name, page = panel
    differences = {}
    for view, (window, width) in VIEWS.items():
        now, path = seen(page, window, width), REFERENCES / f"{name}_{view}_{theme}.png"
        if os.environ.get("ZFWIDGETS_REFERENCES") == "write":
            path.parent.mkdir(exist_ok=True)
            now.save(path, optimize=True)
            continue
        difference = compared(now, Image.open(path).convert("RGB"))
        if difference:
            differences[view] = difference
    assert differences == {}


def compared(now, then):
    """In words, what differs; empty where nothing does."""
    if now.width != then.width or abs(now.height - then.height) > TALLER * then.height:
        return f"{now.width}×{now.height} instead of {then.width}×{then.height} (in {COARSE} pixels)"
    both = [np.asarray(each.resize(then.size)).astype(float) for each in (now, then)]
    mean = float(np.abs(both[0] - both[1]).mean())
    return f"{mean:.1f} of 255 on average" if mean > SAME else ""


def test_a_picture_that_is_missing_would_be_noticed():
    path = REFERENCES / "explorer_1200_light.png"
    then = Image.open(path).convert("RGB")
    without = then.copy()
    without.paste((255, 255, 255), (12, 20, 55, 60))  # where the photograph is
    assert compared(then, then) == ""
    assert "on average" in compared(without, then)
    assert "instead of" in compared(then.crop((0, 0, then.width, then.height // 2)), then)

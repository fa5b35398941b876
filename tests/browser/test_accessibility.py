"""Every panel, in both themes, by the rules of axe-core: nothing serious."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .pages import READY

pytestmark = pytest.mark.browser

START = """
import numpy as np, zfwidgets as zf
net = zf.load("squeezenet1_1")
images = {name: zf.photograph(name) for name in ("cat", "coffee")}
"""
TRANSFER = """
shapes = zf.Shapes(60, 32, forms=("disc", "star", "bar"))
zf.TransferLab(zf.load("zfnet_shapes"), shapes, per_class=(1, 5), layer="conv 2")
"""
PANELS = {
    "explorer": "zf.FeatureExplorer(net)",
    "nine": "zf.TopNine(net, images, zf.top_activations(net, images, progress=False))",
    "invariance": "zf.InvarianceExplorer(net)",
    "occlusion": "zf.OcclusionCanvas(net)",
    "correspondence": "zf.CorrespondenceLab(net, images)",
    "evolution": "zf.EvolutionPlayer()",
    "architecture": "zf.ArchitectureLab()",
    "errors": "zf.ArchitectureLab(view='errors')",
    "transfer": TRANSFER,
    "teach": TRANSFER.replace("layer=", "view='teach', layer="),
    "sharing": "zf.SharingExplorer(net)",
    "matrix": "zf.SharingExplorer(net, view='matrix')",
    "tree": "zf.SharingExplorer(net, view='tree')",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("panel", PANELS)
def test_nothing_serious_is_wrong_with_it(open_notebook, panel, theme):
    page = open_notebook([START, PANELS[panel]], theme=theme)
    page.wait_for_selector(READY)
    found = Axe().run(page, context=".zf-panel").response["violations"]
    serious = {
        rule["id"]: [node["html"][:200] + " | " + " ".join(node["target"][-1:])[-80:] for node in rule["nodes"]]
        for rule in found
        if rule["impact"] in ("serious", "critical")
    }
    assert serious == {}


def test_what_a_control_is_for_is_shown_to_the_keyboard_too(open_notebook):
    page = open_notebook([START, "zf.FeatureExplorer(net)"])
    page.wait_for_selector(READY)
    feature, tip = page.locator(".zf-feature .noUi-handle"), page.locator(".zf-tip")
    page.locator(".zf-layer [role=slider]").focus()
    page.keyboard.press("Tab")
    expect(tip).to_contain_text("A feature map (channel)")
    expect(feature).to_have_attribute("aria-description", re.compile("^A feature map"))
    page.keyboard.press("Escape")
    expect(tip).to_have_count(0)
    page.mouse.click(5, 5)
    page.locator(".zf-feature .noUi-handle").click()
    expect(tip).to_have_count(0)


def test_controls_say_their_names_and_values_in_words(open_notebook):
    page = open_notebook([START, "zf.FeatureExplorer(net)", "zf.InvarianceExplorer(net)"])
    explorer, invariance = page.locator(".zf-panel").first, page.locator(".zf-invariance")
    page.wait_for_function("document.querySelectorAll('.zf-status[data-state=ready]').length === 2")
    layer, feature = explorer.locator("[role=slider]").all()
    expect(layer).to_have_attribute("aria-label", "Layer")
    expect(layer).to_have_attribute("aria-valuetext", "fire 4 · squeeze, 32 maps of 28×28 · a unit sees 31×31 pixels")
    expect(feature).to_have_attribute("aria-label", "Feature map")
    number = explorer.locator("[aria-label='Feature map, number']")
    expect(feature).to_have_attribute("aria-valuetext", number.input_value())
    expect(explorer.locator("[aria-label='Feature map, order']")).to_have_count(1)
    before = number.input_value()
    feature.press("ArrowRight")
    expect(number).not_to_have_value(before)
    expect(feature).to_have_attribute("aria-valuetext", number.input_value())
    handle = invariance.locator(".zf-value .noUi-handle")
    expect(handle).to_have_attribute("aria-label", "How much the image is transformed")
    expect(handle).to_have_attribute("aria-valuetext", "12 pixels down")
    pressed = invariance.locator(".zf-transform button[aria-pressed=true]")
    expect(pressed).to_have_text("move ↕")
    invariance.locator(".zf-transform button:has-text('rotation')").click()
    expect(pressed).to_have_text("rotation")
    expect(handle).to_have_attribute("aria-valuetext", "70 degrees counterclockwise")

"""What panels say to who hears them or uses no mouse; the rules of axe-core are asked of each in `test_every_panel`."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .pages import READY

pytestmark = pytest.mark.browser

START = """
import zfwidgets as zf
net = zf.load("squeezenet1_1")
"""


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

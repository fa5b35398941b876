"""Two panels with one selection, on a page: whatever is chosen in one of them, both show it, and then rest."""

from __future__ import annotations

import numpy as np
import pytest

from .pages import canvas_pixels, choose_image, eventually, fail_on_errors, opened, screenshot, wait_until

pytestmark = pytest.mark.browser

SHARED = """
import ipywidgets, zfwidgets as zf
from telling import kernel, told

explorer = zf.FeatureExplorer(zf.load("squeezenet1_1"), image="cat", layer="fire 4")
canvas = zf.OcclusionCanvas(selection=explorer.selection)
changes = []
@told
def tell(change):
    if change is not None and change.owner is explorer.selection:
        changes.append(change.name)
    now = {name: getattr(explorer.selection, name) for name in ("image", "layer", "feature")}
    now["shown"] = [panel.result and [panel.result.layer, panel.result.feature] for panel in (explorer, canvas)]
    return now | {"busy": explorer.busy or canvas.busy, "changes": len(changes)}
explorer.selection.observe(tell, names=["image", "layer", "feature"])
for panel in (explorer, canvas):
    panel.observe(tell, names=["result", "busy"])
tell()
ipywidgets.VBox([explorer.add_class("explorer"), canvas.add_class("hiding"), kernel])
"""
EXPLORER, CANVAS = ".zf-panel.explorer", ".zf-panel.hiding"


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [SHARED], 1400) as page:
        yield page


def settled(page):
    """What is selected, once both panels show it, on the page, too."""

    def agree(now):
        layer, feature = now["layer"], now["feature"]
        on_page = [readings(page, panel) for panel in (EXPLORER, CANVAS)]
        return not now["busy"] and now["shown"] == [[layer, feature]] * 2 and on_page == [[layer, str(feature)]] * 2

    state = wait_until(page, agree)
    fail_on_errors(page)
    return state


def readings(page, panel):
    layer = page.locator(f"{panel} .zf-layer .zf-chosen").get_attribute("data-name")
    return [layer, page.locator(f"{panel} .zf-feature-number input").input_value()]


def test_a_slider_in_one_panel_moves_the_other(page):
    before = settled(page)
    page.locator(f"{EXPLORER} .zf-layer [role=slider]").focus()
    page.keyboard.press("ArrowRight")
    wait_until(page, lambda now: now["layer"] != before["layer"])
    state = settled(page)
    page.locator(f"{CANVAS} .zf-feature [role=slider]").focus()
    page.keyboard.press("ArrowRight")
    wait_until(page, lambda now: now["feature"] != state["feature"])
    settled(page)
    screenshot(page, "selection_shared")


def test_an_image_chosen_in_one_panel_is_shown_in_both(page):
    settled(page)
    photograph = canvas_pixels(page, f"{EXPLORER} .zf-photograph canvas")
    choose_image(page, "coffee", CANVAS)
    wait_until(page, lambda now: now["image"] == "coffee")
    settled(page)

    def same():
        shown = canvas_pixels(page, f"{EXPLORER} .zf-photograph canvas")
        hiding = canvas_pixels(page, f"{CANVAS} .zf-canvas canvas")
        changed = shown.shape != photograph.shape or (shown != photograph).any()
        return changed and np.abs(shown.astype(int) - hiding).max() <= 2

    assert eventually(page, same)
    assert page.locator(f"{EXPLORER} .zf-thumbnail[aria-checked=true]").get_attribute("data-name") == "coffee"


def test_a_burst_in_both_comes_to_rest_and_both_agree(page):
    before = settled(page)
    for _ in range(6):
        for panel, control in ((EXPLORER, "layer"), (CANVAS, "feature"), (EXPLORER, "feature")):
            page.locator(f"{panel} .zf-{control} [role=slider]").focus()
            page.keyboard.press("ArrowRight")
    state = wait_until(page, lambda now: now == settled(page))  # the last keys may still be on their way
    assert state["changes"] - before["changes"] <= 2 * 18, "they set each other again and again"

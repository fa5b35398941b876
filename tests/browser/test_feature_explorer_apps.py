"""The feature explorer in Voila, in Notebook 7, and in the dark, where names and labels may be anything."""

import re

import pytest
from playwright.sync_api import expect

from .pages import READY, contrast, luminance, open_more, screenshot

pytestmark = pytest.mark.browser

SQUEEZENET = """
import zfwidgets as zf
explorer = zf.FeatureExplorer(zf.load("squeezenet1_1"))
explorer
"""
HARM = "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>"
OWN = f"""
import torch, zfwidgets as zf
torch.manual_seed(0)
net = torch.nn.Sequential()
for index, part in enumerate([torch.nn.Conv2d(3, 8, 5, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 3, stride=2)]):
    net.add_module(f"<b title='x'>{{index}}</b>", part)
net.add_module("pool", torch.nn.AdaptiveAvgPool2d(1))
net.add_module("flat", torch.nn.Flatten())
network = zf.Network(net, size=(40, 60), labels=[{HARM!r}, "b", "c", "d"], name="<i>own</i>")
zf.FeatureExplorer(network, {{{HARM!r}: zf.photograph("flower")}})
"""


@pytest.fixture
def open_explorer(open_notebook):
    def open_(source, **options):
        page = open_notebook([source], **options)
        page.set_viewport_size({"width": 1280, "height": 1100})
        page.wait_for_selector(READY)
        return page

    return open_


def caption(page, picture):
    return page.locator(f".zf-{picture} .zf-picture-caption")


def unit_shown(page):
    row, column = re.match(r"unit (\d+), (\d+) of", caption(page, "photograph").inner_text()).groups()
    return int(row), int(column)


def wait_for_unit(page, row, column):
    page.wait_for_selector(f".zf-photograph .zf-picture-caption:has-text('unit {row}, {column} of')")


def test_in_voila_the_sliders_and_the_map_work(open_explorer):
    page = open_explorer(SQUEEZENET, app="voila")
    expect(caption(page, "photograph")).to_contain_text("fire 4 · squeeze", use_inner_text=True)
    page.locator(".zf-layer [role=slider]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".zf-photograph .zf-picture-caption:has-text('of fire 4 · sees')")
    map_before = caption(page, "map").inner_text()
    page.locator(".zf-feature .noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.zf-map .zf-picture-caption').innerText !== before", arg=map_before
    )
    feature = page.locator(".zf-feature-number input").input_value()
    expect(caption(page, "map")).to_have_text(re.compile("^" + re.escape(f"feature {feature} ·")), use_inner_text=True)
    page.locator(".zf-map .zf-picture-frame").focus()
    chosen, _ = unit_shown(page)
    page.keyboard.press("Home")
    wait_for_unit(page, chosen, 0)
    screenshot(page, "explorer_voila")


def test_in_notebook_7_the_arrow_keys_on_the_map_move_the_unit_and_not_the_notebook(open_explorer):
    page = open_explorer(SQUEEZENET, app="notebook")
    row, column = unit_shown(page)
    page.locator(".zf-map .zf-picture-frame").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    wait_for_unit(page, row + 2, column - 1)
    assert page.evaluate("document.activeElement.className").startswith("zf-picture-frame")
    open_more(page)
    expect(page.locator(".zf-places .mod-active")).to_have_text("chosen place", use_inner_text=True)
    screenshot(page, "explorer_notebook")


def test_in_the_dark_the_card_is_dark_its_text_is_readable_and_names_are_text(open_explorer):
    page = open_explorer(OWN, theme="dark")
    assert luminance(page.locator(".zf-panel").evaluate("card => getComputedStyle(card).backgroundColor")) < 0.05
    open_more(page)
    shown = {
        "title": ".zf-head h3",
        "lead": ".zf-head p",
        "label": ".zf-label abbr",
        "readout": ".zf-layer .zf-strip-words",
        "list": ".zf-order select",
        "response": ".zf-response-name",
        "scale": ".zf-map .zf-scale",
        "number": ".zf-feature-number input",
        "button": ".zf-places button",
        "quarter": ".zf-quarter-title .widget-html-content",
        "caption": ".zf-map .zf-picture-caption",
        "class": ".zf-bar-name",
        "status": ".zf-status-words",
    }
    contrasts = {name: contrast(page, selector) for name, selector in shown.items()}
    assert min(contrasts.values()) >= 4.5, contrasts
    assert page.locator(".zf-bar-name").all_inner_texts().count(HARM) == 1
    expect(page.locator(".zf-strip-words")).to_contain_text("<b title='x'>", use_inner_text=True)
    assert page.locator(".zf-thumbnail").get_attribute("aria-label") == HARM
    assert page.evaluate("window.harmed") is None
    screenshot(page, "explorer_dark", ".zf-panel")

"""The menu in a panel's head, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import zfwidgets as zf

from .pages import kernel, opened, screenshot, wait_until

pytestmark = pytest.mark.browser

EXPLORER = """
import ipywidgets, zfwidgets as zf
from telling import kernel, told
explorer = zf.FeatureExplorer(zf.load("squeezenet1_1"), image="cat", layer="fire 4", feature=9)
@told
def tell(_):
    now = {name: getattr(explorer, name) for name in ("image", "layer", "feature", "rule", "order", "busy")}
    return now | {"code": explorer.code() if explorer.result else ""}
explorer.observe(tell, names=["result", "busy", "rule", "order"])
tell()
ipywidgets.VBox([explorer, kernel])
"""


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [EXPLORER], 1000) as page:
        yield page


def choose(page, item):
    page.locator(".zf-menu-button").click()
    page.locator(".zf-menu-item", has_text=item).click()


@pytest.mark.parametrize(("item", "name"), [("PNG", "png"), ("SVG", "svg"), ("CSV", "csv"), ("Result", "safetensors")])
def test_what_is_shown_can_be_saved(page, item, name, tmp_path):
    with page.expect_download() as download:
        choose(page, item)
    assert download.value.suggested_filename == f"feature_explorer.{name}"
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.stat().st_size > 50
    if name == "safetensors":
        assert zf.Projection.load(path).feature == 9


def test_the_code_is_shown_and_escape_leads_back(page):
    choose(page, "Copy code")
    expect(page.locator(".zf-menu-dialog textarea")).to_have_value(kernel(page)["code"])
    page.keyboard.press("Escape")
    expect(page.locator(".zf-menu-dialog")).not_to_be_visible()


def test_by_keyboard_it_opens_moves_and_closes_and_help_says_what_is_seen(page):
    page.locator(".zf-menu-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".zf-menu-item:focus")).to_have_text("Picture (PNG)")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".zf-menu-item:focus")).to_have_text("Help")
    page.keyboard.press("Enter")
    expect(page.locator(".zf-menu-dialog")).to_contain_text("§2 and Fig. 2")
    screenshot(page, "menu_help")
    page.keyboard.press("Escape")
    page.locator(".zf-menu-button").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(".zf-menu-list")).not_to_be_visible()
    expect(page.locator(".zf-menu-button")).to_be_focused()


def test_a_chip_sets_the_panel_and_reset_goes_back(page):
    page.locator(".zf-tries button", has_text="Find the cat's eye").click()
    wait_until(page, lambda now: now["order"] == "here" and not now["busy"])
    choose(page, "Reset")
    wait_until(page, lambda now: (now["layer"], now["feature"], now["order"]) == ("features.6.cat", 9, "strength"))


def test_large_type_is_large(page):
    size = "getComputedStyle(document.querySelector('.zf-bars')).fontSize"
    assert page.evaluate(size) == "12px"
    choose(page, "Large type")
    assert page.evaluate(size) == "20px"
    assert page.locator(".zf-feature .noUi-handle").bounding_box()["width"] == 32
    screenshot(page, "explorer_hall", ".zf-panel")
    choose(page, "Large type")
    assert page.evaluate(size) == "12px"

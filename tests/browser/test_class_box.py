"""The box for a class: what is typed is looked for as people call things, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .pages import change_theme, contrast, opened, screenshot

pytestmark = pytest.mark.browser

BOX, LIST, OPTION = ".zf-target input", ".zf-class-list", ".zf-class-option"
CELL = """
import zfwidgets as zf
zf.OcclusionCanvas(zf.load("squeezenet1_1"), image="cat")
"""


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [CELL], 900) as page:
        yield page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_dog_finds_the_118_breeds_and_no_hog(page, theme):
    change_theme(page, theme)
    box, options = page.locator(BOX), page.locator(OPTION)
    expect(box).to_have_attribute("role", "combobox")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.fill("Dog")
    expect(box).to_have_attribute("aria-expanded", "true")
    shown = options.all_inner_texts()
    assert shown[:2] == ["Chihuahua", "Japanese spaniel"]
    assert len(shown) == 118 + len(["dogsled"]) + len(["African hunting dog"])
    assert not {"hog", "clog", "organ"} & set(shown)
    expect(page.locator(".zf-class-heading").first).to_have_text("dog · 118 classes")
    screenshot(page, f"class_box_{theme}", ".zf-panel")
    assert contrast(page, OPTION) >= 4.5
    assert contrast(page, ".zf-class-heading") >= 4.5
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        box.press(key)
    active = page.locator(f"#{box.get_attribute('aria-activedescendant')}")
    expect(active).to_have_text("Japanese spaniel")
    expect(active).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(page.locator(LIST)).to_be_hidden()
    box.press("ArrowDown")
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("Japanese spaniel")
    expect(page.locator(LIST)).to_be_hidden()
    box.fill("wol")
    options.first.click()  # the word opens what goes by it
    expect(options.first).to_have_text("timber wolf")
    options.nth(1).click()
    expect(box).to_have_value("white wolf")
    box.fill("xyzzy")
    expect(page.locator(LIST)).to_have_text("No class is called “xyzzy”")
    box.press("Tab")
    expect(box).to_have_value("white wolf")
    expect(page.locator(LIST)).to_be_hidden()

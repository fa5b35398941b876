"""A notebook that is saved and opened again shows still pictures of its panels, and says how to wake them."""

from __future__ import annotations

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from .pages import IDLE, READY, reload, save, screenshot

pytestmark = pytest.mark.browser

CELLS = ["""
import ipywidgets as W, zfwidgets as zf
net = zf.load("squeezenet1_1")
explorer = zf.FeatureExplorer(net, image="coffee")
explorer""", "explorer", "W.VBox([zf.FeatureExplorer(net)])"]  # fmt: skip
STILL = "[data-zf-still]"
FILLED = f"document.querySelectorAll('{STILL}:has(img)').length === 2"


def wait_for_stills(page):
    """Of the two outputs that have one."""
    page.wait_for_function(FILLED)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_notebook_opened_without_its_kernel_shows_stills_and_says_how_to_wake_them(open_notebook, server, app):
    before = server.kernels()
    page = open_notebook(CELLS, app=app)
    page.wait_for_function("document.querySelectorAll('.zf-status[data-state=ready]').length === 3")
    wait_for_stills(page)
    assert page.locator(STILL).evaluate_all("stills => stills.every((still) => !still.checkVisibility())")
    outputs = page.locator(".jp-OutputArea-child").evaluate_all("all => all.map((one) => one.offsetHeight > 0)")
    assert sum(outputs) == 3  # no gap under a panel
    path = save(page, server)
    server.stop_kernels(but=before)
    page.goto("about:blank")
    page.goto(server.address(path.name, app, "light"))
    page.wait_for_selector(f"{STILL} >> text=A still picture. Run this cell to bring it to life.")
    page.wait_for_selector(IDLE, state="attached")
    page.wait_for_selector(".jp-OutputArea:has-text('model not found')", state="attached")
    first = page.locator(STILL).first
    assert first.locator("img").evaluate_all("all => all.every((image) => image.complete && image.naturalWidth > 0)")
    expect(first).to_contain_text("coffee")
    wrong = page.locator("text=model not found").evaluate_all("all => all.map((one) => one.checkVisibility())")
    assert wrong.count(True) == 1  # the one in the reader's own box
    screenshot(page, f"saved_{app}")
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(READY)
    expect(first).not_to_be_visible()
    expect(page.locator(STILL).nth(1)).to_be_visible()  # of a cell that has not run yet


def test_a_still_is_renewed_at_rest(open_notebook, server):
    page = open_notebook(CELLS[:2])
    wait_for_stills(page)
    choose_seventh(page)
    assert saved_stills(page, server, "feature 7") == 2


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_after_a_reload_with_a_live_kernel_stills_are_renewed_as_before(open_notebook, server, app):
    page = open_notebook(CELLS[:2], app=app)
    wait_for_stills(page)
    reload(page, server)
    page.wait_for_selector(READY)
    choose_seventh(page)
    assert saved_stills(page, server, "feature 7") == 2


def test_after_a_reload_a_still_goes_with_its_panel(open_notebook, server):
    page = open_notebook([*CELLS[:2], "# explorer.close()"])
    wait_for_stills(page)
    reload(page, server)
    page.wait_for_selector(READY)
    last = page.locator(".jp-CodeCell .cm-content").last
    last.click()
    page.keyboard.press("Control+/")
    page.keyboard.press("Control+Enter")
    page.wait_for_function(f"document.querySelectorAll('{STILL} img').length === 0")
    assert saved_stills(page, server, "<img") == 0


def test_nbconvert_shows_the_still_and_no_name_of_a_class(open_notebook, server, blank_page):
    page = open_notebook(CELLS[:2])
    wait_for_stills(page)
    exporter = HTMLExporter(embed_images=True)
    html, _ = exporter.from_filename(str(save(page, server)))
    blank_page.set_content(html)
    expect(blank_page.locator(f"{STILL} em").first).to_be_visible()
    assert "FeatureExplorer(" not in blank_page.locator(".jp-OutputArea-output").all_inner_texts()


def choose_seventh(page):
    """Type a feature map's number, and wait for both stills to show it."""
    number = page.locator(".zf-feature-number input").first
    number.fill("7")
    number.press("Enter")
    expect(page.locator(STILL).filter(has_text="feature 7")).to_have_count(2)


def saved_stills(page, server, words):
    """Of how many stills the saved notebook has these words."""
    return sum(words in html for html in stills_of(nbformat.read(save(page, server), as_version=4)))


def stills_of(notebook):
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    return [html for output in outputs if (html := output.get("data", {}).get("text/html"))]

"""The nine strongest of every map in JupyterLab: what each control changes, and that the kernel stays free."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import zfwidgets as zf

from .pages import (
    READY,
    canvas_pixels,
    contrast,
    eventually,
    fail_on_errors,
    kernel,
    open_more,
    opened,
    reload,
    screenshot,
    wait_until,
)

pytestmark = pytest.mark.browser

LAYER, FEATURE = ".zf-layer [role=slider]", ".zf-feature .noUi-handle"
PICTURES = ("wall", "projections", "patches")

# Beside the panel, a line with what the kernel holds; in the second cell, what it answers when it is asked.
PANEL = """
import ipywidgets, zfwidgets as zf
from telling import kernel, told
from zfwidgets.widgets.top_nine import TopNine

panel = TopNine(zf.load("squeezenet1_1"), layer="features.3.cat")
traits = ("layer", "feature", "order", "rule", "show", "page", "error", "busy")
@told
def tell(_):
    now = {name: getattr(panel, name) for name in traits} | {"images": panel.tops.count}
    now["shown"] = panel.result and (panel.result.layer, panel.result.feature, len(panel.result.patches))
    now["features"] = panel.result and panel.result.features
    return now
panel.observe(tell, names=[*traits, "result", "tops"])
tell()
ipywidgets.VBox([panel, kernel])
"""
ASK = "panel.feature"
DARK = """
import zfwidgets as zf
from zfwidgets.widgets.top_nine import TopNine
TopNine(zf.load("squeezenet1_1"), layer="{layer}")
"""
# Parts of the panel that reach over its edge, or hold more than they show, but for words that end in an ellipsis.
OVERFLOWING = """() => {
  const panel = document.querySelector(".zf-top-nine");
  const edge = panel.getBoundingClientRect();
  const all = [...panel.querySelectorAll(":is(.zf-nine, .zf-controls, .zf-head) *")];
  const parts = all.filter((part) => part.checkVisibility());
  const over = parts.filter((part) => part.getBoundingClientRect().right > edge.right + 1);
  const scrolls = parts.filter((part) => {
    const { overflowX, overflowY } = getComputedStyle(part);
    const wide = part.scrollWidth > part.clientWidth + 1 && ["auto", "scroll"].includes(overflowX);
    return wide || (part.scrollHeight > part.clientHeight + 1 && ["auto", "scroll"].includes(overflowY));
  });
  return [...over, ...scrolls].map((part) => part.className);
}"""
HARM = "<img src=x onerror='window.harmed = 1'>"


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [PANEL, ASK], 1300) as page:
        yield page


def folder_of(path, count):
    """Pieces of photographs as files."""
    random, sources = np.random.default_rng(0), list(zf.photographs().values())
    for number in range(count):
        source = sources[number % len(sources)]
        row, column = (random.integers(0, size - 200) for size in source.shape[:2])
        Image.fromarray(source[row : row + 200, column : column + 200]).save(
            path / f"{number:03d}.png", compress_level=1
        )
    return path


def settled(page):
    """Wait until the page is complete and shown; then pictures and words say what the kernel holds."""
    state = wait_until(page, lambda now: not now["busy"] and now["shown"][:2] == [now["layer"], now["feature"]])
    expect(page.locator(".zf-nine-chosen b")).to_have_text(f"Feature {state['feature']}", use_inner_text=True)
    page.wait_for_timeout(150)
    assert caption(page).startswith(f"{state['layer']} · ")
    expect(page.locator(".zf-feature-number input").first).to_have_value(str(state["feature"]))
    head = page.locator(".zf-nine-head")
    assert eventually(page, lambda: head.inner_text().split()[-3] == str(state["page"] + 1))
    numbers = page.locator(".zf-nine-numbers b")
    assert eventually(page, lambda: numbers.all_inner_texts() == list(map(str, kernel(page)["features"])))
    return kernel(page)


def caption(page):
    return page.locator(".zf-nine-wall .zf-picture-caption").inner_text()


def painted(page, picture):
    return int(page.locator(f".zf-nine-{picture} canvas").get_attribute("data-painted"))


def wait_until_painted_again(page, picture, times):
    page.wait_for_function(f"document.querySelector('.zf-nine-{picture} canvas').dataset.painted > {times}")


def click_cell(page, picture, row, column, cells):
    canvas = page.locator(f".zf-nine-{picture} canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.click(
        box["x"] + (column + 0.5) / cells[1] * box["width"], box["y"] + (row + 0.5) / cells[0] * box["height"]
    )


def boxes(page, selector):
    """Where the elements are in the window."""
    return page.locator(selector).evaluate_all("(all) => all.map((each) => each.getBoundingClientRect().toJSON())")


def middle_of(page, row, column):
    """Of a square of the wall, from the canvas's corner."""
    box = page.locator(".zf-nine-wall canvas").bounding_box()
    return {"x": (column + 0.5) / 4 * box["width"], "y": (row + 0.5) / 2 * box["height"]}


def square(page, place):
    """What the canvas holds of a map of the page."""
    wall = canvas_pixels(page, ".zf-nine-wall canvas")
    (row, column), (tall, wide) = divmod(place, 4), (wall.shape[0] // 2, wall.shape[1] // 4)
    return wall[row * tall : (row + 1) * tall, column * wide : (column + 1) * wide]


def mine(page, folder):
    open_more(page, ".zf-top-nine")
    page.locator(".zf-mining input").fill(str(folder))
    page.locator(".zf-mining button", has_text="Search these images").click()


def test_the_arrow_keys_on_the_layer_slider_change_the_wall(page):
    before, times = settled(page), painted(page, "wall")
    heights = page.locator(".zf-top-nine").bounding_box()["height"]
    page.locator(LAYER).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_until(page, lambda now: now["layer"] == "features.4.cat" and now["shown"][0] == now["layer"])
    after = settled(page)
    wait_until_painted_again(page, "wall", times)
    assert after["shown"][2] == 8, "the page is not complete"
    assert before["features"] != after["features"]
    assert "1 to 8 of 128 feature maps, strongest first" in caption(page)
    assert page.locator(".zf-top-nine").bounding_box()["height"] == heights, "something jumped"
    screenshot(page, "topnine_layer", ".zf-top-nine")


def test_a_click_on_the_wall_chooses_that_map(page):
    before, times = settled(page), painted(page, "projections")
    click_cell(page, "wall", 1, 1, (2, 4))
    wait_until(page, lambda now: now["feature"] == before["features"][5])
    settled(page)
    wait_until_painted_again(page, "projections", times)
    expect(page.locator(".zf-nine-wall .zf-picture-cell:visible")).to_have_count(1)


def test_the_arrow_keys_move_over_the_wall_and_the_slider_on_to_the_next_page(page):
    features = settled(page)["features"]
    page.locator(".zf-nine-wall .zf-picture-frame").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    wait_until(page, lambda now: now["shown"][1] == features[7])
    assert settled(page)["page"] == 0
    page.locator(FEATURE).focus()
    page.keyboard.press("ArrowRight")
    wait_until(page, lambda now: now["page"] == 1)
    after = settled(page)
    assert after["feature"] == after["features"][0]
    page.locator(".zf-nine-head button[title='Page before']").click()
    wait_until(page, lambda now: now["page"] == 0)
    assert settled(page)["feature"] == features[0]


def test_the_wall_shows_patches_or_both_and_another_order(page):
    before = settled(page)
    for label, kind, count in (
        ("projections", "projections", 8),
        ("side by side", "both", 4),
        ("patches", "patches", 8),
    ):
        times = painted(page, "wall")
        page.locator(".zf-show button", has_text=label).click()
        wait_until(page, lambda now, kind=kind: now["show"] == kind)
        wait_until_painted_again(page, "wall", times)
        assert len(settled(page)["features"]) == count
        screenshot(page, f"topnine_{kind}", ".zf-top-nine")
    page.locator(".zf-order select").select_option("rarest first")
    state = wait_until(page, lambda now: now["order"] == "sparsity")
    assert settled(page)["feature"] == before["feature"] == state["feature"]
    assert "rarest first" in caption(page)
    page.locator(".zf-order select").select_option("strongest first")
    wait_until(page, lambda now: now["order"] == "strength" and now["features"] == before["features"])
    settled(page)


def test_a_map_shows_its_projections_where_the_pointer_rests_or_the_keys_lead(page):
    settled(page)
    page.mouse.move(0, 0)
    click_cell(page, "wall", 0, 0, (2, 4))
    page.mouse.move(0, 0)
    settled(page)
    before, times = square(page, 6), painted(page, "wall")
    page.locator(".zf-nine-wall canvas").hover(position=middle_of(page, 1, 2))
    wait_until_painted_again(page, "wall", times)
    assert eventually(page, lambda: (square(page, 6) != before).any())
    pointed = square(page, 6)
    page.mouse.move(0, 0)
    assert eventually(page, lambda: (square(page, 6) == before).all())
    page.locator(".zf-nine-wall .zf-picture-frame").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    wait_until(page, lambda now: now["feature"] == now["features"][6])
    assert eventually(page, lambda: (square(page, 6) == pointed).all())
    screenshot(page, "topnine_pointed", ".zf-top-nine")


def test_the_filter_leaves_the_maps_that_hold_an_image_and_lets_all_back(page):
    before = settled(page)
    choices = page.locator(".zf-image-filter select")
    name = choices.locator("option").nth(1).inner_text()
    choices.select_option(name)
    page.wait_for_selector(".zf-nine-wall .zf-picture-caption:has-text('feature maps whose strongest hold')")
    assert before["feature"] in settled(page)["features"]
    choices.select_option("all maps")
    wait_until(page, lambda now: now["features"] == before["features"])
    settled(page)


@pytest.mark.parametrize(("width", "height"), [(640, None), (848, 640), (992, 520), (1200, 640)])
def test_rows_are_even_nothing_overflows_and_what_changes_together_is_seen_together(page, width, height):
    settled(page)
    page.evaluate(f"document.querySelector('.zf-top-nine').style.width = '{width}px'")
    page.wait_for_timeout(200)  # for what is laid out anew
    assert page.evaluate(OVERFLOWING) == []
    rows = [round(box["top"]) for box in boxes(page, ".zf-nine-numbers b")]
    assert [rows.count(top) for top in sorted(set(rows))] == [4, 4], "rows of four maps"
    middles = [box["top"] + box["height"] / 2 for box in boxes(page, ".zf-nine-head > *")]
    assert max(middles) - min(middles) <= 2, "one line"
    projections, patches = boxes(page, ".zf-nine-halves canvas")
    assert abs(projections["width"] - patches["width"]) < 0.1
    if height:
        page.set_viewport_size({"width": 1280, "height": 720 if height == 520 else 900})
        assert page.locator(".zf-top-nine").bounding_box()["height"] <= height
        page.set_viewport_size({"width": 1280, "height": 1300})
    screenshot(page, f"topnine_{width}", ".zf-top-nine")
    page.evaluate("document.querySelector('.zf-top-nine').style.width = ''")


def test_what_the_pointer_rests_on_is_told(page):
    settled(page)
    box = page.locator(".zf-nine-patches canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] - 20)
    page.wait_for_selector(".zf-nine-tile-words:has-text('9th of 9 · activation')")
    page.mouse.move(0, 0)
    page.wait_for_selector(".zf-nine-tile-words:has-text('1st of 9 · activation')")


def test_what_is_opened_comes_into_view_and_the_keyboard_with_it_and_leads_back(page):
    settled(page)
    expect(page.locator(".zf-panel .zf-panel")).to_have_count(0)
    page.set_viewport_size({"width": 1280, "height": 720})
    opener, region, back = (page.locator(each) for each in (".zf-nine-opener", ".zf-opened", ".zf-reveal button"))
    expect(back).to_be_hidden()
    for _ in range(2):  # the explorer is made, and then there
        opener.focus()
        page.keyboard.press("Enter")
        expect(region).to_be_focused()
        expect(region.locator("h3")).to_be_in_viewport()
        page.keyboard.press("Tab")
        expect(back).to_be_focused()
        page.keyboard.press("Enter")
        expect(opener).to_be_focused()
        expect(opener).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 1300})


def test_a_click_on_a_tile_opens_its_image_in_an_explorer_below(page):
    state = settled(page)
    for place in (3, 1):
        click_cell(page, "patches", *divmod(place, 3), (3, 3))
        page.wait_for_selector(f".zf-nine-tile-words:has-text('{ {1: '2nd', 3: '4th'}[place] } of 9')")
        page.mouse.move(0, 0)
        words = page.locator(".zf-nine-tile-words").inner_text()
        name = words.splitlines()[1]
        unit = re.search(r"unit (\d+, \d+)", words)[1]
        activation = re.search(r"activation ([\d,.]+)", words)[1]
        page.wait_for_selector(f".zf-panel .zf-panel .zf-thumbnail[aria-checked=true][data-name='{name}']")
        page.wait_for_selector(f".zf-panel .zf-panel .zf-photograph:has-text('unit {unit} of ')")
        page.wait_for_selector(f".zf-panel .zf-panel .zf-whole [title^='activation {activation},']")
        expect(page.locator(".zf-panel .zf-panel:visible")).to_have_count(1)
        expect(page.locator(".zf-panel .zf-panel .zf-feature-number input")).to_have_value(str(state["feature"]))
    fail_on_errors(page)
    page.evaluate("document.querySelector('.zf-panel .zf-panel').remove()")  # the selectors below are for one panel


def test_mining_shows_how_far_it_is_while_the_kernel_answers_and_can_be_cancelled(page, tmp_path):
    before = settled(page)
    mine(page, folder_of(tmp_path, 400))
    page.wait_for_selector(".zf-job-note:has-text(' of 400 images · ')")
    expect(page.locator(".zf-job-note")).to_contain_text("a second", use_inner_text=True)
    screenshot(page, "topnine_mining", ".zf-top-nine")
    prompt = page.locator(".jp-CodeCell").nth(1).locator(".jp-InputPrompt")
    number = prompt.inner_text()
    page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "number => { const now = document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')[1].textContent;"
        " return /[0-9]/.test(now) && now !== number; }",
        arg=number,
    )
    assert page.locator(".zf-job-running").is_visible(), "it was over before the cell was answered"
    page.locator(".zf-job-running button").click()
    page.wait_for_selector(".zf-job-note:has-text('Cancelled.')")
    assert page.locator(".zf-job-running").is_hidden()
    after = settled(page)
    assert (after["images"], after["features"]) == (before["images"], before["features"])


def test_a_mined_folder_is_shown_and_a_wrong_one_explained(page, tmp_path):
    before = settled(page)
    mine(page, tmp_path / "nowhere")
    page.wait_for_selector(".zf-error:has-text('there is no file or folder')")
    assert settled(page)["features"] == before["features"]
    folder = folder_of(tmp_path, 30)
    (folder / f"{HARM}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    page.locator(".zf-mining input").fill(str(folder))
    expect(page.locator(".zf-error")).to_have_count(0)
    page.locator(".zf-mining input").press("Enter")
    page.wait_for_selector(".zf-job-note:has-text('30 images were looked at · 1 left out that cannot be read: <img')")
    wait_until(page, lambda now: now["images"] == 30)
    state = settled(page)
    assert state["error"] == ""
    expect(page.locator(".zf-error")).to_have_count(0)
    assert re.search(r"\d{3}\.png", page.locator(".zf-nine-tile-words").inner_text())
    assert page.evaluate("window.harmed") is None
    screenshot(page, "topnine_mined", ".zf-top-nine")
    fail_on_errors(page)


def test_a_reload_with_a_living_kernel_shows_the_same_pictures(page, server):
    state, before = settled(page), [canvas_pixels(page, f".zf-nine-{picture} canvas") for picture in PICTURES]
    reload(page, server)
    for picture, pixels in zip(PICTURES, before, strict=True):
        page.wait_for_selector(f".zf-nine-{picture} canvas[data-painted]")
        assert (canvas_pixels(page, f".zf-nine-{picture} canvas") == pixels).all()
    assert kernel(page) == state


@pytest.mark.parametrize("layer", ["features.2", "features.12.cat"])
def test_in_the_dark_the_joints_are_dark_and_words_readable(open_notebook, layer):
    page = open_notebook([DARK.format(layer=layer)], theme="dark")
    page.set_viewport_size({"width": 1280, "height": 1300})
    page.wait_for_selector(READY)
    wall = canvas_pixels(page, ".zf-nine-wall canvas")
    opacity = {"strip": wall[8, 75, 3], "joint": wall[60, 69, 3], "tile": wall[60, 36, 3]}
    assert opacity == {"strip": 0, "joint": 0, "tile": 255}
    shown = {
        "number": ".zf-nine-numbers b",
        "activation": ".zf-nine-numbers span",
        "page": ".zf-nine-head .widget-html-content",
        "feature": ".zf-nine-chosen .widget-html-content",
        "title": ".zf-nine-title .widget-html-content",
        "caption": ".zf-nine-wall .zf-picture-caption",
        "tile": ".zf-nine-tile-words .widget-html-content",
        "button": ".zf-nine-opener",
        "more": ".zf-more button",
    }
    contrasts = {name: contrast(page, selector) for name, selector in shown.items()}
    assert min(contrasts.values()) >= 4.5, contrasts
    screenshot(page, f"topnine_dark_{layer}", ".zf-top-nine")


def test_in_voila_a_map_can_be_chosen(open_notebook):
    page = open_notebook([DARK.format(layer="features.5")], app="voila")
    page.wait_for_selector(READY)
    before = page.locator(".zf-nine-chosen").inner_text()
    page.locator(".zf-nine-wall .zf-picture-frame").focus()
    page.keyboard.press("ArrowRight")
    second = page.locator(".zf-nine-numbers b").nth(1).inner_text()
    page.wait_for_selector(f".zf-nine-chosen:has-text('Feature {second}')")
    assert page.locator(".zf-nine-chosen").inner_text() != before
    screenshot(page, "topnine_voila")

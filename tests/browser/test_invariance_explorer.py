"""The invariance explorer in JupyterLab: what the slider and each control change, and how soon."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from .pages import canvas_pixels, eventually, fail_on_errors, kernel, open_more, opened, reload, screenshot, wait_until

pytestmark = pytest.mark.browser

SLIDER, PICTURE, CHART = ".zf-value .noUi-handle", ".zf-invariance-picture canvas", ".zf-invariance-charts .zf-curves"

EXPLORER = """
import ipywidgets, zfwidgets as zf
from telling import kernel, told

explorer = zf.InvarianceExplorer(zf.load("squeezenet1_1"))
traits = ("image", "transform", "value", "border", "measure", "layers", "error", "busy")
@told
def tell(_):
    now = {name: getattr(explorer, name) for name in traits}
    now["numbers"] = explorer.now and explorer.now[0].value
    now["curves"] = explorer.result and [*explorer.result[0].transforms, explorer.result[0].border]
    now["playing"] = explorer.slider.play.playing
    now["marked"] = explorer.board.views[0].charts[0].marked
    return now
explorer.observe(tell, names=[*traits, "now", "result"])
explorer.slider.play.observe(tell, names="playing")
tell()
ipywidgets.VBox([explorer, kernel])
"""
TWO = """
import torch, torchvision, zfwidgets as zf

trained = zf.load("squeezenet1_1")
torch.manual_seed(0)
untrained = zf.Network(torchvision.models.squeezenet1_1(weights=None).eval(), labels=trained.labels,
                       preprocess=trained.preprocess, name="untrained")
zf.InvarianceExplorer(trained, compare=untrained, transforms=[("rotation", range(0, 360, 45))], measure="share")
"""

# When the picture is painted anew and when the sentence under the charts changes after a key, in milliseconds.
WATCH = """() => {
  window.pictures = window.numbers = 0;
  const canvas = document.querySelector(".zf-invariance-picture canvas");
  const words = document.querySelector(".zf-invariance-words");
  const [painted, written] = [{ attributeFilter: ["data-painted"] }, { childList: true, subtree: true }];
  new MutationObserver(() => (window.pictures += 1)).observe(canvas, painted);
  new MutationObserver(() => (window.numbers += 1)).observe(words, { ...written, characterData: true });
}"""


@pytest.fixture(scope="module")
def page(browser, server):
    with opened(browser, server, [EXPLORER], 1200) as page:
        open_more(page)
        yield page


def test_a_shorter_range_is_no_choice_of_the_readers(browser, server):
    with opened(browser, server, [EXPLORER], 1200) as page:
        page.locator(".zf-transform button:has-text('rotation')").click()
        state = wait_until(page, lambda now: now["transform"] == "rotation" and now["numbers"] == now["value"])
        assert state["value"] == 70
        page.locator(".zf-transform button:has-text('scale')").click()
        wait_until(page, lambda now: now["transform"] == "scale" and now["numbers"] == now["value"])
        page.locator(".zf-transform button:has-text('rotation')").click()
        state = wait_until(page, lambda now: now["transform"] == "rotation" and now["numbers"] == now["value"])
        assert state["value"] == 70
        assert page.locator(SLIDER).get_attribute("aria-valuenow") == "7.0"


def settled(page):
    state = wait_until(page, lambda now: not now["busy"] and now["numbers"] == now["value"])
    assert state["error"] == ""
    return state


def painted(page):
    return int(page.locator(PICTURE).get_attribute("data-painted"))


def words(page):
    return page.locator(".zf-invariance-words").inner_text()


def marker(page, chart=0):
    """Where the upright line of a chart is on the page."""
    box = page.locator(CHART).nth(chart).locator("path.line[style*='dasharray: 10']").bounding_box()
    return box["x"] + box["width"] / 2


def paths(page, chart=0):
    lines = page.locator(CHART).nth(chart).locator("path.line")
    return lines.evaluate_all("lines => lines.map((line) => line.getAttribute('d'))")


def button(page, control, name):
    page.locator(f".zf-{control} button", has_text=name).first.click()


def test_the_arrow_keys_move_picture_numbers_and_upright_lines(page):
    before, pixels, at = settled(page), canvas_pixels(page, PICTURE), marker(page)
    times, said = painted(page), words(page)
    page.locator(SLIDER).focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    state = wait_until(page, lambda now: now["numbers"] == before["value"] + 10 and now["marked"] == now["value"])
    page.wait_for_function(f"document.querySelector('{PICTURE}').dataset.painted > {times}")
    page.wait_for_function(
        "said => document.querySelector('.zf-invariance-words').innerText.includes(said)", arg="22 pixels"
    )
    assert words(page) != said
    moved = eventually(page, lambda: (canvas_pixels(page, PICTURE)[10:] == pixels[:-10]).all())
    assert moved, "the picture moved down by ten pixels"
    page.wait_for_function(
        "([selector, at]) => document.querySelector(selector + ' path.line[style*=\"dasharray: 10\"]')"
        ".getBoundingClientRect().x > at + 5", arg=[CHART, at],
    )  # fmt: skip
    assert state["value"] == 22
    screenshot(page, "invariance_light", ".zf-panel")


def test_dragging_moves_them_too(page):
    before, at = settled(page), marker(page, 1)
    handle = page.locator(SLIDER).bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 80, y, steps=12)
    page.mouse.up()
    wait_until(page, lambda now: now["value"] < before["value"] - 20 and now["numbers"] == now["value"])
    assert eventually(page, lambda: f"Moved up by {-kernel(page)['value']:.4g} pixels" in words(page))
    assert eventually(page, lambda: marker(page, 1) < at - 20)


def test_a_transformation_brings_its_own_curves_and_going_back_shows_the_same(page):
    translation = paths(page)
    button(page, "transform", "brightness")
    wait_until(page, lambda now: now["transform"] == "brightness")
    settled(page)
    assert paths(page) != translation
    expect(page.locator(".zf-value .zf-label")).to_have_text(re.compile(re.escape("times") + "$"), use_inner_text=True)
    page.locator(".zf-transform button").first.click()
    wait_until(page, lambda now: now["curves"] == ["translation", "edge"] and not now["busy"])
    settled(page)
    page.wait_for_function(
        "([selector, d]) => document.querySelectorAll(selector + ' path.line')[1].getAttribute('d') === d",
        arg=[CHART, translation[1]],
    )


def test_a_measure_redraws_and_a_border_asks_anew(page):
    settled(page)
    before, pixels = paths(page), canvas_pixels(page, PICTURE)
    button(page, "measure", "cosine")
    page.wait_for_function(
        "([selector, d]) => document.querySelectorAll(selector + ' path.line')[1].getAttribute('d') !== d",
        arg=[CHART, before[1]],
    )
    expect(page.locator(f"{CHART} .zf-curves-head").first).to_have_text(
        re.compile(re.escape("1 − cosine") + "$"), use_inner_text=True
    )
    button(page, "border", "grey")
    wait_until(page, lambda now: now["curves"] == ["translation", "grey"])
    settled(page)
    assert eventually(page, lambda: np.ptp(canvas_pixels(page, PICTURE)[-3, :, :3].astype(int)) == 0)
    assert not (canvas_pixels(page, PICTURE) == pixels).all()
    button(page, "border", "edge")
    wait_until(page, lambda now: now["curves"] == ["translation", "edge"])
    settled(page)


def test_pointing_at_a_line_tells_its_image_and_value_and_a_click_shows_it(page):
    settled(page)
    page.wait_for_function("document.querySelectorAll('.zf-invariance-probability .dot').length === 5 * 61")
    page.wait_for_timeout(300)
    box = page.locator(".zf-invariance-probability .dot").nth(4 * 61 + 4).bounding_box()  # of the last image
    page.mouse.move(box["x"] - 3, box["y"] - 3)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.bqplot_mark_tooltip')].some((tooltip) =>"
        " tooltip.style.display !== 'none' && /image.*pixels down.*probability/s.test(tooltip.innerText))"
    )
    tooltip = page.locator(".bqplot_mark_tooltip:visible").inner_text()
    name = tooltip.split()[1]
    screenshot(page, "invariance_hover")
    page.mouse.down()
    page.mouse.up()
    wait_until(page, lambda now: now["image"] == name)
    settled(page)
    expect(page.locator(".zf-legend button.mod-active")).to_have_text(name, use_inner_text=True)
    page.mouse.move(5, 5)
    page.locator(".zf-legend button", has_text="cat").click()
    wait_until(page, lambda now: now["image"] == "cat")


def put_in_or_out(page, layers):
    """By clicks on the strip, those that are in first."""
    now = kernel(page)["layers"]
    for name in sorted(layers, key=lambda name: name not in now):
        page.locator(f".zf-layers [data-name='{name}']").click()


def test_layers_are_chosen_by_hand_and_too_many_are_refused_in_words(page):
    settled(page)
    put_in_or_out(page, {"features.3.cat", "features.9.cat", "features.12.cat"} ^ {*kernel(page)["layers"]})
    wait_until(page, lambda now: len(now["layers"]) == 3)
    settled(page)
    expect(page.locator(CHART).nth(2)).to_be_visible()
    put_in_or_out(page, ["features.1"])
    page.wait_for_selector(".zf-error:has-text('choose one to 3 layers; 4 are chosen')")
    assert page.locator(".zf-layers [aria-selected=true]").count() == 3
    put_in_or_out(page, ["features.3.cat", "features.9.cat", "features.1"])
    wait_until(page, lambda now: now["layers"] == ["features.1", "features.12.cat"] and now["error"] == "")
    settled(page)


def test_play_goes_to_the_end_of_the_range_and_a_second_press_stops(page):
    settled(page)
    play = page.locator(".zf-play button")
    expect(play).to_have_attribute("aria-label", "Play translation")
    play.focus()
    page.keyboard.press("Enter")
    begun = kernel(page)["value"]
    wait_until(page, lambda now: now["value"] > begun + 3)
    page.keyboard.press("Space")
    expect(play).to_have_attribute("aria-label", "Play translation")
    stopped = wait_until(page, lambda now: not now["playing"] and now["numbers"] == now["value"])["value"]
    page.wait_for_timeout(600)  # three steps of it
    assert settled(page)["value"] == stopped < 60
    page.locator(SLIDER).focus()
    page.keyboard.press("End")
    wait_until(page, lambda now: now["value"] == 60)
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    wait_until(page, lambda now: now["value"] == 56)
    play.click()
    wait_until(page, lambda now: now["value"] == 60)
    expect(play).to_have_attribute("aria-label", "Play translation")
    page.locator(SLIDER).focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    wait_until(page, lambda now: now["value"] == 20 and now["numbers"] == 20)


def test_the_rarer_controls_are_under_more(page):
    more = page.locator(".zf-more button")
    for visible in (False, True):
        more.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".zf-rare").first).to_be_visible(visible=visible)
    assert page.locator(".zf-rare .zf-label").all_inner_texts() == ["Fill edge with", "Distance", "Layers"]
    expect(page.locator(".zf-transform button").first).to_have_text("move ↕", use_inner_text=True)


def test_every_step_of_the_slider_brings_a_picture_and_numbers(page):
    settled(page)
    page.evaluate(WATCH)
    page.locator(SLIDER).focus()
    for step in range(1, 11):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("step => window.pictures >= step && window.numbers >= step", arg=step)


def test_a_reload_with_a_living_kernel_shows_the_same(page, server):
    settled(page)
    page.mouse.move(5, 5)
    state, pixels, said = kernel(page), canvas_pixels(page, PICTURE), words(page)
    reload(page, server)
    page.wait_for_selector(f"{PICTURE}[data-painted]")
    assert eventually(page, lambda: (canvas_pixels(page, PICTURE) == pixels).all())
    page.wait_for_function(f"document.querySelectorAll('{CHART} path.line').length >= 18")
    assert words(page) == said
    assert kernel(page) == state
    page.locator(SLIDER).focus()
    page.keyboard.press("ArrowLeft")
    wait_until(page, lambda now: now["numbers"] == state["value"] - 2)
    fail_on_errors(page)


def test_two_networks_are_shown_in_the_dark_theme(open_notebook):
    page = open_notebook([TWO], theme="dark")
    page.set_viewport_size({"width": 1280, "height": 1300})
    page.wait_for_selector(".zf-status:has-text('Ready')")
    expect(page.locator(".zf-invariance-name")).to_have_text(["squeezenet1_1", "untrained"], use_inner_text=True)
    areas = page.locator(".zf-invariance-areas").all_inner_texts()
    assert all("features.1 0." in text and "features.12.cat 0." in text for text in areas)
    assert areas[0] != areas[1]
    expect(page.locator(f"{CHART}:visible")).to_have_count(6)
    fills = page.locator(".zf-curves .axislabel").evaluate_all("labels => labels.map((x) => getComputedStyle(x).fill)")
    assert "rgb(255, 165, 0)" not in fills, "bqplot's own labels are orange in the dark"
    screenshot(page, "invariance_dark", ".zf-panel")


@pytest.mark.parametrize("app", ["voila", "notebook"])
def test_in_other_applications_the_slider_moves_picture_and_numbers(open_notebook, app):
    page = open_notebook([EXPLORER], app=app)
    page.set_viewport_size({"width": 1280, "height": 1200})
    settled(page)
    page.locator(SLIDER).focus()
    state = kernel(page)
    page.keyboard.press("ArrowRight")
    wait_until(page, lambda now: now["numbers"] == now["value"] == state["value"] + 2)
    page.wait_for_function(f"document.querySelectorAll('{CHART} path.line').length >= 18")
    expect(page.locator(SLIDER)).to_have_attribute("aria-valuetext", re.compile("pixels"))
    screenshot(page, f"invariance_{app}", ".zf-panel")

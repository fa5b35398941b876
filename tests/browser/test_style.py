"""How panels look: styled from the start, by one style sheet a page, and readable in light and in dark."""

import re
from dataclasses import dataclass

import ipywidgets as W
import pytest
from playwright.sync_api import expect

import zfwidgets as zf
from zfwidgets.widgets.panel import Panel
from zfwidgets.widgets.panel.still import still
from zfwidgets.widgets.traits import Option

from .pages import READY, contrast, luminance, screenshot

pytestmark = pytest.mark.browser

TEXTS = {
    "title": ".zf-head h3",
    "lead": ".zf-head p",
    "label": ".zf-label abbr",
    "list": ".zf-control select",
    "status": ".zf-status-words",
}
TWO = """
from dataclasses import dataclass
import ipywidgets as W, zfwidgets as zf
from zfwidgets.widgets.panel import Panel
from zfwidgets.widgets.traits import Option

@dataclass(frozen=True)
class Choice:
    number: int

class Shares(Panel):
    title, lead, Choice = "Shares", "What is a share?", Choice
    number = Option({"four": 4, "none": 0}, 4, "Number", "how many people", "How many people")

    def build(self):
        return W.Label("25")

    def compute(self, choice, task):
        return 100 / choice.number

    def draw(self, result, choice):
        pass

net = zf.load("squeezenet1_1")
W.VBox([Shares(net), Shares(net, number=0)])
"""

# In the very moment in which the page gets its first panel, before anything is painted.
WATCH = """new MutationObserver(() => {
  const panel = document.querySelector(".zf-panel");
  if (panel) window.styledAtOnce ??= getComputedStyle(panel).borderTopStyle === "solid";
}).observe(document, { childList: true, subtree: true })"""
SHEETS = """() => [...document.querySelectorAll("style")]
  .filter((style) => [...style.sheet.cssRules].some((rule) => rule.selectorText === ".zf-error")).length"""


def surface(page):
    return luminance(page.locator(".zf-panel").first.evaluate("card => getComputedStyle(card).backgroundColor"))


def contrasts(page, texts):
    return {name: contrast(page, selector) for name, selector in texts.items()}


def arrow_and_ground(page):
    style = "list => [getComputedStyle(list).backgroundImage, getComputedStyle(list).backgroundColor]"
    arrow, ground = page.locator(".zf-control select").first.evaluate(style)
    return luminance(re.findall(r"rgba?\([^)]*\)", arrow)[1]), luminance(ground)


@pytest.mark.parametrize(
    ("app", "theme"), [("lab", "light"), ("lab", "dark"), ("notebook", "dark"), ("voila", "light"), ("voila", "dark")]
)
def test_panels_are_styled_at_once_by_one_sheet_and_readable(open_notebook, context, app, theme):
    context.add_init_script(WATCH)
    page = open_notebook([TWO], app=app, theme=theme)
    page.wait_for_selector(READY)
    page.wait_for_selector(".zf-error")
    expect(page.locator(".zf-panel")).to_have_count(2)
    assert page.evaluate("window.styledAtOnce") is True
    assert page.evaluate(SHEETS) == 1
    found = contrasts(page, TEXTS | {"error": ".zf-error"})
    assert min(found.values()) >= 4.5, found
    assert (surface(page) > 0.5) == (theme == "light")
    arrow, ground = arrow_and_ground(page)
    assert (arrow < ground) == (theme == "light"), "the arrow of a list is dark on dark"
    screenshot(page, f"style_{app}_{theme}")


@dataclass(frozen=True)
class Choice:
    number: int


class Plain(Panel):
    title, lead, Choice = "Shares", "What is a share?", Choice
    number = Option({"four": 4}, 4, "Number", "how many people", "How many people")

    def build(self):
        return W.Label("25")

    def compute(self, choice, task):
        return 1

    def draw(self, result, choice):
        pass


@pytest.mark.parametrize(
    ("system", "body", "dark"),
    [
        ("light", "<body>", False),
        ("dark", "<body>", True),
        ("light", "<body data-jp-theme-light='false'>", True),
        ("dark", "<body data-jp-theme-light='true'>", False),
    ],
)
def test_without_jupyters_colours_it_is_as_the_page_says_or_else_as_the_system(blank_page, system, body, dark):
    panel = Plain(zf.load("squeezenet1_1"))
    blank_page.emulate_media(color_scheme=system)
    blank_page.set_content(f"<!doctype html>{body}{still(panel)}")
    assert (surface(blank_page) < 0.1) == dark
    found = contrasts(blank_page, {name: TEXTS[name] for name in ("title", "lead", "label")})
    assert min(found.values()) >= 4.5, found

"""Charts on a page: nothing is said on the console, whether they are seen at once, later, or never."""

import pytest
from playwright.sync_api import expect

from .pages import screenshot

pytestmark = pytest.mark.browser

CHARTS = {"InvarianceExplorer": ".zf-invariance-probability"}
NETWORK = "import ipywidgets, zfwidgets as zf\nnet = zf.load('squeezenet1_1')"
SEEN = [f"zf.{name}(net)" for name in CHARTS]
HIDDEN = f"""
panels = [{", ".join(SEEN)}]
ipywidgets.Tab([ipywidgets.Label(), *panels], titles=["empty", *(type(panel).__name__ for panel in panels)])
"""
READY = ".zf-status[data-state='ready']"


@pytest.fixture
def said(context):
    """What the console has been told as an error."""
    errors = []
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    return errors


def wait_for_chart(page, name):
    """Scroll to a panel's chart and wait until it is drawn, as wide as its place."""
    chart = f"{CHARTS[name]} .zf-chart"
    page.locator(chart).evaluate("chart => chart.scrollIntoView()")
    expect(page.locator(chart)).to_be_visible()
    page.wait_for_function(
        "(chart) => Math.abs(document.querySelector(`${chart} .plotarea_events`).getAttribute('width')"
        " - document.querySelector(chart).clientWidth) <= 1 && document.querySelector(chart).clientWidth > 50",
        arg=chart,
    )


def test_charts_that_are_seen_at_once_say_nothing_on_the_console(open_notebook, said):
    page = open_notebook([NETWORK, *SEEN])
    expect(page.locator(READY)).to_have_count(len(CHARTS))
    for name in CHARTS:
        wait_for_chart(page, name)
    assert said == []


def test_charts_in_a_tab_that_is_opened_later_say_nothing_and_are_drawn(open_notebook, said):
    page = open_notebook([NETWORK, HIDDEN])
    expect(page.locator(READY)).to_have_count(len(CHARTS))
    for name in CHARTS:
        page.locator(".widget-tab .lm-TabBar-tab", has_text=name).click()
        wait_for_chart(page, name)
        screenshot(page, f"tab_{name}", f"{CHARTS[name]}")
    assert said == []

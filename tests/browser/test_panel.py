"""What every panel does on a page: show what was drawn while the page was still loading."""

import pytest
from playwright.sync_api import expect

from .pages import READY

pytestmark = pytest.mark.browser

SLOW = """
import time
import ipywidgets as W
import zfwidgets as zf
from zfwidgets.widgets.panel import Panel

class Slow(Panel):
    def build(self):
        self.labels = [W.Label("?").add_class("drawn-late") for _ in range(200)]
        return W.Box(self.labels, layout=W.Layout(flex_flow="wrap"))

    def compute(self, choice, task):
        for number in range(len(self.labels)):
            time.sleep(0.02)
            yield number

    def draw(self, number, choice):
        self.labels[number].value = str(number)

Slow(zf.load("squeezenet1_1"))
"""


def test_voila_shows_what_was_drawn_while_it_loaded(open_notebook):
    page = open_notebook([SLOW], app="voila")
    page.wait_for_selector(READY)
    labels, expected = page.locator(".drawn-late"), [str(number) for number in range(200)]
    expect(labels).to_have_text(expected, use_inner_text=True)

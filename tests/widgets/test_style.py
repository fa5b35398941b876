"""The style sheet of all panels: of every room, and in every page once."""

from pathlib import Path

import ipywidgets as W

import zfwidgets
from zfwidgets.widgets.panel import Panel, still
from zfwidgets.widgets.panel.page_ready import all_within
from zfwidgets.widgets.panel.style import sheets, stylesheet

WIDGETS = Path(zfwidgets.__file__).parent / "widgets"
ROOMS = {"feature_explorer", "top_nine", "occlusion_canvas", "invariance_explorer", "correspondence_lab"}


class Plain(Panel):
    def compute(self, choice, stale, progress):
        return 1

    def draw(self, result, choice):
        pass


def test_every_widget_has_a_style_sheet_of_its_own():
    assert {sheet.parent.name for sheet in sheets() if sheet.name == "style.css"} >= ROOMS


def test_every_sheet_is_in_it_once_and_those_that_widgets_share_come_first():
    places = [stylesheet().index(sheet.read_text(encoding="utf-8")) for sheet in sheets()]
    assert places == sorted(places)
    assert len(places) == len(list(WIDGETS.rglob("*.css")))
    assert [sheet.name == "style.css" for sheet in sheets()] == sorted(sheet.name == "style.css" for sheet in sheets())


def test_a_panel_brings_it_in_one_invisible_widget_and_nowhere_else():
    panel = Plain([], Plain([], W.Label()))
    assert "<style" not in "".join(part.value for part in all_within(panel) if isinstance(part, W.HTML))
    assert [getattr(part, "_css", "") for part in all_within(panel)].count(stylesheet()) == 2


def test_a_page_without_a_kernel_has_it_inline_and_once():
    page = still(Plain([], Plain([], W.Label())))
    assert page.count("<style>") == 1
    assert page.count(stylesheet()) == 1

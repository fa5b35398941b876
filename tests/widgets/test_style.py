"""The style sheet of all panels: of every room, and in every page once."""

import re
from pathlib import Path

import ipywidgets as W
import pytest

import zfwidgets
from zfwidgets.widgets import geometry
from zfwidgets.widgets.belongings import all_within
from zfwidgets.widgets.canvas import DrawingCanvas
from zfwidgets.widgets.geometry import RIM, sizes
from zfwidgets.widgets.panel import Panel
from zfwidgets.widgets.panel.still import still
from zfwidgets.widgets.panel.style import sheets, stylesheet
from zfwidgets.widgets.picture import fitted
from zfwidgets.widgets.tokens import TOKENS, tokens
from zfwidgets.widgets.top_nine.view import NineView

from .conftest import tiny_network

WIDGETS = Path(zfwidgets.__file__).parent / "widgets"
ROOMS = {"feature_explorer", "top_nine", "occlusion_canvas", "invariance_explorer", "correspondence_lab"}

COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|rgba|hsl|hsla|hwb|lab|lch|oklab|oklch|color)\(")
NAMED = re.compile(r"(?<![-\w])(?:white|black|red|green|blue|yellow|orange|grey|gray|silver|navy|purple)(?![-\w])")


class Plain(Panel):
    def build(self):
        return W.Label()

    def below(self):
        return self.inner

    inner = ()

    def compute(self, choice, task):
        return 1

    def draw(self, result, choice):
        pass


def nested():
    """A panel in a panel."""

    class Outer(Plain):
        inner = (Plain(tiny_network()),)

    return Outer(tiny_network())


def test_every_widget_has_a_style_sheet_of_its_own():
    assert {sheet.parent.name for sheet in sheets() if sheet.name == "style.css"} >= ROOMS


def test_every_sheet_is_in_it_once_and_those_that_widgets_share_come_first():
    places = [stylesheet().index(sheet.read_text(encoding="utf-8")) for sheet in sheets()]
    assert places == sorted(places)
    assert {*sheets(), TOKENS} == {*WIDGETS.rglob("*.css")}
    assert [sheet.name == "style.css" for sheet in sheets()] == sorted(sheet.name == "style.css" for sheet in sheets())


def test_a_panel_brings_it_in_one_invisible_widget_and_nowhere_else():
    panel = nested()
    assert "<style" not in "".join(part.value for part in all_within(panel) if isinstance(part, W.HTML))
    assert [getattr(part, "_css", "") for part in all_within(panel)].count(stylesheet()) == 2


def test_a_page_without_a_kernel_has_it_inline_and_once():
    page = still(nested())
    assert page.count("<style>") == 1
    assert page.count(stylesheet()) == 1


def test_the_wall_is_laid_out_by_the_sizes_that_it_is_drawn_by():
    view, given = NineView("raw"), sizes()
    assert given["--zf-wall"] == f"{view.wall.shown_width}px"
    assert given["--zf-wall-ratio"] == f"{view.wall.width} / {view.wall.height}"
    assert given["--zf-chosen"] == f"{view.patches.shown_width}px"
    tall, wide = int(given["--zf-wall-rows"]), int(given["--zf-wall-columns"])
    assert view.wall.height % tall == view.wall.width % wide == 0


def test_pictures_are_fitted_into_the_sizes_that_columns_have():
    assert sizes()["--zf-picture"] == f"{fitted(1, 1)}px"
    assert sizes()["--zf-photograph"] == f"{DrawingCanvas().shown_width}px"


@pytest.mark.parametrize("sheet", sheets(), ids=lambda sheet: sheet.parent.name)
def test_no_style_sheet_repeats_a_size_that_python_gives(sheet):
    given = {size for name, size in vars(geometry).items() if name.isupper() and isinstance(size, int) and size > 100}
    css = re.sub(r"/\*.*?\*/|@container [^{]*", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    numbers = {int(number) for number in re.findall(r"\b(\d+)(?:px)?\b", css)}
    assert not numbers & (given | {size + 2 * RIM for size in given})


def test_every_custom_property_is_declared():
    own = {"--zf-shown-width", "--zf-rows", "--zf-columns"}  # of a picture, and of a grid, set as they are drawn
    assert (
        set(re.findall(r"var\((--zf-[\w-]+)", stylesheet())) <= set(re.findall(r"(--zf-[\w-]+):", stylesheet())) | own
    )


@pytest.mark.parametrize("sheet", sheets(), ids=lambda sheet: sheet.parent.name)
def test_a_rooms_style_sheet_names_no_colour_of_its_own(sheet):
    css = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    values = " ".join(re.findall(r":[^:;{}]*;", css))
    assert not COLOUR.findall(values)
    assert not NAMED.findall(values)
    assert "--jp-" not in css


def test_a_colour_in_a_style_sheet_would_be_noticed():
    for value in (": #fff;", ": 0 0 2px rgb(0 0 0);", ": 1px solid white;"):
        assert COLOUR.findall(value) or NAMED.findall(value)
    assert not NAMED.findall(": var(--zf-white); white-space: nowrap;")


def test_each_of_the_eleven_colours_is_declared_once_and_has_a_light_and_a_dark_value():
    colours = re.findall(r"^  (--zf-[\w-]+): .*light-dark\((#\w+), (#\w+)\)", tokens(), flags=re.MULTILINE)
    assert len(colours) == len({name for name, *_ in colours}) == 11
    assert all(re.fullmatch(r"#[0-9a-f]{6}(?:[0-9a-f]{2})?", colour) for _, *both in colours for colour in both)

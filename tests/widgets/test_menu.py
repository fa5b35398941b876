"""What the menu in a panel's head saves, copies and resets; and what its chips do."""

from __future__ import annotations

import csv
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import zfwidgets as zf
from zfwidgets.widgets.panel.menu import Menu


@pytest.fixture
def explorer(network, images):
    return zf.FeatureExplorer(network, images, image="flower", layer="relu1", feature=3)


@pytest.fixture
def ask(explorer):
    """As the page asks, and what it gets."""
    menu = next(part for part in explorer.children[0].children if isinstance(part, Menu))
    got = []
    menu.send = lambda content, buffers=None: got.append((content, buffers))

    def asked(wanted):
        got.clear()
        menu._handle_custom_msg(wanted, [])
        return got[0] if got else None

    return asked


def test_the_figure_comes_as_png_and_as_svg(ask):
    content, (png,) = ask("png")
    assert content["name"] == "feature_explorer.png"
    assert Image.open(io.BytesIO(png)).size[0] > 400
    content, (svg,) = ask("svg")
    assert content["name"] == "feature_explorer.svg"
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_the_table_comes_as_csv(ask, explorer):
    content, (table,) = ask("csv")
    (row,) = csv.DictReader(io.StringIO(table.decode()))
    assert content["name"] == "feature_explorer.csv"
    assert (row["layer"], int(row["feature"])) == ("relu1", 3)
    assert float(row["activation"]) == pytest.approx(explorer.result.activation)


def test_the_result_is_what_load_reads(ask, explorer, tmp_path):
    content, (data,) = ask("result")
    (tmp_path / content["name"]).write_bytes(data)
    again = zf.Projection.load(tmp_path / content["name"])
    np.testing.assert_array_equal(again.pixels, explorer.result.pixels)


def test_the_code_is_the_panels(ask, explorer):
    assert ask("code") == ({"code": explorer.code()}, None)


def test_reset_chooses_again_what_was_chosen_at_first(ask, explorer):
    first = explorer.choices()
    explorer.choose(image="second", layer="relu2", unit="all", rule="guided", scale="own", order="index", over=True)
    assert explorer.choices() != first
    ask("reset")
    assert explorer.choices() == first
    assert (explorer.result.layer, explorer.result.feature, explorer.result.rule) == ("relu1", 3, "deconvnet")


def test_what_cannot_be_saved_is_said_in_the_panel_until_it_can(ask, explorer, monkeypatch):
    monkeypatch.setattr(type(explorer), "table", lambda self: 1 / 0)
    assert ask("csv") is None
    assert "division by zero" in explorer.error
    assert ask("code") is not None
    assert explorer.error == ""


@pytest.mark.parametrize("wanted", ["exec", {"png": 1}, {"try": "nothing"}, {"try": []}, None, 7])
def test_anything_else_that_a_page_may_ask_is_passed_over(ask, explorer, wanted):
    ask(wanted)
    assert explorer.result is not None


def test_a_chip_sets_the_panel(network, images):
    explorer = zf.FeatureExplorer(network, {"cat": images["second"]})
    for settings in explorer.tries().values():
        explorer.choose(**settings)
        assert {name: getattr(explorer, name) for name in ("layer", "order")} == {
            name: settings[name] for name in ("layer", "order")
        }
        assert explorer.error == ""


def test_what_a_chip_does_is_in_the_menu_too(ask, explorer):
    words, settings = list(explorer.tries().items())[-1]
    ask({"try": words})
    assert (explorer.layer, explorer.order) == (settings["layer"], settings["order"])


def test_a_chip_that_does_not_fit_says_so(network, images, monkeypatch):
    monkeypatch.setattr(zf.FeatureExplorer, "tries", lambda self: {"nowhere": {"layer": "relu9"}})
    explorer = zf.FeatureExplorer(network, images)
    explorer.children[1].children[1].click()
    assert "no layer 'relu9'" in explorer.error

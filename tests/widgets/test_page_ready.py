"""All that a page has to be told: each widget once, also those that only a trait refers to."""

import ipywidgets as W

from zfwidgets.widgets.belongings import all_within
from zfwidgets.widgets.charts import Curves
from zfwidgets.widgets.panel import Panel

from .conftest import tiny_network


def test_every_widget_is_named_once_and_children_come_first():
    label, button = W.Label(), W.Button()
    tree = W.VBox([W.HBox([label, button]), label])
    found = list(all_within(tree))
    assert len(found) == len({part.model_id for part in found})
    assert found[-1] is tree
    assert {label, button, button.style, button.layout, tree.children[0], tree.layout} <= set(found)
    assert found.index(button.layout) < found.index(button) < found.index(tree.children[0])


def test_marks_and_scales_of_a_chart_are_among_them():
    kinds = {type(part).__name__ for part in all_within(Curves())}
    assert {"Figure", "Lines", "LinearScale", "Axis"} <= kinds


def test_when_a_page_opens_a_panel_tells_everything_again(monkeypatch):
    class Ring(Panel):
        def build(self):
            return label

        def compute(self, choice, task):
            return 1

        def draw(self, result, choice):
            pass

    label = W.Label("drawn while the page was loading")
    panel, told = Ring(tiny_network()), []
    monkeypatch.setattr(W.Widget, "send_state", lambda part, key=None: told.append(part))
    bell = next(part for part in all_within(panel) if type(part).__name__ == "PageReady")
    bell._handle_custom_msg("here", [])
    assert told == list(all_within(panel))
    assert label in told

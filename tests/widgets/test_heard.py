"""What a page says to a panel's widgets goes to the thread that the page asks for, whatever ipykernel prefers."""

from __future__ import annotations

import comm
import ipywidgets as W
import pytest
from ipykernel.comm.comm import BaseComm

import zfwidgets as zf
from zfwidgets.widgets.belongings import all_within
from zfwidgets.widgets.panel.heard import hear_at_any_time


class Routed(BaseComm):
    """A comm of ipykernel's without a kernel, that spoke last in the thread of the cells."""

    def publish_msg(self, *args, **options):
        self._reply_subshell_id = None


@pytest.fixture
def routed(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", lambda *args, **options: Routed(*args, **options))


def test_a_widget_that_spoke_last_in_a_cell_is_heard_in_the_pages_thread_all_the_same(routed):
    widget = W.IntSlider()
    hear_at_any_time([widget])
    widget.value = 7  # it speaks
    route = getattr(widget.comm, "_reply_subshell_for", lambda data, asked: asked)  # older ones have no choice
    assert route({}, "page's") == "page's"


def test_all_parts_of_a_panel_are_heard(routed, network, images):
    panel = zf.FeatureExplorer(network, images)
    parts = [part for part in all_within(panel) if hasattr(part.comm, "_reply_subshell_for")]
    assert {type(part.comm) for part in all_within(panel)} == {Routed}
    assert all(part.comm._reply_subshell_for({}, "page's") == "page's" for part in parts)


def test_a_closed_widget_is_passed_over():
    widget = W.IntSlider()
    widget.close()
    hear_at_any_time([widget])
    assert widget.comm is None

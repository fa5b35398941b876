"""The still picture that a notebook keeps of a panel: what is published, and when."""

import base64
import io
import re

import pytest
from PIL import Image

import zfwidgets as zf
from zfwidgets.widgets.panel import saved

from .conftest import until

KEPT = 150_000  # bytes; of the panels with much in them, with the photographs that come with zfwidgets


@pytest.fixture
def published(monkeypatch):
    """What goes to the page: (html, whether it takes the place of what was there)."""
    found = []

    def publish(data, *, transient=None, update=False):
        found.append((data["text/html"], update, transient))

    monkeypatch.setattr(saved, "publish_display_data", publish)
    monkeypatch.setattr("zfwidgets.widgets.panel.card.publish_display_data", publish)
    monkeypatch.setattr(saved, "REST", 0.05)
    return found


def stills(published):
    return [html for html, update, _ in published if update and "<img" in html]


def test_outside_a_kernel_there_is_none(network, images, published):
    panel = zf.OcclusionCanvas(network, images)
    with pytest.raises(NotImplementedError):
        panel._ipython_display_()
    assert published == []


def test_in_voila_there_is_none(network, images, published, in_kernel, monkeypatch):
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.13")
    with pytest.raises(NotImplementedError):
        zf.OcclusionCanvas(network, images)._ipython_display_()


def test_it_comes_when_the_panel_is_at_rest_and_is_renewed_after_a_change(network, images, published, in_kernel):
    panel = zf.OcclusionCanvas(network, images, image="flower")
    panel._ipython_display_()
    until(lambda: len(stills(published)) == 1)
    (_, _, none), (_, _, transient), *_ = published  # the panel, and an empty place beside it
    assert none is None
    assert [one["display_id"] for _, _, one in published[1:]] == [transient["display_id"]] * (len(published) - 1)
    assert "Nothing is hidden" in stills(published)[0]
    panel.canvas.put(~panel.canvas.mask)
    until(lambda: len(stills(published)) == 2)
    assert "100.0% of the image is hidden" in stills(published)[1]
    assert saved.WORDS in stills(published)[1]


def test_a_panel_that_is_closed_takes_it_along(network, images, published, in_kernel):
    panel = zf.OcclusionCanvas(network, images)
    panel._ipython_display_()
    until(lambda: stills(published))
    panel.close()
    html, update, _ = published[-1]
    assert update
    assert "<img" not in html


@pytest.mark.slow
@pytest.mark.parametrize("kind", [zf.FeatureExplorer, zf.OcclusionCanvas, zf.InvarianceExplorer])
def test_it_is_small_and_its_pictures_have_the_panels_pixels(kind):
    panel = kind(zf.load("squeezenet1_1"))
    html = saved.saved_html(panel, "key")
    assert len(html) < KEPT
    data = re.findall(r"data:image/webp;base64,([^']+)", html)
    sizes = [Image.open(io.BytesIO(base64.b64decode(one))).size for one in data]
    assert (227, 227) in sizes
    assert f"<h3>{panel.title}</h3>" in html


def test_its_style_sheet_holds_for_nothing_else():
    sheet = saved._style()
    head, _, nested = sheet.partition(" .zf-still { :where(.zf-still-row)")
    assert ":root" not in sheet
    assert "--zf-text" in head
    assert ".zf-picture-frame" in nested
    assert ".zf-picture-frame" not in head
    assert sheet.count("{") == sheet.count("}")

"""One palette: a figure, a chart and a style sheet give the same thing the same colour."""

import re

import numpy as np
from matplotlib.colors import to_hex

from zfwidgets.drawing import (
    BEYOND,
    CLASSES,
    MARKER,
    NOW,
    OUTLINE,
    PALETTE,
    REST,
    label_picture,
    line_colour,
)
from zfwidgets.experiments.invariance import Invariance
from zfwidgets.widgets.charts import Curves
from zfwidgets.widgets.panel.style import stylesheet
from zfwidgets.widgets.tokens import colours

LINES = 10  # more than there are colours


def luminance(colour):
    return np.array(list(bytes.fromhex(colour[1:]))) @ [0.2126, 0.7152, 0.0722]


def curves(count=LINES):
    return np.linspace(0.1, 1, 5 * count).reshape(count, 5)


def invariance(names):
    shares, count = curves(len(names)), len(names)
    layers = {f"translation/{layer}": shares for layer in ("first", "last")}
    return Invariance(
        pictures=np.zeros((count, 8, 8, 3), np.uint8),
        examples={"translation": np.zeros((4, 8, 8, 3), np.uint8)},
        values={"translation": np.arange(5.0)},
        distances=layers,
        cosines=layers,
        norms={layer: np.ones(count) for layer in ("first", "last")},
        probability={"translation": shares},
        label={"translation": np.zeros((count, 5), int)},
        truth=np.zeros(count, int),
        names=names,
        labels=("cat",),
        layers=("first", "last"),
        transforms=("translation",),
        units=("pixels",),
        border="edge",
        network="none",
    )


def test_no_two_lines_look_alike_and_the_palest_is_last():
    assert len(set(PALETTE)) == len(PALETTE) == 8
    assert max(PALETTE, key=luminance) == PALETTE[-1]
    assert REST in PALETTE
    assert REST not in CLASSES
    assert set(CLASSES) | {REST} == set(PALETTE)


def test_after_the_last_colour_they_begin_anew():
    assert [line_colour(index) for index in range(16)] == [*PALETTE, *PALETTE]


def test_an_image_has_the_same_colour_in_the_figure_and_in_the_chart():
    names = tuple(f"image {index}" for index in range(LINES))
    result, chart = invariance(names), Curves()
    chart.show(np.arange(5.0), curves(), names, 3, None)
    for axes in result.plot().axes:
        if axes.lines:
            assert [to_hex(line.get_color()) for line in axes.lines] == chart._lines.colors
    assert chart._chosen.colors == [chart._lines.colors[3]]
    assert len(chart._lines.colors) == LINES


def test_the_style_sheet_has_the_colours_of_the_palette():
    assert Curves()._marker.colors == [MARKER]
    assert (colours()["--zf-now"], colours()["--zf-rest"]) == (NOW, REST)
    assert [colours()[f"--zf-line-{number}"] for number in range(1, 9)] == list(PALETTE)


def test_the_most_frequent_classes_have_colours_and_the_others_are_grey():
    label = np.repeat(np.arange(9), np.arange(9, 0, -1))[None]
    picture, found = label_picture(label)
    assert list(found.values()) == [*CLASSES, REST, REST]
    assert picture[0, 0].tolist() == list(bytes.fromhex(NOW[1:]))


def test_every_line_of_the_legend_has_its_own_colour():
    legend = re.findall(r"nth-of-type\((\d+)\)::before { background: var\(--zf-line-(\d+)\)", stylesheet())
    assert legend == [(str(number), str(number)) for number in range(1, len(PALETTE) + 1)]


def test_named_colours_are_six_hexadecimal_digits():
    for colour in (*PALETTE, NOW, REST, MARKER, BEYOND, *OUTLINE):
        assert re.fullmatch(r"#[0-9a-f]{6}", colour)

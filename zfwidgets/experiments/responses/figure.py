"""The feature maps that respond most strongly at a place of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zfwidgets.drawing import NOW, format_number, new_figure, show_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zfwidgets.experiments.responses.result import Responses


def draw(responses: Responses, count: int = 8) -> Figure:
    """The image with the place outlined; beside it the maps that respond most strongly, each by what its unit sees."""
    shown = responses.top(count)
    columns = max(-(-len(shown) // 2), 1)
    figure = new_figure(3.2 + 1.5 * columns, 3.6)
    grid = figure.add_gridspec(2, columns + 2)
    whole = figure.add_subplot(grid[:, :2])
    top, left, bottom, right = responses.box
    show_picture(whole, responses.picture, "" if shown else "every map is silent here")
    corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
    whole.plot(*([edge - 0.5 for edge in edges] for edges in corners), color=NOW, linewidth=2)
    for place, feature in enumerate(shown):
        axes = figure.add_subplot(grid[place // columns, 2 + place % columns])
        title = f"{responses.name_of(feature)}\n{format_number(float(responses.activation[feature]))}"
        show_picture(axes, responses.patch(feature), title)
    figure.suptitle(f"{responses.layer} · what responds here?", fontsize=10)
    return figure

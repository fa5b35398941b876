"""How the result is drawn: `MeanActivation.plot` calls `draw` in the file figure.py."""

from matplotlib.figure import Figure

from mean_activation.result import MeanActivation
from zfwidgets.drawing import new_figure


def draw(found: MeanActivation, maps: int = 9) -> Figure:
    """The maps that respond most on average: a bar for the mean, a dot for each image."""
    chosen = found.strongest(maps)
    figure = new_figure(6, 3.2)
    axes = figure.subplots()
    places = range(len(chosen))
    axes.bar(places, found.values[:, chosen].mean(axis=0), color="0.8")
    for values in found.values:
        axes.plot(places, values[chosen], ".", color="0.2")
    axes.set_xticks(places, [str(number) for number in chosen])
    axes.set_xlabel("feature map")
    axes.set_ylabel("mean activation")
    axes.set_title(f"{found.layer}, {len(found.names)} images", fontsize=10)
    return figure

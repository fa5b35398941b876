"""What the chart of errors shows, and what is said of the chosen network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from zfwidgets.drawing import format_short
from zfwidgets.experiments.ablation import Ablation, Built, PaperRow, Trial, papers_ablation
from zfwidgets.widgets.architecture_lab.error_chart import Point
from zfwidgets.widgets.architecture_lab.own import Trained


@dataclass(frozen=True, eq=False)
class Errors:
    """The chart's points, what is said of the chosen one, and the builder's plan in numbers."""

    points: tuple[Point, ...]
    chosen: int
    words: str
    built: Built | None


def errors_of(found: Ablation, own: Sequence[Trained], variant: str, built: Built | None) -> Errors:
    """An ablation, and the reader's own networks beside it."""
    points = points_of(found, own)
    chosen = [point.name for point in points].index(variant)
    place = chosen - len(found.variants)
    words = words_of(points[chosen], found, own[place].trial if place >= 0 else None)
    return Errors(tuple(points), chosen, words, built)


def errors_of_paper(variant: str, built: Built | None) -> Errors:
    """The paper's Table 3."""
    rows = papers_ablation()
    points, chosen = points_of_paper(rows), [row.variant for row in rows].index(variant)
    return Errors(tuple(points), chosen, words_of_paper(points[chosen], rows[chosen]), built)


def points_of(found: Ablation, own: Sequence[Trained]) -> list[Point]:
    """The variants, and the reader's own."""
    points = []
    for place, name in enumerate(found.variants):
        mean, _, low, high = found.error(name)
        errors = found.error(name, "train")[0], mean, low, high
        points.append(_point(name, int(found.parameters[place]), int(found.macs[place]), errors))
    for name, size, trial in own:
        mean, low, high = trial.error()
        if len(trial.validation) < found.folds:
            low = high = mean  # nobody knows yet
        errors = float(trial.train.mean()), mean, low, high
        points.append(replace(_point(name, size.parameters, size.macs, errors), own=True))
    return points


def _point(name: str, parameters: int, macs: int, shares: tuple[float, float, float, float]) -> Point:
    train, mean, low, high = (100 * share for share in shares)
    return Point(name, parameters, macs, train, mean, low, high)


def points_of_paper(rows: Sequence[PaperRow]) -> list[Point]:
    """The rows of Table 3: one training each, so there are no intervals."""
    return [
        Point(row.variant, row.parameters, row.macs, row.train, row.validation, row.validation, row.validation)
        for row in rows
    ]


def words_of(point: Point, found: Ablation, trial: Trial | None) -> str:
    """What is known of a variant, or of the reader's own network."""
    said = _sizes(point)
    if trial is not None:
        count = len(trial.validation)
        more, low, high = trial.difference()
        if count < found.folds:
            return f"{said}<br>{point.error:.1f}% wrong on {count} of {found.folds} folds so far."
        return (
            f"{said}<br>{point.error:.1f}% wrong ({point.low:.1f} to {point.high:.1f}), "
            f"{100 * more:+.1f} points against {escape(found.variants[0])} on the same folds "
            f"({100 * low:+.1f} to {100 * high:+.1f})."
        )
    mean, spread, low, high = found.error(point.name)
    said += (
        f"<br>{mean:.1%} wrong ({low:.1%} to {high:.1%}; spread over folds and seeds {spread:.1%}), "
        f"{point.train:.1f}% of the images learnt from."
    )
    place = found.variants.index(point.name)
    if place:
        more, least, most = found.difference(point.name)
        p = found.p[place - 1]
        sure = "more than chance gives" if p < 0.05 else "chance alone may give that"
        said += (
            f"<br>{100 * more:+.1f} points against {escape(found.variants[0])} "
            f"({100 * least:+.1f} to {100 * most:+.1f}; p {p:.2g} after Holm: {sure})."
        )
    return said


def words_of_paper(point: Point, row: PaperRow) -> str:
    """What the paper says of it, and how large it is, which the paper does not say."""
    return (
        f"{_sizes(point)}<br>{row.validation}% wrong, {row.top5}% in five answers; {row.train}% of the images "
        "learnt from.<br>One training each: how sure that is, nobody knows."
    )


def _sizes(point: Point) -> str:
    sizes = f"{point.parameters:,} parameters · {format_short(point.macs)} multiply–adds for an image"
    return f"<b>{escape(point.name)}</b> · {sizes}"

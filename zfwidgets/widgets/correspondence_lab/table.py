"""Table 1 with a bar for each number: how differently features change when a part is hidden, against chance."""

from __future__ import annotations

from html import escape

import numpy as np

from zfwidgets.experiments.correspondence import PAPER, RANDOM, Correspondence

LOW = 0.05  # a p-value up to this is told as lower than chance
MEASURED = (
    "The share of features whose change has another sign in another image, 0 where all change alike (§4.4): mean and "
    "spread over the pairs of images"
)
LOWER = "zf-delta-low"
KEYS = {
    LOWER: f"more alike than chance (p ≤ {LOW})",
    "": "not so",
    "zf-delta-chance": "chance: the same masks elsewhere",
    "zf-delta-spread": "spread over pairs",
}


def table(result: Correspondence, pictures: int) -> str:
    """Table 1 as HTML, all layers on one axis: how many of the pictures have each part, and for each layer Δ as a bar
    with its spread, the numbers and p; beside them the paper's, where it has that part."""
    names = (*result.parts, RANDOM)
    ticks = round_numbers(max(_reach(result, name, layer) for name in names for layer in result.layers))
    heads = "".join(f"<th scope='col'>{escape(layer)}{_axis(ticks)}</th>" for layer in result.layers)
    papers = any(part in PAPER for part in result.parts)
    heads += "<th scope='col' class='zf-delta-paper'>in the paper</th>" if papers else ""
    rows = "".join(_row(result, name, pictures, float(ticks[-1]), papers) for name in names)
    corner = f"<th><abbr title='{MEASURED}'>Signs that differ</abbr></th>"
    count = len(result.parts) * len(result.layers)
    many = f"of {count} numbers about {LOW * count:.2g} are so by chance alone" if count > 1 else "in 1 of 20 by chance"
    said = KEYS | {LOWER: f"<abbr title='{many}'>{KEYS[LOWER]}</abbr>"}
    keys = "".join(f"<span><i class='zf-delta-key {kind}'></i>{words}</span> " for kind, words in said.items())
    return (
        f"<table><thead><tr>{corner}{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f"<div class='zf-delta-keys'>{keys}</div>"
    )


def round_numbers(top: float) -> np.ndarray:
    """From 0 up to the first round number that is not below `top`."""
    power = 10.0 ** np.floor(np.log10(top)) if top > 0 else 1.0
    step = next(part * power for part in (0.2, 0.5, 1.0, 2.0) if 5 * part * power >= top)
    return step * np.arange(int(np.ceil(top / step)) + 1) if top > 0 else np.array([0.0, 1.0])


def _row(result: Correspondence, name: str, pictures: int, end: float, papers: bool) -> str:
    count = f"{len(result.images_with(name))} of {pictures}" if name != RANDOM else "chance"
    cells = "".join(f"<td>{_cell(result, name, layer, end)}</td>" for layer in result.layers)
    if papers:
        numbers = zip(("layer 5", "layer 7"), PAPER.get(name, ()), strict=False)
        lines = (f"<div><span>{layer}</span> {_with_spread(*both)}</div>" for layer, both in numbers)
        cells += f"<td class='zf-delta-paper'>{''.join(lines)}</td>"
    head = f"<div class='zf-delta-part'>{escape(name)}</div><div class='zf-delta-count'>{count}</div>"
    return f"<tr><th scope='row'>{head}</th>{cells}</tr>"


def _cell(result: Correspondence, name: str, layer: str, end: float) -> str:
    """A bar, its spread and where chance is, above the numbers."""
    delta, spread = result.delta(name, layer), result.spread(name, layer)
    p = None if name == RANDOM else result.p_value(name, layer)
    kind = "zf-delta-random" if p is None else LOWER if p <= LOW else ""
    low, high = max(0.0, delta - np.nan_to_num(spread)), delta + np.nan_to_num(spread)
    track = (
        f"<div class='zf-delta-bar {kind}' style='{_from_to(0, delta, end)}'></div>"
        f"<div class='zf-delta-chance' style='{_from_to(_chance(result, name, layer), None, end)}'></div>"
        f"<div class='zf-delta-spread' style='{_from_to(low, high, end)}'></div>"
    )
    numbers = f"<span>{_with_spread(delta, spread)}</span>" + ("" if p is None else f"<span>p {p:.2g}</span>")
    return f"<div class='zf-delta-track'>{track}</div><div class='zf-delta-numbers'>{numbers}</div>"


def _chance(result: Correspondence, name: str, layer: str) -> float:
    """Δ of the same masks elsewhere; below them all, that of all parts' masks."""
    return result.delta(RANDOM, layer) if name == RANDOM else float(result.chance[f"{name}/{layer}"].mean())


def _from_to(low: float, high: float | None, end: float) -> str:
    """A place on a track that ends at `end`, in CSS."""
    width = "" if high is None else f";width:{100 * (high - low) / end:.2f}%"
    return f"left:{100 * low / end:.2f}%{width}"


def _axis(ticks: np.ndarray) -> str:
    marks = (f"<span style='{_from_to(float(tick), None, float(ticks[-1]))}'>{tick:.3g}</span>" for tick in ticks)
    return f"<div class='zf-delta-axis'>{''.join(marks)}</div>"


def _reach(result: Correspondence, name: str, layer: str) -> float:
    """How far a bar goes with its spread, or the mark of chance."""
    bar = result.delta(name, layer) + float(np.nan_to_num(result.spread(name, layer)))
    return max(bar, _chance(result, name, layer))


def _with_spread(value: float, spread: float) -> str:
    return f"{value:.3f}" + ("" if np.isnan(spread) else f" ± {spread:.3f}")

"""What is known of each layer, as a table with bars."""

from __future__ import annotations

from html import escape

import numpy as np

from zfwidgets.drawing import REST, layer_colours
from zfwidgets.experiments.transfer import Estimate, Transfer

TO_COME = "<td class='zf-transfer-bar'></td><td>…</td>"


def table(found: Transfer, beside: Transfer | None, layer: str, count: int) -> str:
    """A row a layer: its accuracy as a bar with its interval, and in numbers; where there is another network, its
    accuracy and the difference."""
    new = "<th scope='col' title='the same network with weights drawn at random'>new weights</th>"
    more = "" if beside is None else new
    head = (
        "<th scope='col'>layer</th><th scope='col'></th>"
        f"<th scope='col' title='mean of the classes, and its spread over random splits'>right</th>{more}"
    )
    rows = []
    for place, (name, title, colour) in enumerate(
        zip(found.layers, found.titles, layer_colours(len(found.layers)), strict=True)
    ):
        estimate = found.estimate(name, count)
        chosen = " aria-current='true'" if name == layer else ""
        key = f"<span class='zf-key zf-key-thin' style='background:{colour}'></span>"
        other = "" if beside is None else _other(found, beside, place, count)
        cells = TO_COME if np.isnan(estimate.mean) else _cells(estimate, colour, found.chance)
        rows.append(f"<tr{chosen}><th scope='row'>{key}{escape(title)}</th>{cells}{other}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cells(estimate: Estimate, colour: str, chance: float) -> str:
    mean, low, high = (100 * part for part in (estimate.mean, max(estimate.low, 0), min(estimate.high, 1)))
    bar = (
        f"<span class='zf-transfer-mean' style='width:{mean:.1f}%;background:{colour}'></span>"
        f"<span class='zf-transfer-reach' style='left:{low:.1f}%;width:{high - low:.1f}%'></span>"
        f"<span class='zf-transfer-chance' style='left:{100 * chance:.1f}%;border-color:{REST}'></span>"
    )
    words = f"95 % interval {low:.1f} to {high:.1f} %; dotted: chance, {chance:.0%}"
    spread = "" if np.isnan(estimate.spread) else f" <span class='zf-quiet'>± {100 * estimate.spread:.1f}</span>"
    number = f"{mean:.1f}%{spread}"
    return f"<td class='zf-transfer-bar' title='{words}'><div>{bar}</div></td><td title='{words}'>{number}</td>"


def _other(found: Transfer, beside: Transfer, place: int, count: int) -> str:
    theirs = beside.estimate(beside.layers[place], count)
    if np.isnan(theirs.mean):
        return "<td>…</td>"
    if not (found.complete and beside.complete):
        return f"<td>{theirs.mean:.1%}</td>"
    more = found.difference(beside, found.layers[place], count, of=beside.layers[place])
    words = f"{100 * more.mean:+.1f} points (95 %: {100 * more.low:+.1f} to {100 * more.high:+.1f})"
    return f"<td title='trained against new weights: {words}'>{theirs.mean:.1%}</td>"

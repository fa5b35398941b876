"""A look at a map as groups and links: between its users and its parts, or down to the first layer."""

from __future__ import annotations

import numpy as np

from zfwidgets.experiments.sharing import SharingBranch, SharingLinks, SharingPart
from zfwidgets.models import Network
from zfwidgets.widgets.sharing_explorer.diagram import Group, Link, Node

SHOWN = 8  # maps above, and below

Drawn = tuple[list[Group], list[Link]]


def focus(
    net: Network,
    layer: str,
    feature: int,
    up: SharingLinks | None,
    down: SharingLinks | None,
    by: str,
    out: tuple[int, ...],
) -> Drawn:
    """The users of a map, itself, and its parts, those among them that are taken out."""
    groups, links = [], []
    title = net.layer(layer).title
    if up is not None:
        users = up.used_by(feature, SHOWN, by)
        whole = up.share[:, feature].sum()
        nodes = tuple(_node(net, up.upper, each, by, f"{each.share:.1%} of it is {title} {feature}") for each in users)
        shown = sum(each.share for each in users) / whole if nodes else 0.0
        uses = f"{shown:.0%} of its use; the rest is in {up.share.shape[0] - len(users)} other maps of "
        note = f"{uses}{net.layer(up.upper).title}" if nodes else "No map above uses it."
        groups.append(Group("Used by", nodes, note, shown))
        links += [Link(0, place, 0, each.share, each.stable) for place, each in enumerate(users)]
    name = net.class_of(layer, feature)
    middle = f"{title} · {feature}{name and f' · {name}'}"
    groups.append(Group("", (Node(layer, feature, middle, f"{title}, feature {feature}", large=True),)))
    if down is not None:
        parts = _parts(down, feature, by, out)
        nodes = tuple(
            _node(net, down.lower, each, by, f"{each.share:.1%} of {title} {feature}", each.feature in out)
            for each in parts
        )
        shown, others = sum(each.share for each in parts), down.share.shape[1] - len(parts)
        note = f"{shown:.0%}; the rest are {others} other maps of {net.layer(down.lower).title}"
        groups.append(Group("Made of", nodes, note if nodes else "Nothing comes down from it.", shown))
        links += [Link(len(groups) - 2, 0, place, each.share, each.stable) for place, each in enumerate(parts)]
    return groups, links


def tree(top: SharingBranch) -> Drawn:
    """A map, its parts, theirs, and so on: a group a layer."""
    levels, links = [[top]], []
    while any(branch.branches for branch in levels[-1]):
        below: list[SharingBranch] = []
        for place, branch in enumerate(levels[-1]):
            for part in branch.branches:
                links.append(Link(len(levels) - 1, place, len(below), part.share, part.stable))
                below.append(part)
        levels.append(below)
    groups = [
        Group(level[0].title, tuple(_leaf(each, first=not depth) for each in level))
        for depth, level in enumerate(levels)
    ]
    return groups, links


def _parts(down: SharingLinks, feature: int, by: str, out: tuple[int, ...]) -> list[SharingPart]:
    """The largest parts of a map, and after them what else is taken out."""
    found = down.made_of(feature, SHOWN, by)
    known = {each.feature for each in found}
    return found + [
        SharingPart(
            other, float(down.share[feature, other]), float(down.lift[feature, other]), bool(down.stable[feature])
        )
        for other in out
        if other not in known
    ]


def _node(net: Network, layer: str, part: SharingPart, by: str, words: str, out: bool | None = None) -> Node:
    number = f"×{part.lift:.1f}" if by == "lift" else f"{part.share:.0%}"
    name = net.class_of(layer, part.feature)
    said = [
        f"{net.layer(layer).title}, feature {part.feature}{name and f' ({name})'}: {words}",
        f"{part.lift:.1f} times as much as in the mean map",
        *([] if part.stable else ["not stable: two halves of the images disagree"]),
        *(["taken out"] if out else []),
    ]
    return Node(layer, part.feature, f"{part.feature} · {number}", "; ".join(said), part.stable, out)


def _leaf(branch: SharingBranch, first: bool) -> Node:
    number, words = str(branch.feature), f"{branch.title}, feature {branch.feature}"
    if first:
        return Node(branch.layer, branch.feature, number, words)
    return Node(
        branch.layer, branch.feature, f"{number}\n{branch.share:.0%}",
        f"{words}: {branch.share:.1%} of the map that it is a part of", branch.stable,
    )  # fmt: skip


def verdict(
    net: Network, layer: str, feature: int, up: SharingLinks | None, down: SharingLinks | None, active: bool
) -> str:
    """What is known of a map, in sentences; whether it is active in any image."""
    title, said = f"{net.layer(layer).title} · {feature}", []
    if down is not None and down.silent[feature]:
        why = "nothing comes down from it" if active else "it is silent"
        said.append(f"{title}: {why} in these images.")
    elif down is not None:
        number, whole = down.effective_parts[feature], down.share.shape[1]
        said.append(f"{title} is made of about {number:.0f} of {whole} maps of {net.layer(down.lower).title}.")
        said.append(_agreement(float(down.stability[feature]), down.null, bool(down.stable[feature])))
    if up is not None and up.effective_users[feature] > 0:
        number, whole = up.effective_users[feature], up.share.shape[0]
        said.append(f"About {number:.0f} of {whole} maps of {net.layer(up.upper).title} use it.")
    return " ".join(said)


def _agreement(found: float, chance: float, stable: bool) -> str:
    if np.isnan(found):
        return "Its images are too few to compare two halves of them."
    if stable:
        return f"Two halves of its images agree ({found:.2f}; other maps: up to {chance:.2f})."
    return (
        f"Two halves of its images disagree ({found:.2f}; other maps: up to {chance:.2f}): take its parts for a guess."
    )

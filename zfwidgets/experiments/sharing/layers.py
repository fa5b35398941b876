"""Between which layers it is worth asking what is made of what."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from zfwidgets.experiments.top_activations import TopActivations
from zfwidgets.models import Network, block_layers, require_network

MOST = 2048  # maps of a layer: beyond, as in fully connected layers of 4096, there is too much to look at


def sharing_layers(net: Network, tops: TopActivations | None = None) -> tuple[str, ...]:
    """The main layers from the last down to the first, less pools, each of whose maps is made of one map, and less
    bottlenecks, which have less than half as many maps as the layers on both sides, and layers of more than 2048. Where
    `tops` are given, only the layers that they know. Raises TypeError where `net` is no network."""
    require_network(net)
    found = block_layers([layer for layer in net.feature_layers if layer.channels <= MOST])
    return tuple(layer.name for layer in reversed(found) if tops is None or layer.name in tops.layers)


def checked_chain(
    net: Network, tops: TopActivations, upper: str | None, lower: str | Sequence[str] | None
) -> tuple[str, ...]:
    """The names of the layers to compare, from the top down, each with the next.

    Raises ValueError where one is above the one before it, or beside it, or where the strongest activations of its
    maps are not known.
    """
    default = sharing_layers(net, tops)
    first = net.layer(upper).name if upper is not None else default[0] if default else ""
    if lower is None:
        known = net.program.needed_for([net.step(first)]) if first else ()
        below = [name for name in default if name != first and net.step(name) in known]
    else:
        below = [net.layer(name).name for name in ([lower] if isinstance(lower, str) else lower)]
    chain = (first, *below)
    if len(chain) < 2 or not first:
        raise ValueError(f"there is no layer below {upper or 'the first'} to compare it with; name one: lower=…")
    for name in chain[:-1]:
        if name not in tops.layers:
            raise ValueError(f"the strongest activations of {name!r} are not known; those of {_some(tops.layers)} are")
    for high, low in pairwise(chain):
        if high == low:
            raise ValueError(f"{high!r} is made of itself: name two layers")
        if net.step(high) in net.program.needed_for([net.step(low)]):
            raise ValueError(f"{low!r} lies above {high!r}: name the upper layer first")
        if net.step(low) not in net.program.needed_for([net.step(high)]):
            raise ValueError(f"{high!r} does not depend on {low!r}: they lie beside each other, on different branches")
    return chain


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "")

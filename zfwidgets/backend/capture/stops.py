"""Where a signal stops on its way down: `detach`, and what was computed without gradients."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import fx

DETACH = torch.ops.aten.detach.default


def real_stops(graph: fx.Graph, images: Collection[fx.Node], output: fx.Node) -> set[fx.Node]:
    """The `detach` nodes that some of what reaches the output goes round, as in a straight-through estimator.

    Those through which everything passes, alone or together (a backbone without gradients), are looked through: else
    nothing at all would be seen.
    """
    stops = [node for node in graph.nodes if node.target is DETACH]
    real = {stop for stop in stops if output in _reached(graph, images, {stop})}
    while real and output not in (reached := _reached(graph, images, real)):
        first = {stop for stop in real if not reached.isdisjoint(stop.all_input_nodes)}
        if not first:
            return set()
        real -= first
    return real


def _reached(graph: fx.Graph, images: Collection[fx.Node], stops: set[fx.Node]) -> set[fx.Node]:
    """What is computed from the images on ways that lead through no stop."""
    reached = set(images) - stops
    for node in graph.nodes:
        if node not in stops and not reached.isdisjoint(node.all_input_nodes):
            reached.add(node)
    return reached

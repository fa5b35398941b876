"""Which values of a graph are feature maps (N, C, H, W), because they are made or read as such."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx

from zfwidgets.backend.capture.writes import is_operator, operator_of

MAKE_MAPS = {  # of what comes first, maps with channels in front: whatever is written with this name in two dimensions
    "conv2d", "convolution", "conv_transpose2d", "max_pool2d", "max_pool2d_with_indices", "avg_pool2d",
    "adaptive_avg_pool2d", "adaptive_max_pool2d", "batch_norm", "_native_batch_norm_legit_no_training", "group_norm",
    "instance_norm", "pixel_shuffle", "pixel_unshuffle", "upsample_nearest2d", "upsample_bilinear2d",
    "upsample_bicubic2d", "deform_conv2d",
}  # fmt: skip


def read_as_maps(graph: fx.Graph) -> set[fx.Node]:
    """The nodes whose value is maps: a convolution, pool or norm gives or reads it, or what is computed from it place
    by place is read so; or it was a vector, and is given a map's shape."""
    found: set[fx.Node] = set()
    for node in reversed(graph.nodes):
        if not is_operator(node) or not node.args or not isinstance(node.args[0], fx.Node):
            continue
        source, operator = node.args[0], operator_of(node)
        makes = str(operator._opname).rstrip("_") in MAKE_MAPS
        if len(_shape(node)) == 4 and (makes or len(_shape(source)) == 2):
            found.add(node)
        if makes and len(_shape(source)) == 4:
            found.add(source)
        elif node in found and torch.Tag.pointwise in operator.tags:
            found.update(each for each in node.all_input_nodes if _shape(each) == _shape(node))
    return found


def _shape(node: fx.Node) -> tuple[Any, ...]:
    value = node.meta.get("val")
    return tuple(value.shape) if isinstance(value, Tensor) else ()

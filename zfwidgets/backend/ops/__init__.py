"""The operations of convolutional networks, one small class each, in files by family."""

from zfwidgets.backend.ops import linear, merging, normalisation, pooling, rectifier, shaping
from zfwidgets.backend.ops.chance import draws, lower_drawn, seeded
from zfwidgets.backend.ops.exact import functional, lower_exactly
from zfwidgets.backend.ops.lowering import LOWERINGS, Batch, Call, Lowered
from zfwidgets.backend.ops.normalisation import ContrastNorm
from zfwidgets.backend.ops.shaping import Detached

__all__ = [
    "LOWERINGS",
    "Batch",
    "Call",
    "ContrastNorm",
    "Detached",
    "Lowered",
    "draws",
    "functional",
    "linear",
    "lower_exactly",
    "merging",
    "normalisation",
    "pooling",
    "rectifier",
    "seeded",
    "shaping",
]


def lower(call: Call, output: int | None = None) -> Lowered:
    """The operation for one node of the graph (or one of its several outputs): by its own lowering, which knows the
    first output only, else by the exact gradient."""
    if draws(call):
        return lower_drawn(call, output)
    target = functional(call.target)
    lowering = LOWERINGS.get(f"{target._opname}.{target._overloadname}")
    found = lowering(call) if lowering and not output else None
    if found is None:
        return lower_exactly(call, output)
    return found if isinstance(found, Lowered) else Lowered(found, call.space)

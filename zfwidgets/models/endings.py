"""What is known of the numbers that a network ends in, whatever the image: their bounds and their sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, isnan, nan, prod
from typing import Any

import torch
from torch import Tensor

from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.ops.merging import Affine, Concatenation, Product, Sum
from zfwidgets.backend.ops.pooling import AdaptivePool, AveragePool, MaxPool, SpatialMean
from zfwidgets.backend.ops.rectifier import Rectifier
from zfwidgets.backend.ops.shaping import Narrow, Permute, Reshape

CLOSE = 1e-3  # a probability is often cut off a little above 0 and below 1


@dataclass(frozen=True)
class Numbers:
    """What is known of a step's numbers for one image."""

    low: float = -inf
    high: float = inf
    total: float = nan  # of all of them, where it is the same for every image
    logarithm: bool = False  # they are the logarithms of such numbers
    origin: str = ""  # the operation that they owe it to

    @property
    def probabilities(self) -> bool:
        """Whether each lies between 0 and 1."""
        return self.low >= -CLOSE and self.high <= 1 + CLOSE

    @property
    def shares(self) -> bool:
        """Whether they are probabilities that sum to 1."""
        return self.probabilities and abs(self.total - 1) < CLOSE


UNKNOWN = Numbers()
Rule = Callable[[Step, Sequence[Numbers]], Numbers]
ENDINGS = {  # what students call the operations that end in probabilities, by ATen's name
    "sigmoid": "sigmoid", "special_expit": "sigmoid", "hardsigmoid": "hard sigmoid",
    "log_sigmoid": "log-sigmoid", "log_sigmoid_forward": "log-sigmoid",
    "softmax": "softmax", "safe_softmax": "softmax", "log_softmax": "log-softmax",
}  # fmt: skip
_RULES: dict[Any, Rule] = {}  # by the class of an operation, or by ATen's name for those without one


def ending(program: Program) -> Numbers:
    """What is known of a network's output."""
    found: dict[Step, Numbers] = {program.input: UNKNOWN}
    for step in program.needed_for([program.output])[1:]:
        op: Any = step.op
        rule = _RULES.get(op.kind if op.fallback else type(op))
        known = rule(step, [found[source] for source in step.inputs]) if rule else UNKNOWN
        found[step] = UNKNOWN if isnan(known.low) or isnan(known.high) else known
    return found[program.output]


def _known(*operations: Any) -> Callable[[Rule], Rule]:
    """The rule for some operations."""

    def add(rule: Rule) -> Rule:
        _RULES.update(dict.fromkeys(operations, rule))
        return rule

    return add


@_known(*ENDINGS)
def _named(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    """Of a sigmoid, each by itself; those of a softmax sum to 1 along one dimension."""
    op: Any = step.op
    name, total = ENDINGS[op.kind], nan
    if "softmax" in name and step.batched and op.arguments["dim"] % step.ndim:
        total = prod(step.shape) / step.size(op.arguments["dim"] % step.ndim)
    return Numbers(0, 1, total, name.startswith("log"), name)


@_known("tanh")
def _tanh(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    return Numbers(-1, 1, origin="tanh")


@_known("exp")
def _exp(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    (x,) = inputs
    return replace(x, logarithm=False) if x.logarithm else Numbers(_power(x.low), _power(x.high), origin="exp")


@_known("log")
def _log(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    (x,) = inputs
    return replace(x, logarithm=True) if x.probabilities and not x.logarithm else UNKNOWN


@_known("reciprocal")
def _reciprocal(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    (x,) = inputs
    return Numbers(1 / x.high, 1 / x.low, origin=x.origin) if x.low > 0 and not x.logarithm else UNKNOWN


@_known("neg")
def _negative(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    return _scaled(step, inputs[0], -1, 0)


@_known("rsub")
def _subtracted(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    """From a constant: 1 - p."""
    op: Any = step.op
    constant = op.arguments["other"]
    known = isinstance(constant, int | float)
    return _scaled(step, inputs[0], -op.arguments["alpha"], constant) if known else UNKNOWN


@_known(Affine)
def _affine(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    op: Any = step.op
    if op.factor.numel() == op.shift.numel() == 1:
        return _scaled(step, inputs[0], float(op.factor), float(op.shift))
    ends = torch.stack([op.factor * end + op.shift for end in (inputs[0].low, inputs[0].high)])
    return UNKNOWN if inputs[0].logarithm else Numbers(float(ends.min()), float(ends.max()), origin=inputs[0].origin)


def _scaled(step: Step, x: Numbers, factor: float, shift: float) -> Numbers:
    """Multiplied by a number, and a number added."""
    if x.logarithm or factor == 0:
        return UNKNOWN
    low, high = sorted((factor * x.low + shift, factor * x.high + shift))
    return Numbers(low, high, factor * x.total + shift * prod(step.shape), origin=x.origin)


@_known(Sum)
def _sum(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    op: Any = step.op
    x, y = inputs[0], _scaled(step, inputs[1], op.factor, 0)
    if x.logarithm or inputs[1].logarithm:
        return UNKNOWN
    alike = all(source.shape == step.shape for source in step.inputs)
    return Numbers(x.low + y.low, x.high + y.high, x.total + y.total if alike else nan, origin=x.origin)


@_known(Product)
def _product(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    """Of numbers that lie between 0 and something."""
    x, y = inputs
    if x.logarithm or y.logarithm or min(x.low, y.low) < 0 or inf in (x.high, y.high):
        return UNKNOWN
    return Numbers(x.low * y.low, x.high * y.high, origin=x.origin)


@_known("div")
def _divided(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    """Numbers above zero by their sum: a softmax written out."""
    if len(inputs) != 2 or inputs[0].logarithm or inputs[0].low < 0 or not _sums(step.inputs[1], step.inputs[0]):
        return UNKNOWN
    return Numbers(0, 1, prod(step.inputs[1].shape))


def _sums(step: Step, source: Step) -> bool:
    """Whether a step is the sum of another's numbers along some of its dimensions."""
    op: Any = step.op
    if op is None or op.kind != "sum" or not op.arguments.get("keepdim"):
        return False
    if 0 in [dim % step.ndim for dim in op.arguments.get("dim") or [0]]:
        return False
    (summed,) = step.inputs
    same = summed.op and source.op and summed.op.kind == source.op.kind and summed.op.fallback
    return summed is source or bool(same and summed.inputs == source.inputs and len(source.inputs) == 1)


@_known(Rectifier, "clamp", "clamp_min")
def _clamped(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    x, (low, high) = inputs[0], _limits(step.op)
    if isnan(low) or x.logarithm:
        return UNKNOWN
    cut = x.low < low - CLOSE or x.high > high + CLOSE
    return Numbers(min(max(x.low, low), high), max(min(x.high, high), low), nan if cut else x.total, origin=x.origin)


def _limits(op: Any) -> tuple[float, float]:
    """Where an operation cuts numbers off; NaN where it does more than that."""
    name, given = (
        (getattr(op.function, "_opname", ""), op.options) if isinstance(op, Rectifier) else (op.kind, op.arguments)
    )
    if name in ("relu", "relu6"):
        return 0, 6 if name == "relu6" else inf
    low, high = (given.get(name, given.get(f"{name}_val")) for name in ("min", "max"))
    if name not in ("clamp", "clamp_min", "hardtanh") or any(isinstance(limit, Tensor) for limit in (low, high)):
        return nan, nan
    return -inf if low is None else low, inf if high is None else high


@_known(AveragePool, SpatialMean, "mean")
def _mean(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    """Shares at every place of a map are shares when averaged over the map."""
    op: Any = step.op
    (x,), (source,) = inputs, step.inputs
    if x.logarithm or getattr(op, "divisor", None) is not None:
        return UNKNOWN
    whole = step.averages_all() or (
        op.fallback and 0 not in [dim % source.ndim for dim in op.arguments.get("dim", [0])]
    )
    total = x.total * prod(step.shape) / prod(source.shape) if whole and source.batched else nan
    return Numbers(min(x.low, 0), max(x.high, 0), total, origin=x.origin)


@_known(
    Reshape, Permute, Narrow, Concatenation, MaxPool, AdaptivePool, "amax", "amin", "stack", "select", "slice",
    "flatten", "view", "reshape", "flip", "clone", "alias", "expand", "index",
)  # fmt: skip
def _moved(step: Step, inputs: Sequence[Numbers]) -> Numbers:
    """Only put elsewhere: where all of them are, their sum is."""
    op: Any = step.op
    x = inputs[0]
    if any(other.logarithm != x.logarithm for other in inputs) or (x.logarithm and isinstance(op, AdaptivePool)):
        return UNKNOWN
    all_there = step.batched and prod(step.shape) == sum(prod(source.shape) for source in step.inputs)
    total = sum(other.total for other in inputs) if all_there and op.kind not in ("pool", "index") else nan
    low, high = min(other.low for other in inputs), max(other.high for other in inputs)
    return Numbers(low, high, total, x.logarithm, x.origin)


def _power(exponent: float) -> float:
    return inf if exponent > 700 else exp(exponent)

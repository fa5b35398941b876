"""Pooling: the maximum, which remembers its switches, and the average."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.backend.device import properties_of
from zfwidgets.backend.graph.op import Op, Rule, Size
from zfwidgets.backend.graph.window import Adaptive, Window
from zfwidgets.backend.ops.linear import Pair, pair
from zfwidgets.backend.ops.lowering import Call, Lowered, lowers

aten = torch.ops.aten


@dataclass(frozen=True, eq=False)
class MaxPool(Op):
    """Keeps where each maximum was (the switches); projecting puts the signal back there.

    Where pools overlap, one position can be the maximum of several; their signals are added, as the exact transpose
    does. The paper leaves this open.
    """

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    ceil: bool

    def forward(self, x: Tensor) -> Tensor:
        if properties_of(x.device).pools_channels_last:
            return self._with_switches(x)[0]
        return F.max_pool2d(x, *self._geometry)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[Tensor, tuple[int, ...]]]:
        y, switches = self._with_switches(inputs[0])
        return y, (switches, tuple(inputs[0].shape[1:]))

    def _with_switches(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """On a CPU, torch's kernel for channels last finds the same maxima three to five times faster."""
        if not properties_of(x.device).pools_channels_last:
            return aten.max_pool2d_with_indices(x, *self._geometry)
        last = x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
        y, switches = aten.max_pool2d_with_indices(last, *self._geometry)
        return (y, switches) if last is x else (y.contiguous(), switches.contiguous())

    def project(self, signal: Tensor, saved: tuple[Tensor, tuple[int, ...]], rule: Rule) -> tuple[Tensor]:
        switches, shape = saved
        x = signal.new_empty((signal.shape[0], *shape))  # only its shape is read
        return (aten.max_pool2d_with_indices_backward(signal, x, *self._geometry, switches),)

    @property
    def _geometry(self) -> tuple[Pair, Pair, Pair, Pair, bool]:
        return self.kernel, self.stride, self.padding, self.dilation, self.ceil

    @property
    def window(self) -> Window:
        return Window.sliding(self.kernel, self.stride, self.padding, self.dilation)

    @property
    def border(self) -> float:
        return -torch.inf

    def unpadded(self, inputs: Size, outputs: Size) -> Op:
        return replace(self, padding=(0, 0), ceil=False)

    @property
    def kind(self) -> str:
        return "pool"


@lowers("max_pool2d.default", "max_pool2d_with_indices.default")
def _max_pool(call: Call) -> Op:
    kernel, stride = pair(call["kernel_size"]), pair(call["stride"] or call["kernel_size"])
    return MaxPool(kernel, stride, pair(call["padding"]), pair(call["dilation"]), call["ceil_mode"])


@dataclass(frozen=True, eq=False)
class AveragePool(Op):
    """The mean of each window; projecting spreads the signal evenly over the window."""

    kernel: Pair
    stride: Pair
    padding: Pair
    ceil: bool = False
    counts_padding: bool = True
    divisor: int | None = None

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, *self._geometry)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[int, ...]]:
        return self.forward(*inputs), tuple(inputs[0].shape[1:])

    def project(self, signal: Tensor, saved: tuple[int, ...], rule: Rule) -> tuple[Tensor]:
        x = signal.new_empty((signal.shape[0], *saved))  # only its shape is read
        return (aten.avg_pool2d_backward(signal, x, *self._geometry),)

    @property
    def _geometry(self) -> tuple[Pair, Pair, Pair, bool, bool, int | None]:
        return self.kernel, self.stride, self.padding, self.ceil, self.counts_padding, self.divisor

    @property
    def window(self) -> Window:
        return Window.sliding(self.kernel, self.stride, self.padding, (1, 1))

    def unpadded(self, inputs: Size, outputs: Size) -> Op | None:
        return replace(self, padding=(0, 0), ceil=False) if self._divides_alike(inputs, outputs) else None

    def averages_all(self, inputs: Size, outputs: Size) -> bool:
        return inputs == self.kernel and outputs == (1, 1) and self.divisor is None and not any(self.padding)

    def _divides_alike(self, inputs: Size, outputs: Size) -> bool:
        """Every position is the mean of equally many numbers, also at the border."""
        if self.divisor is not None:
            return True
        if any(self.padding) and not self.counts_padding:
            return False
        places = zip(inputs or (), outputs or (), strict=True)
        return all(
            (outputs - 1) * stride + kernel <= size + 2 * padding
            for (size, outputs), stride, kernel, padding in zip(
                places, self.stride, self.kernel, self.padding, strict=True
            )
        )

    @property
    def kind(self) -> str:
        return "pool"


@lowers("avg_pool2d.default")
def _average_pool(call: Call) -> Op:
    kernel, stride = pair(call["kernel_size"]), pair(call["stride"] or call["kernel_size"])
    return AveragePool(
        kernel, stride, pair(call["padding"]), call["ceil_mode"], call["count_include_pad"], call["divisor_override"]
    )


@dataclass(frozen=True, eq=False)
class AdaptivePool(Op):
    """Average or maximum over a fixed number of bins that do not divide the map evenly (they may overlap)."""

    bins: Pair
    maximum: bool = False

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(x, self.bins) if self.maximum else F.adaptive_avg_pool2d(x, self.bins)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[Tensor | None, tuple[int, ...]]]:
        shape = tuple(inputs[0].shape[1:])
        if not self.maximum:
            return self.forward(*inputs), (None, shape)
        y, switches = F.adaptive_max_pool2d_with_indices(inputs[0], self.bins)
        return y, (switches, shape)

    def project(self, signal: Tensor, saved: tuple[Tensor | None, tuple[int, ...]], rule: Rule) -> tuple[Tensor]:
        switches, shape = saved
        x = signal.new_empty((signal.shape[0], *shape))  # only its shape is read
        if switches is None:
            return (aten._adaptive_avg_pool2d_backward(signal, x),)
        return (aten.adaptive_max_pool2d_backward(signal, x, switches),)

    @property
    def window(self) -> Window:
        return Window(Adaptive(self.bins[0]), Adaptive(self.bins[1]))

    @property
    def kind(self) -> str:
        return "pool"


@lowers("adaptive_avg_pool2d.default", "adaptive_max_pool2d.default")
def _adaptive_pool(call: Call) -> Op | None:
    step = call.inputs[0]
    if step.space != (2, 3) or step.ndim != 4:
        return None
    size, bins = step.shape[1:], (call.shape[1], call.shape[2])
    maximum = "max" in call.target._opname
    if size[0] % bins[0] or size[1] % bins[1]:
        return AdaptivePool(bins, maximum)
    kernel = (size[0] // bins[0], size[1] // bins[1])
    if maximum:
        return MaxPool(kernel, kernel, (0, 0), (1, 1), ceil=False)
    return AveragePool(kernel, kernel, (0, 0))


@dataclass(frozen=True, eq=False)
class SpatialMean(Op):
    """The mean over the whole map, rows and columns gone; projecting spreads the signal evenly."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[int, ...]]:
        return self.forward(*inputs), tuple(inputs[0].shape[2:])

    def project(self, signal: Tensor, saved: tuple[int, ...], rule: Rule) -> tuple[Tensor]:
        height, width = saved
        return ((signal / (height * width))[..., None, None].expand(*signal.shape, height, width),)

    def averages_all(self, inputs: Size, outputs: Size) -> bool:
        return True

    @property
    def kind(self) -> str:
        return "pool"


@lowers("mean.dim")
def _mean(call: Call) -> Op | Lowered | None:
    step = call.inputs[0]
    if step.space != (2, 3) or step.ndim != 4 or sorted(d % 4 for d in call["dim"]) != [2, 3]:
        return None
    if call["keepdim"]:
        kernel = (step.shape[1], step.shape[2])
        return AveragePool(kernel, kernel, (0, 0))
    return Lowered(SpatialMean(), space=None)

"""Small networks in float64, each with one trap for whoever reads networks.

Each is stem → trap → head. The stem's stride, kernel and padding differ between rows and columns, and so do the
images' sides, so that a transposition anywhere is found out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

CHANNELS = 8  # of the stem's output


class Around(nn.Module):
    def __init__(self, trap: nn.Module, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(shape[0], CHANNELS, (3, 4), stride=(2, 1), padding=(1, 2))
        self.trap = trap
        after = self._shape_after(torch.zeros(2, *shape))
        self.head: nn.Module = nn.Linear(after[1], 5)
        if len(after) == 4:
            self.head = nn.Conv2d(after[1], 5, (3, min(2, after[3])), padding=(1, 0))

    @torch.no_grad()
    def _shape_after(self, x: Tensor) -> torch.Size:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")  # torch, once a process
            return self.eval().trap(self.stem(x)).shape

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trap(self.stem(x)))


class Apply(nn.Module):
    """A function as a module, with modules of its own."""

    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in zip("abc", parts, strict=False):
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self._modules.values())


@dataclass(frozen=True)
class Trap:
    build: Callable[[], nn.Module]
    shape: tuple[int, int, int] = (3, 22, 19)
    fallback: tuple[str, ...] = ()  # the operations that go down by their exact gradient
    smooth: bool = False  # no maximum, no dead half: the gradient reaches all that a unit sees
    whole: bool = False  # units above the trap see everything: they are computed on the whole image
    uneven: bool = False  # what the trap does at a border depends on where it is: again on the whole image
    loose: bool = False  # of what units above the trap see, the program knows a box that may be too large
    differentiable: bool = True  # autograd takes it, so that there is an oracle


def conv(*args: object, **options: object) -> nn.Conv2d:
    return nn.Conv2d(*args, **options)  # type: ignore[arg-type]


def function(f: Callable[..., Tensor], *parts: type[nn.Module] | Callable[[], nn.Module], **options: object) -> Trap:
    return Trap(lambda: Apply(f, *(part() for part in parts)), **options)  # type: ignore[arg-type]


ABOUT = ("shape", "fallback", "smooth", "whole", "uneven", "loose", "differentiable")


def layer(kind: Callable[..., nn.Module], *args: object, **options: object) -> Trap:
    about = {name: options.pop(name) for name in ABOUT if name in options}
    return Trap(lambda: kind(*args, **options), **about)  # type: ignore[arg-type]


def with_parameter(f: Callable[[Tensor, Tensor], Tensor], *shape: int) -> Callable[[], nn.Module]:
    class WithParameter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.p = nn.Parameter(torch.randn(*shape))

        def forward(self, x: Tensor) -> Tensor:
            return f(x, self.p)

    return WithParameter

"""A module that is being trained, looked into at any time: captured once, on the very tensors that change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from zfwidgets.backend.capture.wrappers import unwrapped
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.random_states import states_kept
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.models.captured import program_for
from zfwidgets.models.checks import checked_size, working_type
from zfwidgets.models.network import Network


class LiveModule:
    """Gives the network of a module as it is at the moment.

    Its program reads the module's own parameters and buffers, so what an optimizer does to them is seen without another
    capture. Where a program holds numbers that are made from parameters (normalised weights, say), or a tensor was
    replaced, it is captured anew. The module keeps the mode of each of its parts, and nobody's random numbers change.
    """

    def __init__(self, module: nn.Module, size: Any, preprocess: Any = None, labels: Any = None) -> None:
        self.module = unwrapped(module)
        self._how = checked_size(size), preprocess, labels
        self._program: Program | None = None  # on the module's own tensors
        self._net: Network | None = None

    def network(self) -> Network:
        """The network as it is now. Its weights are the module's: use it before the next step of the training.

        Raises ValueError where it cannot be captured.
        """
        with states_kept(), undisturbed():
            if self._program is None or not _reads(self._program, self.module):
                self._capture()
            assert self._program is not None
            assert self._net is not None
            kind = working_type(self.module)
            same = all(p.dtype == kind for p in self.module.parameters() if p.is_floating_point())
            self._net.dtype = kind
            self._net.program = self._program if same else self._program.to(self._net.device, kind)
            return self._net

    def _capture(self) -> None:
        size, preprocess, labels = self._how
        self._program = program_for(self.module, size, preprocess, None, None)
        device = next(self.module.parameters()).device
        self._net = Network(self._program, size, labels, preprocess, device, name=type(self.module).__name__)


def _reads(program: Program, module: nn.Module) -> bool:
    """Whether all that a program computes with are tensors of the module, as they are now."""
    own = {place for tensor in [*module.parameters(), *module.buffers()] if (place := _place(tensor))}
    return all(_place(tensor) in own for step in program.steps if step.op for tensor in _tensors(step.op))


def _place(tensor: Tensor) -> tuple[torch.device, int]:
    return tensor.device, tensor.untyped_storage().data_ptr()


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name))

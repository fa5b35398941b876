"""A module's program, for images of as many channels as the module takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.capture.refusals import UnfitImages
from zfwidgets.backend.capture.wrappers import unwrapped
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.models.checks import check_module, checked_size, notes_on, working_type
from zfwidgets.models.preprocess import Preprocess, Transform, as_preprocess
from zfwidgets.models.random_preprocess import settled
from zfwidgets.models.remembered import remembered


@dataclass(frozen=True, eq=False)
class Captured:
    """A program, and what else a network takes from what it is made of."""

    name: str  # of the class
    program: Program
    preprocess: Preprocess | Transform
    notes: tuple[str, ...] = ()  # sentences for the report
    dtype: torch.dtype = torch.float32  # what it computes with


def captured(
    module: nn.Module | Program, size: Any, preprocess: Any, channels: int | None, output: Any, device: torch.device
) -> Captured:
    """The program of a module, or one that is given, copied to a device, with its preprocessing.

    Raises:
        TypeError: it is neither.
        ValueError: weights that are not finite, an impossible size; or it cannot be captured.
    """
    if isinstance(module, Program):
        with undisturbed():
            program = module.to(device, torch.float32)
        prepare, notes = settled(as_preprocess(preprocess, module.input.shape[1:], module.input.shape[0]))
        return Captured("Program", program, prepare, notes)
    check_module(module)
    module = unwrapped(module)
    size, dtype = checked_size(size), working_type(module)

    def capture_anew() -> Program:
        program = program_for(module, size, preprocess, channels, output)
        with undisturbed():
            return program.to(device, dtype)

    how = (as_preprocess(preprocess, size, 3).size, channels, output if output is None else repr(output), str(device))
    program = remembered(module, how, capture_anew)
    with undisturbed():
        prepare, notes = settled(as_preprocess(preprocess, size, program.input.shape[0]))
    return Captured(type(module).__name__, program, prepare, (*notes_on(module), *notes), dtype)


def program_for(
    module: nn.Module, size: tuple[int, int], preprocess: Any, channels: int | None, output: Any
) -> Program:
    """The program for images of so many channels; by default three, as photographs have, else what the
    first convolution reads, else one: whatever the module takes first.

    Raises ValueError, as `capture` does, when it takes none of them.
    """
    likeliest = channels or _first_channels(module)
    possible = [channels] if channels else dict.fromkeys([3, likeliest, 1])
    refusals: dict[int, UnfitImages] = {}
    for count in possible:
        prepare = as_preprocess(preprocess, size, count)
        try:
            return capture(module, (count, *prepare.size), output)
        except UnfitImages as error:
            refusals[count] = error
    tried = ", ".join(map(str, possible))
    hint = "" if channels else f"; tried with {tried} channels, channels= says how many there are"
    refusal = refusals[likeliest]
    raise ValueError(f"{refusal}{hint}") from refusal


def _first_channels(module: nn.Module) -> int:
    return next((part.in_channels for part in module.modules() if isinstance(part, nn.Conv2d)), 3)

"""A module's program, for images of as many channels as the module takes."""

from __future__ import annotations

from typing import Any

from torch import nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.capture.refusals import UnfitImages
from zfwidgets.backend.graph.program import Program
from zfwidgets.models.preprocess import Preprocess, Transform, as_preprocess


def captured(
    module: nn.Module, size: tuple[int, int], preprocess: Any, channels: int | None, output: Any
) -> tuple[Preprocess | Transform, Program]:
    """The preprocessing and the program, for so many channels; by default three, as photographs have, else what the
    first convolution reads, else one: whatever the module takes first.

    Raises ValueError, as `capture` does, when it takes none of them.
    """
    likeliest = channels or _first_channels(module)
    possible = [channels] if channels else dict.fromkeys([3, likeliest, 1])
    refusals: dict[int, UnfitImages] = {}
    for count in possible:
        prepare = as_preprocess(preprocess, size, count)
        try:
            return prepare, capture(module, (count, *prepare.size), output)
        except UnfitImages as error:
            refusals[count] = error
    tried = ", ".join(map(str, possible))
    hint = "" if channels else f"; tried with {tried} channels, channels= says how many there are"
    refusal = refusals[likeliest]
    raise ValueError(f"{refusal}{hint}") from refusal


def _first_channels(module: nn.Module) -> int:
    return next((part.in_channels for part in module.modules() if isinstance(part, nn.Conv2d)), 3)

"""Why a module cannot be captured, said in its owner's words."""

from __future__ import annotations

import traceback
from types import FrameType

from torch import nn


def explain(error: Exception, module: nn.Module, shape: tuple[int, int, int]) -> ValueError:
    """The error to raise instead of torch's own: what went wrong, in which module, on which line."""
    where = _where(error, module)
    channels, height, width = shape
    reason = _reason(error)
    return ValueError(
        f"{type(module).__name__} cannot be captured for images of {channels} channels, {height}×{width} pixels: "
        f"{reason}{where}"
    )


def _reason(error: Exception) -> str:
    name, text = type(error).__name__, str(error).strip()
    first = next((line for line in text.splitlines() if line.strip()), name)
    if "DataDependent" in name or "data-dependent" in text or "__bool__" in text:
        return (
            "what it computes depends on the values in the image (an `if` on a tensor, `.item()`, a loop of data-"
            "dependent length), so it is not one fixed network. Take that decision outside the module"
        )
    if ("dynamic" in text and "batch" in text) or "Constraints violated" in text or "specialized" in text:
        return "it only works for one fixed number of images (a batch size written into a reshape?)"
    return first


def _where(error: Exception, module: nn.Module) -> str:
    """The innermost line of code that belongs to a part of the module outside torch itself."""
    names = {id(part): name or "the module itself" for name, part in module.named_modules()}
    found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        owner = frame.f_locals.get("self")
        if id(owner) in names and not _of_torch(frame):
            found = f" (in {names[id(owner)]}, {frame.f_code.co_filename}, line {line})"
    return found


def _of_torch(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).split(".")[0] == "torch"

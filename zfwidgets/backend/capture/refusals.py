"""Why a module cannot be captured, said in its owner's words."""

from __future__ import annotations

import re
import traceback
from types import FrameType

from torch import fx, nn
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols

Shape = tuple[int, int, int]  # channels, height, width
DEPENDS_ON_VALUES = (
    "what it computes depends on the values in the image (an `if` on a tensor, `.item()`, a loop of data-dependent "
    "length), so it is not one fixed network. Take that decision outside the module"
)


def explain(error: Exception, module: nn.Module, shape: Shape) -> ValueError:
    """The error to raise instead of torch's own: what went wrong, in which module, on which line."""
    return _refusal(module, shape, _reason(error), _where(error, module))


def refuse_values_as_numbers(graph: fx.Graph, module: nn.Module, shape: Shape) -> None:
    """Raise where a value in the image became a number or a size (`.item()`, a mask): torch lets that pass."""
    for node in graph.nodes:
        value = node.meta.get("val")
        if value is not None and free_unbacked_symbols(value):
            raise _refusal(module, shape, DEPENDS_ON_VALUES, origin(node))


def _refusal(module: nn.Module, shape: Shape, reason: str, where: str) -> ValueError:
    channels, height, width = shape
    return ValueError(
        f"{type(module).__name__} cannot be captured for images of {channels} channels, {height}×{width} pixels: "
        f"{reason}{where}"
    )


def _reason(error: Exception) -> str:
    name, text = type(error).__name__, str(error).strip()
    first = next((line for line in text.splitlines() if line.strip()), name)
    if "DataDependent" in name or "data-dependent" in text or "__bool__" in text:
        return DEPENDS_ON_VALUES
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


def origin(node: fx.Node) -> str:
    """For the end of a message: where in the module a node of the graph comes from."""
    stack = node.meta.get("nn_module_stack") or {"": ("", "")}
    name = list(stack.values())[-1][0] or "the module itself"
    lines = re.findall(r'File "(.+)", line (\d+), in', node.meta.get("stack_trace") or "")
    return f" (in {name}, {lines[-1][0]}, line {lines[-1][1]})" if lines else f" (in {name})"


def _of_torch(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).split(".")[0] == "torch"

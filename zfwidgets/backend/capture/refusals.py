"""Why a module cannot be captured, said in its owner's words."""

from __future__ import annotations

import inspect
import operator
import re
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import fx, nn
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols

TORCH = Path(torch.__file__).parent
Shape = tuple[int, int, int]  # channels, height, width
DEPENDS_ON_VALUES = (
    "what it computes depends on the values in the image (an `if` on a tensor, `.item()`, a loop of data-dependent "
    "length), so it is not one fixed network. Take that decision outside the module"
)


TAKEN_OUT_WORDS = (  # torch's, as its versions have them
    "fake tensor in the exported program",
    ".numpy() is not supported",
    "is not tracked with proxy",
)
TAKEN_OUT = (
    "it takes numbers out of the computation (`.data`, `.numpy()`, `torch.tensor(x)`); write `.detach()` for `.data`"
)
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
QUANTISED = ("torch.ao.nn.quantized", "torch.nn.quantized", "torch.ao.nn.intrinsic.quantized")
ADVICE = re.compile(  # of torch's, for other uses of export than this one
    r"\s*(?:Maybe try|For more|Please |Hint|The following|To debug|See |Such attributes|In order to|Consider |"
    r"Set TORCH|This typically|If you |\(occurred|Could not guard).*",
    re.DOTALL,
)


def refuse_what_is_no_float_module(module: nn.Module) -> None:
    """Raise ValueError, with what would do, for modules that cannot be looked into at all."""
    for name, part in module.named_modules():
        where = f" (its part {name!r})" if name else ""
        if isinstance(part, torch.jit.ScriptModule):
            raise ValueError(
                f"this is TorchScript{where}, of which only the compiled code is left. Give the module that "
                "torch.jit.script or torch.jit.trace was called with"
            )
        if type(part).__module__.startswith(QUANTISED):
            raise ValueError(
                f"{type(module).__name__} is quantised{where}, and whole numbers have no gradient. Give the "
                "floating-point module from which it was made"
            )
    given = _parameters(module)
    if given and not any(each.kind in POSITIONAL or _takes_many(each) for each in given):
        raise ValueError(
            f"{type(module).__name__} takes its inputs by name ({', '.join(map(str, given))}); give a module whose "
            "forward takes one batch of images, and passes it on by that name"
        )
    needed = [
        each.name
        for each in given
        if each.default is each.empty and each.kind in (*POSITIONAL, inspect.Parameter.KEYWORD_ONLY)
    ]
    if len(needed) > 1:
        raise ValueError(
            f"{type(module).__name__} takes several inputs ({', '.join(needed)}); give a module whose forward takes "
            "one batch of images and makes the others itself"
        )


def _parameters(module: nn.Module) -> list[inspect.Parameter]:
    return list(inspect.signature(module.forward).parameters.values())


def _takes_many(parameter: inspect.Parameter) -> bool:
    return parameter.kind is inspect.Parameter.VAR_POSITIONAL


class UnfitImages(ValueError):
    """The module does not compute anything for images of this shape."""


def explain(error: Exception, module: nn.Module, shape: Shape) -> ValueError:
    """The error to raise instead of torch's own: what went wrong, in which module, on which line."""
    known = _known_reason(error, module)
    where = "" if _is_ours(error) else _where(error, module)
    channels, height, width = shape
    refusal = (
        f"{type(module).__name__} cannot be captured for images of {channels} channels, {height}×{width} pixels: "
        f"{known or _plain(error)}{where}"
    )
    return ValueError(refusal) if known else UnfitImages(refusal)


def refuse_values_as_numbers(graph: fx.Graph) -> None:
    """Raise where a value in the image became a number or a size (`.item()`, a mask): torch lets that pass."""
    for node in graph.nodes:
        value = node.meta.get("val")
        if value is not None and free_unbacked_symbols(value):
            raise ValueError(f"{DEPENDS_ON_VALUES}{origin(node)}")


def refuse_company(node: fx.Node) -> None:
    """Raise for an operation that computes something from all images of a batch at once."""
    raise ValueError(
        f"what {words_of(node)} computes for one image depends on the other images of the batch. Let it look at each "
        "image by itself, as `x.amin((1, 2, 3), keepdim=True)` does instead of `x.min()`, and a batch norm with "
        f"`track_running_stats=True`{origin(node)}"
    )


def _known_reason(error: Exception, module: nn.Module) -> str | None:
    name, text = type(error).__name__, str(error)
    if _is_ours(error):
        return text
    if "DataDependent" in name or "data-dependent" in text or "__bool__" in text:
        return DEPENDS_ON_VALUES
    if ("dynamic" in text and "batch" in text) or "Constraints violated" in text or "specialized" in text:
        return (
            "it only works for one fixed number of images (a batch size written into a reshape, or `len(x)`, which "
            "Python makes a fixed number: write `x.shape[0]`)"
        )
    if isinstance(error, IndexError) and "tuple index" in text and any(map(_takes_many, _parameters(module))):
        return "it takes several inputs; give a module whose forward takes one batch of images"
    if unknown := re.search(r"Found <class '(?:.*\.)?(\w+)'> in output", text):
        return f"its forward returns {unknown[1]}; let it return a tensor, or a dictionary, list or tuple of tensors"
    if any(words in text for words in TAKEN_OUT_WORDS):
        return TAKEN_OUT
    return None


def _plain(error: Exception) -> str:
    """The first line of what torch says, without advice that leads elsewhere, and with N for the number of images."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    said = re.sub(r"\b[su]\d+\b", "N", ADVICE.sub("", first)).rstrip(" .:") or first
    if "is invalid for input of size" in said:
        return f"a reshape does not fit (for one number of images only, or images of another size?): {said}"
    return said


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
    found = re.findall(r'File "(.+)", line (\d+), in', node.meta.get("stack_trace") or "")
    lines = [(path, line) for path, line in found if not Path(path).is_relative_to(TORCH)]
    return f" (in {name}, {lines[-1][0]}, line {lines[-1][1]})" if lines else f" (in {name})"


def _is_ours(error: Exception) -> bool:
    """Whether it was raised here, in words that need no others."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return isinstance(error, ValueError) and str(frames[-1].f_globals.get("__name__", "")).startswith("zfwidgets.")


def words_of(node: fx.Node) -> str:
    """What an operation is called: `batch_norm`."""
    target: Any = node.args[0].target if node.target is operator.getitem else node.target  # type: ignore[union-attr]
    return str(getattr(target, "_opname", target)).strip("_")


def _of_torch(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).split(".")[0] == "torch"

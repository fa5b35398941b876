"""From a PyTorch module to a `Program`, through `torch.export`."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

from zfwidgets.backend.capture.alone import answer_alone, compare_with_alone, compare_with_module, notes_on_gradients
from zfwidgets.backend.capture.apart import as_read, notes_on_hooks, quiet
from zfwidgets.backend.capture.contexts import NoticeGradients, without_contexts
from zfwidgets.backend.capture.outputs import Asked, chosen_output, result_at
from zfwidgets.backend.capture.refusals import explain, refuse_values_as_numbers, refuse_what_is_no_float_module
from zfwidgets.backend.capture.walk import Walk
from zfwidgets.backend.capture.wrappers import unwrapped
from zfwidgets.backend.capture.writes import without_writes
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.random_states import random_states, same, states_from
from zfwidgets.backend.surroundings import undisturbed

Shape = tuple[int, int, int]  # channels, height, width
BAKED_IN = (
    "The module draws random numbers of Python or NumPy in evaluation mode: here it has drawn once, for all images."
)


def capture(module: nn.Module, shape: Shape, output: Asked = None) -> Program:
    """The program of a module for images of one shape (channels, height, width), any number at a time.

    The module is read in evaluation mode, without the hooks that its user has put on it, and left as it was. `output`
    says which of several results is the output: the key in a dictionary, the place in a list, or several of these,
    from the outside in.

    Raises ValueError, with the module and the line, where it cannot be captured: control flow that depends on the
    data, a wrong number of channels, an unfit image size, images of one batch that influence each other, something
    else that is computed for a single image than for several.
    """
    module = unwrapped(module)
    refuse_what_is_no_float_module(module)
    with undisturbed(), as_read(module), states_from(0) as start:
        exported = _exported(module, shape)
        baked_in = not all(map(same, start[1:], random_states()[1:]))
    try:
        path, found, notes = chosen_output(exported, output)
    except ValueError as error:
        raise ValueError(f"{type(module).__name__}: {error}") from None
    try:
        with undisturbed():
            walk = Walk(module, exported, found)
            program = walk.program((*notes_on_hooks(module), *([BAKED_IN] if baked_in else []), *notes))
            compare_with_alone(program, walk.node_of, _weight(module))
            with as_read(module), quiet(), states_from(0):
                answer = answer_alone(lambda image: result_at(module(image), path), program, _weight(module))
            if answer is not None and not (walk.drawn or walk.undropped or baked_in):
                compare_with_module(program, answer, _weight(module))
    except Exception as error:
        raise explain(error, module, shape) from error
    return replace(program, notes=(*program.notes, *notes_on_gradients(answer)))


def _exported(module: nn.Module, shape: Shape) -> ExportedProgram:
    weight = _weight(module)
    example = torch.zeros((2, *shape), dtype=weight.dtype, device=weight.device)
    try:
        with quiet():
            exported = _traced(module, example)
        refuse_values_as_numbers(exported.graph)
        return without_writes(without_contexts(exported))
    except Exception as error:
        raise explain(error, module, shape) from error


def _weight(module: nn.Module) -> Tensor:
    """One of the module's weights, which says in which type and on which device it computes."""
    return next((p for p in module.parameters() if p.is_floating_point()), torch.zeros((), dtype=torch.float32))


def _traced(module: nn.Module, example: Tensor) -> ExportedProgram:
    sizes: Any = {0: Dim.DYNAMIC}
    parameters = list(inspect.signature(module.forward).parameters.values())
    takes_any = bool(parameters) and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL
    shapes: Any = ((sizes,),) if takes_any else (sizes,)
    with NoticeGradients() as noticed:
        exported = export(module, (example,), strict=False, dynamic_shapes=shapes)
    if noticed.count <= 1:  # torch's own
        return exported
    try:
        with torch.enable_grad():  # else export forgets what the module computes without gradients
            return export(module, (example,), strict=False, dynamic_shapes=shapes)
    except Exception:  # it can only compute without
        return exported

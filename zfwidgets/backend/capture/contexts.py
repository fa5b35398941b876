"""Contexts that a module opens, `with torch.no_grad():` or `torch.autocast`: export keeps what is in them apart."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.overrides import TorchFunctionMode

from zfwidgets.backend.capture.stops import DETACH

WITHOUT_GRADIENTS = torch.ops.higher_order.wrap_with_set_grad_enabled
SETS_GRADIENTS = torch._C._set_grad_enabled


class NoticeGradients(TorchFunctionMode):
    """Counts how often it is said, while it is active, whether gradients are wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += function is SETS_GRADIENTS
        return function(*args, **(kwargs or {}))


def without_contexts(exported: ExportedProgram) -> ExportedProgram:
    """The same program, in which what was computed inside a context stands among the rest; detached, where the context
    was one without gradients.

    Raises ValueError for a part that is no context: a branch or a loop, chosen by the values in the image.
    """
    graph = exported.graph
    while kept_apart := [node for node in graph.nodes if isinstance(node.target, torch._ops.HigherOrderOperator)]:
        for node in kept_apart:
            _inline(graph, node)
    for node in reversed(graph.nodes):
        if node.op == "get_attr" and not node.users:
            graph.erase_node(node)
    exported.graph_module.recompile()
    return exported


def _inline(graph: fx.Graph, node: fx.Node) -> None:
    parts = [place for place, value in enumerate(node.args) if _part(graph, value) is not None]
    operands = list(node.args[parts[0] + 1 :]) if parts else []
    inside = _part(graph, node.args[parts[0]]) if len(parts) == 1 else None
    inputs = [each for each in inside.graph.nodes if each.op == "placeholder"] if inside is not None else []
    if inside is None or len(inputs) != len(operands):
        raise ValueError(
            f"it takes a branch or a loop of torch's own ({node.target}), so it is not one fixed network. "
            "Take that decision outside the module"
        )
    known: dict[fx.Node, Any] = dict(zip(inputs, operands, strict=True))
    with graph.inserting_before(node):
        for each in inside.graph.nodes:
            if each.op == "get_attr":  # what is inside again, under a name of its own
                name = f"{node.name}_{each.target}"
                setattr(graph.owning_module, name, getattr(inside, str(each.target)))
                known[each] = graph.get_attr(name)
            elif each.op not in ("placeholder", "output"):
                known[each] = graph.node_copy(each, known.__getitem__)
    results = fx.map_arg(next(iter(reversed(inside.graph.nodes))).args[0], known.__getitem__)
    stops = node.target is WITHOUT_GRADIENTS and not node.args[0]
    for reader in list(node.users):
        result = results[reader.args[1]]
        if stops:
            with graph.inserting_before(reader):
                detached = graph.call_function(DETACH, (result,))
            detached.meta["val"], result = reader.meta["val"], detached  # and of no module, whose name it would take
        reader.replace_all_uses_with(result)
        graph.erase_node(reader)
    graph.erase_node(node)


def _part(graph: fx.Graph, value: Any) -> fx.GraphModule | None:
    if not (isinstance(value, fx.Node) and value.op == "get_attr"):
        return None
    found = getattr(graph.owning_module, str(value.target), None)
    return found if isinstance(found, fx.GraphModule) else None

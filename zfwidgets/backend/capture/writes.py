"""Writes in place: what is read after one is what was written, under whatever name it is read."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram

from zfwidgets.backend.capture.refusals import origin

aten = torch.ops.aten
# They return their input itself when they drop nothing. Before torch 2.14 they seem to copy it.
DROPOUTS = {"dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"}
COPIES = {"channel_shuffle"}  # of one group: seems to return its input itself
DECLARED = {  # parts of a tensor that are views of it, but do not say so
    aten.unsafe_chunk.default: aten.chunk.default,
    aten.unsafe_split.Tensor: aten.split.Tensor,
    aten.unsafe_split_with_sizes.default: aten.split_with_sizes.default,
}


def is_operator(node: fx.Node) -> bool:
    """Whether the node calls an operator of torch (and not a function on numbers)."""
    return node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload)


def operator_of(node: fx.Node) -> Any:
    """The operator that a node calls."""
    return node.target


def without_writes(exported: ExportedProgram) -> ExportedProgram:
    """The same program, in which every node has still, when it is read, the value that it was given.

    A write in place then only makes a new value. Where something is read through another view than it was written
    through, torch rewrites the program, with operations of its own choice.

    Raises ValueError where it would do so wrongly: where an operator returns a view and does not declare it.
    """
    memory = _Memory()
    for node in exported.graph.nodes:
        node.target = DECLARED.get(operator_of(node), node.target)
        same = _returned_itself(node, memory)
        if same is not None:
            memory.join(node, same)
            _read_instead(exported, node, same)
        elif _returns_what_it_writes(node):
            _read_instead(exported, node.args[0], node, after=node)
    exported.graph_module.recompile()
    return exported.run_decompositions({}) if _needs_rewriting(exported.graph, memory) else exported


def _returned_itself(node: fx.Node, memory: _Memory) -> fx.Node | None:
    """The input that an operator returned as it is, without declaring that it might."""
    if _drops_nothing(node):
        return node.args[0]  # type: ignore[return-value]
    sources = node.all_input_nodes if _hides_views(node) else []
    if node.target is operator.getitem:
        sources = sources and sources[0].all_input_nodes
    return next((source for source in sources if memory.place(source) == memory.place(node) is not None), None)


def _drops_nothing(node: fx.Node) -> bool:
    if not is_operator(node) or _name(node) not in DROPOUTS:
        return False
    given = _arguments(node)
    return not (given["p"] and given["train"])


def _hides_views(node: fx.Node) -> bool:
    """Whether the operator declares only new tensors: what it returns of its input's memory nobody would know."""
    maker = node.args[0] if node.target is operator.getitem else node
    if not isinstance(maker, fx.Node) or not is_operator(maker) or _name(maker) in COPIES:
        return False
    return not any(result.alias_info for result in operator_of(maker)._schema.returns)


def _returns_what_it_writes(node: fx.Node) -> bool:
    """It is an operation in place on its first argument: `relu_`, `add_`."""
    return is_operator(node) and operator_of(node)._opname.endswith("_") and _written(node) == [node.args[0]]


def _written(node: fx.Node) -> list[Any]:
    """The tensors into which a node writes; dropout in place writes nothing in evaluation mode."""
    if not is_operator(node) or _name(node) in DROPOUTS:
        return []
    given = _arguments(node)
    written: list[fx.Node] = []
    changed = (a.name for a in operator_of(node)._schema.arguments if a.alias_info and a.alias_info.is_write)
    fx.map_arg([given.get(name) for name in changed], written.append)
    return written


def _arguments(node: fx.Node) -> dict[str, Any]:
    names = (argument.name for argument in operator_of(node)._schema.arguments)
    return dict(zip(names, node.args, strict=False)) | dict(node.kwargs)


def _name(node: fx.Node) -> str:
    return str(operator_of(node)._opname).rstrip("_")


def _read_instead(exported: ExportedProgram, old: fx.Node, new: fx.Node, after: fx.Node | None = None) -> None:
    """Let those who read the old node (after another) read the new one."""
    readers = [reader for reader in old.users if after is None or after < reader]
    if any(reader.op == "output" for reader in readers):
        for result in exported.graph_signature.output_specs:
            if result.arg.name == old.name:
                result.arg.name = new.name
    old.replace_all_uses_with(new, delete_user_cb=lambda reader: reader in readers)


class _Memory:
    """Where tensors lay while torch exported: what has the same memory is the same tensor, or a view of it."""

    def __init__(self) -> None:
        self.joined: dict[int, int] = {}

    def join(self, node: fx.Node, other: fx.Node) -> None:
        self.joined |= {own: shared for own in self.of(node) for shared in self.of(other) if own != shared}

    def of(self, node: fx.Node) -> set[int]:
        own = {tensor.untyped_storage()._cdata for tensor in _tensors(node.meta.get("val"))}
        return {self.joined.get(memory, memory) for memory in own}

    def place(self, node: fx.Node) -> tuple[object, ...] | None:
        """Equal for two nodes whose one tensor is the same."""
        value = node.meta.get("val")
        if not isinstance(value, Tensor):
            return None
        return *self.of(node), value.dtype, *map(str, (value.storage_offset(), *value.shape, *value.stride()))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def _needs_rewriting(graph: fx.Graph, memory: _Memory) -> bool:
    """Whether something is read that was overwritten through another view of it, or is written unlike `relu_`."""
    seen: dict[int, set[fx.Node]] = defaultdict(set)
    overwritten: set[fx.Node] = set()
    needed = False
    for node in graph.nodes:
        written, used = _written(node), memory.of(node)
        reads = bool(written or used) or node.op == "output"  # and does not only ask for the shape
        stale = reads and not overwritten.isdisjoint(node.all_input_nodes)
        needed |= stale or bool(written and not _returns_what_it_writes(node))
        for place in {place for tensor in written for place in memory.of(tensor)}:
            overwritten |= seen[place]
        for place in used:
            seen[place].add(node)
    if needed:
        _refuse_hidden_views(overwritten, memory)
    return needed


def _refuse_hidden_views(overwritten: set[fx.Node], memory: _Memory) -> None:
    for node in overwritten:
        sources = {place for source in node.all_input_nodes for place in memory.of(source)}
        is_read = node.users and isinstance(node.meta.get("val"), Tensor)
        if is_read and _hides_views(node) and memory.of(node) & sources:
            raise ValueError(
                f"what {_name(node)} returns is a view of its input, and one of them is changed in place, which torch "
                f"does not follow. Put .clone() behind it{origin(node)}"
            )

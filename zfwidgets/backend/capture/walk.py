"""Over the exported graph, once: each node becomes a step or a constant."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from zfwidgets.backend.capture.maps import read_as_maps
from zfwidgets.backend.capture.naming import Names
from zfwidgets.backend.capture.refusals import origin, refuse_company, words_of
from zfwidgets.backend.capture.stops import real_stops
from zfwidgets.backend.capture.values import Parts, Several, Shared, has_gradient, is_real, takes_all
from zfwidgets.backend.capture.writes import DROPOUTS, is_operator, operator_of
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.ops import Batch, Call, ContrastNorm, Detached, Lowered, draws, functional, lower, seeded
from zfwidgets.backend.ops.exact import call_by_name, substitute

ALIASES = DROPOUTS | {
    "contiguous", "clone", "alias", "lift_fresh_copy", "lift_fresh", "_assert_tensor_metadata", "positive"
}  # fmt: skip
CASTS = {"_to_copy", "to", "type_as"}  # of one real number to another: computed in one type here
aten = torch.ops.aten
INSTEAD = {
    aten.view.default: aten.reshape.default,  # view asks for a memory order that only held while tracing
    aten._unsafe_view.default: aten.reshape.default,
    aten.empty_like.default: aten.zeros_like.default,  # what nobody has written yet is the same each time
    aten.empty.memory_format: aten.zeros.default,
    aten.new_empty.default: aten.new_zeros.default,
}
SPLITS = {"chunk", "split", "split_with_sizes", "tensor_split"}
SLICES = {"slice": "self", "slice_scatter": "src"}  # and what is left of them when they take all


class Walk:
    """Turns each node of an exported graph into a step or a constant."""

    def __init__(self, module: nn.Module, exported: ExportedProgram, output: fx.Node) -> None:
        self.exported, self.output = exported, output
        self.modules = {path: type(part).__name__ for path, part in module.named_modules(remove_duplicate=False)}
        leaves = {name for name, part in module.named_modules() if not any(True for _ in part.children())}
        self.values: dict[fx.Node, Any] = {}
        self.parameters: dict[fx.Node, int] = {}
        self.node_of: dict[Step, fx.Node] = {}
        self.steps: list[Step] = []
        self.names = Names(exported.graph, leaves)
        self.maps = read_as_maps(exported.graph)
        names = exported.graph_signature.user_inputs
        images = [node for node in exported.graph.nodes if node.op == "placeholder" and node.name in names]
        self.stops = real_stops(exported.graph, images, output)
        self.drawn: dict[str, None] = {}  # where chance plays a part
        self.undropped: dict[str, None] = {}  # dropouts that are on in evaluation mode, too
        self.batch: Any = None

    @torch.no_grad()
    def program(self, notes: tuple[str, ...]) -> Program:
        """The program; `notes` are sentences about what was found out before."""
        for node in self.exported.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = self._placeholder(node)
            elif node.op == "get_attr":
                self.values[node] = getattr(self.exported.graph_module, str(node.target))
            elif node.op == "call_function":
                try:
                    self.values[node] = self._lowered(node)
                except ValueError as error:
                    raise ValueError(f"{error}{origin(node)}") from error
        output = self.values[self.output]
        if isinstance(output, Shared):
            refuse_company(output.node)
        if not isinstance(output, Step):
            raise ValueError("the module's output does not depend on the image")
        if not output.batched:
            raise ValueError(f"its output has no entry for each image, (N, …), in front{origin(self.output)}")
        others = self._steps_in(next(iter(reversed(self.exported.graph.nodes))).args)
        needed = Program(tuple(self.steps), output).needed_for([self.steps[0], output, *others])
        return Program(needed, output, self.modules, (*notes, *self._notes()))

    def _notes(self) -> Iterator[str]:
        if self.drawn:
            yield (
                f"Chance plays a part in evaluation mode ({', '.join(self.drawn)}): here every image gets one draw, "
                "always the same."
            )
        if self.undropped:
            yield f"Dropout is left out, although it is on in evaluation mode, too ({', '.join(self.undropped)})."

    def _placeholder(self, node: fx.Node) -> Any:
        spec = next(spec for spec in self.exported.graph_signature.input_specs if spec.arg.name == node.name)
        if spec.kind == InputKind.USER_INPUT:
            shape = node.meta["val"].shape
            self.batch = shape[0].node.expr
            self.steps.append(Step("input", None, (), tuple(shape[1:]), space=(2, 3)))
            return self.steps[0]
        sources = self.exported.constants if spec.target in self.exported.constants else self.exported.state_dict
        value = sources[str(spec.target)]
        if spec.kind == InputKind.PARAMETER:
            self.parameters[node] = value.numel()
        return value.detach() if isinstance(value, Tensor) else value

    def _lowered(self, node: fx.Node) -> Any:
        value = node.meta.get("val")
        if isinstance(value, torch.SymInt):
            return self._multiple_of_batch(value)
        if node.target is operator.getitem:
            return self._taken(node)
        if not is_operator(node):
            return operator_of(node)(*self._replaced(node.args), **self._replaced(node.kwargs))  # on numbers
        if (shared := self._shared(node, value)) is not None:
            return shared
        if self.names.inside_contrast_norm(node):
            return self._contrast_norm(node)
        call, name = self._call(node), operator_of(node)._opname.rstrip("_")
        if name not in DROPOUTS and draws(call):
            self.drawn[words_of(node)] = None
        if not call.inputs and Batch not in map(type, self._leaves(call.arguments.values())):
            self.parameters[node] = self._parameters_of(node)
            with seeded(call.number):
                return call_by_name(functional(call.target), call.arguments)
        if name in DROPOUTS and call["train"] and call["p"]:
            self.undropped[words_of(node)] = None
        if name in ALIASES or (name in CASTS and is_real(node.args[0]) and is_real(node)):
            return call.inputs[0]
        if name == "detach":
            return self._step(node, Lowered(Detached(), call.space), call) if node in self.stops else call.inputs[0]
        if call.target._opname in SLICES and takes_all(call):
            return call[SLICES[call.target._opname]]
        if isinstance(value, list | tuple):
            return self._several(call, value)
        return self._step(node, lower(call), call)

    def _call(self, node: fx.Node) -> Call:
        target = INSTEAD.get(operator_of(node), operator_of(node))
        schema = target._schema.arguments
        given = dict(zip((argument.name for argument in schema), node.args, strict=False)) | dict(node.kwargs)
        defaults = {argument.name: argument.default_value for argument in schema if argument.has_default_value()}
        arguments = {name: self._replaced(value) for name, value in (defaults | given).items()}
        arguments = {argument.name: arguments[argument.name] for argument in schema}
        if target is aten.copy.default:  # `x[…] = y`: of x nothing is left but the shape
            target, arguments = aten.expand_as.default, {"self": arguments["src"], "other": arguments["self"]}
        inputs = tuple(leaf for leaf in self._leaves(arguments.values()) if isinstance(leaf, Step))
        shape, batched = self._shape(node.meta.get("val"))
        return Call(target, arguments, inputs, shape, batched, has_gradient(node), len(self.steps))

    def _shared(self, node: fx.Node, value: Any) -> Shared | None:
        """Whether the node is, or is computed with, one number for all images, or one for each two of them."""
        sources = [self.values.get(source) for source in node.all_input_nodes]
        for source in sources:
            if isinstance(source, Shared):
                return source
        if not (isinstance(value, Tensor) and any(isinstance(each, Step) for each in sources)):
            return None
        counts_images = [size for size in value.shape if isinstance(self._size(size), Batch)]
        return Shared(node) if not value.ndim or len(counts_images) > 1 else None

    def _shape(self, value: Any) -> tuple[tuple[int, ...], bool]:
        """A tensor's shape without its first dimension (-1: counts images too), and whether that is the images."""
        if not isinstance(value, Tensor) or not value.ndim:
            return (), not isinstance(value, Tensor)
        sizes = [self._size(size) for size in value.shape]
        rest = tuple(size if isinstance(size, int) else -1 for size in sizes[1:])
        return rest, sizes[0] == Batch(1) and -1 not in rest

    def _size(self, size: int | torch.SymInt) -> int | Batch:
        return size if isinstance(size, int) else self._multiple_of_batch(size)

    def _step(self, node: fx.Node, lowered: Lowered, call: Call) -> Step:
        parameters = self._parameters_of(node)
        inputs = call.inputs + ((self.steps[0],) if lowered.reads_images else ())
        space, scattered = lowered.space, False
        if node in self.maps and len(call.shape) == 3 and call.images_first and space != (2, 3):
            space, scattered = (2, 3), True  # their places on the image got lost, or changed sides
        step = Step(
            self.names.of(node), lowered.op, inputs, call.shape, space, parameters, call.images_first, is_real(node),
            scattered,
        )  # fmt: skip
        self.steps.append(step)
        self.node_of[step] = node
        return step

    def _parameters_of(self, node: fx.Node) -> int:
        """How many parameters a node reads that no earlier one has read."""
        reader = node.args[0] if node.target is operator.getitem else node
        return sum(self.parameters.pop(source, 0) for source in reader.all_input_nodes)  # type: ignore[union-attr, misc]

    def _several(self, call: Call, values: list[Tensor] | tuple[Tensor, ...]) -> Parts | Several:
        if call.target is aten.unbind.int:
            return Parts(call.inputs[0], call.dim(), None)
        if call.target._opname.rstrip("_") not in SPLITS:
            return Several(call)
        dim = call.dim()
        return Parts(call.inputs[0], dim, [int(value.shape[dim]) for value in values] if dim else [])

    def _taken(self, node: fx.Node) -> Any:
        source, index = self.values[node.args[0]], int(node.args[1])  # type: ignore[arg-type, index]
        shape, batched = self._shape(node.meta["val"])
        if isinstance(source, Parts):
            call = Call(None, {}, (source.step,), shape, batched)
            if (lowered := source.take(index)) is not None:
                return self._step(node, lowered, call)
            source = Several(self._call(node.args[0]))  # type: ignore[arg-type]
        if isinstance(source, Several):
            call = replace(source.call, shape=shape, images_first=batched)
            return self._step(node, lower(call, index), call)
        return source[index]

    def _contrast_norm(self, node: fx.Node) -> Any:
        """torch spells local response normalisation out in ten operations; here they are one again."""
        group = self.names.contrast_norm_of(node)
        if node is not group[-1]:
            return None
        numbers: Any = {operator_of(member)._opname: member.args for member in group}
        op = ContrastNorm(numbers["avg_pool3d"][1][0], numbers["mul"][1], numbers["pow"][1], numbers["add"][1])
        step = self.values[node.args[0]]  # type: ignore[index]
        return self._step(node, Lowered(op, step.space), Call(None, {}, (step,), step.shape))

    def _multiple_of_batch(self, value: torch.SymInt) -> Batch | int:
        if value.node.expr.is_Integer:
            return int(value.node.expr)
        factor = value.node.expr / self.batch
        if not factor.is_Integer:
            raise ValueError(f"the module computes a size, {value.node.expr}, from the number of images; it must not")
        return Batch(int(factor))

    def _replaced(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._replaced(item) for name, item in value.items()}
        return substitute(value, lambda leaf: self.values[leaf] if isinstance(leaf, fx.Node) else leaf)

    def _leaves(self, values: Any) -> Iterator[Any]:
        for value in values:
            if isinstance(value, list | tuple):
                yield from self._leaves(value)
            else:
                yield value

    def _steps_in(self, values: Any) -> Iterator[Step]:
        nodes: list[fx.Node] = []
        fx.map_arg(values, nodes.append)
        return (self.values[node] for node in nodes if isinstance(self.values.get(node), Step))

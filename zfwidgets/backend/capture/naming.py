"""The name of each step: where in the module tree it was computed."""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

from torch import fx


class Names:
    """Hands out one name a node, in the order of computation."""

    def __init__(self, graph: fx.Graph, leaves: set[str]) -> None:
        self.leaves = leaves
        self.calls: Counter[str] = Counter()
        self.given = {"input"}  # the program's first step
        self.norms: dict[str, list[fx.Node]] = {}
        self.last_of_call: dict[str, fx.Node] = {}
        for node in graph.nodes:
            if node.op == "call_function":
                self.last_of_call[self._call_of(node)] = node
                if self.inside_contrast_norm(node):
                    self.norms.setdefault(node.meta["torch_fn"][0], []).append(node)

    def of(self, node: fx.Node) -> str:
        """`features.3.squeeze` for what a leaf module returns, `features.3.cat` for what stands in a larger module."""
        path = self._path_of(node)
        if not (path in self.leaves and path and self.last_of_call[self._call_of(node)] is node):
            path = f"{path}.{self._operation(node)}" if path else self._operation(node)
        return self._unused(path)

    def _unused(self, path: str) -> str:
        """With the number of the call, from the second on; a module may already be called so."""
        name = path
        while name in self.given:
            self.calls[path] += 1
            name = f"{path}_{self.calls[path]}"
        self.given.add(name)
        return name

    def inside_contrast_norm(self, node: fx.Node) -> bool:
        return node.meta.get("torch_fn", ("", ""))[1] == "function.local_response_norm"

    def contrast_norm_of(self, node: fx.Node) -> list[fx.Node]:
        return self.norms[node.meta["torch_fn"][0]]

    def _operation(self, node: fx.Node) -> str:
        if self.inside_contrast_norm(node):
            return "local_response_norm"
        target: Any = node.args[0].target if node.target is operator.getitem else node.target  # type: ignore[union-attr]
        return str(target._opname).strip("_")

    def _path_of(self, node: fx.Node) -> str:
        stack = node.meta.get("nn_module_stack") or {"": ("", "")}
        return str(list(stack.values())[-1][0])

    def _call_of(self, node: fx.Node) -> str:
        """One call of one module: torch marks the second call of the same module with @1."""
        stack = node.meta.get("nn_module_stack") or {"": ("", "")}
        return "/".join(stack)

"""Which of a module's results is its output."""

from __future__ import annotations

from math import prod
from typing import Any

import torch.utils._pytree as tree
from torch import Tensor, fx
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputKind

Key = str | int
Path = tuple[Key, ...]  # from the outside in
Asked = Key | Path | None

# What results are called that are the answer, most often first
ANSWERS = ("logits", "out", "output", "scores", "prediction", "predictions", "pred", "preds", "probs", "y", "classes")


def chosen_output(exported: ExportedProgram, asked: Asked = None) -> tuple[Path, fx.Node, list[str]]:
    """Where the output is among the results, its node, and a sentence for the report where there are several.

    Where nobody says which: what is called as answers are; else the first result that is one number a feature (the
    classes, in most cases); else the result with the smallest maps, a backbone's last stage.

    Raises ValueError for a result that there is not, with those that there are.
    """
    results = _results(exported)
    if not results:
        raise ValueError("the module's output does not depend on the image")
    wanted = asked if isinstance(asked, tuple) else () if asked is None else (asked,)
    found = {path: node for path, node in results.items() if _begins(path, wanted)}
    if not found and list(results) == [()]:
        raise ValueError(f"there is no output {_said(wanted)}, but one only, of shape {_shape(results[()])}")
    if not found:
        raise ValueError(f"there is no output {_said(wanted)} among {_listed(results)}")
    path = _default(found)
    if len(results) == 1:
        return path, found[path], []
    others = _listed({other: node for other, node in results.items() if other != path})
    return (
        path,
        found[path],
        [f"Of several results, {_said(path)} is the output; output= chooses another one: {others}."],
    )


def result_at(results: Any, path: Path) -> Any:
    """One of a module's results."""
    leaves, _ = tree.tree_flatten_with_path(results)
    return next(leaf for keys, leaf in leaves if tuple(map(_key, keys)) == path)


def _results(exported: ExportedProgram) -> dict[Path, fx.Node]:
    """The results that depend on the image, by their keys from the outside in."""
    given = next(iter(reversed(exported.graph.nodes))).args[0]
    signature = exported.graph_signature.output_specs
    outputs = [value for value, spec in zip(given, signature, strict=True) if spec.kind == OutputKind.USER_OUTPUT]
    leaves, _ = tree.tree_flatten_with_path(tree.tree_unflatten(outputs, exported.call_spec.out_spec))
    seen = _from_the_image(exported)
    return {
        tuple(map(_key, path)): node
        for path, node in leaves
        if isinstance(node, fx.Node)
        and node in seen
        and isinstance(value := node.meta.get("val"), Tensor)
        and value.ndim
    }


def _from_the_image(exported: ExportedProgram) -> set[fx.Node]:
    images = set(exported.graph_signature.user_inputs)
    found: set[fx.Node] = set()
    for node in exported.graph.nodes:
        if node.name in images or not found.isdisjoint(node.all_input_nodes):
            found.add(node)
    return found


def _key(entry: Any) -> Key:
    return next(getattr(entry, name) for name in ("key", "idx", "name") if hasattr(entry, name))


def _begins(path: Path, wanted: Path) -> bool:
    return path[: len(wanted)] == wanted


def _default(results: dict[Path, fx.Node]) -> Path:
    for name in ANSWERS:
        for path in results:
            if path and str(path[-1]).casefold() == name:
                return path
    vectors = [path for path, node in results.items() if node.meta["val"].ndim == 2]
    return vectors[0] if vectors else min(results, key=lambda path: prod(results[path].meta["val"].shape[2:]))


def _listed(results: dict[Path, fx.Node]) -> str:
    shown = [f"{_said(path)} of shape {_shape(node)}" for path, node in results.items()]
    return f"{', '.join(shown[:8])}{', …' if len(shown) > 8 else ''}"


def _shape(node: fx.Node) -> str:
    _, *rest = node.meta["val"].shape
    return f"({', '.join(['N', *map(str, rest)])})"


def _said(path: Path) -> str:
    return repr(path[0]) if len(path) == 1 else repr(path)

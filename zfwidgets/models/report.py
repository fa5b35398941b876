"""What is known of a network, in words and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING

from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.backend.graph.program import Program

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Report:
    """A network's layers and costs, and where what is shown is not the paper's deconvnet."""

    name: str
    layers: tuple[FeatureLayer, ...]
    parameters: int
    macs: int  # multiply–adds for one image, of convolutions and linear layers
    sentences: tuple[str, ...]

    @classmethod
    def of(cls, name: str, program: Program, notes: Iterable[str] = ()) -> Report:
        """Look at all steps of a network's program; `notes` are sentences that come first."""
        steps = program.steps[1:]
        sentences = (*notes, *_fallbacks(program), *_unseen(program))
        return cls(name, program.layers, sum(s.parameters for s in steps), sum(s.macs for s in steps), sentences)

    def to_pandas(self) -> pandas.DataFrame:
        """One row a layer: name, title, kind, channels, height, width, receptive field, stride, … Needs pandas."""
        import pandas

        return pandas.DataFrame([asdict(layer) for layer in self.layers])

    @property
    def headline(self) -> str:
        """Size and cost in one line."""
        cost = f"{self.parameters:,} parameters, {self.macs / 1e9:.3g} billion multiply–adds an image"
        return f"{self.name}: {len(self.layers)} layers, {cost}"

    def __repr__(self) -> str:
        return "\n".join([self.headline, *self.sentences])

    def _repr_html_(self) -> str:
        sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences)
        head = "".join(f"<th>{title}</th>" for title in _COLUMNS)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _row(x))}</tr>" for x in self.layers)
        return (
            f"<p>{escape(self.headline)}</p><ul>{sentences}</ul>"
            f"<details><summary>All layers</summary><table><tr>{head}</tr>{rows}</table></details>"
        )


_COLUMNS = ("layer", "name", "kind", "maps", "size", "receptive field", "stride", "parameters", "multiply–adds")


def _row(layer: FeatureLayer) -> tuple[str, ...]:
    field = "whole image" if layer.whole else "×".join(map(str, layer.receptive_field))
    stride = "×".join(f"{step:g}" for step in layer.stride)
    size = f"{layer.height}×{layer.width}"
    return (
        layer.title,
        layer.name,
        layer.kind,
        str(layer.channels),
        size,
        field,
        stride,
        f"{layer.parameters:,}",
        f"{layer.macs:,}",
    )


def _fallbacks(program: Program) -> list[str]:
    kinds = Counter(step.op.kind for step in program.steps[1:] if step.op and step.op.fallback)
    if not kinds:
        return ["Every operation has a deconvnet rule."]
    listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(kinds.items()))
    return [
        f"No deconvnet rule fits these operations; the signal goes down through them by the exact gradient: {listed}."
    ]


def _unseen(program: Program) -> list[str]:
    """Networks whose steps are mostly not feature maps (transformers): say what can be shown and what cannot."""
    shown = {layer.name for layer in program.layers}
    steps = program.steps[1:]
    hidden = [step for step in steps if step.name not in shown]
    attention = [step for step in hidden if step.op and step.op.kind in ("scaled_dot_product_attention", "softmax")]
    if not attention:
        return []
    maps = ", ".join(layer.name for layer in program.layers if layer.units > 1) or "none"
    return [
        f"{len(hidden)} of {len(steps)} steps compute tokens, not feature maps (this is a transformer, or has "
        f"attention): they cannot be shown. Layers with feature maps: {maps}."
    ]

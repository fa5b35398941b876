"""What a network says of some images."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Prediction:
    """The probability of every class for every image."""

    probability: np.ndarray  # (images, classes) float32, each row sums to 1
    labels: tuple[str, ...]  # of the classes
    names: tuple[str, ...]  # of the images

    def top(self, k: int = 5, image: int = 0) -> list[tuple[str, float]]:
        """The `k` most probable classes of one image, with their probabilities, the most probable first."""
        row = self.probability[image]
        order = np.argsort(-row, kind="stable")[:k]
        return [(self.labels[index], float(row[index])) for index in order]

    def to_pandas(self, k: int = 5) -> pandas.DataFrame:
        """A table with one row an image and class: image, rank, label, probability. Needs pandas."""
        import pandas

        rows = [
            {"image": name, "rank": rank, "label": label, "probability": probability}
            for index, name in enumerate(self.names)
            for rank, (label, probability) in enumerate(self.top(k, index), 1)
        ]
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        lines = (f"{name}: {self._said(index, ', ')}" for index, name in enumerate(self.names))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>"
            f"{escape(self._said(index, ' · '))}</td></tr>"
            for index, name in enumerate(self.names)
        )
        return f"<table>{''.join(rows)}</table>"

    def _said(self, index: int, separator: str) -> str:
        return separator.join(f"{label} {probability:.2f}" for label, probability in self.top(3, index))

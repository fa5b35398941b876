"""What a network says of some images."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.models.scores import Meaning

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Prediction:
    """The probability of every class for every image; or its score, where the network gives no probabilities."""

    probability: np.ndarray  # (images, classes) float32; each row sums to 1 where `meaning` is "shares"
    labels: tuple[str, ...]  # of the classes
    names: tuple[str, ...]  # of the images
    meaning: Meaning = Meaning.SHARES  # or "each": probabilities, each by itself; or "raw": numbers that are none

    def top(self, k: int = 5, image: int = 0) -> list[tuple[str, float]]:
        """The `k` most probable classes of one image, with their probabilities, the most probable first (the highest
        scores, where these are no probabilities)."""
        row = self.probability[image]
        order = np.argsort(-row, kind="stable")[:k]
        return [(self.labels[index], float(row[index])) for index in order]

    def to_pandas(self, k: int = 5) -> pandas.DataFrame:
        """A table with one row an image and class: image, rank, label, probability (or score). Needs
        pandas."""
        import pandas

        rows = [
            {"image": name, "rank": rank, "label": label, self.meaning.quantity: value}
            for index, name in enumerate(self.names)
            for rank, (label, value) in enumerate(self.top(k, index), 1)
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
        return f"<table>{_CAPTIONS[self.meaning]}{''.join(rows)}</table>"

    def _said(self, index: int, separator: str) -> str:
        words = "scores: " if self.meaning is Meaning.RAW else ""
        return words + separator.join(f"{label} {self.meaning.write(value)}" for label, value in self.top(3, index))


_CAPTIONS = {
    Meaning.SHARES: "",
    Meaning.EACH: "<caption>probabilities, each by itself</caption>",
    Meaning.RAW: "<caption>scores, not probabilities</caption>",
}

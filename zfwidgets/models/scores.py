"""What the network's output says of the classes: shares of one, probabilities each by itself, or just numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.program import Program
from zfwidgets.models.endings import ENDINGS, Numbers, ending

KINDS = ("auto", "softmax", "sigmoid", "none")


class Meaning(StrEnum):
    """What a class's number is."""

    SHARES = "shares"  # probabilities of classes that exclude each other; they sum to 1
    EACH = "each"  # probabilities, each by itself: labels that do not exclude each other
    RAW = "raw"  # numbers of which nobody says that they are probabilities

    @property
    def quantity(self) -> str:
        """What one of them is called."""
        return "score" if self is Meaning.RAW else "probability"

    @property
    def first(self) -> str:
        """What the class with the largest one is called."""
        names = {"shares": "most probable class", "each": "most probable label", "raw": "class with the highest score"}
        return names[self]

    @property
    def answer(self) -> str:
        """What the network says with that class."""
        return {"shares": "the answer", "each": "the most probable label", "raw": "the highest score"}[self]

    def limits(self, *values: np.ndarray | float) -> tuple[float, float]:
        """Where a scale of colours or an axis begins and ends: 0 and 1, or the least and the largest number (half below
        and above it where they are the same)."""
        if self is not Meaning.RAW:
            return 0.0, 1.0
        low, high = min(float(np.min(some)) for some in values), max(float(np.max(some)) for some in values)
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    def write(self, value: float) -> str:
        """A number in words: probabilities in two decimals, others in three significant digits."""
        if self is not Meaning.RAW:
            return f"{value:.2f}"
        return f"{value:,.0f}" if 999.5 <= abs(value) < 1e7 else f"{value:.3g}"


CONVERSIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "own": lambda output: output,
    "exponential": torch.exp,
    "sigmoid": torch.sigmoid,
    "softmax": lambda output: output.softmax(1),
}


@dataclass(frozen=True)
class Scores:
    """How the numbers of the classes come from the network's output, and why so."""

    meaning: Meaning
    why: str  # a sentence
    conversion: str = "own"
    both: bool = False  # one output stands for two classes: it is the second one's probability

    def of(self, output: Tensor) -> Tensor:
        """The numbers of the classes (N, classes), from the output (N, classes), or (N, 1) or (N,) where it is one."""
        numbers = CONVERSIONS[self.conversion](output if output.ndim > 1 else output[:, None])
        return torch.cat([1 - numbers, numbers], 1) if self.both else numbers


def output_count(program: Program) -> int:
    """How many scores the network ends in; 0 where it ends in something else."""
    output = program.output
    if len(output.shape) == 1:
        return output.shape[0]
    return 1 if not output.shape and output.batched else 0


def scores_of(program: Program, asked: str, labels: tuple[str, ...]) -> Scores:
    """What the output of a network means.

    `asked` is "auto" (as its last operations say), "softmax", "sigmoid" or "none". A network that ends in what is asked
    for gives its own numbers: nothing is applied twice.

    Raises:
        ValueError: no such kind, or one that makes no sense of this output.
    """
    if asked not in KINDS:
        raise ValueError(f"scores is {', '.join(map(repr, KINDS))}; {asked!r} was given")
    count = output_count(program)
    if not count:
        shape = program.output.shape
        return Scores(Meaning.RAW, f"It ends in an output of shape {shape}, not in one score a class.")
    both = count == 1 and len(labels) == 2
    if asked == "none":
        if both:
            raise ValueError('with scores="none", one output cannot be the scores of two labels')
        return Scores(Meaning.RAW, 'The scores are what the network puts out, as scores="none" asks.')
    known = ending(program)
    if known.probabilities:
        return _own(known, asked, labels, count)
    if asked == "auto":
        return _assumed(labels, count)
    if asked == "sigmoid":
        meaning = Meaning.SHARES if both else Meaning.EACH
        return Scores(meaning, f'{_sigmoid(labels, both)}, as scores="sigmoid" asks.', "sigmoid", both)
    if count == 1:
        raise ValueError('the softmax of one output is 1 whatever the image; scores="sigmoid" is for one output')
    return Scores(Meaning.SHARES, f'{_SOFTMAX}, as scores="softmax" asks.', "softmax")


_SOFTMAX = "The probabilities are the softmax of the outputs"


def _sigmoid(labels: tuple[str, ...], both: bool) -> str:
    if not both:
        return "The probabilities are sigmoids of the output, each by itself"
    second = f"its sigmoid is the probability of {labels[1]!r}"
    return f"One output stands for two labels: {second}, and 1 minus that is the one of {labels[0]!r}"


def _own(known: Numbers, asked: str, labels: tuple[str, ...], count: int) -> Scores:
    """A network that ends in probabilities, or in their logarithms."""
    ends = f"it ends in {known.origin}" if known.origin in ENDINGS.values() else "they lie between 0 and 1"
    if asked not in ("auto", "softmax" if known.shares else "sigmoid"):
        raise ValueError(
            f'the network\'s numbers are probabilities already ({ends}), and scores="{asked}" would change them once '
            'more. Leave scores at "auto", or take the numbers as they are by scores="none"'
        )
    both = count < len(labels)
    what = "the exponentials of the network's own numbers" if known.logarithm else "the network's own numbers"
    parts = [f"The probabilities are {what}: {ends}"]
    if both:
        parts.append(f"of {labels[1]!r}, and 1 minus that of {labels[0]!r}")
    elif count > 1 and not known.shares:
        parts.append("each stands by itself, they need not sum to 1")
    if count == 1 and known.shares:
        parts.append("but the softmax of a single number is 1 whatever the image")
    if asked != "auto":
        parts.append(f'scores="{asked}" is not applied a second time')
    meaning = Meaning.SHARES if both or (known.shares and count > 1) else Meaning.EACH
    return Scores(meaning, "; ".join(parts) + ".", "exponential" if known.logarithm else "own", both)


def _assumed(labels: tuple[str, ...], count: int) -> Scores:
    """A network that ends in numbers without bounds: logits, or something else."""
    if count > 1:
        why = (
            f"{_SOFTMAX}. That is an assumption, since the network does not end in one: "
            'scores="sigmoid" is for labels that do not exclude each other, "none" for what are no probabilities.'
        )
        return Scores(Meaning.SHARES, why, "softmax")
    if len(labels) == 2:
        why = f"{_sigmoid(labels, True)}. That is an assumption, since the network does not end in a sigmoid."
        return Scores(Meaning.SHARES, why, "sigmoid", both=True)
    why = (
        "The score is the network's one output as it is: nothing says that it is a probability. "
        'If it is a logit, name two labels, or give scores="sigmoid".'
    )
    return Scores(Meaning.RAW, why)

"""Which of several results is the output: the one that is asked for, else the likeliest, and the report says which."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import nn

from zfwidgets.backend.capture.exported import capture

from ..oracles import relative_error
from .small import SHAPE, examples, values

Pair = namedtuple("Pair", ["features", "logits"])


class Typed(NamedTuple):
    maps: torch.Tensor
    classes: torch.Tensor


@dataclass
class Answer:
    features: torch.Tensor
    logits: torch.Tensor


class Heads(nn.Module):
    """Maps of three sizes and two vectors, put together as asked."""

    def __init__(self, gather):
        super().__init__()
        torch.manual_seed(2)
        self.gather = gather
        self.stem, self.stage, self.last = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 7, 3, 2), nn.Conv2d(7, 4, 2)
        self.head, self.aux = nn.Linear(4, 5), nn.Linear(7, 3)

    def forward(self, x):
        a = self.stem(x).relu()
        b = self.stage(a).relu()
        c = self.last(b).relu()
        return self.gather(a, b, c, self.head(c.mean((2, 3))), self.aux(b.amax((2, 3))))


GATHERED = {  # how; what is the output by default; another one, and how it is asked for
    "dictionary": (lambda a, b, c, y, z: {"features": c, "logits": y}, lambda r: r["logits"], "features"),
    "ordered dictionary": (lambda a, b, c, y, z: OrderedDict(aux=z, out=y), lambda r: r["out"], "aux"),
    "vector last": (lambda a, b, c, y, z: {"maps": b, "answer": y}, lambda r: r["answer"], "maps"),
    "loss and logits": (lambda a, b, c, y, z: {"embedding": z, "Logits": y}, lambda r: r["Logits"], "embedding"),
    "tuple": (lambda a, b, c, y, z: (c, y), lambda r: r[1], 0),
    "tuple of vectors": (lambda a, b, c, y, z: (y, z), lambda r: r[0], 1),
    "list of maps": (lambda a, b, c, y, z: [a, b, c], lambda r: r[2], 1),
    "dictionary of maps": (lambda a, b, c, y, z: {"0": a, "1": b, "pool": c}, lambda r: r["pool"], "0"),
    "nested": (
        lambda a, b, c, y, z: {"stages": [a, b], "heads": {"y": y, "z": z}}, lambda r: r["heads"]["y"], "stages"
    ),
    "nested, by path": (
        lambda a, b, c, y, z: (a, {"deep": [b, (c, z)]}), lambda r: r[1]["deep"][1][1], (1, "deep", 1, 0)
    ),
    "named tuple": (lambda a, b, c, y, z: Pair(c, y), lambda r: r.logits, "features"),
    "typed named tuple": (lambda a, b, c, y, z: Typed(a, y), lambda r: r.classes, "maps"),
    "numbers among them": (
        lambda a, b, c, y, z: {"scale": 2, "none": None, "maps": a, "y": z}, lambda r: r["y"], "maps"
    ),
    "numbers as keys": (lambda a, b, c, y, z: {0: a, 1: c}, lambda r: r[1], 0),
    "one in a list": (lambda a, b, c, y, z: [y], lambda r: r[0], 0),
    "one in a dictionary": (lambda a, b, c, y, z: {"anything": y}, lambda r: r["anything"], "anything"),
    "the same twice": (lambda a, b, c, y, z: (y, y), lambda r: r[0], 1),
}  # fmt: skip


def chosen(result, path):
    for key in path if isinstance(path, tuple) else (path,):
        result = getattr(result, key) if isinstance(result, tuple) and isinstance(key, str) else result[key]
    return result[-1] if isinstance(result, list) else result


@pytest.fixture(scope="module")
def images():
    return examples()


def heads(gather):
    return Heads(gather).double().eval()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("dictionary", "tuple", "list of maps") else pytest.mark.slow)
        for name in GATHERED
    ],
)
def test_by_default_the_output_is_what_is_called_so_else_a_vector_else_the_last_stage(name, images):
    gather, expected, _ = GATHERED[name]
    module = heads(gather)
    with torch.no_grad():
        assert relative_error(values(capture(module, SHAPE), images), expected(module(images))) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("name", GATHERED)
def test_another_output_is_had_by_its_key_place_or_path(name, images):
    gather, _, asked = GATHERED[name]
    module = heads(gather)
    with torch.no_grad():
        assert relative_error(values(capture(module, SHAPE, asked), images), chosen(module(images), asked)) < 1e-12


def test_the_report_names_the_output_and_the_others():
    (note,) = capture(heads(GATHERED["nested, by path"][0]), SHAPE).notes
    assert note == (
        "Of several results, (1, 'deep', 1, 1) is the output; output= chooses another one: 0 of shape (N, 6, 10, 8), "
        "(1, 'deep', 0) of shape (N, 7, 4, 3), (1, 'deep', 1, 0) of shape (N, 4, 3, 2)."
    )
    assert capture(heads(GATHERED["one in a list"][0]), SHAPE).notes == ()


def test_the_layers_of_all_results_are_there_whichever_is_the_output():
    for output in ("features", "logits"):
        names = {layer.name for layer in capture(heads(GATHERED["dictionary"][0]), SHAPE, output).layers}
        assert {"stem", "stage", "last", "head"} <= names


@pytest.mark.parametrize(("name", "asked"), [("dictionary", "nope"), ("tuple", 7), ("nested", ("stages", 5))])
def test_a_result_that_there_is_not_is_refused_with_those_that_there_are(name, asked):
    with pytest.raises(ValueError, match=r"Heads: there is no output .* among .* of shape \(N, ") as refused:
        capture(heads(GATHERED[name][0]), SHAPE, asked)
    assert repr(asked) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_single_tensor_has_no_keys():
    with pytest.raises(ValueError, match=r"there is no output 0, but one only, of shape \(N, 5\)"):
        capture(heads(lambda a, b, c, y, z: y), SHAPE, 0)


@pytest.mark.parametrize(
    ("gather", "kind"),
    [
        (lambda a, b, c, y, z: Answer(c, y), "Answer"),
        (lambda a, *_: {a}, "set"),
        (lambda *x: iter(x), "tuple_iterator"),
    ],
    ids=["data class", "set", "iterator"],
)
def test_a_kind_of_result_that_torch_does_not_know_is_refused_in_words(gather, kind):
    with pytest.raises(ValueError, match=f"its forward returns {kind}; let it return a tensor, or a dict") as refused:
        capture(heads(gather), SHAPE)
    assert "pytree" not in str(refused.value)


@pytest.mark.parametrize("gather", [lambda *_: None, lambda *_: {}, lambda *_: 3, lambda a, *_: a.shape[1]])
def test_no_result_at_all_is_refused(gather):
    with pytest.raises(ValueError, match="Heads: the module's output does not depend on the image"):
        capture(heads(gather), SHAPE)

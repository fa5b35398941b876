"""Of several results, one is the output: the one that was asked for, or the one that is most likely meant."""

from __future__ import annotations

from collections import namedtuple

import pytest
import torch
from torch import nn

from zfwidgets.backend.capture.exported import capture

Pair = namedtuple("Pair", ["embedding", "logits"])


class Several(nn.Module):
    def __init__(self, results):
        super().__init__()
        self.stem, self.top = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 8, 3, 2)
        self.head, self.other = nn.Linear(8, 4), nn.Linear(8, 5)
        self.results = results

    def forward(self, x):
        low = self.stem(x).relu()
        high = self.top(low).relu()
        vector = high.mean((2, 3))
        return self.results(low, high, vector, self.head(vector), self.other(vector))


def shape_of(results, output=None):
    return capture(Several(results), (3, 12, 15), output).output.shape


DEFAULTS = {
    "a dictionary with logits": (lambda low, h, v, y, z: {"features": v, "logits": y}, (4,)),
    "a dictionary with out": (lambda low, h, v, y, z: {"aux": z, "out": y}, (4,)),
    "a named tuple": (lambda low, h, v, y, z: Pair(v, y), (4,)),
    "maps and classes": (lambda low, h, v, y, z: (h, y), (4,)),
    "two vectors": (lambda low, h, v, y, z: (y, v), (4,)),
    "a backbone's stages": (lambda low, h, v, y, z: [low, h], (8, 4, 6)),
    "stages from the top": (lambda low, h, v, y, z: (h, low), (8, 4, 6)),
    "deeper inside": (lambda low, h, v, y, z: {"stages": [low, h], "heads": {"logits": y, "aux": z}}, (4,)),
    "with what is no tensor": (lambda low, h, v, y, z: (None, 3, y), (4,)),
    "with what is not of the image": (lambda low, h, v, y, z: (torch.zeros(2, 3), y), (4,)),
    "one in a list": (lambda low, h, v, y, z: [y], (4,)),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_is_most_likely_meant_is_the_output(name):
    results, shape = DEFAULTS[name]
    assert shape_of(results) == shape


@pytest.mark.parametrize(
    ("output", "shape"),
    [("stages", (8, 4, 6)), (("stages", 0), (6, 10, 13)), (("heads", "aux"), (5,)), ("heads", (4,))],
)
def test_the_result_that_is_asked_for_is_the_output(output, shape):
    assert shape_of(lambda low, h, v, y, z: {"stages": [low, h], "heads": {"logits": y, "aux": z}}, output) == shape


def test_a_result_in_a_list_is_asked_for_by_its_place():
    assert shape_of(lambda low, h, v, y, z: (low, y, z), 2) == (5,)


@pytest.mark.parametrize("output", ["logit", 7, ("features", 1)])
def test_a_result_that_there_is_not_is_refused_with_those_that_there_are(output):
    with pytest.raises(ValueError, match=r"there is no output .* among") as refused:
        shape_of(lambda low, h, v, y, z: {"features": v, "logits": y}, output)
    assert "'features' of shape (N, 8), 'logits' of shape (N, 4)" in str(refused.value)


def test_the_report_names_the_output_and_the_others():
    (note,) = capture(Several(lambda low, h, v, y, z: (h, y)), (3, 12, 15)).notes
    assert note == "Of several results, 1 is the output; output= chooses another one: 0 of shape (N, 8, 4, 6)."
    assert capture(Several(lambda low, h, v, y, z: y), (3, 12, 15)).notes == ()


def test_the_layers_of_the_other_results_are_there_too():
    program = capture(Several(lambda low, h, v, y, z: {"out": low, "aux": z}), (3, 12, 15))
    assert {"stem", "top", "other"} <= {layer.name for layer in program.layers}


def test_a_result_of_a_type_of_ones_own_is_refused_in_a_sentence():
    class Answer:
        def __init__(self, logits):
            self.logits = logits

    with pytest.raises(ValueError, match="cannot be captured") as refused:
        shape_of(lambda low, h, v, y, z: Answer(y))
    assert "\n" not in str(refused.value)

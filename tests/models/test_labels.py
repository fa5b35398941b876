"""Labels name each class once, in the order of the output; whatever else is given is refused in words."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
import torchvision
from torch import nn

import zfwidgets as zf
from zfwidgets.models.squeezenet import imagenet_labels

SIZE = (20, 28)
NAMES = ("ant", "bee", "cat")


def small(classes=3):
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, classes)
    )


@pytest.fixture(scope="module")
def program():
    return zf.Network(small(), size=SIZE, device="cpu").program


@pytest.mark.parametrize(
    "labels",
    [
        {2: "cat", 0: "ant", 1: "bee"},
        {"2": "cat", "0": "ant", "1": "bee"},
        {np.int64(2): "cat", np.int64(0): "ant", np.int64(1): "bee"},
        {"cat": 2, "ant": 0, "bee": 1},
        {"cat": np.int64(2), "ant": np.int64(0), "bee": np.int64(1)},
        ["ant", "bee", "cat"],
        np.array(NAMES),
        [b"ant", b"bee", b"cat"],
        pandas.Series(NAMES, index=[4, 7, 9]),
        pandas.Categorical(NAMES),
        {"ant": None, "bee": None, "cat": None}.keys(),
        (name for name in NAMES),
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_labels_are_taken_in_order_and_dictionaries_by_number(program, labels):
    assert zf.Network(program, labels=labels, device="cpu").labels == NAMES


def test_names_that_are_numbers_are_names_too(program):
    assert zf.Network(program, labels={"7": 0, "1": 2, "4": 1}, device="cpu").labels == ("7", "4", "1")
    assert zf.Network(program, labels=[3, 1, 2], device="cpu").labels == ("3", "1", "2")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"ant", "bee", "cat"}, "a set has no order"),
        (frozenset(NAMES), "a set has no order"),
        ({"a": "ant", "b": "bee", "c": "cat"}, r"\{number: name\} or \{name: number\}"),
        ({0.5: "ant", 1: "bee", 2: "cat"}, r"\{number: name\} or \{name: number\}"),
        (7, "7 was given"),
        ([["ant"], ["bee"], ["cat"]], r"class 0 is \['ant'\]"),
        (["ant", None, "cat"], "class 1 is None"),
        (pandas.Series(["ant", "bee", None], dtype="string"), "class 2 is <NA>"),
        (["ant", float("nan"), "cat"], "class 1 is nan"),
    ],
)
def test_labels_without_order_or_name_are_a_type_error(program, labels, words):
    with pytest.raises(TypeError, match=words):
        zf.Network(program, labels=labels)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["ant", "bee"], "3 classes, in order; 2 were given"),
        ([*NAMES, "dog"], "3 classes, in order; 4 were given"),
        ([], "3 classes, in order; 0 were given"),
        ({}, "3 classes, in order; 0 were given"),
        ({0: "ant", 1: "bee"}, "3 classes, in order; 2 were given"),
        ("ant", "3 classes, in order; 3 were given"),
        ({1: "ant", 2: "bee", 3: "cat"}, "numbers 0 to 2, each once"),
        ({0: "ant", 1: "bee", 3: "cat"}, "numbers 0 to 2, each once"),
        ({"ant": 0, "bee": 0, "cat": 1}, "numbers 0 to 2, each once"),
        (["ant", "bee", "ant"], "classes 0 and 2 are both 'ant'"),
        ({0: "ant", 1: "bee", 2: "bee"}, "classes 1 and 2 are both 'bee'"),
        ([1, "1", 2], "classes 0 and 1 are both '1'"),
    ],
)
def test_labels_that_are_not_one_a_class_are_a_value_error(program, labels, words):
    with pytest.raises(ValueError, match=words):
        zf.Network(program, labels=labels)


@pytest.mark.parametrize("labels", [["ant", "bee"], [], list("abcdef"), {0: "ant"}, "ant"])
def test_a_network_without_classes_takes_no_labels(labels):
    with pytest.raises(ValueError, match=r"no classes to give labels to.*\(6, 16, 24\)"):
        zf.Network(nn.Conv2d(3, 6, 5), size=SIZE, labels=labels)


@pytest.mark.parametrize("labels", [[], ["a", "b", "c"]])
def test_one_output_has_one_label_or_two(labels):
    with pytest.raises(ValueError, match=rf"the class, or of two; {len(labels)} were given"):
        zf.Network(small(1), size=SIZE, labels=labels)


def test_the_names_of_imagenets_classes_are_all_different():
    assert len(set(imagenet_labels())) == 1000
    names = torchvision.models.get_model_weights("resnet18").DEFAULT.meta["categories"]
    assert tuple(names) == imagenet_labels()

"""What people call several of ImageNet's classes at once."""

import pytest

import zfwidgets as zf
from zfwidgets.models import label_groups

LABELS = zf.load("squeezenet1_1").labels
OF = {
    word: [LABELS[number] for number in numbers]
    for words, numbers in label_groups(LABELS).items()
    for word in words.split(", ")
}


def test_the_118_breeds_are_dogs():
    assert len(OF["dog"]) == 118
    assert (OF["dog"][0], OF["dog"][-1]) == ("Chihuahua", "Mexican hairless")
    assert OF["puppy"] == OF["dog"]


@pytest.mark.parametrize(
    ("word", "first", "last", "count"),
    [
        ("cat", "tabby", "cheetah", 13),
        ("fish", "tench", "puffer", 16),
        ("bird", "cock", "albatross", 59),
        ("snake", "thunder snake", "sidewinder", 17),
        ("spider", "black and gold garden spider", "wolf spider", 6),
        ("insect", "tiger beetle", "lycaenid", 27),
        ("monkey", "guenon", "titi", None),
        ("shark", "great white shark", "hammerhead", 3),
        ("frog", "bullfrog", "tailed frog", 3),
        ("turtle", "loggerhead", "box turtle", 5),
        ("lizard", "banded gecko", "Komodo dragon", 11),
        ("butterfly", "admiral", "lycaenid", 6),
        ("beetle", "tiger beetle", "weevil", 8),
        ("fruit", "Granny Smith", "pomegranate", 10),
        ("vegetable", "head cabbage", "cardoon", 11),
        ("car", "ambulance", "sports car", 10),
        ("wolf", "timber wolf", "coyote", 4),
    ],
)
def test_a_word_goes_from_its_first_class_to_its_last(word, first, last, count):
    assert OF[word][0] == first
    assert last in OF[word]
    assert count is None or (OF[word][-1], len(OF[word])) == (last, count)


@pytest.mark.parametrize("word", ["terrier", "spaniel", "poodle", "retriever", "fox", "bottle", "butterfly", "beetle"])
def test_whose_label_ends_with_a_word_goes_by_it(word):
    assert {label for label in LABELS if label.split()[-1] == word} <= set(OF[word])


def test_each_number_comes_once():
    for numbers in label_groups(LABELS).values():
        assert len(set(numbers)) == len(numbers)
        assert all(0 <= number < 1000 for number in numbers)


def test_other_labels_have_no_such_words():
    assert label_groups(["ant", "bee"]) == {}
    assert label_groups([f"class {number}" for number in range(1000)]) == {}

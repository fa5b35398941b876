"""Files of marks that lie, and files that would take all memory or time: they are refused in words, before the work."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from zfwidgets.widgets.correspondence_lab.part_marks import MOST_CORNERS, MOST_PARTS, PartMarks

SHAPE = (24, 31)
BOX = [2, 3, 11, 14]


def marks(shape=SHAPE):
    return PartMarks(("a", "b", "c"), shape)


def text_of(parts, size=SHAPE, **more):
    return json.dumps({"format": "zfwidgets parts", "size": list(size), "parts": parts} | more)


def refused(text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (looked at by those who call)
        marks().from_json(text)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 500
    return said


@pytest.mark.parametrize(
    "mark",
    [
        [2, 3, 10**18, 14], [2, 3, -(2**62), 14], [10**18] * 4, {"runs": [[1, 2, 10**18]]}, {"runs": [[10**18, 2, 3]]},
        {"runs": [[-1, 2, 3]]}, [[2, 2], [2, 10], [10, 10**18]], [[2, 2], [2, 10], [10, 1e300]], [[[[2]]]], {"runs": 3},
        {"runs": [[1, 2]]}, {"runs": []}, {},
    ],
)  # fmt: skip
def test_a_mark_of_no_kind_or_of_huge_numbers_is_named(mark):
    assert "the part 'nose' of 'a'" in refused(text_of({"nose": {"a": mark}}))


@pytest.mark.parametrize("number", [10**400, 10**30, 2**63, -(2**64)])
@pytest.mark.parametrize("mark", ["[2, 3, 11, X]", "[[2, 2], [2, 10], [10, X]]", '{"runs": [[1, X, 5]]}', "X"])
def test_a_number_beyond_64_bits_is_refused(mark, number):
    text = text_of({"nose": {"a": 0}}).replace(": 0}", f": {mark}}}").replace("X", str(number))
    assert "a number does not fit into 64 bits" in refused(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    "mark", ["[2, 3, 11, X]", "[[2, 2], [2, 10], [10, X]]", '{"runs": [[1, X, 5]]}', "[[0, 0, X, 9]]"]
)
def test_what_is_no_number_is_refused_with_the_mark_that_has_it(mark, number):
    assert "the part 'nose' of 'a'" in refused(
        text_of({"nose": {"a": 0}}).replace(": 0}", f": {mark}}}").replace("X", number)
    )


ODD = [None, True, 3, 1.5, "text", "\ud800", [], [[]], [1, "2", 3, 4], 10**18]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_other_types_are_refused_wherever_they_stand(odd):
    assert "the part 'nose' of 'a' " in refused(text_of({"nose": {"a": odd}}))
    assert "'nose'" in refused(text_of({"nose": odd}))
    for text in (text_of(odd), text_of({}, odd if isinstance(odd, list) else [odd]), text_of({}, format=odd)):
        assert "no parts that were saved here" in refused(text)
    assert "no parts that were saved here" in refused(json.dumps(odd))


@pytest.mark.parametrize(
    "text",
    [
        "", "\0", "{", '{"format": "zfwidgets parts"}', text_of({}).replace("31", "9" * 5000), "[" * 3_000_000,
        '{"a":' * 500_000, text_of({}).encode()[:-1], text_of({}).encode("utf-16")[:-1],
        text_of({}).replace('"parts"', '"size": [24, 31], "parts"'),
        '{"format": "zfwidgets parts", "size": [24, 31], "parts": {"nose": {"a": [2, 3, 4, 5], "a": [6, 7, 8, 9]}}}',
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_such_file_is_refused(text):
    assert "this file holds no parts that were saved here: " in refused(text)


@pytest.mark.parametrize("name", ["", "  ", "\ud800", "a\0", "a\x1b[31m", "x" * 31, "x" * 1_000_000, "random"])
def test_a_name_that_cannot_be_shown_is_refused(name):
    assert re.search("a name of 1 to 30|compared with", refused(text_of({name: {}})))
    assert "which is not here" in refused(text_of({"nose": {name: BOX}}))


def test_names_that_become_one_are_refused():
    assert "already" in refused(text_of({"nose": {}, " nose ": {}}))


def test_too_many_parts_are_refused_in_a_file_and_by_hand():
    parts = {f"part {number}": {"a": BOX} for number in range(MOST_PARTS)}
    full = marks().from_json(text_of(parts))
    assert len(full.parts) == MOST_PARTS
    with pytest.raises(ValueError, match="there are 50 parts, and no more"):
        full.add("one more")
    assert marks().from_json(full.to_json()).parts == full.parts
    assert "this file has 51 parts, and at most 50 are read" in refused(text_of(parts | {"one more": {}}))


def test_too_many_corners_are_refused_in_one_polygon_and_in_many():
    corners = [[2, 2], [2, 10], [10, 10], [10, 2]] * (MOST_CORNERS // 12 - 1)  # an odd number of times round: covered
    several = {f"part {number}": {"a": corners} for number in range(3)}
    assert marks().from_json(text_of(several)).parts == tuple(several)
    for parts in (several | {"more": {"a": corners}}, {"one": {"a": corners * 4}}):
        assert re.search(r"have 26,\d{3} corners, and at most 20,000 are read", refused(text_of(parts)))


def test_overlapping_rectangles_and_runs_mark_what_each_of_them_does():
    random = np.random.default_rng(3)
    ends = np.sort(random.integers(0, np.array(SHAPE)[:, None] + 1, (40, 2, 2)), axis=2)
    boxes = ends.transpose(0, 2, 1).reshape(40, 4)
    boxes = boxes[(boxes[:, :2] < boxes[:, 2:]).all(1)]
    lines = [(row, left, right) for row, left, _, right in boxes.tolist()]
    expected = np.zeros((2, *SHAPE), bool)
    for top, left, bottom, right in boxes:
        expected[0, top:bottom, left:right] = True
        expected[1, top, left:right] = True
    read = marks().from_json(text_of({"p": {"a": boxes.tolist(), "b": {"runs": lines}}}))
    assert (read.mask("p", "a") == expected[0]).all()
    assert (read.mask("p", "b") == expected[1]).all()


LARGE = (227, 227)
LARGEST = {  # the file that takes longest or most memory, of each kind
    "parts": lambda: text_of({f"p{n}": dict.fromkeys("abc", BOX) for n in range(50_000)}, LARGE),
    "images": lambda: text_of({"p": {f"i{n}": BOX for n in range(150_000)}}, LARGE),
    "rectangles": lambda: text_of({"p": {"a": [[0, 0, 227, 227]] * 200_000}}, LARGE),
    "runs": lambda: text_of({"p": {"a": {"runs": [[n % 227, 0, 227] for n in range(250_000)]}}}, LARGE),
    "polygon": lambda: text_of({"p": {"a": [[n % 2 * 227, n * 7 % 227] for n in range(MOST_CORNERS)]}}, LARGE),
    "corners": lambda: text_of({"p": {"a": [[n % 227, n * 7 % 227] for n in range(300_000)]}}, LARGE),
    "brackets": lambda: text_of({"p": {"a": [[]] * 900_000}}, LARGE),
    "braces": lambda: text_of({"p": {"a": [{}] * 900_000}}, LARGE),
    "numbers": lambda: text_of({"p": {"a": [0.5] * 700_000}}, LARGE),
    "all": lambda: text_of({
        f"p{n}": {name: [[0, 1], [227, 7], [200, 220]] * 43 for name in "abc"} for n in range(MOST_PARTS)
    }, LARGE),
}  # fmt: skip
CHILD = """
import resource, sys, time
from zfwidgets.widgets.correspondence_lab.part_marks import PartMarks
memory = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (memory + 400_000_000,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 30,) * 2)
for path in sys.argv[1:]:
    try:
        found = PartMarks(("a", "b", "c"), (227, 227)).from_json(open(path, "rb").read())
        print(len(found.parts), "parts are marked")
    except ValueError as error:
        print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as Linux does")
def test_no_file_takes_much_memory_or_time(tmp_path):
    for name, text in LARGEST.items():
        (tmp_path / name).write_text(text())
    paths = [tmp_path / name for name in LARGEST]
    run = subprocess.run([sys.executable, "-c", CHILD, *paths], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    said = dict(zip(LARGEST, run.stdout.splitlines(), strict=True))
    assert "50,000 parts" in said["parts"]
    assert "300,000 corners" in said["corners"]
    assert "an image 'i0', which is not here" in said["images"]
    assert "neither a rectangle" in said["brackets"]
    for name in ("rectangles", "runs", "polygon"):
        assert said[name] == "1 parts are marked"
    assert said["all"] == "50 parts are marked"

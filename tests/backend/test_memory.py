"""Out of memory on a device, what is computed together is halved; where not even one fits, a sentence says so."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import DECONVNET
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.incremental.run import Incremental
from zfwidgets.backend.run import deconvnet
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.memory import equal_parts, in_parts, parts_of, within_memory
from zfwidgets.backend.run.units import Units

from ..pretended import at_most, pretended_device

SENTENCE = r"^not even one image at a time fits into what is free of the device's memory: .*net\.on\(\"cpu\"\)$"


class Small:
    """A device on which so many fit."""

    def __init__(
        self, room: int, error: type[Exception] = torch.OutOfMemoryError, words: str = "CUDA out of memory."
    ) -> None:
        self.room, self.error, self.words = room, error, words
        self.asked: list[tuple[int, int]] = []

    def __call__(self, some: slice) -> list[int]:
        self.asked.append((some.start, some.stop))
        if some.stop - some.start > self.room:
            raise self.error(self.words)
        return list(range(some.start, some.stop))


def test_where_there_is_room_the_parts_are_as_they_were():
    small = Small(100)
    found = list(in_parts(parts_of(10, 4), small))
    assert small.asked == [(0, 4), (4, 8), (8, 10)]
    assert [numbers for _, numbers in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_what_does_not_fit_is_halved_and_later_parts_are_no_larger():
    small = Small(3)
    found = list(in_parts(parts_of(20, 8), small))
    assert small.asked[:3] == [(0, 8), (0, 4), (0, 2)]
    assert all(stop - start == 2 for start, stop in small.asked[3:])
    assert [number for _, numbers in found for number in numbers] == list(range(20))
    assert [(some.start, some.stop) for some, _ in found] == small.asked[2:]


def test_where_not_even_one_fits_a_sentence_says_so():
    small = Small(0)
    with pytest.raises(MemoryError, match=SENTENCE) as caught:
        list(in_parts(parts_of(5, 5), small))
    assert small.asked == [(0, 5), (0, 2), (0, 1)]
    assert isinstance(caught.value.__cause__, torch.OutOfMemoryError)


@pytest.mark.parametrize(
    "words",
    [
        "MPS backend out of memory (MPS allocated: 8.00 GB, max allowed: 9.07 GB).",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    ],
)
def test_devices_and_libraries_say_it_in_other_words(words):
    found = list(in_parts(parts_of(4, 4), Small(2, RuntimeError, words)))
    assert [number for _, numbers in found for number in numbers] == [0, 1, 2, 3]


def test_other_errors_are_not_tried_again():
    small = Small(2, RuntimeError, "mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        list(in_parts(parts_of(4, 4), small))
    assert small.asked == [(0, 4)]


def test_what_failed_and_what_was_handed_on_is_freed_before_the_next_is_computed():
    held: list[weakref.ref] = []

    def compute(some: slice) -> torch.Tensor:
        assert not [one for one in held if one() is not None]
        maps = torch.zeros(some.stop - some.start)
        held.append(weakref.ref(maps))
        if len(maps) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return maps

    deque(in_parts(parts_of(12, 8), compute), maxlen=0)
    assert len(held) == 2 + 6


def test_equal_parts_are_numpys():
    for count in range(40):
        for most in range(1, 12):
            parts = [np.arange(count)[some].tolist() for some in equal_parts(count, most)]
            assert parts == [
                part.tolist() for part in np.array_split(np.arange(count), -(-count // most) or 1) if len(part)
            ]


def test_a_decorated_function_says_it_too():
    @within_memory()
    def compute() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nSee documentation for Memory Management")

    with pytest.raises(MemoryError, match=SENTENCE):
        compute()


@pytest.fixture
def device() -> Iterator[torch.device]:
    with pretended_device() as device:
        yield device


@pytest.fixture(scope="module")
def program() -> Program:
    """Its widest maps are in the middle."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 60, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(60, 5, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 5 * 6, 3),
    )  # fmt: skip
    return capture(module.double().eval(), (3, 20, 24))


IMAGES = torch.randn(9, 3, 20, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
LARGEST = 60 * 10 * 12  # numbers in the largest map of an image


def counted(monkeypatch: pytest.MonkeyPatch, module: object, name: str, place: int) -> list[int]:
    """How many each call of a function gets, at one place of its arguments."""
    function, sizes = getattr(module, name), []

    def counting(*args, **kwargs):
        sizes.append(len(args[place]))
        return function(*args, **kwargs)

    monkeypatch.setattr(module, name, counting)
    return sizes


@pytest.mark.parametrize(
    ("crop", "limit", "function", "place"),
    [(True, 4 * 60 * 6 * 6 - 1, "project_cropped", 2), (False, 4 * LARGEST - 1, "_on_images", 3)],
)
def test_projections_go_on_in_smaller_chunks(crop, limit, function, place, program, device, monkeypatch):
    step = program.by_name["6"]
    there = program.to(device, torch.float64)
    units = Units(torch.arange(9), torch.arange(9) % 5, torch.full((9,), 2), torch.full((9,), 3))
    expected = project_units(program, IMAGES, step, units, DECONVNET, crop)
    sizes = counted(monkeypatch, deconvnet, function, place)
    images = IMAGES.to(device)
    with at_most(limit):
        found = project_units(there, images, there.by_name["6"], units, DECONVNET, crop)
    assert sizes == [9, 4, 2, 2, 2, 2, 1]
    torch.testing.assert_close(found.pixels.cpu(), expected.pixels)
    torch.testing.assert_close(found.activation.cpu(), expected.activation)


def test_changes_go_on_in_smaller_chunks(program, device):
    boxes = np.array([(row, column, row + 5, column + 6) for row in range(0, 15, 3) for column in range(0, 18, 3)])

    def scores(program: Program, image: torch.Tensor, limit: Callable) -> tuple[torch.Tensor, int]:
        incremental, found, chunks = (
            Incremental(program, image, [program.output]),
            torch.zeros(len(boxes), 3).double(),
            0,
        )
        with limit():
            for some, changed in incremental.run(incremental.plan(boxes), image.flip(0)):
                found[some], chunks = changed[program.output].values.cpu(), chunks + 1
        return found, chunks

    there, image = program.to(device, torch.float64), IMAGES[0].to(device)
    expected, few = scores(there, image, lambda: at_most(10**9))
    found, many = scores(there, image, lambda: at_most(2 * LARGEST))
    assert many > few
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found, scores(program, IMAGES[0], lambda: at_most(1))[0])  # the CPU has no such limit


def test_where_the_network_itself_does_not_fit_all_ways_say_so(program, device):
    there, images = program.to(device, torch.float64), IMAGES.to(device)
    units = Units(*torch.zeros(4, 2, dtype=torch.int64))
    step = there.by_name["6"]
    with at_most(LARGEST // 2):
        for compute in (
            lambda: project_units(there, images, step, units, crop=False),
            lambda: Incremental(there, images[0], [there.output]),
        ):
            with pytest.raises(MemoryError, match=SENTENCE):
                compute()

"""A collection's fingerprint: another for other contents, the same everywhere for the same ones."""

import io
import os
import random
import subprocess
import sys
import time
from hashlib import sha256

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from zfwidgets.data import Collection, corpus, images

RANDOM = np.random.default_rng(0)


def noise(count=5, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 7, 3), dtype=np.uint8)


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


class Made(Dataset):
    """Makes its items when they are asked for, and counts them."""

    def __init__(self, arrays):
        self.arrays, self.asked = arrays, 0

    def __len__(self):
        return len(self.arrays)

    def __getitem__(self, place):
        self.asked += 1
        return Image.fromarray(self.arrays[place]), 3


class Turned(Made):
    """The same with a random transform."""

    def __init__(self, arrays, draw):
        super().__init__(arrays)
        self.draw = draw

    def __getitem__(self, place):
        return (self.arrays[place] // 2 + int(100 * self.draw())).astype(np.uint8), 3


KINDS = {
    "a batch": lambda arrays: arrays,
    "a batch on a device": lambda arrays: torch.from_numpy(arrays).permute(0, 3, 1, 2),
    "small floats": lambda arrays: torch.from_numpy(arrays).permute(0, 3, 1, 2).to(torch.bfloat16) / 256,
    "arrays": list,
    "labelled arrays": lambda arrays: [(array, 1) for array in arrays],
    "PIL images": lambda arrays: [Image.fromarray(array) for array in arrays],
    "files' bytes": lambda arrays: [png(array) for array in arrays],
    "rows": lambda arrays: [{"image": {"bytes": png(array), "path": None}, "label": 1} for array in arrays],
    "a data set": Made,
    "a data set of tensors": lambda arrays: TensorDataset(torch.from_numpy(arrays).permute(0, 3, 1, 2)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changed", [0, 2, 4])
def test_other_contents_of_the_same_names_are_told_apart(kind, changed):
    other = noise()
    other[changed, 3, 2, 1] ^= 128
    one, same, another = (images(KINDS[kind](arrays)) for arrays in (noise(), noise(), other))
    assert one.names == another.names
    assert one.fingerprint == same.fingerprint
    assert one.fingerprint != another.fingerprint


@pytest.mark.parametrize("where", [0, 400_000, 999_999])
def test_files_are_told_apart_by_their_bytes(tmp_path, where):
    for name, byte in (("one", 0), ("same", 0), ("other", 1)):
        (tmp_path / name).mkdir()
        contents = bytearray(1_000_000)
        contents[max(0, where - 40_000) : where + 40_000] = bytes([byte]) * 80_000
        (tmp_path / name / "a.png").write_bytes(contents[:1_000_000])
    one, same, other = (images(tmp_path / name).fingerprint for name in ("one", "same", "other"))
    assert one == same
    assert one != other


def test_files_are_told_apart_by_their_size(tmp_path):
    for size in (10, 11):
        (tmp_path / f"{size}").mkdir()
        (tmp_path / f"{size}/a.png").write_bytes(bytes(size))
    assert images(tmp_path / "10").fingerprint != images(tmp_path / "11").fingerprint


def test_names_number_and_order_count():
    arrays = noise()
    collections = [arrays, arrays[:4], {f"b{i}": array for i, array in enumerate(arrays)}, arrays[::-1], [arrays[0]]]
    assert len({images(source).fingerprint for source in collections}) == len(collections)


def test_it_is_the_same_in_another_process():
    script = (
        "import numpy as np, zfwidgets as zf\n"
        "arrays = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)\n"
        "print(zf.images({f'\\u00e4\\U0001f600{i}': array for i, array in enumerate(arrays)}).fingerprint)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    here = images({f"ä😀{i}": array for i, array in enumerate(noise())}).fingerprint
    assert printed.stdout.strip() == here
    assert here == "df62d463cd7a985e"  # also of other versions and machines


def test_few_items_of_a_large_data_set_are_read():
    data_set = Made(np.broadcast_to(noise(1), (100_000, 6, 7, 3)))
    collection = images(data_set)
    assert collection.fingerprint == collection.fingerprint
    assert data_set.asked == 2 * 32


def test_a_broken_image_is_part_of_what_a_collection_is(tmp_path):
    def collection(contents):
        (tmp_path / "a.png").unlink(missing_ok=True)
        if contents is not None:
            (tmp_path / "a.png").write_bytes(contents)
        return images({"a": tmp_path / "a.png", "b": noise()[0]})

    found = {collection(contents).fingerprint for contents in (None, b"", b"no image", png(noise()[0]))}
    assert len(found) == 4


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyError(3), MemoryError(), AssertionError()])
def test_a_data_set_that_raises_has_a_fingerprint(error):
    class Broken(Made):
        def __getitem__(self, place):
            if place == 2:
                raise error
            return super().__getitem__(place)

    assert images(Broken(noise())).fingerprint == images(Broken(noise())).fingerprint
    assert images(Broken(noise())).fingerprint != images(Made(noise())).fingerprint


DRAWS = {
    "python": random.random,
    "numpy": lambda: np.random.rand(),  # noqa: NPY002
    "torch": lambda: torch.rand(()).item(),
    "its own": RANDOM.random,
    "the clock": lambda: time.perf_counter_ns() % 997 / 997,
}


@pytest.mark.parametrize("draw", DRAWS)
def test_contents_that_change_have_no_fingerprint_and_the_reader_is_told_what_to_do(draw):
    collection = images(Turned(noise(), DRAWS[draw]))
    with pytest.raises(ValueError, match=r"Turned.*random transform.*zf\.images\(source, fingerprint="):
        _ = collection.fingerprint
    assert collection.fits(collection.result_fingerprint)
    assert collection.result_fingerprint == images(Turned(noise(), DRAWS[draw])).result_fingerprint
    assert collection.result_fingerprint != images(noise()).result_fingerprint


def test_a_stated_fingerprint_stands_for_the_contents():
    one, same, other = (
        images(Turned(noise(), random.random), fingerprint=text).fingerprint for text in ("mine 1", "mine 1", "mine 2")
    )
    assert one == same
    assert one != other
    assert images(images(noise()), fingerprint="mine 1").fingerprint == one
    assert images(noise(4), fingerprint="mine 1").fingerprint != one


@pytest.mark.parametrize(("given", "error"), [("", ValueError), (" ", ValueError), (3, TypeError), (b"a", TypeError)])
def test_a_stated_fingerprint_is_a_text(given, error):
    with pytest.raises(error, match="fingerprint is a text of your own"):
        images(noise(), fingerprint=given)


@pytest.mark.parametrize("draw", ["python", "numpy", "torch"])
def test_sampling_leaves_random_numbers_as_they_were(draw):
    def numbers(sampled):
        torch.manual_seed(1)
        np.random.seed(1)  # noqa: NPY002
        random.seed(1)
        if sampled:
            _ = images(Turned(noise(), DRAWS[draw])).result_fingerprint
        return torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()  # noqa: NPY002

    assert numbers(sampled=True) == numbers(sampled=False)


def test_what_was_found_before_contents_counted_still_fits():
    collection = images(noise())
    former = sha256(repr(collection.names).encode()).hexdigest()[:16]
    assert collection.fits(former)
    assert collection.fits(collection.fingerprint)
    assert not collection.fits(images(noise(seed=1)).fingerprint)


def test_nothing_of_the_corpus_is_drawn_for_its_fingerprint():
    items = type(corpus())(corpus().names, [None] * len(corpus()))
    assert items.fingerprint == corpus().fingerprint
    assert Collection(corpus().names, [None] * len(corpus())).fingerprint != corpus().fingerprint

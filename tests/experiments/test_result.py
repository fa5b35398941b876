"""What is saved comes back bit for bit, and nothing in a file is ever run."""

from __future__ import annotations

import errno
import os
import pickle
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import zfwidgets as zf
from zfwidgets.experiments.result import Result


@dataclass(frozen=True, eq=False)
class Other(Result):
    """Not a projection."""

    numbers: np.ndarray


def projection(unit=(3, 7)):
    random = np.random.default_rng(2)
    pixels = random.normal(size=(5, 7, 3)).astype(np.float32).transpose(2, 0, 1)  # not contiguous
    pixels[0, 0, :3] = [np.nan, -0.0, 1e-42]
    picture = random.integers(0, 256, (5, 7, 3), np.uint8)
    return zf.Projection(pixels, picture, 0.1 + 0.2, "conv «ü»", 12, unit, (0, 1, 4, 6), "guided")


@pytest.mark.parametrize("unit", [(3, 7), None])
def test_what_was_saved_comes_back_bit_for_bit(tmp_path, unit):
    before = projection(unit)
    before.save(tmp_path / "one.zf")
    after = zf.Projection.load(str(tmp_path / "one.zf"))
    for field in fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        assert type(new) is type(old)
        if isinstance(old, np.ndarray):
            assert (new.dtype, new.shape) == (old.dtype, old.shape)
            assert new.tobytes() == old.tobytes()
        else:
            assert new == old


@pytest.mark.parametrize("length", [0, 5, 60, -1])
def test_a_file_cut_short_is_refused_by_name(tmp_path, length):
    projection().save(tmp_path / "cut.zf")
    (tmp_path / "cut.zf").write_bytes((tmp_path / "cut.zf").read_bytes()[:length])
    with pytest.raises(ValueError, match=r"cut\.zf' is not a file that Projection\.save wrote"):
        zf.Projection.load(tmp_path / "cut.zf")


def test_another_kind_of_result_is_refused_by_its_kind(tmp_path):
    Other(np.arange(6.0).reshape(2, 3)).save(tmp_path / "other.zf")
    with pytest.raises(ValueError, match="holds Other, not Projection"):
        zf.Projection.load(tmp_path / "other.zf")


def test_arrays_that_no_result_wrote_are_refused(tmp_path):
    save_file({"numbers": np.arange(3.0)}, tmp_path / "plain.zf")
    with pytest.raises(ValueError, match="holds no result, not Other"):
        Other.load(tmp_path / "plain.zf")


def test_a_result_of_another_version_is_refused(tmp_path):
    header = {"result": "Other", "values": '{"newer": 3}'}
    save_file({"numbers": np.arange(3.0)}, tmp_path / "newer.zf", metadata=header)
    with pytest.raises(ValueError, match=r"newer\.zf.*another version"):
        Other.load(tmp_path / "newer.zf")


class Trap:
    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


def test_a_pickle_is_refused_and_never_run(tmp_path):
    (tmp_path / "trap.zf").write_bytes(pickle.dumps(Trap(tmp_path / "harmed")))
    with pytest.raises(ValueError, match="is not a file"):
        zf.Projection.load(tmp_path / "trap.zf")
    assert not (tmp_path / "harmed").exists()


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        zf.Projection.load(tmp_path / "nowhere.zf")


def test_no_flipped_bit_is_in_a_result(tmp_path):
    path = tmp_path / "one.zf"
    before = projection()
    before.save(path)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        try:
            after = zf.Projection.load(path)
        except ValueError:
            continue
        assert after.pixels.tobytes() == before.pixels.tobytes()  # a space in the header was hit
        assert repr(after) == repr(before)


def test_a_file_of_before_there_were_checksums_loads(tmp_path):
    projection().save(tmp_path / "new.zf")
    with safe_open(tmp_path / "new.zf", "numpy") as file:
        header = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    former = {name: header[name] for name in ("result", "values")}
    save_file(arrays, tmp_path / "former.zf", former)
    assert repr(zf.Projection.load(tmp_path / "former.zf")) == repr(projection())


@pytest.mark.parametrize(
    "values",
    [
        "", "{", "[]", "null", "3", '"text"', "[" * 5000, '{"layer": ' * 900 + "1" + "}" * 900, "9" * 5000,
        '{"layer": 3, "layer": 4}', '{"numbers": {"the keys of its arrays": ["a"]}}', '{"numbers": 3}',
        '{"numbers": {"the keys of its arrays": 3}}', '{"\\ud800": 1}',
    ],
)  # fmt: skip
def test_metadata_of_any_kind_is_refused_by_name(tmp_path, values):
    save_file({"other": np.arange(3.0)}, tmp_path / "odd.zf", {"result": "Other", "values": values})
    with pytest.raises(ValueError, match=r"odd\.zf"):
        Other.load(tmp_path / "odd.zf")


@dataclass(frozen=True, eq=False)
class Several(Result):
    """Arrays by name."""

    numbers: dict[str, np.ndarray]
    former_names = {"figures": "numbers"}  # noqa: RUF012


@pytest.mark.parametrize("keys", ['["a", "a"]', '["1", 1]', "[1, 1]", '["a", "a", "a"]'])
def test_one_array_does_not_stand_for_two_keys(tmp_path, keys):
    values = f'{{"numbers": {{"the keys of its arrays": {keys}}}}}'
    arrays = {"numbers/a": np.arange(3.0), "numbers/1": np.arange(3.0)}
    save_file(arrays, tmp_path / "twice.zf", {"result": "Several", "values": values})
    with pytest.raises(ValueError, match=r"twice\.zf.*numbers has an array that stands for two keys"):
        Several.load(tmp_path / "twice.zf")


@pytest.mark.parametrize(
    ("arrays", "values"),
    [
        (["numbers/a"], '{"numbers": KEYS, "figures": KEYS}'),
        (["numbers/a", "figures/a"], '{"numbers": KEYS, "figures": KEYS}'),
        (["numbers", "numbers/a"], '{"numbers": KEYS}'),
        (["figures", "numbers/a"], '{"numbers": KEYS}'),
    ],
)
def test_a_field_is_not_there_twice(tmp_path, arrays, values):
    values = values.replace("KEYS", '{"the keys of its arrays": ["a"]}')
    header = {"result": "Several", "values": values}
    save_file({name: np.arange(3.0) for name in arrays}, tmp_path / "twice.zf", header)
    with pytest.raises(ValueError, match=r"twice\.zf.*(lacks its array|a field is there twice)"):
        Several.load(tmp_path / "twice.zf")


MANY = {f"k{number}": "" for number in range(50_000)}


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ({"result": "x" * 1_000_000}, ["a"]),
        ({"result": "\x1b[31m\n" * 1000}, ["a"]),
        ({"result": "Other", "values": "{}"} | MANY, ["a"]),
        ({"result": "Other", "values": "{}"}, ["a" * 1_000_000]),
        ({"result": "Other", "values": "{}"}, [*MANY]),
        ({"result": "Other", "values": '{"\\ud800": {"the keys of its arrays": ["a"]}}'}, ["a"]),
        ({"result": "Other", "values": '{"\\n\\n": {"the keys of its arrays": ["a"]}}'}, ["a"]),
    ],
    ids=range(7),
)
def test_a_message_stays_a_sentence_whatever_the_file_says(tmp_path, header, names):
    save_file({name: np.arange(3.0) for name in names}, tmp_path / "long.zf", header)
    with pytest.raises(ValueError, match=r"long\.zf") as caught:
        Other.load(tmp_path / "long.zf")
    said = str(caught.value)
    assert len(said) < 1000
    assert said.isprintable()


def test_a_stamp_comes_back(tmp_path):
    projection().save(tmp_path / "one.zf", "whose it is")
    found, stamp = zf.Projection.load_stamped(tmp_path / "one.zf")
    assert repr(found) == repr(projection())
    assert stamp == "whose it is"


def test_a_result_that_cannot_be_written_leaves_the_former_one(tmp_path, monkeypatch):
    path = tmp_path / "one.zf"
    projection().save(path)
    before = path.read_bytes()

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        projection(None).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def tops(**changes) -> zf.TopActivations:
    values = np.array([[3, 2], [1, -np.inf]], np.float32)
    images = np.array([[4, 9], [4, -1]], np.int32)
    units = np.array([[[0, 1], [2, 3]], [[5, 5], [-1, -1]]], np.int16)
    fields = {
        "values": {"conv": values}, "images": {"conv": images}, "units": {"conv": units}, "ranges": ((0, 5), (8, 12)),
        "broken": ((3, "torn"),), "network": "0123", "data": "4567",
    }  # fmt: skip
    return zf.TopActivations(**fields | changes)


def changed(array: np.ndarray, place, number) -> dict[str, np.ndarray]:
    array = array.copy()
    array[place] = number
    return {"conv": array}


VALUES, IMAGES, UNITS = (getattr(tops(), name)["conv"] for name in ("values", "images", "units"))


def test_what_is_true_of_top_activations_loads(tmp_path):
    tops().save(tmp_path / "tops.zf")
    assert zf.TopActivations.load(tmp_path / "tops.zf").count == 8


@pytest.mark.parametrize(
    "changes",
    [
        {"images": changed(IMAGES, (0, 0), 1_000_000)},
        {"images": changed(IMAGES, (0, 0), 6)},  # between the ranges
        {"images": changed(IMAGES, (0, 0), 12)},
        {"images": changed(IMAGES, (0, 0), -1)},
        {"images": changed(IMAGES, (0, 0), 3)},  # broken
        {"images": changed(IMAGES, (1, 1), 4)},  # where there is none
        {"units": changed(UNITS, (0, 0, 1), -1)},
        {"units": changed(UNITS, (1, 1), 0)},
        {"values": changed(VALUES, (0, 0), np.inf)},
        {"values": changed(VALUES, (0, 0), np.nan)},
        {"values": changed(VALUES, (0, 0), 1)},  # not falling
        {"values": changed(VALUES, (1, 0), -np.inf)},
        {"values": {"conv": VALUES[:, :0]}, "images": {"conv": IMAGES[:, :0]}, "units": {"conv": UNITS[:, :0]}},
        {"values": {"conv": VALUES[:1]}},
        {"values": {"conv": np.arange(4).reshape(2, 2)}},
        {"values": {"other": VALUES}},
        {"values": {}, "images": {}, "units": {}},
        {"units": {"conv": UNITS[..., :1]}},
        {"units": {"conv": UNITS[..., 0]}},
        {"ranges": ()},
        {"ranges": ((8, 12), (0, 5))},
        {"ranges": ((0, 9), (8, 12))},
        {"ranges": ((5, 0), (8, 12))},
        {"ranges": ((0, 5, 9), (8, 12))},
        {"ranges": "everything"},
        {"broken": ((7, "never seen"),)},
        {"broken": ((3, 3),)},
        {"per_image": 0},
        {"per_image": 2**70},
        {"per_image": "one"},
        {"network": 3},
        {"network": None},
    ],
    ids=str,
)
def test_top_activations_that_lie_are_refused_by_name(tmp_path, changes):
    tops(**changes).save(tmp_path / "lie.zf")
    with pytest.raises(ValueError, match=r"lie\.zf' is damaged, or was not written by TopActivations\.save: "):
        zf.TopActivations.load(tmp_path / "lie.zf")


def test_units_beyond_a_networks_maps_are_refused():
    net, images = zf.load("squeezenet1_1", device="cpu"), zf.images()
    layer = net.layers[0]
    shape = (layer.channels, 1)
    found = zf.TopActivations(
        {layer.name: np.ones(shape, np.float32)}, {layer.name: np.zeros(shape, np.int32)},
        {layer.name: np.full((*shape, 2), 30_000, np.int16)}, ((0, len(images)),), (), net.fingerprint,
        images.fingerprint,
    )  # fmt: skip
    with pytest.raises(ValueError, match="there are units beyond the maps of"):
        found.check(net, images)


@pytest.mark.parametrize(
    "changes",
    [
        {"box": (0, 1, 4, 8)}, {"box": (-1, 1, 4, 6)}, {"box": (3, 1, 3, 6)}, {"box": (0, 1, 4)}, {"feature": -1},
        {"feature": 1.5}, {"unit": (-1, 0)}, {"unit": (1, 2, 3)}, {"unit": ["a", "b"]}, {"rule": "another"},
        {"rule": None}, {"activation": "high"}, {"layer": 3}, {"pixels": np.zeros((3, 5, 8), np.float32)},
        {"pixels": np.zeros((5, 7), np.float32)}, {"picture": np.zeros((5, 7, 4), np.uint8)},
        {"picture": np.zeros((5, 7, 3), np.float32)},
    ],
    ids=str,
)  # fmt: skip
def test_a_projection_that_lies_is_refused(tmp_path, changes):
    replace(projection(), **changes).save(tmp_path / "lie.zf")
    with pytest.raises(ValueError, match=r"lie\.zf' is damaged, or was not written by Projection\.save: "):
        zf.Projection.load(tmp_path / "lie.zf")

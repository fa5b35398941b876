"""A folder of finished parts: nothing lost, nothing taken for something else, nobody in another's way."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from zfwidgets.experiments.checkpoint import Asked, opened
from zfwidgets.experiments.result import Result

ASKED = Asked("counting", "net 0123", "8 images, 4567", {"layers": ("a", "b"), "k": 9})


@dataclass(frozen=True, eq=False)
class Counted(Result):
    """Something that was found."""

    numbers: np.ndarray
    name: str


def counted(start: int = 0) -> Counted:
    return Counted(np.arange(start, start + 1000, dtype=np.int64), f"from {start}")


def same(one: Counted | None, other: Counted) -> bool:
    return one is not None and one.name == other.name and np.array_equal(one.numbers, other.numbers)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "new" / "saved"


def test_a_part_is_kept(folder):
    with opened(folder, ASKED) as saved:
        assert saved.load("first", Counted) is None
        saved.save("first", counted())
    with opened(folder, ASKED) as again:
        assert same(again.load("first", Counted), counted())
        assert again.load("second", Counted) is None


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (Asked("adding", ASKED.network, ASKED.data, ASKED.settings), "operation: counting, and not adding"),
        (Asked("counting", "net 9999", ASKED.data, ASKED.settings), "network: net 0123, and not net 9999"),
        (
            Asked("counting", ASKED.network, "8 images, 9999", ASKED.settings),
            "data set: 8 images, 4567, and not 8 images",
        ),
        (Asked("counting", ASKED.network, ASKED.data, {"layers": ("a", "c"), "k": 9}), "layers: "),
        (Asked("counting", ASKED.network, ASKED.data, {"layers": ("a", "b"), "k": 8}), "k: 9, and not 8"),
        (Asked("counting", ASKED.network, ASKED.data, {"layers": ("a", "b")}), "k: 9, and not None"),
    ],
)
def test_what_was_begun_for_something_else_is_refused_by_name(folder, asked, name):
    with opened(folder, ASKED):
        pass
    with pytest.raises(ValueError, match=f"was begun with another {name}"), opened(folder, asked):
        pass


@pytest.mark.parametrize("bit", [0, 70, 500, -1, -4000])
def test_a_flipped_bit_is_noticed_and_the_part_set_aside(folder, bit):
    with opened(folder, ASKED) as saved:
        saved.save("first", counted())
        path = folder / "first.safetensors"
        content = bytearray(path.read_bytes())
        content[bit] ^= 4
        path.write_bytes(content)
        with pytest.warns(UserWarning, match=r"first\.safetensors.*; it is set aside as first\.safetensors\.damaged"):
            assert saved.load("first", Counted) is None
        assert (folder / "first.safetensors.damaged").read_bytes() == content
        saved.save("first", counted())
        assert same(saved.load("first", Counted), counted())


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"half of it", bytes(range(256)) * 50])
def test_a_damaged_part_is_set_aside(folder, content):
    with opened(folder, ASKED) as saved:
        (folder / "first.safetensors").write_bytes(content)
        with pytest.warns(UserWarning, match="is not a file that Counted.save wrote.*set aside"):
            assert saved.load("first", Counted) is None


def test_a_part_of_another_run_or_under_another_name_is_set_aside(folder, tmp_path):
    other = tmp_path / "other"
    with opened(other, Asked("counting", "net 9999", ASKED.data, ASKED.settings)) as saved:
        saved.save("first", counted(5))
    with opened(folder, ASKED) as saved:
        shutil.copy(other / "first.safetensors", folder / "first.safetensors")
        saved.save("second", counted(7))
        shutil.copy(folder / "second.safetensors", folder / "third.safetensors")
        for part in ("first", "third"):
            with pytest.warns(UserWarning, match=f"{part}.safetensors' belongs to something else"):
                assert saved.load(part, Counted) is None
        assert same(saved.load("second", Counted), counted(7))


@pytest.mark.parametrize(
    "manifest", ["", "{", "[]", "null", '{"format": "another"}', "[" * 100_000, '"' + "x" * 2_000_000]
)
def test_a_damaged_manifest_costs_nothing(folder, manifest):
    with opened(folder, ASKED) as saved:
        saved.save("first", counted())
    (folder / "checkpoint.json").write_text(manifest)
    said = r"checkpoint\.json' is damaged: .*set aside as checkpoint\.json\.damaged"
    with pytest.warns(UserWarning, match=said), opened(folder, ASKED) as saved:
        assert same(saved.load("first", Counted), counted())
    with opened(folder, ASKED) as saved:
        assert same(saved.load("first", Counted), counted())


def test_drafts_of_killed_processes_are_no_obstacle_and_are_cleared(folder):
    folder.mkdir(parents=True)
    (folder / ".checkpoint.json.0123.draft").write_text("{")  # killed before the first renaming
    with opened(folder, ASKED) as saved:
        saved.save("first", counted())
        (folder / ".first.safetensors.4567.draft").write_bytes(b"half")
    with opened(folder, ASKED):
        assert sorted(path.name for path in folder.iterdir() if path.name[:5] not in (".lock", ".owne")) == [
            "checkpoint.json",
            "first.safetensors",
        ]


@pytest.mark.parametrize("name", ["holiday.jpg", "model.safetensors"])
def test_a_folder_with_other_things_in_it_is_no_place(folder, name):
    folder.mkdir(parents=True)
    (folder / name).touch()
    with pytest.raises(ValueError, match="is not empty, and holds no checkpoint"), opened(folder, ASKED):
        pass


def test_a_checkpoint_of_an_older_version_is_refused_by_name(folder):
    folder.mkdir(parents=True)
    (folder / "top_activations.json").write_text("{}")
    with pytest.raises(ValueError, match=r"an older zfwidgets.*give another one, or remove it"), opened(folder, ASKED):
        pass


def test_another_version_of_torch_is_said(folder):
    with opened(folder, ASKED):
        pass
    manifest = folder / "checkpoint.json"
    manifest.write_text(
        json.dumps(json.loads(manifest.read_text()) | {"versions": {"zfwidgets": version("zfwidgets"), "torch": "1.0"}})
    )
    with pytest.warns(UserWarning, match="begun with torch 1.0, and goes on with"), opened(folder, ASKED):
        pass


def test_a_full_disk_is_said_and_loses_nothing(folder, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    with opened(folder, ASKED) as saved:
        saved.save("first", counted())
        monkeypatch.setattr(os, "fsync", full)
        with pytest.warns(UserWarning, match=r"cannot be written \(No space left on device\); the computation goes on"):
            saved.save("second", counted())
        monkeypatch.undo()
        assert same(saved.load("first", Counted), counted())
        assert saved.load("second", Counted) is None
        assert not list(folder.glob(".*.draft"))


def test_a_folder_that_vanishes_is_said(folder):
    with opened(folder, ASKED) as saved:
        shutil.rmtree(folder)
        with pytest.warns(UserWarning, match="cannot be written"):
            saved.save("first", counted())
        assert saved.load("first", Counted) is None


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nowhere"])
def test_a_place_that_cannot_be_one_is_said_before_the_work(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=f"the checkpoint in '{place}' cannot be used: "), opened(place, ASKED):
        pass


def test_an_error_of_the_computation_is_not_the_checkpoints(folder):
    with pytest.raises(OSError, match="of the user"), opened(folder, ASKED):
        raise OSError("of the user")


def test_a_second_process_says_who_is_at_it(folder):
    code = (
        "import sys\nfrom tests.experiments.test_checkpoint import ASKED, opened\n"
        "with opened(sys.argv[1], ASKED):\n print('open', flush=True)\n sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout.readline() == "open\n"
    with pytest.raises(ValueError, match=f"is in use by process {first.pid} on .*: wait for it"), opened(folder, ASKED):
        pass
    first.kill()
    first.communicate()
    with (
        opened(folder, ASKED),  # the lock of the dead holds nobody up
        pytest.raises(ValueError, match=f"is in use by process {os.getpid()}"),
        opened(folder, ASKED),
    ):
        pass

"""Files that somebody hands us say in words what is wrong with them; ours are whole, or not there."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from safetensors.numpy import load_file

from zfwidgets import files
from zfwidgets.files import arrays_to_bytes, mapped_arrays, read_arrays, read_json, write_aside


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is not JSON: line 1, column 1"),
        ("[1,", "it is not JSON: line 1, column 4"),
        (b"\xff\xfe\xfd", "it is not JSON: "),
        ("[" * 9_000, "nested too deep"),
        ('{"a":' * 1_900, "nested too deep"),
        ("9" * 5000, "it is not JSON: Exceeds the limit"),
        ('{"a": [1], "a": [2]}', "a key stands there twice"),
        ('{"a": [1], "b": {"c": 1, "c": 2}}', "a key stands there twice"),
        ('["a"]', "Expected `object`, got `array`"),
        ('{"a": 1}', "Expected `array`, got `int`"),
        ('{"a": [1, "2"]}', "Expected `int`, got `str`"),
        ('{"a": [1e400]}', "Expected `int`, got `float`"),
        ('{"a": [9223372036854775808]}', "a number does not fit into 64 bits"),
        ('{"a": [NaN]}', "Expected `int`, got `float`"),
        (json.dumps({"a": [1] * 10_000}), "it has 30,007 bytes, and at most 10,000 are read"),
    ],
)
def test_json_of_another_form_is_refused_in_words(content, words, request):
    request.addfinalizer(partial(sys.setrecursionlimit, sys.getrecursionlimit()))
    sys.setrecursionlimit(1000)  # Python's own: torch.compile raises it for good
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (looked at below)
        read_json(content, dict[str, list[int]], 10_000)
    assert words in str(caught.value)


def test_json_becomes_the_types_that_are_asked_for():
    assert read_json(b'{"a": [1, 2]}', dict[str, tuple[int, int]], 100) == {"a": (1, 2)}


ARRAYS = {"one": np.arange(12, dtype=np.float32).reshape(3, 4), "two": np.zeros((0, 5), np.uint8)}
METADATA = {"said": "something"}


def written(path):
    path.write_bytes(arrays_to_bytes(METADATA, ARRAYS))
    return path


def test_arrays_come_back_with_their_metadata(tmp_path):
    metadata, arrays = read_arrays(written(tmp_path / "file"))
    assert metadata == METADATA
    assert arrays.keys() == ARRAYS.keys()
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)


def test_the_same_contents_are_always_the_same_bytes_that_safetensors_reads(tmp_path):
    assert len({arrays_to_bytes(METADATA, dict(sorted(ARRAYS.items(), reverse=turn))) for turn in (True, False)}) == 1
    found = load_file(written(tmp_path / "file"))
    assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)


def test_any_flipped_bit_is_noticed_or_changes_nothing(tmp_path):
    path = written(tmp_path / "file")
    content = path.read_bytes()
    noticed = 0
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        try:
            metadata, arrays = read_arrays(path)
        except ValueError:
            noticed += 1
        else:  # a space in the header; or "checksum" itself, which leaves a key that nobody knows
            assert metadata == METADATA or metadata.keys() > METADATA.keys()
            assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert noticed > len(content) - 16


def header(**entries) -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        (2**63).to_bytes(8, "little") + b"{}",
        (100_000_000).to_bytes(8, "little") + b"{}",
        header(a={"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}) + b"\0" * 8,  # cut short
        header(a={"dtype": "F32", "shape": [4], "data_offsets": [0, 8]}) + b"\0" * 8,  # of another size
        header(a={"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 8]}) + b"\0" * 8,
        header(a={"dtype": "F32", "shape": [-1], "data_offsets": [0, 8]}) + b"\0" * 8,
        header(a={"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}) + b"\0" * 8,  # numpy has no such type
        header(a={"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]}) + b"\0" * 8,
        header(a={"dtype": "object", "shape": [1], "data_offsets": [0, 8]}) + b"\0" * 8,
        header(
            a={"dtype": "U8", "shape": [8], "data_offsets": [0, 8]},
            b={"dtype": "U8", "shape": [8], "data_offsets": [0, 8]},  # at the same place
        ) + b"\0" * 8,
        header(__metadata__={"said": 3}),
        header(__metadata__=["said"]),
        header(a=[1]),
    ],
)  # fmt: skip
def test_a_file_that_lies_is_a_value_error(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^\w"):
        read_arrays(path)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match="it is no file"):
            read_arrays(path)
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "nowhere")


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_aside(path, b"before")

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_aside(path, b"half")
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("file", b"before")]


def test_what_a_link_leads_to_is_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_aside(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"content"


def test_reading_files_loads_no_torch():
    code = "import sys, zfwidgets.files; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_arrays_come_back_however_they_lie_in_memory(tmp_path):
    across = np.arange(24, dtype=np.float16).reshape(2, 3, 4).transpose(2, 0, 1)
    path = tmp_path / "arrays"
    path.write_bytes(arrays_to_bytes({}, {"across": across, "backwards": across[::-1]}))
    _, found = read_arrays(path)
    assert np.array_equal(found["across"], across)
    assert np.array_equal(found["backwards"], across[::-1])


def test_arrays_of_every_type_are_mapped_as_they_were_written(tmp_path):
    kinds = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "?")
    arrays = {kind: np.arange(6).reshape(2, 3).astype(kind) for kind in kinds} | {"none": np.empty((0, 3), np.float32)}
    write_aside(tmp_path / "all", arrays_to_bytes({}, arrays))
    mapped = mapped_arrays(tmp_path / "all")
    assert {name: (each.dtype, each.tolist()) for name, each in mapped.items()} == {
        name: (each.dtype, each.tolist()) for name, each in arrays.items()
    }

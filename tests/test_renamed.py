"""Old public names work for one more release, and say what they are called now."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import zfwidgets as zf
from zfwidgets.task import Cancelled

NET = zf.load("squeezenet1_1", device="cpu")


def test_stale_cancels_and_says_that_it_is_a_task_now():
    with pytest.warns(DeprecationWarning, match=r"occlusion.*stale.*task="), pytest.raises(Cancelled):
        zf.occlusion(NET, zf.photograph("cat"), stale=lambda: True)


def test_a_function_as_progress_is_still_called():
    told = []
    with pytest.warns(DeprecationWarning, match="progress"):
        zf.top_activations(NET, [zf.photograph("cat")], ["features.0"], progress=lambda *said: told.append(said))
    assert told == [(1, 1)]


def test_the_old_name_of_a_property_gives_the_same():
    projection = zf.project(NET, zf.photograph("cat"), "features.3.cat", 5)
    with pytest.warns(DeprecationWarning, match="robust_scale"):
        assert projection.bulk == projection.robust_scale
    with pytest.warns(DeprecationWarning, match="last_spatial_layer"):
        assert NET.watched_layer is NET.last_spatial_layer


def test_the_old_names_of_what_reads_images_give_the_same():
    collection = zf.images({"cat": zf.photograph("cat")})
    with pytest.warns(DeprecationWarning, match=r"Network\.item is now called reader\.item"):
        image = NET.item(collection, 0)
    with pytest.warns(DeprecationWarning, match=r"Network\.read is now called reader\.read"):
        assert np.array_equal(NET.read(image)[0], NET.reader.read_from(collection, 0)[0])


def test_a_file_with_the_old_names_of_fields_is_read(tmp_path):
    found = zf.occlusion(NET, zf.photograph("cat"), size=100, stride=60)
    found.save(tmp_path / "new")
    with safe_open(tmp_path / "new", framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dictionary)
        header = file.metadata()
    old = {new: former for former, new in zf.Occlusion.former_names.items()}
    values = {old.get(name, name): value for name, value in json.loads(header["values"]).items()}
    arrays = {old.get(name, name): array for name, array in arrays.items()}
    former = {"result": header["result"], "values": json.dumps(values)}  # there was no checksum
    save_file(arrays, tmp_path / "old", metadata=former)
    assert "untouched" in arrays
    read = zf.Occlusion.load(tmp_path / "old")
    assert np.array_equal(read.unoccluded, found.unoccluded)
    assert read.unoccluded_activity == found.unoccluded_activity
    assert np.array_equal(read.baseline, found.baseline)

"""Top activations against brute force: all activations of all images stored, and sorted by numpy."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf
from zfwidgets.backend.run.forward import forward
from zfwidgets.experiments import one_pass
from zfwidgets.experiments.one_pass import MIN_BATCH
from zfwidgets.experiments.top_activations import TopActivations, search
from zfwidgets.experiments.top_activations.mining import RunningTop
from zfwidgets.experiments.top_activations.result import merged
from zfwidgets.task import Cancelled, Task

from ..tiny import Standardised

pytestmark = pytest.mark.slow
SIZE = (20, 26)


@pytest.fixture(scope="module")
def net() -> zf.Network:
    torch.manual_seed(4)
    module = nn.Sequential(
        nn.Conv2d(3, 5, (3, 4), stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(5, 7, 2), nn.ReLU(),
        nn.Flatten(), nn.Linear(7 * 3 * 5, 3),
    )  # fmt: skip
    with torch.no_grad():
        module[0].bias[2] = -100.0  # a dead map
    return zf.Network(module, size=SIZE, device="cpu")


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    cat = zf.photograph("cat")
    places = np.random.default_rng(5).integers(0, (cat.shape[0] - 60, cat.shape[1] - 70), (45, 2))
    some = [cat[row : row + 60, column : column + 70] for row, column in places]
    return [*some, some[3], some[3], some[20]]  # equal images: ties


def brute_force(net: zf.Network, pictures: list[np.ndarray], layer: str, k: int):
    """For every map: (falling value, image, row, column) of the strongest unit of each image, sorted; the first k."""
    step = net.step(layer)
    per_image = []
    for start in range(0, len(pictures), MIN_BATCH):  # as they are on a CPU: rounding
        x = net.batch(pictures[start : start + MIN_BATCH])
        x = torch.cat([x, x.new_zeros(MIN_BATCH - len(x), *x.shape[1:])])
        per_image.append(forward(net.program, x, [step]).activations[step].numpy())
    maps = np.concatenate(per_image)[: len(pictures)]
    maps = maps.reshape(*(*maps.shape, 1, 1)[:4])
    found = []
    for feature in range(maps.shape[1]):
        rows = []
        for image in range(len(pictures)):
            row, column = np.unravel_index(maps[image, feature].argmax(), maps.shape[2:])
            rows.append((-maps[image, feature, row, column], image, row, column))
        found.append(sorted(rows)[:k])
    return np.array(found)


def assert_is_brute_force(tops: TopActivations, net, pictures, layers=None):
    for layer in layers or tops.layers:
        expected = brute_force(net, pictures, layer, tops.k)
        assert np.array_equal(tops.values[layer], -expected[..., 0].astype(np.float32)), layer
        assert np.array_equal(tops.images[layer], expected[..., 1].astype(int)), layer
        assert np.array_equal(tops.units[layer], expected[..., 2:].astype(int)), layer


def same(one: TopActivations, other: TopActivations) -> bool:
    arrays = ("values", "images", "units")
    equal = all(
        np.array_equal(getattr(one, name)[layer], getattr(other, name)[layer])
        for name in arrays
        for layer in one.layers
    )
    return equal and (one.ranges, one.broken, one.layers) == (other.ranges, other.broken, other.layers)


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(one_pass, "SMALLEST", 8)


@pytest.mark.parametrize("batch_size", [1, 7, 16, 64])
def test_a_pass_finds_what_brute_force_finds_whatever_the_batch_size(net, pictures, batch_size):
    tops = zf.top_activations(net, pictures, "all", batch_size=batch_size, progress=False)
    assert tops.layers == tuple(layer.name for layer in net.layers)
    assert_is_brute_force(tops, net, pictures)


def test_shards_and_worker_processes_change_nothing(net, pictures, small_shards):
    whole = zf.top_activations(net, pictures, "all", workers=0, progress=False)
    assert whole.ranges == ((0, len(pictures)),)
    for workers in (1, 2):
        assert same(zf.top_activations(net, pictures, "all", workers=workers, batch_size=8, progress=False), whole)
    assert_is_brute_force(whole, net, pictures)


def test_more_activations_than_images_leave_places_empty(net, pictures):
    tops = zf.top_activations(net, pictures[:4], "all", k=6, progress=False)
    for layer in tops.layers:
        assert (tops.images[layer][:, :4] >= 0).all()
        assert (tops.images[layer][:, 4:] == -1).all()
        assert (tops.units[layer][:, 4:] == -1).all()
        assert np.isneginf(tops.values[layer][:, 4:]).all()


def test_merging_is_commutative_and_associative(net, pictures, small_shards):
    spans = search.shards(len(pictures))
    settings = search.Settings(("0", "1", "6"), 4, 1, 16, 0)
    parts = list(search.mine(net, zf.images(pictures), spans, settings))
    whole = merged(parts)
    assert len(parts) == 6
    for order in itertools.permutations(parts):
        assert same(merged(order), whole)
    a, b, c, d, e, f = parts
    assert same(a.merge(e).merge(d.merge(b.merge(c)).merge(f)), whole)


def test_what_has_been_seen_twice_is_not_merged(net, pictures):
    tops = zf.top_activations(net, pictures[:5], progress=False)
    with pytest.raises(ValueError, match="both parts have seen the images 0 to 4"):
        tops.merge(tops)


def test_different_things_are_not_merged(net, pictures):
    tops = replace(zf.top_activations(net, pictures[:5], progress=False), ranges=((5, 10),))
    with pytest.raises(ValueError, match="differ in network and k"):
        tops.merge(replace(zf.top_activations(net, pictures[:5], k=3, progress=False), network="another"))


def test_dead_maps_are_known(net, pictures):
    tops = zf.top_activations(net, pictures, ["1"], progress=False)
    assert tops.dead("1").tolist() == [False, False, True, False, False]


def test_saved_and_loaded_it_is_the_same_and_belongs_to_its_network_and_images(net, pictures, tmp_path):
    tops = zf.top_activations(net, pictures, "all", progress=False)
    tops.save(tmp_path / "tops.safetensors")
    again = TopActivations.load(tmp_path / "tops.safetensors")
    assert same(again, tops)
    assert repr(again) == repr(tops)
    again.check(net, zf.images(pictures))
    with pytest.raises(ValueError, match="found in other images"):
        again.check(net, zf.images(pictures[1:]))
    other = zf.Network(nn.Sequential(nn.Conv2d(3, 5, 3)), size=SIZE, device="cpu")
    with pytest.raises(ValueError, match="of another network than Sequential"):
        again.check(other, zf.images(pictures))


# more than one activation an image


def peaks_by_hand(maps: np.ndarray, count: int, layer) -> list[list[tuple[float, int]]]:
    """One map at a time, one unit at a time."""
    found = []
    for one in maps.copy():
        places = []
        for _ in range(count):
            row, column = np.unravel_index(one.argmax(), one.shape)
            if one[row, column] == -np.inf:
                break
            places.append((float(one[row, column]), int(row * one.shape[1] + column)))
            for r, c in np.ndindex(one.shape):
                near_rows = abs(r - row) * layer.stride[0] < layer.receptive_field[0]
                near_columns = abs(c - column) * layer.stride[1] < layer.receptive_field[1]
                if near_rows and near_columns:
                    one[r, c] = -np.inf
        found.append(places)
    return found


def test_activations_of_one_image_do_not_overlap(net):
    layer = net.layer("1")
    maps = torch.randn(6, layer.height * layer.width, generator=torch.Generator().manual_seed(1))
    values, places = RunningTop(layer, 9, 7, torch.device("cpu"))._peaks(maps)
    expected = peaks_by_hand(maps.view(6, layer.height, layer.width).numpy(), 7, layer)
    for i, row in enumerate(expected):
        assert [
            (value, place)
            for value, place in zip(values[i].tolist(), places[i].tolist(), strict=True)
            if value > -np.inf
        ] == row


def test_with_more_activations_an_image_the_same_image_comes_more_often(net, pictures):
    tops = zf.top_activations(net, pictures[:5], ["1"], k=9, per_image=3, progress=False)
    times = [np.bincount(row[row >= 0]).max() for row in tops.images["1"]]
    assert max(times) > 1
    assert max(times) <= 3
    once = zf.top_activations(net, pictures[:5], ["1"], k=9, progress=False)
    assert (tops.values["1"][:, :5] >= once.values["1"][:, :5]).all()


def test_layers_that_see_everything_give_one_activation_an_image(net, pictures):
    tops = zf.top_activations(net, pictures[:5], ["6"], k=9, per_image=3, progress=False)
    assert all(np.bincount(row[row >= 0]).max() == 1 for row in tops.images["6"])


# bad input


def test_broken_images_are_left_out_and_listed(net, pictures, tmp_path):
    good = []
    for number, picture in enumerate(pictures):
        path = tmp_path / f"{number:03d}.png"
        if number % 9 == 4:
            path.write_bytes(b"no picture" if number % 2 else b"")
        else:
            from PIL import Image

            Image.fromarray(picture).save(path)
            good.append(number)
    tops = zf.top_activations(net, tmp_path, "all", workers=2, batch_size=5, progress=False)
    assert [number for number, _ in tops.broken] == sorted(set(range(len(pictures))) - set(good))
    assert all("not an image" in why or "empty" in why for _, why in tops.broken)
    assert tops.count == len(good)
    for layer in ("1", "6"):
        expected = brute_force(net, [pictures[i] for i in good], layer, 9)
        assert np.allclose(tops.values[layer], -expected[..., 0], rtol=1e-5)
        found = np.array(good)[expected[..., 1].astype(int)]  # elsewhere in their batches: ties may be rounded apart
        assert np.array_equal(np.sort(tops.images[layer]), np.sort(found))


def test_a_folder_of_nothing_but_broken_images_is_an_error(net, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="none of the 1 images could be read; the first, image 0"):
        zf.top_activations(net, tmp_path, progress=False)


@pytest.mark.parametrize("setting", ["k", "per_image", "batch_size"])
def test_numbers_below_one_are_refused(net, pictures, setting):
    with pytest.raises(ValueError, match=f"{setting} is at least 1; 0 was given"):
        zf.top_activations(net, pictures, **{setting: 0})


def test_an_unknown_layer_is_refused_with_the_nearest_names(net, pictures):
    with pytest.raises(ValueError, match="has no layer '11'; near it"):
        zf.top_activations(net, pictures, ["1", "11"])


def test_not_a_number_is_never_strong(net):
    top = RunningTop(net.layer("6"), 2, 1, torch.device("cpu"))
    top.add(torch.tensor([[1.0, torch.nan, 3.0], [torch.nan, torch.nan, 4.0]]), torch.tensor([0, 1]))
    assert top.images.tolist() == [[0, -1], [-1, -1], [1, 0]]


# cancelled, told, and resumed


def test_what_is_no_number_takes_nobodys_place():
    torch.manual_seed(0)
    net = zf.Network(Standardised(), size=16, device="cpu")
    noise = list(np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), np.uint8))
    layer = net.layers[-1].name
    alone = zf.top_activations(net, noise, layer, k=3, progress=False)
    beside = zf.top_activations(net, [*noise, np.zeros_like(noise[0])], layer, k=3, progress=False)
    assert np.array_equal(beside.images[layer], alone.images[layer])
    assert (beside.images[layer] >= 0).all()


def test_a_pass_that_nobody_wants_stops(net, pictures):
    asked = random.Random(1)
    with pytest.raises(Cancelled):
        zf.top_activations(net, pictures, progress=False, task=Task(lambda: asked.random() < 0.05))


def test_progress_counts_every_image_once(net, pictures, small_shards, tmp_path):
    said = []
    for _ in range(2):  # the second time, all is read from the checkpoint
        said.clear()
        zf.top_activations(
            net, pictures, checkpoint=tmp_path / "saved", task=zf.Task(report=lambda *told: said.append(told[:2]))
        )
        assert said[-1] == (48, 48)
        assert [done for done, _ in said] == sorted(done for done, _ in said)


def test_every_shard_is_kept_and_a_later_call_computes_only_what_is_missing(
    net, pictures, small_shards, tmp_path, monkeypatch
):
    whole = zf.top_activations(net, pictures, progress=False)
    saved = tmp_path / "saved"
    assert same(zf.top_activations(net, pictures, checkpoint=saved, progress=False), whole)
    files = sorted(saved.glob("images-*"))
    assert len(files) == 6
    files[1].unlink()
    files[3].write_bytes(files[3].read_bytes()[:1000])  # cut short
    computed = []
    mine = search.mine

    def watched(net, images, spans, *rest):
        computed.extend(spans)
        return mine(net, images, spans, *rest)

    monkeypatch.setattr(search, "mine", watched)
    with pytest.warns(UserWarning, match=f"{files[3].name}.*set aside"):
        assert same(zf.top_activations(net, pictures, checkpoint=saved, progress=False), whole)
    assert computed == [(8, 16), (24, 32)]


def test_a_checkpoint_of_something_else_is_refused_by_name(net, pictures, tmp_path):
    saved = tmp_path / "saved"
    zf.top_activations(net, pictures, checkpoint=saved, progress=False)
    with pytest.raises(ValueError, match=r"was begun with another data set: 48 images, .*, and not 47 images"):
        zf.top_activations(net, pictures[1:], checkpoint=saved, progress=False)
    with pytest.raises(ValueError, match="was begun with another k: 9, and not 4"):
        zf.top_activations(net, pictures, k=4, checkpoint=saved, progress=False)
    with pytest.raises(ValueError, match="was begun with another layers: "):
        zf.top_activations(net, pictures, "all", checkpoint=saved, progress=False)
    other = zf.Network(nn.Sequential(nn.Conv2d(3, 5, 3)), size=SIZE, device="cpu", name="another")
    with pytest.raises(ValueError, match=r"was begun with another network: Sequential \w+, and not another"):
        zf.top_activations(other, pictures, checkpoint=saved, progress=False)


def test_a_folder_with_other_things_in_it_is_no_place_for_a_checkpoint(net, pictures, tmp_path):
    (tmp_path / "thesis.tex").write_text("chapter 1")
    with pytest.raises(ValueError, match="is not empty, and holds no checkpoint"):
        zf.top_activations(net, pictures, checkpoint=tmp_path, progress=False)
    assert (tmp_path / "thesis.tex").read_text() == "chapter 1"

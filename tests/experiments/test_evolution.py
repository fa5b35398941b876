"""What a recorder keeps is what the network was, and the training does not notice it."""

from __future__ import annotations

import copy
import errno
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

import zfwidgets as zf
from tests.experiments.test_training import SHAPES, SMALL, small_net
from zfwidgets.experiments.evolution import Snapshot
from zfwidgets.experiments.evolution import folder as folders
from zfwidgets.experiments.evolution.change import correlation, sample_places
from zfwidgets.experiments.evolution.result import ROWS

WATCHED = zf.Shapes(40, 32, seed=5)
LAYERS = ("features.relu1", "features.relu2", "features.relu3", "features.relu4", "features.relu5")


def recorder(path: Path | None = None, **settings: object) -> zf.EvolutionRecorder:
    return zf.EvolutionRecorder(WATCHED, **{"features": 3, "epochs": (1, 2, 3), "path": path, "size": 32} | settings)


class Jittered(torch.utils.data.Dataset):
    """Random transforms of all three kinds of random numbers."""

    def __len__(self):
        return 48

    def __getitem__(self, number):
        picture, label = SHAPES[number]
        x = torch.from_numpy(picture.copy()).permute(2, 0, 1) / 255 + 0.1 * torch.randn(3, 32, 32)
        return x * random.uniform(0.9, 1.1) + np.random.normal(), label  # noqa: NPY002


class WithNorm(nn.Module):
    """Dropout, and a batch norm of which one is frozen on purpose."""

    def __init__(self):
        super().__init__()
        self.conv, self.frozen, self.norm = nn.Conv2d(3, 6, 5, 2), nn.BatchNorm2d(6), nn.BatchNorm2d(6)
        self.drop, self.head = nn.Dropout(0.4), nn.Linear(6, 3)

    def forward(self, x):
        x = self.norm(torch.relu(self.frozen(self.conv(x))))
        return self.head(self.drop(F.max_pool2d(x, 4).mean((2, 3))))


def own_loop(watching: zf.EvolutionRecorder | None, epochs: int = 3) -> tuple[list[float], nn.Module]:
    """A user's own training, seeded once at its beginning."""
    torch.manual_seed(4), np.random.seed(4), random.seed(4)  # noqa: NPY002
    model = WithNorm()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    losses = []
    for epoch in range(1, epochs + 1):
        model.train()
        model.frozen.eval()
        for x, labels in DataLoader(Jittered(), 16, shuffle=epoch % 2 == 1):  # it draws from torch's either way
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if watching is not None:
            watching.record(model, epoch, loss=losses[-1])
            assert model.training
            assert not model.frozen.training
    return losses, model


# ── it does not disturb ───────────────────────────────────────────────────────────────────────────────────────────────


def test_losses_are_the_same_to_the_bit_with_it_and_without(tmp_path):
    expected, undisturbed = own_loop(None)
    watching = recorder(tmp_path / "evolution")
    losses, model = own_loop(watching)
    assert losses == expected
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), undisturbed.state_dict().values(), strict=True)
    )
    assert watching.evolution.epochs == (1, 2, 3)


def in_lightning(*callbacks: object) -> list[float]:
    import lightning.pytorch as pl

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.inside, self.losses = WithNorm(), []
            self.size = 32

        def forward(self, x):
            return self.inside(x)

        def training_step(self, batch, _):
            loss = F.cross_entropy(self(batch[0]), batch[1])
            self.log("loss", loss)
            self.losses.append(loss.item())
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    torch.manual_seed(4), np.random.seed(4), random.seed(4)  # noqa: NPY002
    module = Module()
    trainer = pl.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=list(callbacks), log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(module, DataLoader(Jittered(), 16))
    return module.losses


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")
def test_nor_does_a_training_of_lightnings_notice():
    watching = recorder(layers="conv", size=None)
    assert in_lightning(watching.callback()) == in_lightning()
    assert watching.evolution.epochs == (1, 2)
    assert list(watching.evolution.curves["loss"]) == [1, 2]


@pytest.mark.slow
def test_nor_does_ours(tmp_path):
    expected, watched = small_net(), small_net()
    zf.train(expected, SHAPES, SMALL, progress=False, accelerator="cpu")
    training = zf.train(
        watched, SHAPES, SMALL, progress=False, accelerator="cpu", recorder=recorder(tmp_path, size=None)
    )
    assert all(torch.equal(a, b) for a, b in zip(expected.parameters(), watched.parameters(), strict=True))
    found = zf.Evolution.load(tmp_path)
    assert found.epochs == (1, 2)
    assert list(found.curves["validation_accuracy"].values()) == training.validation_accuracy.tolist()


# ── what it keeps ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def recorded():
    """An evolution, and the network and the module as they were after each epoch."""
    watching, model, kept = recorder(), small_net(), {}
    watching.start(model)
    for epoch in (1, 2, 3):
        for part in model.parameters():
            with torch.no_grad():
                part.add_(0.05 * torch.randn_like(part))
        watching.record(model, epoch, loss=1 / epoch)
        kept[epoch] = copy.deepcopy(model)
    return watching.evolution, kept


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("layer", [LAYERS[0], LAYERS[2], LAYERS[4]])
def test_projections_are_those_of_the_same_weights(recorded, epoch, layer):
    evolution, kept = recorded
    net, snapshot = zf.Network(kept[epoch], 32), evolution.snapshot(epoch)
    for row in range(len(ROWS)):
        for place, feature in enumerate(snapshot.features[layer].tolist()):
            image = WATCHED[int(snapshot.images[layer][row, place])][0]
            unit = tuple(snapshot.units[layer][row, place].tolist())
            expected = zf.project(net, image, layer, feature, unit)
            top, left, bottom, right = expected.box
            assert tuple(snapshot.boxes[layer][row, place]) == expected.box
            assert snapshot.values[layer][row, place] == pytest.approx(expected.activation, rel=1e-5, abs=1e-7)
            found = snapshot.projection(layer, place, row)
            error = np.abs(found - expected.pixels[:, top:bottom, left:right]).max()
            assert error <= 1e-3 * max(expected.scale, 1e-20)  # half precision
            assert np.array_equal(evolution.patch(epoch, layer, place, row), expected.patch)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_strongest_is_the_strongest_of_all_images_and_the_anchor_stays(recorded, layer):
    evolution, kept = recorded
    first = evolution.snapshots[0]
    for epoch in evolution.epochs:
        snapshot, net = evolution.snapshot(epoch), zf.Network(kept[epoch], 32)
        maps = np.stack([zf.ImageFeatures(net, WATCHED[number][0]).maps(layer) for number in range(len(WATCHED))])
        peaks = maps[:, snapshot.features[layer]].max((2, 3))
        assert np.allclose(snapshot.values[layer][0], peaks.max(0), rtol=1e-5, atol=1e-7)
        assert np.array_equal(snapshot.images[layer][0], peaks.argmax(0))
        anchors = first.images[layer][0]
        assert np.array_equal(snapshot.images[layer][1], anchors)
        assert np.allclose(snapshot.values[layer][1], peaks[anchors, range(len(anchors))], rtol=1e-5, atol=1e-7)


def test_changes_are_by_their_definitions(recorded):
    evolution, kept = recorded
    before, now, snapshot = kept[2], kept[3], evolution.snapshot(3)
    for number, layer in enumerate(LAYERS, 1):
        old, new = (getattr(net.features, f"conv{number}").weight.detach().numpy() for net in (before, now))
        expected = np.linalg.norm(new - old) / np.linalg.norm(old)
        assert snapshot.weight_change[layer][0] == pytest.approx(expected, rel=1e-5)
    layer = LAYERS[1]  # 40 images of 8×8 units: all are compared
    maps = [
        np.stack([zf.ImageFeatures(zf.Network(net, 32), WATCHED[n][0]).maps(layer) for n in range(40)], 1).reshape(
            6, -1
        )
        for net in (before, now)
    ]
    with np.errstate(invalid="ignore"):
        expected = [1 - np.corrcoef(old, new)[0, 1] for old, new in zip(*maps, strict=True)]
    assert np.allclose(snapshot.activation_change[layer], expected, atol=1e-4, equal_nan=True)
    assert evolution.change()[1, 2] == pytest.approx(np.nanmedian(expected), abs=1e-4)
    assert evolution.change("weights")[0, 2] == snapshot.weight_change[LAYERS[0]][0]
    assert np.isfinite(evolution.change("weights")[:, 0]).all()  # `start` has seen the untrained network


def test_correlations_are_numpys():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 5, 30))
    other[2] = -3 * one[2] + 1
    other[3] = 7
    with np.errstate(invalid="ignore"):
        expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(one, other, strict=True)]
    assert np.allclose(correlation(one, other), expected, atol=1e-6, equal_nan=True)
    assert np.isnan(correlation(one, other)[3])


def test_places_to_compare_are_all_or_a_part_the_same_each_time():
    assert [part.tolist() for part in sample_places(3, 2, 0)] == [[0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]]
    image, unit = sample_places(1000, 50, 1)
    assert len(image) == len(set(zip(image.tolist(), unit.tolist(), strict=True))) == 4096
    assert np.array_equal(image, sample_places(1000, 50, 1)[0])


def test_the_first_layers_filters_are_there(recorded):
    evolution, kept = recorded
    found = evolution.snapshot(2).filters
    assert np.allclose(found, kept[2].features.conv1.weight.detach().numpy(), atol=1e-3)


def test_jumps_are_where_another_image_is_the_strongest(recorded):
    evolution, _ = recorded
    for layer in evolution.layers:
        images = np.array([snapshot.images[layer][0] for snapshot in evolution.snapshots])
        changed = evolution.changed_image(layer)
        assert not changed[:, 0].any()
        assert np.array_equal(changed[:, 1:], (images[1:] != images[:-1]).T)


def test_epochs_that_are_not_asked_for_only_leave_their_numbers():
    watching = recorder(epochs=(2,))
    model = small_net()
    assert watching.record(model, 1, loss=0.5, other=float("nan")) is None
    assert isinstance(watching.record(model, 2, loss=0.4), Snapshot)
    assert watching.evolution.epochs == (2,)
    assert watching.evolution.curves == {"loss": {1: 0.5, 2: 0.4}}


def test_layers_and_features_are_chosen_by_name_and_number():
    watching = recorder(
        layers=["conv 2", "features.relu4"], features={"conv 2": [3, 1], "features.relu4": 2}, epochs=[1]
    )
    snapshot = watching.record(small_net(), 1)
    assert snapshot.features["features.relu2"].tolist() == [3, 1]
    assert len(snapshot.features["features.relu4"]) == 2
    some = recorder(features={"conv 2": [3, 1]}, epochs=[1]).record(small_net(), 1)
    assert {name: each.tolist() for name, each in some.features.items()} == {"features.relu2": [3, 1]}
    with pytest.raises(ValueError, match=r"no map of 'features\.relu4', which is recorded"):
        recorder(layers=["conv 2", "conv 4"], features={"conv 2": [3]}).record(small_net(), 1)
    with pytest.raises(ValueError, match="features 0 to 5"):
        recorder(layers="conv 2", features=[6]).record(small_net(), 1)


def test_fully_connected_layers_are_seen_whole():
    snapshot = recorder(layers="classifier.relu6", epochs=[1]).record(small_net(), 1)
    assert snapshot.boxes["classifier.relu6"].tolist() == [[[0, 0, 32, 32]] * 3] * 2


def test_a_training_that_has_diverged_is_recorded_as_such():
    model = small_net()
    with torch.no_grad():
        model.features.conv1.weight.fill_(torch.nan)
    snapshot = recorder(epochs=[1]).record(model, 1, loss=float("nan"))
    assert not snapshot.projections[LAYERS[0]].any()


def test_it_is_drawn_and_told_as_a_table(recorded):
    evolution, _ = recorded
    figure = evolution.plot("conv 3", "anchored", features=2)
    assert len(figure.axes) == 2 * 3
    table = evolution.to_pandas()
    assert len(table) == 3 * 5 * 3 * 2
    assert set(table["shown"]) == set(ROWS)
    with pytest.raises(ValueError, match="recorded are"):
        evolution.plot("conv 9")
    with pytest.raises(ValueError, match="'strongest' or 'anchored'"):
        evolution.plot(row="both")


# ── its folder ────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_folder(path: Path, epochs: range = range(1, 4), start: bool = True) -> zf.EvolutionRecorder:
    """A training of made-up steps, the same each time, of which some epochs are done."""
    watching, model = recorder(path), small_net()
    if start:
        watching.start(model)
    for epoch in range(1, epochs.stop):
        with torch.no_grad():
            generator = torch.Generator().manual_seed(epoch)
            for part in model.parameters():
                part.add_(0.05 * torch.randn(part.shape, generator=generator))
        if epoch in epochs:
            watching.record(model, epoch, loss=1 / epoch)
    return watching


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def test_what_is_read_is_what_was_recorded(tmp_path):
    written = in_folder(tmp_path).evolution
    found = zf.Evolution.load(tmp_path)
    assert found.outline == written.outline
    assert found.epochs == written.epochs
    assert found.curves == written.curves
    assert found.pictures.keys() == written.pictures.keys()
    assert found.to_pandas().equals(written.to_pandas())
    assert found.damaged == ()


def test_a_recorder_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path):
    in_folder(tmp_path / "whole")
    in_folder(tmp_path / "stopped", range(1, 3))
    in_folder(tmp_path / "stopped", range(3, 4), start=False)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_an_epoch_that_is_done_again_after_a_kill_is_the_same(tmp_path):
    in_folder(tmp_path / "whole")
    in_folder(tmp_path / "stopped")
    in_folder(tmp_path / "stopped", range(3, 4), start=False)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_a_training_from_the_beginning_forgets_the_former_one(tmp_path):
    in_folder(tmp_path)
    in_folder(tmp_path, range(1, 2))
    assert zf.Evolution.load(tmp_path).epochs == (1,)
    assert list(zf.Evolution.load(tmp_path).curves["loss"]) == [1]


def test_a_training_from_the_beginning_has_all_its_pictures(tmp_path):
    in_folder(tmp_path)
    torch.manual_seed(3)
    other = recorder(tmp_path)
    for epoch in (1, 2, 3):
        model = small_net()
        with torch.no_grad():
            for weight in model.parameters():
                weight.normal_()
        if epoch == 1:
            other.start(model)
        other.record(model, epoch)
    read = zf.Evolution.load(tmp_path)
    shown = {int(number) for snapshot in read.snapshots for each in snapshot.images.values() for number in each.ravel()}
    assert shown == set(read.pictures) == set(other.evolution.pictures)


def test_a_recorder_that_begins_again_anchors_what_is_strongest_then():
    watching, model = recorder(epochs=[1]), small_net()
    watching.record(model, 1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_()
    again, fresh = watching.record(model, 1), recorder(epochs=[1]).record(model, 1)
    for layer, images in again.images.items():
        assert np.array_equal(images, fresh.images[layer])


@pytest.mark.parametrize(
    ("anchors", "said"),
    [
        ({"conv 2": [500, 1]}, "are 2 numbers of images from 0"),
        ({"conv 2": [1]}, "are 2 numbers"),
        ({"Layer 2": [1, 2]}, "none 'Layer 2'"),
    ],
)
def test_anchors_are_one_image_a_map(anchors, said):
    with pytest.raises(ValueError, match=said):
        recorder(layers=["conv 2"], features={"conv 2": [0, 1]}, anchors=anchors).record(small_net(), 1)


def test_another_training_is_refused_in_words(tmp_path):
    in_folder(tmp_path)
    with pytest.raises(ValueError, match="its images are"):
        zf.EvolutionRecorder(zf.Shapes(10, 32), features=3, path=tmp_path, size=32).record(small_net(), 1)
    (tmp_path / "evolution.json").unlink()
    with pytest.raises(ValueError, match="holds no evolution"):
        in_folder(tmp_path)
    with pytest.raises(ValueError, match="holds no evolution"):
        zf.Evolution.load(tmp_path)


def test_a_damaged_snapshot_is_left_out_by_name(tmp_path):
    in_folder(tmp_path)
    path = tmp_path / "snapshot-000002.safetensors"
    path.write_bytes(path.read_bytes()[:-30])
    found = zf.Evolution.load(tmp_path)
    assert found.epochs == (1, 3)
    assert len(found.damaged) == 1
    assert "snapshot-000002" in found.damaged[0]
    assert "1 files left out" in repr(found)


def test_a_snapshot_of_another_training_is_left_out_by_name(tmp_path):
    in_folder(tmp_path)
    path = tmp_path / "snapshot-000002.safetensors"
    snapshot = Snapshot.load(path)
    replace(snapshot, boxes={layer: boxes + 30 for layer, boxes in snapshot.boxes.items()}).save(path)
    found = zf.Evolution.load(tmp_path)
    assert found.epochs == (1, 3)
    assert "over the edge" in found.damaged[0]


@pytest.mark.parametrize("name", ["evolution.json", "curves.json"])
def test_damaged_lists_are_a_sentence(tmp_path, name):
    in_folder(tmp_path)
    (tmp_path / name).write_text("{")
    if name == "curves.json":
        assert "curves.json" in zf.Evolution.load(tmp_path).damaged[0]
    else:
        with pytest.raises(ValueError, match="is damaged"):
            zf.Evolution.load(tmp_path)


def test_pictures_that_are_missing_are_grey(tmp_path):
    in_folder(tmp_path)
    for path in tmp_path.glob("pictures-*"):
        path.unlink()
    found = zf.Evolution.load(tmp_path)
    assert (found.patch(1, LAYERS[0], 0) == 128).all()


def test_what_was_read_once_is_not_read_again(tmp_path, monkeypatch):
    in_folder(tmp_path, range(1, 3))
    folder = zf.experiments.evolution.EvolutionFolder(tmp_path)
    folder.read()
    read = []
    whole = folders._loaded
    monkeypatch.setattr(folders, "_loaded", lambda path, kind: read.append(path.name) or whole(path, kind))
    in_folder(tmp_path, range(3, 4), start=False)
    read.clear()  # of another folder object
    assert folder.read().epochs == (1, 2, 3)
    assert set(read) - {"pictures-000003.safetensors"} == {"snapshot-000003.safetensors"}


def go_on(watching: zf.EvolutionRecorder, model: nn.Module) -> None:
    for epoch in (2, 3):
        watching.record(model, epoch)


def test_a_full_disk_is_said_once_and_the_training_goes_on(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    watching, model = recorder(tmp_path), small_net()
    watching.record(model, 1)
    monkeypatch.setattr("zfwidgets.experiments.result.write_aside", full)
    monkeypatch.setattr(folders, "write_aside", full)
    with pytest.warns(UserWarning, match="No space left") as said:
        go_on(watching, model)
    assert len(said) == 1
    assert watching.evolution.epochs == (1, 2, 3)
    assert zf.Evolution.load(tmp_path).epochs == (1,)


def test_a_vanished_folder_is_said_once_and_the_training_goes_on(tmp_path):
    import shutil

    watching, model = recorder(tmp_path / "evolution"), small_net()
    watching.record(model, 1)
    shutil.rmtree(tmp_path / "evolution")
    with pytest.warns(UserWarning, match="cannot be written") as said:
        go_on(watching, model)
    assert len(said) == 1
    assert watching.evolution.epochs == (1, 2, 3)


def test_its_list_is_plain_json(tmp_path):
    in_folder(tmp_path)
    found = json.loads((tmp_path / "evolution.json").read_text())
    assert found["outline"]["layers"] == list(LAYERS)
    assert found["format"] == "zfwidgets evolution 1"


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="counted from 1"):
        recorder(epochs=(0, 1))
    with pytest.raises(ValueError, match="nothing has been recorded"):
        recorder().evolution  # noqa: B018
    with pytest.raises(ValueError, match="how many maps"):
        recorder(features=0).record(small_net(), 1)

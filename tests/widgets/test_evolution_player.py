"""The player shows what was recorded, follows what is being recorded, and says what it waits for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import zfwidgets as zf
from tests.experiments.test_evolution import LAYERS, in_folder, recorder, small_net
from zfwidgets.drawing import NOW, PALETTE
from zfwidgets.widgets.evolution_player.charts import curves_of, keys_html, verdict
from zfwidgets.widgets.evolution_player.grid import COLUMNS, ROWS, Grid, figure_grid, film_grid, page_of, painted, share
from zfwidgets.widgets.evolution_player.source import Source


@pytest.fixture(scope="module")
def embedded():
    return zf.prepared_evolution()


@pytest.fixture
def player():
    made = zf.EvolutionPlayer()
    yield made
    made.close()


def picture(widget) -> np.ndarray:
    return np.frombuffer(widget.pixels, np.uint8).reshape(widget.height, widget.width, 4)


def colour(hexadecimal: str) -> list[int]:
    return [*bytes.fromhex(hexadecimal[1:]), 255]


# ── the grid ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_figure_has_a_row_a_map_and_a_column_an_epoch(embedded):
    grid = figure_grid(embedded, LAYERS[2], 4, 20)
    assert (grid.rows, grid.columns) == (ROWS, COLUMNS) == (6, 8)
    assert grid.at((4, 3)) == (4, 10)
    assert grid.cell_of(4, 20) == (4, 4)
    assert grid.cell_of(4, 21) is None
    assert Grid(2, 3, ((0, 1),)).at((1, 1)) is None


def test_the_film_has_the_same_maps_at_one_epoch(embedded):
    grid = film_grid(embedded, LAYERS[2], 4, 20)
    assert grid.places == tuple((place, 20) for place in range(6))


def test_more_maps_than_rows_stand_on_pages():
    assert page_of(16, 0) == range(6)
    assert page_of(16, 13) == range(12, 16)


def test_more_epochs_than_columns_are_a_window_with_the_chosen_one(tmp_path):
    watching, model = recorder(epochs=tuple(range(1, 13))), small_net()
    for epoch in range(1, 13):
        watching.record(model, epoch)
    evolution = watching.evolution
    assert [epoch for _, epoch in figure_grid(evolution, LAYERS[0], 0, 12).places[:8]] == list(range(5, 13))
    assert [epoch for _, epoch in figure_grid(evolution, LAYERS[0], 0, 2).places[:8]] == list(range(2, 10))


def test_a_cell_holds_the_tile_a_bar_as_long_as_its_share_and_the_mark_of_a_jump(embedded):
    layer, place, epoch = LAYERS[2], 0, 5
    grid = figure_grid(embedded, layer, place, epoch)
    canvas = painted(embedded, layer, 0, grid, shared=False)
    height, width = canvas.shape[0] // grid.rows, canvas.shape[1] // grid.columns
    row, column = grid.cell_of(place, epoch)
    cell = canvas[row * height : (row + 1) * height, column * width : (column + 1) * width]
    bar = (cell == colour(PALETTE[2])).all(2).any(0).sum()
    tile = ((cell[..., 3] == 255) & ~(cell == colour(NOW)).all(2)).any(0).sum()
    assert bar == pytest.approx(share(embedded, layer, place, 0, epoch) * tile, abs=1)
    jumped = [(canvas[:height, c * width : (c + 1) * width] == colour(NOW)).all(2).any() for c in range(8)]
    assert jumped == embedded.changed_image(layer)[0].tolist()
    anchored = painted(embedded, layer, 1, grid, shared=False)
    assert not (anchored == colour(NOW)).all(2).any()


def test_one_scale_a_map_makes_the_early_epochs_pale(embedded):
    grid = figure_grid(embedded, LAYERS[4], 0, 64)
    own, shared = (painted(embedded, LAYERS[4], 0, grid, each) for each in (False, True))
    first = slice(0, own.shape[0] // grid.rows), slice(0, own.shape[1] // grid.columns)
    assert shared[first].astype(float).std() < own[first].astype(float).std()


# ── the player ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_opens_on_the_embedded_training(player, embedded):
    assert player.error == ""
    assert (player.layer, player.epoch) == (LAYERS[2], 64)
    grid = figure_grid(embedded, LAYERS[2], 0, 64)
    assert np.array_equal(picture(player.view_of.grid), painted(embedded, LAYERS[2], 0, grid, False))
    assert player.view_of.grid.cell == (0, 7)
    assert "feature 7 · epoch 64" in player.view_of.words.value


def test_every_choice_shows(player, embedded):
    player.choose(epoch=10, place=2)
    snapshot = embedded.snapshot(10)
    assert np.array_equal(picture(player.view_of.projection)[..., :3], embedded.tile(10, LAYERS[2], 2))
    assert f"image {snapshot.images[LAYERS[2]][0, 2]}" in player.view_of.words.value
    player.choose(shown="anchored", view="film", contrast="map")
    assert np.array_equal(picture(player.view_of.projection)[..., :3], embedded.tile(10, LAYERS[2], 2, 1))
    assert player.view_of.grid.cells == (2, 3)
    player.choose(layer=LAYERS[4], change="weights", curve="loss")
    assert player.view_of.charts.learnt.shown.keys() == {"train", "validation"}
    assert np.allclose(player.view_of.charts.change.shown["conv 5"], embedded.change("weights")[4])
    assert player.view_of.charts.change.marked == 10


def test_a_tile_is_chosen_by_its_cell(player):
    player.view_of.grid.cell = (3, 1)
    assert (player.place, player.epoch) == (3, 2)
    assert player.epochs.slider.value == 1


def test_slider_and_film_go_through_the_epochs(player):
    player.epochs.slider.value = 2
    assert player.epoch == 5
    player.epochs.play.place = 3
    assert player.epoch == 10
    player.speed = 250
    assert player.epochs.play.interval == 250


def test_a_tile_opens_in_the_explorer_with_that_epochs_network(player, embedded):
    player.choose(epoch=20, place=1)
    player.view_of.opener.click()
    explorer, snapshot = player.opened.explorer, embedded.snapshot(20)
    assert explorer.net.source == "zf.load('zfnet_shapes', epoch=20)"
    assert (explorer.layer, explorer.feature) == (LAYERS[2], 21)
    assert explorer.result.activation == pytest.approx(float(snapshot.values[LAYERS[2]][0, 1]), rel=1e-4)


def test_what_was_not_recorded_is_refused(player):
    for name, value, words in (("epoch", 3, "1, 2, 5"), ("layer", "conv9", "layers here are"), ("place", 6, "0 to 5")):
        with pytest.raises(ValueError, match=words):
            setattr(player, name, value)
    with pytest.raises(TypeError, match="did you mean 'epoch'"):
        zf.EvolutionPlayer(epochs=3)
    with pytest.raises(TypeError, match="its folder"):
        zf.EvolutionPlayer(3)


def test_it_gives_figure_table_and_code(player):
    assert len(player.figure().axes) == 6 * 8
    assert len(player.table()) == 8 * 5 * 6 * 2
    assert player.answer.epoch == 64
    scope: dict = {}
    exec(player.code().replace("evolution.plot", "figure = evolution.plot"), scope)
    assert len(scope["figure"].axes) == 48


# ── following ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_follows_a_recorder_and_stays_at_the_last_epoch():
    watching, model = recorder(), small_net()
    player = zf.EvolutionPlayer(watching)
    assert "Waiting for the first snapshot" in player.view_of.words.value
    watching.start(model)
    for epoch in (1, 2):
        with torch.no_grad():
            model.features.conv1.weight.add_(0.01)
        watching.record(model, epoch, loss=1 / epoch)
        player.refresh()
        assert player.epoch == epoch
    assert player.layer == LAYERS[2]
    assert player.epochs.epochs == (1, 2)
    player.epoch = 1
    watching.record(model, 3)
    player.refresh()
    assert player.epoch == 1  # its reader looks at something
    assert player.epochs.slider.max == 2
    player.close()


def test_a_layer_with_fewer_recorded_maps_shows_its_last():
    watching = recorder(layers=["conv 1", "conv 2"], features={"conv 1": [0, 1], "conv 2": [0, 1, 2, 3]}, epochs=[1])
    watching.record(small_net(), 1)
    player = zf.EvolutionPlayer(watching)
    player.choose(layer="features.relu2", place=3)
    player.layer = "features.relu1"
    assert player.error == ""
    assert player.place == 1
    player.close()


def test_it_follows_a_folder_that_is_not_there_yet(tmp_path):
    player = zf.EvolutionPlayer(tmp_path / "run")
    assert str(tmp_path / "run") in player.view_of.words.value
    in_folder(tmp_path / "run", range(1, 3))
    player.refresh()
    assert player.epoch == 2
    assert "run" in player.code()
    player.close()


def test_damaged_files_are_named_and_the_rest_is_shown(tmp_path):
    in_folder(tmp_path)
    (tmp_path / "snapshot-000002.safetensors").write_bytes(b"no")
    player = zf.EvolutionPlayer(tmp_path)
    player.refresh()
    assert player.epochs.epochs == (1, 3)
    assert "snapshot-000002" in player.error
    player.close()


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds no evolution"):
        zf.EvolutionPlayer(tmp_path)


def test_without_networks_no_tile_is_opened(tmp_path):
    player = zf.EvolutionPlayer(in_folder(tmp_path).evolution)
    assert player.view_of.opener.layout.display == "none"
    player.close()


def test_the_thread_ends_with_the_panel(monkeypatch):
    import threading

    from zfwidgets.widgets.panel import cycle
    from zfwidgets.widgets.panel.card import Card

    monkeypatch.setattr(Card, "direct", property(lambda self: False))
    monkeypatch.setattr(cycle, "at_once", lambda: True)
    player = zf.EvolutionPlayer(recorder())

    def threads() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "zfwidgets evolution"]

    assert len(threads()) == 1
    (thread,) = threads()
    player.close()
    thread.join(60)
    assert not thread.is_alive()


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_verdict_says_which_layer_has_settled(embedded, tmp_path):
    assert "conv 1 has changed least" in verdict(embedded)
    assert "the first layer has settled" in verdict(embedded)
    assert "from the second snapshot on" in verdict(in_folder(tmp_path, range(1, 2)).evolution)


def test_a_word_that_all_names_begin_with_stands_once():
    assert keys_html(["conv 1", "conv 2"]).startswith("<span class='zf-evolution-keys'>conv <span")
    assert "&lt;b&gt;" in keys_html(["<b>", "x"])


def test_curves_are_told_apart_by_their_names(embedded):
    assert curves_of(embedded, "accuracy").keys() == {"train_accuracy", "validation_accuracy"}
    assert curves_of(embedded, "loss").keys() == {"train_loss", "validation_loss"}


def test_an_evolution_is_code_where_somebody_can_write_it(embedded, tmp_path):
    assert Source(None).code == "zf.prepared_evolution()"
    assert Source(tmp_path).code == f"zf.Evolution.load({str(tmp_path)!r})"
    assert Source(embedded).code == ""

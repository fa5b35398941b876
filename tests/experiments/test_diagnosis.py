"""Faults that were planted in a first layer are found, and numbers are those of a closed form or of plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf
from zfwidgets.experiments.diagnosis import filters
from zfwidgets.models.zfnet import SMALL as FILTERS
from zfwidgets.models.zfnet import ConvNet

SIZE = 64
SHAPES = zf.Shapes(30, SIZE, seed=2)


def network(kernel: int = 7, stride: int = 2, maps: int = 12) -> nn.Sequential:
    torch.manual_seed(0)
    first = nn.Conv2d(3, maps, kernel, stride, kernel // 2)
    return nn.Sequential(
        first, nn.ReLU(), nn.Conv2d(maps, 6, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)
    ).eval()


def diagnosed(module: nn.Module, images: object = SHAPES, **settings: object) -> zf.Diagnosis:
    return zf.diagnose(zf.Network(module, SIZE, device="cpu", **settings), images)


def fault(found: zf.Diagnosis, name: str) -> zf.Verdict:
    return next(verdict for verdict in found.verdicts if verdict.name == name)


@pytest.fixture(scope="module")
def healthy():
    return diagnosed(network())


# ── planted faults ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_layer_without_faults_has_none(healthy):
    assert [verdict.name for verdict in healthy.verdicts if verdict.fault] == []
    assert healthy.filters.shape == (12, 3, 7, 7)
    assert healthy.stride == (2, 2)
    assert healthy.count == 30
    assert healthy.projections.shape[0] <= 16
    assert healthy.consistency.shape == (8,)
    assert str(healthy).count("✓") == 5


def test_dead_filters_are_found():
    module = network()
    with torch.no_grad():
        module[0].weight[[2, 5]] *= 1e-4
        module[0].bias[[2, 5]] = -1.0
        module[0].bias[7] = -100.0
    found = diagnosed(module)
    assert np.flatnonzero(found.dead_by_weights).tolist() == [2, 5]
    assert np.flatnonzero(found.dead_on_data).tolist() == [2, 5, 7]
    assert fault(found, "dead filters").fault
    assert "2 of 12 filters are dead by their weights; 3 were active in none of 30 images" in str(found)
    assert "fewer than 10.0% do" in str(found)


def test_a_filter_that_dominates_is_found():
    module = network()
    with torch.no_grad():
        module[0].weight[3] *= 20
    found = diagnosed(module)
    assert found.dominance == pytest.approx(20, rel=0.1)
    assert fault(found, "dominance").fault
    assert "drowns" in fault(found, "dominance").words


def test_shifted_copies_are_found():
    module = network()
    with torch.no_grad():
        weight = module[0].weight
        weight[4, :, 1:-2, 1:-2] = torch.randn(3, 4, 4)
        weight[4, :, [0, -1, -2]] = weight[4, :, :, [0, -1, -2]] = 0
        weight[9] = 0.7 * torch.roll(weight[4], (2, -1), (1, 2))
    found = diagnosed(module)
    assert found.duplicates.tolist() == [[4, 9]]
    assert found.likeness[0] == pytest.approx(1)
    assert "such as 4 and 9" in str(found)


@pytest.mark.slow
def test_stride_four_aliases_and_stride_two_does_not():
    found = []
    for stride in (2, 4):
        torch.manual_seed(0)
        first = FILTERS[0]._replace(kernel=7 if stride == 2 else 11, stride=stride, padding=3 if stride == 2 else 5)
        module = ConvNet(4, (first, *FILTERS[1:]), (16, 16, 16, 16, 16), (16, 16), (), SIZE, 0.0)
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        shapes = zf.Shapes(240, SIZE, forms=("disc", "star", "bar", "ring"))
        training = zf.train(
            module, shapes, zf.recipe("small", epochs=3, batch_size=32), progress=False, accelerator="cpu"
        )
        found.append(zf.diagnose(training.network(module, "cpu"), zf.Shapes(20, SIZE, seed=7)))
    two, four = found
    assert np.median(four.aliased) > 2 * np.median(two.aliased)
    assert (four.beyond.mean(), four.stride) > (two.beyond.mean(), two.stride)


def test_each_measure_stands_beside_that_of_the_layer_with_new_weights(healthy):
    net = zf.Network(network(), SIZE, device="cpu")
    new = zf.diagnose(net.reinitialised(), SHAPES)
    np.testing.assert_array_equal(healthy.random_rms, new.rms)
    np.testing.assert_array_equal(healthy.random_active, new.active)
    np.testing.assert_array_equal(healthy.random_bands, new.bands_without_mean)
    np.testing.assert_array_equal(healthy.random_beyond, new.beyond)
    np.testing.assert_allclose(healthy.random_aliased, new.aliased, rtol=1e-5)
    assert healthy.random_duplicates == len(new.duplicates)
    for verdict in healthy.verdicts:
        assert "new weights" in verdict.words


# ── the measures ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_strengths_are_root_mean_squares(healthy):
    weights = healthy.filters.astype(np.float64)
    assert np.allclose(healthy.rms, [np.sqrt((each**2).mean()) for each in weights])
    assert healthy.dominance == healthy.rms.max() / np.median(healthy.rms)


@pytest.mark.parametrize(("frequency", "band"), [(1 / 16, 0), (3 / 16, 1), (7 / 16, 2)])
def test_a_wave_lies_in_its_band(frequency, band):
    wave = np.cos(2 * np.pi * frequency * np.arange(32))
    weights = np.broadcast_to(wave, (1, 1, 32, 32))
    found = filters.bands(filters.spectrum(weights, keep_mean=False))
    assert found[0, band] > 0.9
    assert found.sum() == pytest.approx(1)
    assert filters.beyond(filters.spectrum(weights, keep_mean=True), (1, 4))[0] == pytest.approx(
        float(band > 0), abs=0.1
    )


def test_a_spectrum_has_the_filters_power():
    weights = np.random.default_rng(0).normal(size=(3, 2, 5, 7))
    assert np.allclose(filters.spectrum(weights, keep_mean=True).sum((1, 2)), 64**2 * (weights**2).sum((1, 2, 3)))
    flat = np.ones((1, 3, 7, 7))
    assert filters.bands(filters.spectrum(flat, keep_mean=True))[0, 0] > 0.75
    assert filters.bands(filters.spectrum(flat, keep_mean=False)).sum() == 0


def test_likeness_is_that_of_plain_loops():
    weights = np.random.default_rng(1).normal(size=(3, 2, 3, 5))
    expected = np.zeros((3, 3))
    for i, j in np.ndindex(3, 3):
        for down in range(-1, 2):
            for across in range(-2, 3):
                total = 0.0
                for row, column in np.ndindex(3, 5):
                    if 0 <= row + down < 3 and 0 <= column + across < 5:
                        total += (weights[i, :, row, column] * weights[j, :, row + down, column + across]).sum()
                expected[i, j] = max(expected[i, j], total / np.linalg.norm(weights[i]) / np.linalg.norm(weights[j]))
    assert np.allclose(np.maximum(filters.likeness(weights), 0), expected)


@pytest.mark.parametrize(
    ("frequency", "stride", "lost"), [(0.25, 4, 1.0), (1 / 32, 4, 0.0), (0.25, 1, 0.0), (0.2, 2, 0.0)]
)
def test_what_a_stride_cannot_keep_is_what_lies_beyond_its_nyquist_frequency(frequency, stride, lost):
    module = network(kernel=3, stride=stride, maps=2)
    with torch.no_grad():
        module[0].weight.zero_()
        module[0].weight[:, :, 1, 1] = 1.0
    wave = np.rint(127.5 + 100 * np.sin(2 * np.pi * frequency * np.arange(SIZE))).astype(np.uint8)
    image = np.broadcast_to(wave[None, :, None], (SIZE, SIZE, 3)).copy()
    found = diagnosed(module, [image])
    assert found.aliased == pytest.approx([lost, lost], abs=0.05)


def test_answers_under_shifts_are_counted():
    steady = network()
    with torch.no_grad():
        steady[6].weight.zero_()
        steady[6].bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0]))
    assert diagnosed(steady).consistency.tolist() == [1.0] * 8
    net = zf.Network(steady, SIZE, device="cpu")
    assert zf.diagnose(net, SHAPES, shifts=2).consistency.tolist() == [1.0] * 2
    assert zf.diagnose(net, SHAPES, shifts=0).consistency.shape == (0,)
    with pytest.raises(ValueError, match="shifted by 0 pixels or more"):
        zf.diagnose(net, SHAPES, shifts=-1)
    maps = diagnosed(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
    assert maps.consistency.shape == (0,)
    assert maps.second == ""
    assert maps.projections.shape[0] == 0


def test_it_is_saved_read_tabled_and_drawn(healthy, tmp_path):
    healthy.save(tmp_path / "found")
    again = zf.Diagnosis.load(tmp_path / "found")
    assert str(again) == str(healthy)
    assert len(again.to_pandas()) == 12
    assert len(again.plot().axes) >= 4


def test_the_same_seed_gives_the_same_and_other_networks_are_refused(healthy):
    again = diagnosed(network())
    assert np.array_equal(again.random_aliased, healthy.random_aliased)
    with pytest.raises(ValueError, match="no convolution"):
        zf.diagnose(zf.Network(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)), 8, device="cpu"))
    with pytest.raises(TypeError):
        zf.diagnose("resnet18")


@pytest.mark.slow
def test_every_part_of_it_works_on_networks_of_others():
    found = zf.diagnose(zf.load("squeezenet1_1", device="cpu"), [zf.photograph("cat"), zf.photograph("coffee")])
    assert found.stride == (2, 2)
    assert len(found.rms) == 64
    assert fault(found, "aliasing").words.startswith("Of the maps' power at stride 1")

"""The lab shows what `zf.diagnose` and `zf.ablation` found, counts what is built, and trains it as the study did."""

from __future__ import annotations

import re
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf
from zfwidgets.drawing import format_short
from zfwidgets.experiments.ablation import Plan, trials
from zfwidgets.experiments.ablation.study import VARIANTS, study_budget
from zfwidgets.task import Cancelled, Task
from zfwidgets.widgets.architecture_lab.compared import NEW, Compared
from zfwidgets.widgets.architecture_lab.error_chart import ErrorChart, Point
from zfwidgets.widgets.architecture_lab.errors import points_of, points_of_paper
from zfwidgets.widgets.architecture_lab.look_view import ORDERS
from zfwidgets.widgets.architecture_lab.own import YOURS, OwnNetworks

from .conftest import Small

PLAN = Plan(7, 2, 16, (), 32)


@pytest.fixture(scope="module")
def other():
    torch.manual_seed(5)
    dead = Small().eval()
    with torch.no_grad():
        dead.conv1.weight[3] = 0
        dead.conv1.weight[5] *= 20
    return zf.Network(dead, size=(35, 51), labels=["ant", "bee", "cat", "dog"], device="cpu", name="faulty")


@pytest.fixture
def lab(network, other):
    made = zf.ArchitectureLab([network, other], zf.Shapes(4, 32))
    yield made
    made.close()


def picture(widget) -> np.ndarray:
    return np.frombuffer(widget.pixels, np.uint8).reshape(widget.height, widget.width, 4)


# ── two networks side by side ─────────────────────────────────────────────────────────────────────────────────────────


def test_it_shows_what_the_diagnosis_says(lab, network, other):
    assert (lab.left, lab.right, lab.error) == ("small", "faulty", "")
    expected = zf.diagnose(other, zf.Shapes(4, 32))
    found = lab.result.found[1]
    np.testing.assert_array_equal(found.rms, expected.rms)
    np.testing.assert_array_equal(found.aliased, expected.aliased)
    words = lab.look.table.value
    assert f"✗</b> strongest {expected.dominance:.1f} × the median" in words
    assert "✗</b> 1 by weights" in words
    assert "§3: after each step" in lab.look.verdict.value
    assert lab.answer.rms.tolist() == zf.diagnose(network, zf.Shapes(4, 32)).rms.tolist()


def test_on_the_right_there_is_the_left_one_before_any_training(lab, network):
    lab.right = NEW
    expected = zf.diagnose(network.reinitialised(), zf.Shapes(4, 32))
    np.testing.assert_array_equal(lab.result.found[1].filters, expected.filters)
    assert not np.array_equal(expected.filters, lab.result.found[0].filters)
    lab.left = "faulty"
    assert lab.result.names == ("faulty", NEW)
    np.testing.assert_array_equal(lab.result.found[1].filters, expected.filters)  # of the same shapes and seed


@pytest.mark.parametrize("order", ORDERS)
def test_filters_stand_in_an_order_and_a_cell_is_one_of_them(lab, order):
    lab.choose(order=order, filters=(0, 5))
    side, found = lab.look.sides[1], lab.result.found[1]
    numbers = [side.at(divmod(place, 4)) for place in range(16)]
    assert sorted(numbers) == list(range(16))
    assert side.at(None) is None
    assert side.at((4, 0)) is None
    assert numbers[side.filters.cell[0] * 4 + side.filters.cell[1]] == 5
    keys = {"strongest first": -found.rms, "most aliased first": -found.aliased, "number": np.arange(16)}
    keys["high frequencies first"] = -found.bands_without_mean[:, 2]
    assert (np.diff(keys[order][numbers]) >= 0).all()


def test_a_filter_is_chosen_by_its_cell(lab):
    lab.look.sides[0].filters.cell = (1, 2)
    assert lab.filters == (6, 0)
    assert "filter 6" in lab.look.sides[0].words.value
    lab.look.sides[1].filters.cell = (0, 3)
    assert lab.filters == (6, 3)
    assert "dead by weights" in lab.look.sides[1].words.value


def test_the_profile_of_frequencies_is_the_spectrum(lab):
    found = lab.result.found[0]
    frequencies, parts = found.profile
    filters = found.filters - found.filters.mean((2, 3), keepdims=True)
    power = (np.abs(np.fft.fft2(filters.astype(float), (64, 64))) ** 2).sum((0, 1))
    along = np.fft.fftfreq(64)
    ring = np.rint(np.hypot(along[:, None], along) * 64)
    expected = [power[ring == place].sum() / power.sum() for place in range(33)]
    np.testing.assert_allclose(parts, expected, atol=1e-12)
    assert frequencies[-1] == 0.5
    shown = lab.look.frequencies.shown
    np.testing.assert_allclose(shown["small"], parts)
    assert lab.look.frequencies.marked == 0.25  # stride 2


def test_the_second_layer_is_projected_and_a_network_without_one_says_so(lab, network):
    assert picture(lab.look.sides[0].second).any()
    one = zf.Network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), 16, device="cpu", name="one layer")
    alone = zf.ArchitectureLab(one, zf.Shapes(2, 16))
    assert "no second layer" in alone.look.sides[0].second.caption
    assert alone.error == ""


# ── errors ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_chart_has_the_errors_of_the_study(lab):
    lab.view = "errors"
    study = zf.prepared_ablation()
    assert lab.error == ""
    for place, name in enumerate(study.variants):
        size, error = lab.errors.chart.shown[place]
        assert size == study.parameters[place]
        assert error == pytest.approx(100 * study.error(name)[0])
    lab.across = "macs"
    assert lab.errors.chart.shown[:, 0].tolist() == study.macs.tolist()
    lab.variant = study.variants[3]
    assert f"<b>{study.variants[3]}</b>" in lab.errors.words.value
    assert f"{100 * study.difference(study.variants[3])[0]:+.1f} points" in lab.errors.words.value
    assert lab.control_of["variant"].value == study.variants[3]
    assert lab.answer is study


def test_the_papers_table_stands_beside_it(lab):
    lab.choose(view="errors", data="paper")
    rows = zf.papers_ablation()
    assert lab.errors.chart.shown[:, 1].tolist() == [row.validation for row in rows]
    assert tuple(lab.control_of["variant"].inner.options) == tuple(row.variant for row in rows)
    lab.variant = "ZFNet, both"
    assert "237,560,936 parameters" in lab.errors.words.value
    assert "16.9% in five answers" in lab.errors.words.value
    assert len(lab.table()) == len(rows)
    assert "ImageNet" in lab.figure().axes[0].get_title()
    with pytest.raises(ValueError, match="papers_ablation"):
        lab.answer  # noqa: B018


def test_a_name_that_is_not_in_the_chart_gives_way_to_the_first(lab):
    lab.choose(view="errors", variant="without 7")
    lab.data = "paper"
    assert lab.variant == "AlexNet"
    assert lab.control_of["variant"].value == "AlexNet"
    lab.control_of["variant"].inner.value = "ZFNet"
    assert lab.variant == "ZFNet"
    lab.data = "ours"
    assert lab.variant == lab.control_of["variant"].inner.value == "all layers"


def test_a_point_is_chosen_by_a_click(lab):
    lab.view = "errors"
    lab.errors.chart._click(None, {"data": {"index": 2}})
    assert lab.variant == zf.prepared_ablation().variants[2]


def test_the_papers_rows_are_counted():
    rows = {row.variant: row for row in zf.papers_ablation()}
    assert len(rows) == 12
    assert rows["ZFNet"].parameters == 62_357_608
    assert (rows["ZFNet"].train, rows["ZFNet"].validation, rows["ZFNet"].top5) == (33.1, 38.4, 16.5)
    alex = zf.alexnet_zf(without=(3, 4, 6, 7)).eval()
    row = rows["AlexNet without 3, 4, 6, 7"]
    assert row.parameters == sum(weight.numel() for weight in alex.parameters()) == 10_456_680
    assert row.macs == sum(step.macs for step in zf.Network(alex, device="cpu").program.steps)


@pytest.mark.parametrize("sizes", [(2e4, 3e5), (1e7, 2.4e8), (6e4, 7e4), (5e4, 5e4)])
def test_the_axis_has_a_few_round_sizes(sizes):
    chart = ErrorChart()
    chart.show([Point("some", int(size), 1, 1, 2, 1, 3) for size in sizes], "parameters", 0)
    found = chart._axes[0].tick_values
    assert 2 <= len(found) <= 8
    assert all(min(sizes) / 1.3 <= value <= max(sizes) * 1.3 for value in found)


def test_sizes_are_written_short():
    assert [format_short(number) for number in (950, 69_094, 62_357_608, 1.2e9)] == ["950", "69.1k", "62.4M", "1.2G"]


def test_points_have_the_papers_errors_and_no_intervals():
    assert all(point.low == point.error == point.high for point in points_of_paper(zf.papers_ablation()))
    assert all(point.low < point.error < point.high for point in points_of(zf.prepared_ablation(), []))


# ── the study that comes with the package ─────────────────────────────────────────────────────────────────────────────


def test_the_study_is_that_of_its_variants():
    study = zf.prepared_ablation()
    assert study.variants == tuple(VARIANTS)
    assert study.validation.shape == (len(VARIANTS), 3, 5)
    for place, build in enumerate(VARIANTS.values()):
        assert study.parameters[place] == sum(weight.numel() for weight in build().parameters())
    assert study.recipe["epochs"] == study_budget().epochs
    assert study.count == 1200


# ── the builder ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("plan", [PLAN, Plan(11, 4, 8, (3, 4), 64), Plan(3, 1, 5, (3, 4, 6, 7), 16)])
def test_what_is_built_is_counted(plan):
    found, module = plan.counted(), plan.build()
    assert found.parameters == sum(weight.numel() for weight in module.parameters())
    with torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
        module.eval()(torch.zeros(1, 3, 32, 32))
    assert found.macs == counter.get_total_flops() // 2
    assert len(found.layers) == 8 - len(plan.without)
    assert found.layers[0].field == f"{plan.kernel_size}×{plan.kernel_size} pixels"


def test_counting_leaves_random_numbers_as_they_were():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    Plan(5, 1, 6, (), 24).counted()
    zf.papers_ablation()
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_table_changes_with_the_controls(lab):
    lab.choose(view="errors")
    assert "<td>7×7 / 2</td><td>16 × 16×16</td><td title='7×7 pixels'>7×7 pixels</td>" in lab.builder.table.value
    lab.choose(kernel_size=11, stride=4, maps=8)
    assert "<td>11×11 / 4</td><td>8 × 8×8</td><td title='11×11 pixels'>11×11 pixels</td>" in lab.builder.table.value
    lab.without = (3, 4, 6, 7)
    assert re.findall(r"<th scope='row'>(.*?)</th>", lab.builder.table.value) == [
        "conv 1",
        "conv 2",
        "conv 5",
        "fc 8",
        "in all",
    ]


@pytest.fixture
def short_study(monkeypatch):
    """One epoch in place of twelve."""
    monkeypatch.setattr(
        "zfwidgets.experiments.ablation.trial.study_budget", lambda: zf.recipe("small", epochs=1, batch_size=32)
    )


@pytest.mark.slow
def test_a_trial_is_trained_on_the_folds_of_the_study(short_study):
    from zfwidgets.experiments.ablation.trial import _study_data
    from zfwidgets.experiments.ablation.work import Place, Work

    plan = Plan(5, 2, 4, (3, 4), 16)
    done = []
    found = list(trials(plan.build, Task(report=lambda *report: done.append(report))))
    assert [len(trial.validation) for trial in found] == [1, 2, 3, 4, 5]
    study = zf.prepared_ablation()
    rates, often = np.unique(study.rates, return_counts=True)
    work = Work(_study_data(), zf.recipe("small", epochs=1, batch_size=32), (float(rates[often.argmax()]),), 5, None)
    for fold in (0, 3):
        run = work.run(plan.build, Place(0, 0, fold))
        assert run.validation == pytest.approx(found[-1].validation[fold])
        assert run.train == pytest.approx(found[-1].train[fold])
    more, low, high = found[-1].difference()
    assert more == pytest.approx((found[-1].validation - study.validation[0, 0]).mean())
    assert low < more < high
    assert found[-1].error()[1] < found[-1].error()[0] < found[-1].error()[2]
    assert done[-1][:2] == (5, 5)
    assert all(before[0] <= after[0] for before, after in pairwise(done))


@pytest.mark.slow
def test_what_is_trained_is_in_the_chart_and_can_be_looked_at(lab, short_study):
    lab.choose(view="errors", kernel_size=5, maps=4, without=(3, 4), units=16)
    lab.training.start()
    assert lab.error == ""
    assert "% wrong" in lab.training.note.value
    assert len(lab.errors.chart.shown) == len(VARIANTS) + 1
    assert lab.table()["variant"].iloc[-1] == lab.variant
    assert lab.table()["parameters"].iloc[-1] == lab.own.trained[0].size.parameters
    assert lab.variant.startswith(f"{YOURS}: 5×5, stride 2, 4 maps, 16 units, without 3, 4")
    assert "on the same folds" in lab.errors.words.value
    assert picture(lab.builder.filters).any()
    assert "after epoch 1" in lab.builder.filters.caption
    lab.choose(view="look", right=YOURS)
    assert lab.error == ""
    assert lab.result.found[1].filters.shape == (4, 3, 5, 5)


def test_a_training_that_is_not_wanted_is_given_up(short_study):
    with pytest.raises(Cancelled):
        next(trials(PLAN.build, Task(lambda: True)))


# ── what it is given ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_networks_may_be_one_several_or_named(network, other):
    assert Compared(network, None).right == ("small", NEW)
    assert Compared([network, network, other], None).left == ("small", "small (2)", "faulty")
    assert Compared({"7×7": network, NEW: other}, None).left == ("7×7", f"{NEW} (2)")


def test_what_does_not_fit_is_refused(network):
    with pytest.raises(TypeError, match="Network"):
        zf.ArchitectureLab(Small())
    with pytest.raises(TypeError, match="Network"):
        zf.ArchitectureLab([network, 3])
    with pytest.raises(ValueError, match="no network"):
        zf.ArchitectureLab([])
    with pytest.raises(ValueError, match="networks on the right are 'small', 'new weights'"):
        zf.ArchitectureLab(network, zf.Shapes(2, 32), right="large")
    with pytest.raises(TypeError, match="did you mean 'kernel_size'"):
        zf.ArchitectureLab(network, kernelsize=3)


def test_names_are_words_in_html(network):
    lab = zf.ArchitectureLab({"<script>alert(1)</script>": network}, zf.Shapes(2, 32))
    shown = [lab.look.table.value, lab.look.verdict.value, lab.look.sides[0].head.value, lab.look.aliased.head.value]
    assert not any("<script" in each for each in shown)


def test_with_an_ablation_of_ones_own_there_is_nothing_to_build(network):
    study = zf.prepared_ablation()
    lab = zf.ArchitectureLab(network, zf.Shapes(2, 32), ablation=study, view="errors")
    assert lab.builder not in lab.errors.children
    assert lab.error == ""
    assert "zf.Ablation" in lab.code()
    assert len(lab.errors.chart.shown) == len(study.variants)


def test_it_says_in_code_what_it_shows():
    lab = zf.ArchitectureLab(zf.load("zfnet_shapes"), zf.Shapes(4, 64), view="errors")
    assert lab.code().endswith("found = zf.prepared_ablation()\nfound")
    lab.data = "paper"
    assert "zf.papers_ablation()" in lab.code()
    lab.view = "look"
    assert "zf.load('zfnet_shapes')" in lab.code().replace('"', "'")


@pytest.mark.slow
def test_a_training_that_is_given_up_leaves_the_whole_one(short_study):
    own = OwnNetworks()
    for folds in (2, 1):
        for trained in islice(own.train(PLAN, lambda *_: None, Task()), folds):
            assert len(trained.trial.validation) <= folds
    assert [len(trained.trial.validation) for trained in own.trained] == [2]

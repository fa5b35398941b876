"""Ablations compare fairly: no leak between folds, intervals as wide as they must be, and the same after a kill."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

import distributed
import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from torch import nn

import zfwidgets as zf
from zfwidgets.data import Labelled
from zfwidgets.experiments.ablation.work import Place, Work
from zfwidgets.experiments.statistics import (
    corrected_deviation,
    corrected_interval,
    corrected_p,
    holm,
)
from zfwidgets.task import Cancelled, Task

FORMS = ("disc", "star", "bar")
SHAPES = zf.Shapes(48, 32, forms=FORMS)
BUDGET = zf.recipe("small", epochs=1, batch_size=16)
small = partial(zf.zfnet_shapes, 3, maps=(4, 6, 8, 8, 6), hidden=(8, 8), size=32)
VARIANTS = {"base": small, "without 3, 4": partial(small, without=(3, 4)), "wide": partial(small, hidden=(16, 16))}


# ── how sure it is ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_corrected_test_is_that_of_scikit_learns_example():
    """As stated in "Statistical comparison of models using grid search"."""
    differences = np.random.default_rng(0).normal(0.01, 0.03, 100)
    n_train, n_test = 450, 50
    kr = len(differences)
    corrected_std = np.sqrt(np.var(differences, ddof=1) * (1 / kr + n_test / n_train))
    t_stat = np.mean(differences) / corrected_std
    expected = 2 * stats.t.sf(np.abs(t_stat), kr - 1)
    assert corrected_deviation(differences, n_test / n_train) == pytest.approx(corrected_std)
    assert corrected_p(differences, n_test / n_train) == pytest.approx(expected)
    low, high = corrected_interval(differences, n_test / n_train)
    assert (low, high) == pytest.approx(stats.t.interval(0.95, kr - 1, np.mean(differences), corrected_std))


def test_nothing_is_sure_of_one_value_and_all_of_equal_ones():
    assert corrected_interval(np.array([0.3]), 0.25) == (-np.inf, np.inf)
    assert corrected_p(np.array([0.3]), 0.25) == 1
    assert corrected_p(np.zeros(5), 0.25) == 1
    assert corrected_p(np.ones(5), 0.25) == 0
    low, high = corrected_interval(np.full(5, 0.3), 0.25, step=0.1)
    assert low < 0.3 < high
    assert (low, high) == corrected_interval(np.full(5, 0.3), 0.25, step=0.1)
    one_off = np.array([0.3, 0.3, 0.3, 0.3, 0.2])
    assert high - low == pytest.approx(np.diff(corrected_interval(one_off, 0.25))[0])
    assert 0 < corrected_p(np.full(5, 0.3), 0.25, step=0.1) < 0.05


def test_holms_adjustment_is_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.001])).tolist() == pytest.approx([0.9, 0.002])
    assert holm(np.zeros(0)).tolist() == []


@pytest.mark.slow
def test_two_copies_of_one_variant_differ_at_the_level_of_the_test_and_naively_far_too_often():
    """A cheap classifier that sees half of the features, chosen at random: two copies differ by chance alone."""
    corrected, naive, repeats = 0, 0, 160
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        labels = np.arange(60) % 2
        x = rng.normal(size=(60, 12)) + 0.5 * labels[:, None]
        halves = [rng.permutation(12)[:6] for _ in range(2)]
        errors = []
        for seed in range(2):
            for learn, held in StratifiedKFold(5, shuffle=True, random_state=seed).split(x, labels):
                models = [LogisticRegression(max_iter=200).fit(x[learn][:, half], labels[learn]) for half in halves]
                errors.append(
                    [
                        1 - model.score(x[held][:, half], labels[held])
                        for model, half in zip(models, halves, strict=True)
                    ]
                )
        differences = np.subtract(*np.array(errors).T)
        corrected += corrected_p(differences, 1 / 4) < 0.05
        naive += corrected_p(differences, 0.0) < 0.05
    assert corrected / repeats < 0.09
    assert naive / repeats > 0.1
    assert naive > 2 * corrected


# ── the runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def found():
    return zf.ablation(VARIANTS, SHAPES, 3, 2, BUDGET, rates=(1e-3, 5e-3), progress=False)


@pytest.mark.slow
def test_every_variant_has_the_same_folds_seeds_and_budget(found):
    assert found.variants == tuple(VARIANTS)
    assert found.validation.shape == found.train.shape == found.rates.shape == (3, 2, 3)
    assert set(np.unique(found.rates)) <= {1e-3, 5e-3}
    assert found.parameters.tolist() == [sum(w.numel() for w in build().parameters()) for build in VARIANTS.values()]
    assert found.macs[1] < found.macs[0]
    assert (found.seconds > 0).all()
    mean, spread, low, high = found.error("base")
    values = found.validation[0].ravel()
    assert (mean, spread) == pytest.approx((values.mean(), values.std(ddof=1)))
    assert low <= mean <= high
    more, least, most = found.difference("wide")
    assert more == pytest.approx((found.validation[2] - found.validation[0]).mean())
    assert least <= more <= most
    assert (found.p >= 0).all()
    assert (found.p <= 1).all()


@pytest.mark.slow
def test_it_is_saved_read_tabled_and_drawn(found, tmp_path):
    found.save(tmp_path / "found")
    again = zf.Ablation.load(tmp_path / "found")
    assert str(again) == str(found)
    table = again.to_pandas()
    assert list(table["variant"]) == list(VARIANTS)
    assert {"parameters", "macs", "validation_error", "train_spread", "difference", "p", "seconds"} <= set(
        table.columns
    )
    assert table["train_low"][1] == pytest.approx(found.error(found.variants[1], "train")[2])
    assert len(again.plot().axes) == 1


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_gives_the_same(tmp_path):
    variants = {name: VARIANTS[name] for name in ("base", "wide")}
    settings = {"folds": 2, "seeds": 1, "budget": BUDGET, "rates": (2e-3,)}
    whole = zf.ablation(variants, SHAPES, **settings, progress=False)
    said: list[float] = []
    stopping = Task(lambda: len(said) > 1, lambda done, *_: said.append(done))
    with pytest.raises(Cancelled):
        zf.ablation(variants, SHAPES, **settings, checkpoint=tmp_path, task=stopping)
    assert len(list(tmp_path.glob("run-*"))) == 2
    again = zf.ablation(variants, SHAPES, **settings, checkpoint=tmp_path, progress=False)
    assert np.array_equal(again.validation, whole.validation)
    assert np.array_equal(again.train, whole.train)
    with pytest.raises(ValueError, match="another"):
        zf.ablation(variants, SHAPES, **(settings | {"rates": (1e-3,)}), checkpoint=tmp_path, progress=False)


@pytest.mark.slow
def test_with_permuted_labels_every_variant_is_at_chance():
    pictures = [SHAPES[number % 48][0] for number in range(90)]
    labels = np.random.default_rng(0).permutation(np.arange(90) % 3)
    found = zf.ablation(
        {"base": small, "wide": VARIANTS["wide"]}, list(zip(pictures, labels.tolist(), strict=True)), 3, 2,
        zf.recipe("small", epochs=3, batch_size=16), rates=(2e-3,), progress=False,
    )  # fmt: skip
    for name in found.variants:
        mean, _, low, high = found.error(name)
        assert low <= 2 / 3 <= high
        assert abs(mean - 2 / 3) < 0.12


@pytest.mark.slow
def test_on_a_cluster_it_is_the_same():
    __import__("cloudpickle").register_pickle_by_value(sys.modules[__name__])
    variants = {name: VARIANTS[name] for name in ("base", "wide")}
    here = zf.ablation(variants, SHAPES, 2, 1, BUDGET, rates=(2e-3,), progress=False)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        there = zf.ablation(variants, SHAPES, 2, 1, BUDGET, rates=(2e-3,), client=client, progress=False)
    assert np.array_equal(there.validation, here.validation)


def test_folds_share_no_image_and_hold_each_once():
    work = Work(Labelled.of(SHAPES), BUDGET, (1e-3,), 4, None)
    for seed in range(2):
        parts = [work.parts(seed, fold) for fold in range(4)]
        held = [set(part.images.names) for _, part in parts]
        assert set.union(*held) == set(Labelled.of(SHAPES).images.names)
        assert sum(map(len, held)) == 48
        for (learn, _), names in zip(parts, held, strict=True):
            assert not names & set(learn.images.names)
    assert work.parts(0, 0)[1].images.names != work.parts(1, 0)[1].images.names
    assert Place(1, 0, 3).name == "run-01-00-03"


@pytest.mark.parametrize(
    ("variants", "settings", "said"),
    [
        ({}, {}, "variants are functions"),
        ({"base": small()}, {"folds": 1}, "at least 2 folds"),
        ({"base": small}, {"folds": 40}, "each class has an image in every fold"),
        ({"base": small}, {"rates": ()}, "1 learning rate"),
    ],
)
def test_what_cannot_be_compared_is_refused(variants, settings, said):
    with pytest.raises(ValueError, match=said):
        zf.ablation(variants, SHAPES, progress=False, **settings)


def test_a_variant_that_is_no_network_is_refused():
    with pytest.raises(TypeError, match="this one gives str"):
        zf.ablation({"base": lambda: "resnet18"}, SHAPES, 2, progress=False)
    seven = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 7))
    with pytest.raises(ValueError, match="classes"):
        zf.ablation({"base": lambda: seven}, SHAPES, 2, size=32, progress=False)


@pytest.mark.slow
def test_a_rate_that_is_lowered_does_not_see_the_fold_that_is_held_back():
    class Swapped(Work):
        def parts(self, seed, fold):
            learn, held = super().parts(seed, fold)
            return learn, replace(held, targets=(held.targets + 1) % 3)

    def build():
        modules.append(small())
        return modules[-1]

    modules: list = []
    budget = zf.recipe("paper", epochs=4, batch_size=16, border=4, patience=0)
    for kind in (Work, Swapped):
        kind(Labelled.of(SHAPES), budget, (1e-2,), 4, None).run(build, Place(0, 0, 0))
    weights = [module.state_dict().values() for module in modules]
    assert all((one == other).all() for one, other in zip(*weights, strict=True))


@pytest.mark.slow
def test_a_checkpoint_belongs_to_its_labels(tmp_path):
    data = Labelled.of(SHAPES)
    settings = {"folds": 2, "seeds": 1, "budget": BUDGET, "rates": (1e-3,), "checkpoint": tmp_path, "progress": False}
    zf.ablation({"base": small}, data, **settings)
    with pytest.raises(ValueError, match="labels"):
        zf.ablation({"base": small}, replace(data, targets=(data.targets + 1) % 3), **settings)

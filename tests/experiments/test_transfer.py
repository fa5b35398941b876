"""Transfer: the protocol (who is learnt from and tested on), the fast fit against scikit-learn's own, and figures."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import nn

import zfwidgets as zf
from zfwidgets.data import Labelled
from zfwidgets.experiments.statistics import corrected_interval
from zfwidgets.experiments.training import train
from zfwidgets.experiments.transfer import (
    Transfer,
    classify,
    features,
    from_scratch,
    labelled_data,
    near_duplicates,
    objects,
    paper_beside,
    papers,
    scratch,
    transfer,
    transfer_objects,
    transfer_sweep,
)
from zfwidgets.experiments.transfer.plan import planned
from zfwidgets.task import Cancelled, Task

from ..tiny import tiny_network

CLASSES = ("a", "b", "c")


@pytest.fixture(scope="module")
def net():
    return tiny_network()


@pytest.fixture(scope="module")
def shapes():
    return Labelled.of(zf.Shapes(90, 32, forms=("disc", "cross", "bar"), clutter=0.2))


def uneven(counts, classes=CLASSES):
    return np.repeat(np.arange(len(classes)), counts), np.ones(sum(counts), bool)


# ---- who is learnt from, and who is tested on


def test_no_image_is_on_both_sides_and_counts_are_per_class():
    targets, readable = uneven((20, 70, 130))
    plan = planned(targets, readable, CLASSES, (3, 15), 4, seed=1)
    assert len(plan.splits) == 4
    for split in plan.splits:
        assert [Counter(targets[numbers].tolist()) for numbers in split.learn] == [
            {0: 3, 1: 3, 2: 3}, {0: 15, 1: 15, 2: 15}
        ]  # fmt: skip
        assert Counter(targets[split.test].tolist()) == {0: 5, 1: 50, 2: 50}  # never more than fifty
        assert not set(split.test) & set(split.learn[-1])
        assert set(split.learn[0]) <= set(split.learn[1])  # more images are these, and others
        assert len(set(split.test)) == len(split.test)


def test_splits_are_random_by_seed_and_differ_from_each_other():
    targets, readable = uneven((20, 20, 20))
    tests = [planned(targets, readable, CLASSES, 5, 3, seed).splits for seed in (0, 0, 1)]
    assert all(np.array_equal(a.test, b.test) for a, b in zip(tests[0], tests[1], strict=True))
    assert not np.array_equal(tests[0][0].learn[0], tests[2][0].learn[0])
    assert not np.array_equal(tests[0][0].learn[0], tests[0][1].learn[0])


def test_what_cannot_be_read_is_in_no_split():
    targets, readable = uneven((12, 12, 12))
    readable[[0, 13, 14]] = False
    for split in planned(targets, readable, CLASSES, 6, 5, 0).splits:
        assert not {0, 13, 14} & (set(split.test) | set(split.learn[-1]))


@pytest.mark.parametrize(
    ("counts", "per_class", "said"),
    [
        ((30, 1, 30), 1, "'b' has 1 image that .* leave that class out"),
        ((30, 0, 30), 1, "'b' has 0 images .* leave that class out"),
        (
            (30, 12, 9),
            (5, 12),
            "'c' has 9 images that .*, and 1 other class too few; .* per_class of at most 8 would do",
        ),
        ((30, 30, 30), 0, "1 or more"),
        ((30, 30, 30), (), "1 or more"),
    ],
)
def test_too_few_images_are_told_with_what_would_do(counts, per_class, said):
    with pytest.raises(ValueError, match=said):
        planned(*uneven(counts), CLASSES, per_class, 5, 0)


def test_one_class_is_nothing_to_tell_apart():
    with pytest.raises(ValueError, match="at least two classes"):
        planned(np.zeros(9, int), np.ones(9, bool), ("a",), 2, 5, 0)


# ---- features


def test_features_are_those_of_the_network_averaged_down(net, shapes):
    wanted = features.Wanted(net, shapes.images, ("0", "3", "7"), 4)
    (found,) = wanted.shards([(3, 14)])
    for name in ("0", "3"):
        x = net.batch([shapes.images[place] for place in range(3, 14)])
        maps = _maps(net, x, name)
        blocks = maps.reshape(11, maps.shape[1], 4, maps.shape[2] // 4, 4, maps.shape[3] // 4).mean(axis=(3, 5))
        assert np.allclose(found.features[name], blocks.reshape(11, -1), atol=1e-6)
    assert found.features["7"].shape == (11, 9)


def test_with_all_places_features_are_the_maps_themselves(net, shapes):
    (found,) = features.Wanted(net, shapes.images, ("3",), None).shards([(0, 8)])
    maps = _maps(net, net.batch([shapes.images[place] for place in range(8)]), "3")
    assert np.array_equal(found.features["3"], maps.reshape(8, -1))


def _maps(net, x, name):
    from zfwidgets.backend.run.forward import forward

    step = net.step(name)
    return forward(net.program, x, [step]).activations[step].numpy()


def test_features_are_read_from_files_and_only_where_they_are_asked_for(net, shapes, tmp_path, monkeypatch):
    monkeypatch.setattr(features, "SHARD", 32)
    kept = []
    original = features.of_files
    monkeypatch.setattr(features, "of_files", lambda *given: kept.append(original(*given)) or kept[-1])
    transfer(net, shapes, ["3"], 5, 1, checkpoint=tmp_path, progress=False)
    found = kept[0]
    assert len(found.files) == 3
    assert all(isinstance(array, np.memmap) for shard in found._mapped for array in shard.values())
    rows = found.rows("3", np.array([88, 2, 40, 2]))
    (whole,) = features.Wanted(net, shapes.images, ("3",), 6).shards([(0, 90)])
    assert np.array_equal(rows, whole.features["3"][[88, 2, 40, 2]])


# ---- the fit


def numbers(images, count, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.arange(images) % classes
    x = rng.normal(size=(images, count)) * rng.lognormal(size=count) + 5
    x[:, :classes] += 1.5 * np.eye(classes)[targets] * x[:, :classes].std(axis=0)
    return x.astype(np.float32), targets


@pytest.mark.parametrize("strength", [1e-4, 1e-2, 1])
def test_the_fit_in_the_space_of_the_rows_is_scikit_learns(strength):
    x, y = numbers(60, 2000)
    new, _ = numbers(40, 2000, seed=1)
    exact = {"tol": 1e-12, "max_iter": 100_000}
    ours = classify.pipeline(x.shape, classify.estimator("softmax", strength, **exact)).fit(x, y)
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=strength, **exact)).fit(x.astype(np.float64), y)
    assert [name for name, _ in ours.steps] == ["scale", "rotate", "classify"]
    assert np.abs(ours.predict_proba(new) - theirs.predict_proba(new.astype(np.float64))).max() < 1e-6


def test_the_linear_svm_in_the_space_of_the_rows_is_scikit_learns():
    x, y = numbers(60, 500)
    new, _ = numbers(40, 500, seed=1)
    exact = {"tol": 1e-10, "max_iter": 1_000_000, "dual": True}
    ours = classify.pipeline(x.shape, classify.estimator("svm", 1e-3, **exact)).fit(x, y)
    scaler = StandardScaler().fit(x)  # in single precision, as the features are
    theirs = LinearSVC(C=1e-3, random_state=0, **exact).fit(scaler.transform(x).astype(np.float64), y)
    wanted = theirs.decision_function(scaler.transform(new).astype(np.float64))
    assert np.abs(ours.decision_function(new) - wanted).max() < 1e-6


def test_where_images_outnumber_features_there_is_no_rotation():
    x, y = numbers(60, 20)
    assert [name for name, _ in classify.fitted("softmax", x, y).pipeline.steps] == ["scale", "classify"]


def test_the_searched_strength_is_that_of_a_search_without_rotation():
    x, y = numbers(60, 300)
    found = classify.fitted("softmax", x, y)
    grid = [strength / 300 for strength in classify.GRIDS["softmax"]]
    search = GridSearchCV(
        LogisticRegression(max_iter=1000), {"C": grid}, cv=StratifiedKFold(3, shuffle=True, random_state=0)
    )
    search.fit(StandardScaler().fit_transform(x.astype(np.float64)), y)
    assert found.searched
    assert found.strength == pytest.approx(search.best_params_["C"] * 300)


def test_below_five_images_the_strength_is_fixed_and_the_result_says_so(net, shapes):
    found = transfer(net, shapes, ["3"], (4, 5), 2, progress=False)
    assert found.searched.tolist() == [False, True]
    assert (found.strengths[:, 0] == classify.FIXED["softmax"]).all()
    assert np.isin(np.round(found.strengths[:, 1], 9), classify.GRIDS["softmax"]).all()


# ---- the result


def test_permuted_labels_are_at_chance(net, shapes):
    rng = np.random.default_rng(5)
    mixed = Labelled(shapes.images, rng.permutation(shapes.targets), shapes.classes)
    found = transfer(net, mixed, ["0", "3", "7"], 10, 5, progress=False)
    for layer in found.layers:
        estimate = found.estimate(layer)
        assert estimate.low < found.chance < estimate.high
        assert abs(estimate.mean - found.chance) < 0.12


def test_what_is_easy_is_learnt_and_counts_by_class(net):
    rng = np.random.default_rng(0)
    colours = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}
    pairs = [
        (np.clip(rng.normal(colour, 30, (32, 32, 3)), 0, 255).astype(np.uint8), name)
        for name, colour in colours.items() for _ in range(8 if name == "red" else 30)
    ]  # fmt: skip
    found = transfer(net, pairs, ["3"], (2, 6), 4, progress=False)
    truth = found.targets[found.tests]
    right = found.answers[0, 1] == truth
    by_class = [[right[fold][truth[fold] == label].mean() for label in range(3)] for fold in range(4)]
    assert np.allclose(found.accuracy[0, 1], np.mean(by_class, axis=1))
    assert found.estimate("3").mean > 0.95
    assert found.confusion("3").sum() == found.tests.size


def test_estimate_spread_and_interval_against_numpy(net, shapes):
    found = transfer(net, shapes, ["3"], (3, 10), 5, progress=False)
    values = found.accuracy[0, 1]
    estimate = found.estimate("3", 10)
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.spread == pytest.approx(np.std(values, ddof=1))
    share = 60 / 90  # 20 of 30 images of each class are tested on
    reach = 2.7764451 * np.std(values, ddof=1) * np.sqrt(1 / 5 + share / (1 - share))
    assert (estimate.low, estimate.high) == pytest.approx(
        (max(0, values.mean() - reach), min(1, values.mean() + reach))
    )


@pytest.mark.slow
@pytest.mark.parametrize(("there", "learnt"), [(40, 20), (40, 5), (100, 2)])
def test_the_interval_holds_the_truth_as_often_as_it_says(there, learnt):
    """A nearest-mean classifier of two normal classes, whose expected accuracy is known from many fresh samples."""

    def accuracy(x, y, new, new_y):
        means = np.stack([x[y == label].mean(axis=0) for label in (0, 1)])
        return (((new[:, None] - means) ** 2).sum(axis=2).argmin(axis=1) == new_y).mean()

    def drawn(rng, count):
        y = np.repeat([0, 1], count)
        return rng.normal(size=(2 * count, 3)) + y[:, None] * 0.9, y

    rng = np.random.default_rng(there)
    fresh = [drawn(rng, learnt) for _ in range(3000)]
    truth = np.mean([accuracy(*one, *drawn(rng, 50)) for one in fresh])
    held = []
    for trial in range(400):
        x, y = drawn(rng, there)
        plan = planned(y, np.ones(len(y), bool), ("0", "1"), learnt, 5, trial)
        values = [accuracy(x[split.learn[0]], y[split.learn[0]], x[split.test], y[split.test]) for split in plan.splits]
        low, high = corrected_interval(np.array(values), plan.test_share)
        held.append(low <= truth <= high)
    assert np.mean(held) > 0.93


def test_the_interval_holds_where_one_class_is_much_smaller():
    """Its few images are tested on in every split, and an accuracy is a mean over classes: so it varies with them."""
    rng, held = np.random.default_rng(3), []
    counts, chance = np.array([800, 31]), 0.7  # an image is told right or not, whatever was learnt
    y = np.repeat([0, 1], counts)
    for trial in range(600):
        right = rng.random(len(y)) < chance
        plan = planned(y, np.ones(len(y), bool), ("0", "1"), 15, 10, trial)
        tests = [split.test for split in plan.splits]
        values = [np.mean([right[test][y[test] == label].mean() for label in (0, 1)]) for test in tests]
        low, high = corrected_interval(np.array(values), plan.test_share)
        held.append(low <= chance <= high)
    assert 0.93 < np.mean(held) < 0.985


def test_where_classes_are_alike_the_share_is_that_of_images():
    plan = planned(np.repeat([0, 1, 2], 40), np.ones(120, bool), ("0", "1", "2"), 10, 2, 0)
    assert plan.test_share == pytest.approx(90 / 30)


def test_equal_splits_are_no_certainty(net, shapes):
    found = transfer(net, shapes, ["3"], 10, 3, progress=False)
    alike = replace(found, answers=np.broadcast_to(found.targets[found.tests], found.answers.shape).copy())
    assert alike.estimate("3").mean == 1
    assert 0.5 < alike.estimate("3").low < 1
    once = replace(alike, answers=alike.answers[:, :, :1], tests=alike.tests[:1], strengths=alike.strengths[:, :, :1])
    assert np.isnan(once.estimate("3").spread)
    assert (once.estimate("3").low, once.estimate("3").high) == (0, 1)
    assert "±" not in repr(once)


def test_a_difference_is_taken_split_by_split(net, shapes):
    one = transfer(net, shapes, ["3"], 10, 5, progress=False)
    other = transfer(net.reinitialised(), shapes, ["3"], 10, 5, progress=False)
    values = (one.accuracy - other.accuracy)[0, 0]
    found = one.difference(other, "3")
    assert found.mean == pytest.approx(values.mean())
    assert found.spread == pytest.approx(np.std(values, ddof=1))
    assert 0 <= one.p(other, "3") <= 1
    with pytest.raises(ValueError, match="different images"):
        one.difference(transfer(net, shapes, ["3"], 10, 5, seed=1, progress=False), "3")
    with pytest.raises(ValueError, match="of different images: shapes and mine"):
        replace(one, data="shapes").p(replace(other, data="mine", images="0" * 16), "3")
    with pytest.raises(ValueError, match="different images"):
        one.p(transfer(net, shapes, ["3"], 10, 5, seed=1, progress=False), "3")


def test_the_figure_has_curves_where_there_is_more_than_one_number_of_images(net, shapes, monkeypatch):
    one, two = (transfer(net, shapes, ["3"], counts, 2, progress=False) for counts in (10, (5, 10)))
    assert [len(found.plot(found).axes) for found in (one, two)] == [1, 2]
    monkeypatch.setitem(papers._CLASSES, "Caltech-101", (3,))
    assert len(replace(one, data="Caltech-101").plot().axes) == 2  # the paper has curves of it


def test_confusions_name_the_images_that_were_taken_so(net, shapes):
    found = transfer(net, shapes, ["0"], 2, 4, progress=False)
    table = found.confusion("0")
    pairs = found.confusions("0", most=3)
    truth, answer = (found.classes.index(name) for name in pairs[0][:2])
    assert pairs[0].share == pytest.approx(table[truth, answer] / table[truth].sum())
    assert pairs[0].share == max(pair.share for pair in pairs)
    for number in pairs[0].images:
        assert found.targets[number] == truth
        assert (found.answers[0, 0][found.tests == number] == answer).any()


def test_the_sweep_tells_what_is_known_and_ends_as_the_whole(net, shapes):
    steps = list(transfer_sweep(net, shapes, ["0", "3"], (2, 5), 2, progress=False))
    assert [int((~np.isnan(step.accuracy)).sum()) for step in steps] == [2, 4, 6, 8]
    assert [step.complete for step in steps] == [False, False, False, True]
    assert np.isnan(steps[0].estimate("3").mean)
    assert "to come" in repr(steps[0])
    whole = transfer(net, shapes, ["0", "3"], (2, 5), 2, progress=False)
    assert np.array_equal(whole.answers, steps[-1].answers)


def test_it_is_saved_and_loaded(net, shapes, tmp_path):
    found = transfer(net, shapes, ["0", "3"], (2, 5), 2, progress=False)
    found.save(tmp_path / "t.safetensors")
    again = Transfer.load(tmp_path / "t.safetensors")
    assert np.array_equal(again.answers, found.answers)
    assert again.to_pandas().equals(found.to_pandas())
    assert repr(again) == repr(found)


def test_broken_images_are_left_out_and_listed(net, tmp_path):
    rng = np.random.default_rng(0)
    for place in range(24):
        folder = tmp_path / ("left" if place % 2 else "right")
        folder.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), np.uint8)).save(folder / f"{place:02d}.png")
    (tmp_path / "left" / "05.png").write_bytes(b"no image")
    found = transfer(net, tmp_path, ["3"], 5, 2, progress=False)
    ((number, why),) = found.broken
    assert number not in found.tests
    assert "05.png" in why
    with pytest.raises(ValueError, match="'left' has 11 images"):
        transfer(net, tmp_path, ["3"], 11, 2, progress=False)


def test_what_cannot_be_is_said_before_the_work(net, shapes):
    with pytest.raises(ValueError, match="a classifier is"):
        transfer(net, shapes, classifier="forest", progress=False)
    with pytest.raises(ValueError, match="no layer"):
        transfer(net, shapes, "conv 9", progress=False)
    with pytest.raises(ValueError, match="needs a label"):
        transfer(net, [np.zeros((32, 32, 3), np.uint8)] * 9, progress=False)
    with pytest.raises(ValueError, match="per_class of at most 29"):
        transfer(net, shapes, progress=False)
    with pytest.raises(TypeError, match="Network"):
        transfer(nn.Identity(), shapes, progress=False)


def test_it_can_be_given_up(net, shapes):
    calls = itertools.count()
    with pytest.raises(Cancelled):
        transfer(net, shapes, ["0", "3"], 5, 3, task=Task(lambda: next(calls) > 40))


def test_nothing_is_left_of_a_folder_for_the_time_being(net, shapes, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    transfer(net, shapes, ["3"], 5, 1, progress=False)
    assert list(tmp_path.iterdir()) == []


RUN = """
import os, sys
import zfwidgets as zf
from zfwidgets.experiments.transfer import features, transfer
features.SHARD = 16
folder, out = sys.argv[1:]
net = zf.load("zfnet_shapes", device="cpu")
found = transfer(net, zf.Shapes(96, 32, forms=("disc", "cross", "bar")), per_class=(2, 8), folds=3, checkpoint=folder,
                 progress=False)
found.save(out)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_gives_the_same(tmp_path):
    def begun(name):
        out = tmp_path / f"{name}.result"
        return out, subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path / name), str(out)])

    whole, process = begun("whole")
    assert process.wait() == 0
    for count in (2, 9, 20):  # files: of features, and then of answers
        _, process = begun("killed")
        while process.poll() is None and len(list((tmp_path / "killed").rglob("*.safetensors"))) < count:
            time.sleep(0.01)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    again, process = begun("killed")
    assert process.wait() == 0
    assert again.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_a_cluster_gives_the_same(net, shapes, tmp_path):
    from distributed import Client, LocalCluster

    alone = transfer(net, shapes, ["0", "3"], (2, 5), 2, progress=False)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        found = transfer(
            net, shapes, ["0", "3"], (2, 5), 2, client=client, checkpoint=tmp_path / "kept", progress=False
        )
    assert np.array_equal(found.answers, alone.answers)
    again = transfer(net, shapes, ["0", "3"], (2, 5), 2, checkpoint=tmp_path / "kept", progress=False)
    assert np.array_equal(again.answers, alone.answers)


def test_gaps_between_numbers_are_no_classes_and_an_empty_class_is_one(shapes):
    pixels = np.zeros((4, 4, 3), np.uint8)
    years = labelled_data([(pixels, year) for year in (2020, 2018, 2020)])
    assert (years.classes, years.targets.tolist()) == (("2018", "2020"), [1, 0, 1])
    digits = replace(shapes, classes=("0", "1", "2", "3"))
    with pytest.raises(ValueError, match="'3' has 0 images"):
        transfer(tiny_network(), digits, ["3"], 4, 2, progress=False)


# ---- trained from scratch, objects, near duplicates


def tiny(classes=3):
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.MaxPool2d(3), nn.Flatten(), nn.Linear(8 * 16, classes)
    )  # fmt: skip


@pytest.mark.slow
def test_from_scratch_has_the_same_splits(net, shapes):
    frozen = transfer(net, shapes, ["3"], (4, 10), 2, progress=False)
    found = from_scratch(tiny, shapes, (4, 10), 2, zf.recipe("small", epochs=2), size=32, progress=False)
    assert np.array_equal(found.tests, frozen.tests)
    assert found.complete
    assert found.layers == ("from scratch",)
    assert np.isfinite(frozen.difference(found, "3", of="from scratch").mean)
    again = from_scratch(tiny, shapes, (4, 10), 2, zf.recipe("small", epochs=2), size=32, progress=False)
    assert np.array_equal(found.answers, again.answers)


@pytest.mark.slow
def test_from_scratch_nothing_that_is_tested_on_is_seen_before(monkeypatch, shapes):
    """Not by the rate either, which a recipe may lower where an error stands still."""
    seen = []

    def watched(module, learn, *others, validation, **options):
        seen.append(set(learn.images.names) | set(validation.images.names))
        return train(module, learn, *others, validation=validation, **options)

    monkeypatch.setattr(scratch, "train", watched)
    found = from_scratch(tiny, shapes, (4, 10), 2, zf.recipe("small", epochs=1), size=32, progress=False)
    tests = [{shapes.images.names[number] for number in test} for test in found.tests for _ in found.per_class]
    assert [len(names) for names in seen] == [12, 30, 12, 30]
    assert not any(names & others for names, others in zip(seen, tests, strict=True))


@pytest.mark.slow
def test_from_scratch_leaves_out_what_cannot_be_read(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.new("RGB", (32, 32), (40 * number, 9, 9)).save(tmp_path / name / f"{number}.png")
    (tmp_path / "a" / "2.png").write_bytes(b"no picture")
    found = from_scratch(lambda: tiny(2), tmp_path, 2, 3, zf.recipe("small", epochs=1), size=32, progress=False)
    assert [number for number, _ in found.broken] == [2]
    assert "a/2.png" in found.broken[0][1]
    assert 2 not in found.tests


def devkit(there, scores):
    """PASCAL's VOCevalcls.m and VOCap.m, line by line."""
    order = np.argsort(-scores, kind="stable")
    tp, fp = np.cumsum(there[order]), np.cumsum(~there[order])
    rec, prec = tp / there.sum(), tp / (fp + tp)
    mrec, mpre = np.concatenate([[0], rec, [1]]), np.concatenate([[0], prec, [0]])
    for i in range(len(mpre) - 2, -1, -1):
        mpre[i] = max(mpre[i], mpre[i + 1])
    i = np.flatnonzero(mrec[1:] != mrec[:-1]) + 1
    return ((mrec[i] - mrec[i - 1]) * mpre[i]).sum()


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_the_devkits(seed):
    rng = np.random.default_rng(seed)
    there = rng.random(80) < 0.2
    scores = rng.normal(size=80) + there
    assert objects.voc_average_precision(there, scores) == pytest.approx(devkit(there, scores))


def coloured_objects(count, seed):
    """Pictures with a red half, a green half, both or none; each seventh is difficult for red."""
    rng = np.random.default_rng(seed)
    pictures, present = [], np.where(rng.random((count, 2)) < 0.5, 1, -1).astype(np.int8)
    for row in present:
        picture = rng.integers(90, 130, (32, 32, 3))
        picture[:16, :, 0] += 60 * (row[0] == 1)
        picture[16:, :, 1] += 60 * (row[1] == 1)
        pictures.append(picture.astype(np.uint8))
    present[::7, 0] = 0
    return zf.LabelledObjects(zf.images(pictures), present, ("red", "green"), "halves")


def test_objects_are_found_and_difficult_ones_count_for_nothing(net):
    learn, test = coloured_objects(60, 0), coloured_objects(50, 1)
    found = transfer_objects(net, learn, test, ["0", "3"], progress=False)
    ours, theirs = found.average_precision("0"), found.average_precision("0", "scikit-learn")
    assert (ours > 0.95).all()
    assert np.allclose(ours, theirs, atol=0.05)
    known = test.present[:, 0] != 0
    assert ours[0] == pytest.approx(devkit(test.present[known, 0] == 1, found.scores[0, known, 0]))
    assert found.to_pandas().loc["mean"].shape == (4,)
    assert "mean average precision" in repr(found)
    swapped = zf.LabelledObjects(learn.images, np.where(learn.present == 0, 1, learn.present), learn.classes)
    other = transfer_objects(net, swapped, test, ["0"], progress=False)
    assert not np.array_equal(other.scores[0, :, 0], found.scores[0, :, 0])  # what is difficult is not learnt from
    assert np.array_equal(other.scores[0, :, 1], found.scores[0, :, 1])


def test_what_is_no_objects_is_refused(net, shapes):
    one = coloured_objects(30, 0)
    with pytest.raises(TypeError, match=r"voc2012"):
        transfer_objects(net, shapes, one, progress=False)
    with pytest.raises(TypeError, match="transfer_objects"):
        transfer(net, one, progress=False)
    all_red = zf.LabelledObjects(one.images, np.ones_like(one.present), one.classes)
    with pytest.raises(ValueError, match="what 'red' is takes images"):
        transfer_objects(net, all_red, one, progress=False)


def test_near_duplicates_are_copies_and_nothing_else():
    net = zf.load("squeezenet1_1", device="cpu")
    names = ("cat", "coffee", "rocket", "china", "flower", "astronaut")
    ours = [zf.photograph(name) for name in names]
    other = [*(zf.photograph(name) for name in ("camera", "gravel")), ours[3][:, ::-1], ours[1][::2, ::2]]
    found = near_duplicates(net, ours, other, progress=False)
    assert {tuple(pair) for pair in found.pairs.tolist()} == {(3, 2), (1, 3)}
    assert found.images.tolist() == [1, 3]
    assert (np.diff(found.correlation) <= 0).all()
    within_one = near_duplicates(net, [*ours, ours[0][2:-2, 2:-2]], progress=False)
    assert within_one.pairs.tolist() == [[0, 6]]
    assert within_one.images.tolist() == [6]
    with pytest.raises(ValueError, match="above 0"):
        near_duplicates(net, ours, threshold=0, progress=False)


def test_the_papers_numbers_are_those_of_its_tables():
    paper = zf.papers_transfer("Caltech-256")
    assert dict(zip(paper.per_class, paper.pretrained, strict=True))[60] == 74.2
    assert zf.papers_transfer().layers["7"] == (85.5, 85.4)
    with pytest.raises(ValueError, match="Caltech-101 and Caltech-256"):
        zf.papers_transfer("digits")


def test_the_papers_curve_is_beside_the_same_data_and_protocol_alone(monkeypatch):
    found = zf.prepared_transfer(zf.load("squeezenet1_1", device="cpu"), "forms")

    def named(data, count, classifier="softmax"):
        return replace(found, data=data, classes=tuple(map(str, range(count))), classifier=classifier)

    assert paper_beside(named("Caltech-256", 256)) is zf.papers_transfer("Caltech-256")
    assert paper_beside(named("Caltech-101", 101)) is zf.papers_transfer("Caltech-101")
    some = named("Caltech-256", 12)
    assert paper_beside(some) is paper_beside(found) is paper_beside(named("Caltech-101", 256)) is None
    assert paper_beside(named("Caltech-256", 256, "svm")) is None
    without = len(some.plot().axes[0].get_lines())
    monkeypatch.setitem(papers._CLASSES, "Caltech-256", (12,))
    assert len(some.plot().axes[0].get_lines()) == without + 2  # the paper's ZFNet, and the best before it


# ---- what comes with the package


@pytest.mark.slow
def test_what_ships_is_what_is_found_today():
    net, faces = zf.load("squeezenet1_1", device="cpu"), zf.data_set("faces")
    ships = zf.prepared_transfer(net, faces)
    found = transfer(net, faces, ships.layers[-2:], ships.per_class, len(ships.tests), progress=False)
    assert ships.complete
    assert np.array_equal(ships.tests, found.tests)
    assert (ships.answers[-2:] == found.answers).mean() > 0.99
    assert (ships.weights, ships.images, ships.searched.tolist()) == (
        found.weights, found.images, found.searched.tolist(),
    )  # fmt: skip
    new = zf.prepared_transfer(net.reinitialised(), "faces")
    assert ships.difference(new, ships.layers[-2]).mean > 0


def test_nothing_ships_of_other_images_labels_or_weights(net):
    squeezenet, faces = zf.load("squeezenet1_1", device="cpu"), zf.data_set("faces")
    assert zf.prepared_transfer(net, faces) is None
    assert zf.prepared_transfer(squeezenet.reinitialised(1), faces) is None
    assert zf.prepared_transfer(squeezenet, zf.data_set("faces", 50)) is None
    assert zf.prepared_transfer(squeezenet, replace(faces, targets=1 - faces.targets)) is None
    assert zf.prepared_transfer(squeezenet, replace(faces, classes=("a", "b"))) is None
    assert zf.prepared_transfer(squeezenet, replace(faces, name="../faces")) is None


def test_what_ships_is_asked_like_any_other():
    ships = zf.prepared_transfer(zf.load("squeezenet1_1", device="cpu"), "forms")
    assert {array.dtype for array in (ships.answers, ships.targets, ships.tests)} == {np.dtype(np.int64)}
    assert ships.estimate(ships.layers[-1]).mean > ships.chance
    assert ships.confusion(ships.layers[0]).sum() == ships.tests.size

"""The transfer lab: what it computes and shows, what is remembered, and what a reader teaches it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from torch import nn

import zfwidgets as zf
from zfwidgets.data import Labelled
from zfwidgets.experiments.transfer import teach
from zfwidgets.widgets.transfer_lab import known

from ..tiny import tiny_network


@pytest.fixture(scope="module")
def net():
    return tiny_network()


@pytest.fixture(scope="module")
def data():
    return {
        "forms": Labelled.of(zf.Shapes(60, 32, forms=("disc", "bar"), clutter=0.2)),
        "rings & <b>": Labelled.of(zf.Shapes(40, 32, forms=("ring", "cross"))),
    }


@pytest.fixture
def lab(net, data):
    lab = zf.TransferLab(net, data, per_class=(2, 6), folds=3)
    yield lab
    lab.close()


def red(level, seed=0):
    noise = np.random.default_rng(seed).integers(0, 40, (32, 32, 3))
    return (noise + np.array([level, 40, 40])).astype(np.uint8)


def file_of(picture):
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return content.getvalue()


def test_it_shows_what_transfer_gives(lab, net, data):
    wanted = zf.transfer(net, data["forms"], per_class=(2, 6), folds=3, progress=False)
    assert lab.error == ""
    assert np.array_equal(lab.result.found.answers, wanted.answers)
    assert lab.layer == wanted.layers[-1]
    mean = wanted.estimate(lab.layer).mean
    assert f"{100 * mean:.1f}%" in lab.look.table.value
    title = net.layer(lab.layer).title
    assert np.allclose(lab.look.curves.shown[title], 100 * wanted.accuracy[-1].mean(axis=1))


def test_the_table_marks_the_chosen_layer_and_the_number_of_images(lab):
    lab.layer, lab.count = lab.layers[0], "2"
    found = lab.result.found.estimate(lab.layers[0], 2)
    row = next(row for row in lab.look.table.value.split("<tr") if "aria-current" in row)
    assert f"{100 * found.mean:.1f}%" in row
    assert lab.look.curves.marked == 2


def test_what_is_taken_for_what_is_shown_with_its_pictures(lab, data):
    lab.layer, lab.count = lab.layers[0], "2"
    pair = lab.result.found.confusions(lab.layers[0], 2)[0]
    picture = lab.look.confused.pictures[0]
    assert picture.caption == f"{pair.truth} → {pair.answer}: {pair.share:.0%}"
    shown = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 4)
    tile = np.repeat(np.repeat(data["forms"].images[pair.images[0]], 2, 0), 2, 1)
    assert np.array_equal(shown[:64, :64, :3], tile)


def test_a_field_for_what_is_taken_for_nothing_is_as_large_and_out_of_sight(lab):
    lab.data = "rings & <b>"  # of two classes, so that there are two pairs at most
    *_, last = lab.look.confused.pictures
    assert (last.layout.visibility, last.caption) == ("hidden", "")
    assert (last.height, last.width) == (lab.look.confused.pictures[0].height, lab.look.confused.pictures[0].width)
    lab.data = "forms"
    lab.layer, lab.count = lab.layers[0], "2"
    shown = len(lab.result.found.confusions(lab.layer, 2, 3))
    assert [each.layout.visibility for each in lab.look.confused.pictures].count("visible") == shown


def test_a_choice_of_layer_computes_nothing_anew(lab, monkeypatch):
    monkeypatch.setattr(known, "transfer_sweep", None)
    lab.layer = lab.layers[0]
    lab.count = "2"
    assert lab.error == ""


def test_a_sweep_that_was_left_goes_on_from_what_it_had(net, data, monkeypatch):
    from zfwidgets.experiments.transfer.work import Work

    done = []
    answers = Work.answers
    monkeypatch.setattr(Work, "answers", lambda self, *given: done.append(given[0]) or answers(self, *given))
    lab = zf.TransferLab(net, data, per_class=(2, 6), folds=3)
    assert len(done) == 3 * len(lab.layers)
    lab.known._whole.clear()
    lab.layer = lab.layers[0]
    assert len(done) == 3 * len(lab.layers)
    assert lab.result.found.complete
    lab.close()


def test_new_weights_stand_beside(lab, net, data):
    lab.beside = "new"
    other = lab.result.beside
    wanted = zf.transfer(net.reinitialised(), data["forms"], per_class=(2, 6), folds=3, progress=False)
    assert np.array_equal(other.answers, wanted.answers)
    assert "new weights" in lab.look.table.value
    more = lab.result.found.difference(other, lab.layer)
    assert f"{100 * more.mean:+.1f} points" in lab.look.table.value
    assert set(lab.table()["network"]) == {net.name, net.reinitialised().name}
    lab.figure()


def test_other_data_and_another_classifier(lab):
    lab.data = "rings & <b>"
    assert lab.result.found.classes == ("ring", "cross")
    lab.classifier = "svm"
    assert lab.result.found.classifier == "svm"
    assert "classifier='svm'" in lab.code()
    compile(lab.code(), "code", "exec")


def test_nothing_is_left_on_the_disk(net, data, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lab = zf.TransferLab(net, data, per_class=(2,), folds=2)
    assert list(tmp_path.iterdir())
    lab.close()
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_is_refused_with_what_is(lab, net):
    with pytest.raises(ValueError, match="data sets here are forms"):
        lab.data = "digits"
    with pytest.raises(ValueError, match="numbers of images of each class here are 2, 6"):
        lab.count = "3"
    with pytest.raises(ValueError, match="the layers here are"):
        lab.layer = net.layers[2].name
    with pytest.raises(TypeError, match="no setting 'classifer'"):
        zf.TransferLab(net, classifer="svm")
    with pytest.raises(TypeError, match="Network"):
        zf.TransferLab(nn.Identity())


def test_too_few_images_are_told_in_the_panel(net, data):
    lab = zf.TransferLab(net, data, per_class=(2, 40))
    assert "per_class of at most 29 would do" in lab.error
    lab.close()


def test_the_embedded_data_sets_are_offered(net, monkeypatch):
    monkeypatch.setattr(zf.TransferLab, "compute", lambda self, choice, task: iter(()))
    lab = zf.TransferLab(net)
    assert lab.sources.names[:4] == ("digits", "faces", "forms", "textures")
    assert "zf.data_set('digits', per_class=40)" in lab.code()
    lab.close()
    lab = zf.TransferLab(net, data="faces")
    assert lab.data == "faces"
    assert "digits" in lab.sources.names
    lab.close()


def test_two_things_are_taught_and_asked_about(lab, net):
    lab.view = "teach"
    assert lab.error == ""
    for place, level in ((0, 200), (1, 60)):
        for seed in range(3):
            lab.lesson.examples[place].add("x.png", file_of(red(level, seed)))
    lab.lesson.names[0].value = "a <i>cup</i>"
    lab.lesson.question.asked.add("y.png", file_of(red(190, 9)))
    assert lab.result.taught.counts == (3, 3)
    assert lab.result.taught.right == 1
    assert lab.result.answer.top(1)[0][0] == "a <i>cup</i>"
    assert "&lt;i&gt;cup" in lab.lesson.question.answer.value
    pictures = {"a": [red(200, seed) for seed in range(3)], "b": [red(60, seed) for seed in range(3)]}
    wanted = teach(net, pictures, lab.layer).predict([red(190, 9)])
    assert np.allclose(lab.result.answer.probability, wanted.probability)
    with pytest.raises(ValueError, match=r"result\.taught"):
        _ = lab.answer
    compile(lab.code(), "code", "exec")


def test_a_picture_is_taken_away_and_the_one_asked_about_is_the_last(lab):
    lab.view = "teach"
    examples = lab.lesson.examples[0]
    for seed in range(3):
        examples.add("x.png", file_of(red(200, seed)))
    examples.take_away(1)
    assert len(examples.images) == len(examples.pictures) == 2
    examples.add("large.png", file_of(np.zeros((900, 1280, 3), np.uint8)))
    assert examples.images[-1].shape == (450, 640, 3)
    assert np.array_equal(examples.images[1], red(200, 2))
    examples.take_away(7)
    for level in (10, 200):
        lab.lesson.question.asked.add("y.png", file_of(red(level)))
    assert len(lab.lesson.question.asked.images) == 1
    assert np.array_equal(lab.lesson.question.asked.images[0], red(200))


def test_a_picture_of_ones_own_is_told_by_what_was_learnt(lab, net, data):
    lab.layer = lab.layers[1]
    picture = data["forms"].images[3]
    lab.look.question.asked.add("mine.png", file_of(picture))
    wanted = teach(net, data["forms"].at_most(6), lab.layers[1]).predict([picture])
    assert np.allclose(lab.result.answer.probability, wanted.probability)
    assert wanted.top(1)[0][0] in lab.look.question.answer.value
    lab.count = "2"
    wanted = teach(net, data["forms"].at_most(2), lab.layers[1]).predict([picture])
    assert np.allclose(lab.result.answer.probability, wanted.probability)
    assert "softmax on conv 2, 2 pictures of each" in lab.look.question.answer.value
    lab.look.question.asked.take_away(0)
    assert lab.look.question.answer.value == ""


def test_after_cancel_what_is_chosen_is_what_is_shown(lab, monkeypatch):
    def sweep(*_, task, **options):
        lab.cancel()
        task.check()
        yield None

    before, head = lab.result, lab.look.curves.head.value
    assert "forms, softmax" in head
    monkeypatch.setattr(known, "transfer_sweep", sweep)
    for name, other in {"data": "rings & <b>", "classifier": "svm"}.items():
        setattr(lab, name, other)
        assert (lab.data, lab.classifier, lab.status.words) == ("forms", "softmax", "Cancelled.")
        assert lab.result is before
        assert lab.look.curves.head.value == head
    monkeypatch.undo()
    lab.data = "rings & <b>"
    assert set(lab.result.found.classes) == {"cross", "ring"}
    assert "rings &amp; &lt;b&gt;, softmax" in lab.look.curves.head.value


def test_the_layer_in_the_list_is_the_layer(lab):
    for name in reversed(lab.layers):
        lab.layer = name
        assert lab.titles.value == lab.net.layer(name).title
        lab.titles.value = lab.net.layer(lab.layers[0]).title
        assert lab.layer == lab.layers[0]


def test_what_cannot_be_read_is_left_out_and_told(net, tmp_path):
    for name, level in (("ant", 40), ("bee", 200)):
        (tmp_path / name).mkdir()
        for seed in range(5):
            Image.fromarray(red(level, seed)).save(tmp_path / name / f"{seed}.png")
    (tmp_path / "ant" / "2.png").write_bytes(b"no picture")
    lab = zf.TransferLab(net, tmp_path, per_class=2, folds=2)
    lab.look.question.asked.add("mine.png", file_of(red(200, 9)))
    assert lab.error == ""
    assert "1 image could not be read" in lab.look.curves.head.value
    assert lab.result.answer.top(1)[0][0] == "bee"
    lab.close()


def test_what_is_no_picture_is_told_and_nothing_is_lost(lab):
    lab.view = "teach"
    examples = lab.lesson.examples[0]
    examples.add("x.png", file_of(red(200)))
    examples.add("letter.txt", b"no picture")
    assert "letter.txt" in lab.error
    assert len(examples.images) == 1
    examples._heard(None, {"name": "camera", "refused": "the browser gives no camera"}, [])
    assert "camera" in lab.error
    examples.add("x.png", file_of(red(200)))
    assert lab.error == ""


def test_teaching_needs_two_classes_with_pictures(net):
    with pytest.raises(ValueError, match="'b' has none"):
        teach(net, {"a": [red(9)], "b": []})
    with pytest.raises(ValueError, match="one class"):
        teach(net, {"a": [red(9)]})
    with pytest.raises(ValueError, match=r"image .*: it is not an image"):
        teach(net, {"a": [red(9)], "b": [b"no picture"]})
    same = teach(net, {"a": [red(9)] * 3, "b": [red(9)] * 3})
    assert np.allclose(same.predict(red(9)).probability, 0.5)
    taught = teach(net, {"a": red(9), "b": [red(200)]})
    assert np.isnan(taught.right)
    assert "1 of a, 1 of b" in repr(taught)


def test_what_comes_with_the_package_is_shown_at_once_and_nothing_else_than_what_was_asked(monkeypatch):
    asked = []

    def sweep(net, data, layers, per_class, folds, classifier, **options):
        asked.append((net.name, data.name, per_class, folds, classifier))
        raise ValueError("asked")

    monkeypatch.setattr(known, "transfer_sweep", sweep)
    squeezenet = zf.load("squeezenet1_1", device="cpu")
    lab = zf.TransferLab(squeezenet)
    assert lab.result.found.complete
    lab.data = "faces"
    lab.beside = "new"
    assert (lab.error, lab.result.found.data, lab.result.beside.network) == ("", "faces", lab.known.nets["new"].name)
    assert asked == []
    lab.classifier = "svm"
    assert (lab.error, asked.pop()) == ("asked", ("squeezenet1_1", "faces", lab.per_class, 5, "svm"))
    lab.close()
    for settings in ({"folds": 3}, {"per_class": (1, 5)}, {"layers": ["fire 2", "fire 9"]}):
        other = zf.TransferLab(squeezenet, "faces", **settings)
        assert (other.error, len(asked)) == ("asked", 1)
        assert asked.pop()[1:4] == ("faces", other.per_class, other.folds)
        other.close()


def test_pictures_that_are_left_out_are_told_by_chance_where_there_is_nothing_to_tell(net):
    """One alone left out makes its class the rarer one: noise was told right far less often than by chance."""
    found = []
    for seed in range(30):
        pictures = np.random.default_rng(seed).integers(0, 255, (10, 32, 32, 3), np.uint8)
        found.append(teach(net, {"a": pictures[:5], "b": pictures[5:]}).right)
    assert 0.4 < np.mean(found) < 0.6

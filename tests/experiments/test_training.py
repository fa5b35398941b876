"""A training is the recipe's, the same each time, goes on after a kill, and reads data sets as people have them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import zfwidgets as zf
from zfwidgets.data import Labelled
from zfwidgets.experiments.training.held_back import of_source
from zfwidgets.experiments.training.pictures import Shuffled
from zfwidgets.experiments.training.preparation import Preparation
from zfwidgets.experiments.training.result import Training, wilson
from zfwidgets.task import Cancelled, Task

pytestmark = pytest.mark.slow  # Lightning

FORMS = ("disc", "star", "bar")
SHAPES = zf.Shapes(96, 32, forms=FORMS)
SMALL = zf.recipe("small", epochs=2, batch_size=32)
PAPER = zf.recipe("paper", epochs=3, batch_size=32, border=4, patience=0)


class Unsendable(list):
    """A data set with a lock in it."""

    def __reduce__(self):
        raise TypeError("cannot pickle a lock")


def small_net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return zf.zfnet_shapes(3, maps=(4, 6, 8, 8, 6), hidden=(8, 8), size=32)


def trained(recipe: zf.Recipe, data: object = SHAPES, **settings: object) -> tuple[nn.Module, Training]:
    net = small_net()
    return net, zf.train(net, data, recipe, progress=False, accelerator="cpu", **settings)


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


# ── the recipe ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_filters_are_scaled_back_to_the_limit_each_by_itself():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 5, 4), nn.ReLU(), nn.Conv2d(5, 4, 3, bias=False), nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        for part, size in ((net[0], 0.5), (net[2], 0.05)):
            part.weight.normal_(std=size)
        net[2].weight[1] *= 100
    before = [net[0].weight.detach().numpy().copy(), net[2].weight.detach().numpy().copy()]
    linear = net[4].weight.clone()
    rms = [np.sqrt((weight.astype(np.float64) ** 2).mean(axis=(1, 2, 3))) for weight in before]
    assert zf.clip_rms(net, 0.1) == sum(int((each > 0.1).sum()) for each in rms) == 6
    for part, weight, each in zip((net[0], net[2]), before, rms, strict=True):
        expected = weight * np.minimum(1, 0.1 / each)[:, None, None, None]
        assert np.allclose(part.weight.detach().numpy(), expected, rtol=1e-6)
    assert torch.equal(linear, net[4].weight)


def test_after_the_papers_training_no_filter_is_larger():
    recipe = replace(PAPER, filter_rms=0.02)
    net, _ = trained(recipe)
    rms = [
        part.weight.detach().square().mean(dim=(1, 2, 3)).sqrt()
        for part in net.modules()
        if isinstance(part, nn.Conv2d)
    ]
    assert max(float(each.max()) for each in rms) <= 0.02 * (1 + 1e-6)


@pytest.fixture
def pictures():
    return torch.randint(0, 256, (4, 3, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_the_ten_crops_are_centre_and_corners_and_their_mirrors(pictures):
    recipe = replace(PAPER, border=4)
    prepare = Preparation.fitted(recipe, 8, [pictures])
    levels = pictures.numpy().astype(np.float64)
    inputs = levels - levels.mean(0)
    places = [(2, 2), (0, 0), (0, 4), (4, 0), (4, 4)]
    expected = [inputs[:, :, r : r + 8, c : c + 8][..., ::way] for r, c in places for way in (1, -1)]
    found = prepare.ten(pictures)
    assert len(found) == 10
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one.numpy(), other, atol=1e-4)
    assert np.allclose(prepare.centre(pictures).numpy(), expected[0], atol=1e-4)


def test_shifts_repeat_the_edge_and_divide_by_the_deviation(pictures):
    recipe = replace(SMALL, border=3)
    prepare = Preparation.fitted(recipe, 12, [pictures])
    levels = pictures.numpy().astype(np.float64)
    mean, deviation = levels.mean((0, 2, 3)), levels.std((0, 2, 3))
    normal = (levels - mean[:, None, None]) / deviation[:, None, None]
    assert np.allclose(prepare.centre(pictures).numpy(), normal, atol=1e-5)
    moved = prepare(pictures, torch.full((4,), 6), torch.full((4,), 0), torch.zeros(4, dtype=torch.bool))
    padded = np.pad(normal, ((0, 0), (0, 0), (3, 3), (3, 3)), mode="edge")
    assert np.allclose(moved.numpy(), padded[:, :, 6:18, 0:12], atol=1e-5)


def test_random_crops_lie_inside_and_all_places_come(pictures):
    prepare = Preparation.fitted(replace(SMALL, border=1), 12, [pictures])
    generator = torch.Generator().manual_seed(0)
    found = torch.cat([prepare.at_random(pictures[:1], False, generator) for _ in range(300)])
    assert len({x.numpy().tobytes() for x in found}) == 18  # 3 × 3 places, and their mirrors


@pytest.mark.parametrize("recipe", [SMALL, PAPER], ids=["small", "paper"])
def test_the_network_to_look_into_sees_what_the_training_saw(recipe):
    net, training = trained(recipe)
    seen = training.network(net, "cpu")
    larger = 32 + recipe.border * recipe.enlarged
    mean, scale = torch.from_numpy(training.mean), torch.from_numpy(training.scale)
    picture = torch.from_numpy(zf.Shapes(96, larger, forms=FORMS)[5][0]).permute(2, 0, 1)
    prepare = Preparation(32, mean, scale, recipe.border * recipe.enlarged, recipe.enlarged)
    expected = prepare.centre(picture[None])[0]
    assert torch.allclose(seen.prepare(picture.permute(1, 2, 0).numpy())[1], expected, atol=1e-4)
    assert seen.labels == FORMS


def test_it_learns():
    torch.manual_seed(0)
    net = zf.zfnet_shapes(2, size=32)
    data = zf.Shapes(192, 32, forms=("disc", "bar"), clutter=0)
    training = zf.train(net, data, replace(SMALL, epochs=15), progress=False, accelerator="cpu")
    assert training.train_loss[-1] < 0.7 * training.train_loss[0]
    assert training.accuracy > 0.8  # of two
    assert training.interval[0] < training.accuracy < training.interval[1]
    assert not net.training


def test_a_training_that_diverges_says_so_once():
    net = small_net()
    with pytest.warns(UserWarning, match="no finite number") as said:
        training = zf.train(net, SHAPES, replace(SMALL, rate=1e12), progress=False, accelerator="cpu")
    assert len([each for each in said if "no finite number" in str(each.message)]) == 1
    assert not np.isfinite(training.train_loss[-1])


def test_the_accuracy_is_that_of_ten_crops_where_the_recipe_says_so():
    recipe = zf.recipe("small", epochs=6, batch_size=32, crops="corners", ten_crops=True, levels=True, centred="pixel")
    held = zf.Shapes(40, 32, seed=3, forms=FORMS)
    net, training = trained(recipe, validation=held)
    side = 32 + recipe.border * recipe.enlarged
    fit = zf.Preprocess((side, side), side).fit
    inputs = np.stack([fit(held[number][0]) for number in range(40)]).transpose(0, 3, 1, 2) - training.mean
    end = inputs.shape[-1] - 32
    scores = 0
    for row, column in [(end // 2, end // 2), (0, 0), (0, end), (end, 0), (end, end)]:
        crop = inputs[:, :, row : row + 32, column : column + 32]
        for way in (1, -1):
            with torch.no_grad():
                output = net(torch.from_numpy(np.ascontiguousarray(crop[..., ::way]).astype(np.float32)))
            scores = scores + output.softmax(1).numpy()
    answers = scores.argmax(1)
    assert len(set(answers.tolist())) > 1
    assert training.accuracy == np.mean(answers == [held[number][1] for number in range(40)])


def test_wilsons_interval_is_the_known_one():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998
    assert wilson(0, 20)[0] == 0


# ── the same each time ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_seed_gives_the_same_weights_and_leaves_random_numbers_as_they_were():
    torch.manual_seed(5), np.random.seed(5), random.seed(5)  # noqa: NPY002
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    net = small_net()
    torch.set_rng_state(states[0])
    zf.train(net, SHAPES, SMALL, progress=False, accelerator="cpu")
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    assert random.getstate() == states[2]
    assert same(net, trained(SMALL)[0])
    assert not same(net, trained(SMALL, seed=1)[0])


def test_an_epoch_has_each_image_once_in_another_order_than_the_next():
    sampler = Shuffled(50, 3)
    first = list(sampler)
    sampler.set_epoch(1)
    assert sorted(first) == list(range(50)) == sorted(sampler)
    assert first != list(sampler)


KILLED = """
import os, signal, sys
from lightning.pytorch import Callback
from tests.experiments.test_training import *

class Kill(Callback):
    def on_train_batch_end(self, trainer, *_):
        if trainer.current_epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

recipe = replace({recipe}, epochs=4)
trained(recipe, checkpoint={folder!r}, callbacks=[Kill()])
"""


@pytest.mark.parametrize("name", ["SMALL", "PAPER"])
def test_after_a_kill_it_goes_on_and_comes_to_the_same_weights(name, tmp_path):
    folder = str(tmp_path / "run")
    code = KILLED.format(recipe=name, folder=folder)
    died = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert [path.name for path in Path(folder).glob("*.ckpt")] == ["epoch-000002.ckpt"]
    recipe = replace({"SMALL": SMALL, "PAPER": PAPER}[name], epochs=4)
    resumed, training = trained(recipe, checkpoint=folder)
    undisturbed, expected = trained(recipe)
    assert same(resumed, undisturbed)
    for curve in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "rate"):
        assert np.array_equal(getattr(training, curve), getattr(expected, curve)), curve


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    trained(SMALL, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="another recipe"):
        trained(replace(SMALL, rate=1e-3), checkpoint=tmp_path)


def test_a_damaged_checkpoint_is_set_aside_and_done_again(tmp_path):
    whole, _ = trained(SMALL, checkpoint=tmp_path)
    (path,) = tmp_path.glob("*.ckpt")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="is damaged"):
        again, _ = trained(SMALL, checkpoint=tmp_path)
    assert same(whole, again)
    assert (tmp_path / f"{path.name}.damaged").exists()


def test_a_finished_training_is_not_done_again(tmp_path):
    whole, first = trained(SMALL, checkpoint=tmp_path)
    again, second = trained(SMALL, checkpoint=tmp_path)
    assert same(whole, again)
    assert np.array_equal(first.train_loss, second.train_loss)


def test_a_checkpoint_that_cannot_be_opened_stays_as_it_is(tmp_path, monkeypatch):
    trained(SMALL, checkpoint=tmp_path)
    before = sorted(tmp_path.iterdir())

    def forbidden(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(torch, "load", forbidden)
    with pytest.raises(PermissionError):
        trained(SMALL, checkpoint=tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_it_is_given_up_when_it_is_not_wanted():
    calls = []

    def cancelled() -> bool:
        calls.append(1)
        return len(calls) > 8

    with pytest.raises(Cancelled):
        trained(SMALL, task=Task(cancelled))


def test_ctrl_c_is_ctrl_c_and_so_is_the_next_one():
    from lightning.pytorch import Callback

    class Press(Callback):
        def on_train_batch_end(self, *_):
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            trained(SMALL, callbacks=[Press()])
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


def test_an_exit_stays_an_exit():
    from lightning.pytorch import Callback

    class Leave(Callback):
        def on_train_batch_end(self, *_):
            raise SystemExit(1)

    with pytest.raises(SystemExit):
        trained(SMALL, callbacks=[Leave()])


# ── data as people have them ──────────────────────────────────────────────────────────────────────────────────────────


def fill(folder: Path, count: int = 6, mode: str = "RGB") -> None:
    for label, name in enumerate(FORMS):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = zf.Shapes(60, 40, seed=label, forms=(name,))[number][0]
            Image.fromarray(pixels).convert(mode).save(folder / name / f"{number}.png")


def test_a_folder_with_a_folder_a_class(tmp_path):
    fill(tmp_path, 12, "L")
    _, training = trained(replace(SMALL, batch_size=8), tmp_path)
    assert training.classes == tuple(sorted(FORMS))
    assert training.images == (33, 3)  # a tenth of each class is held back


def test_a_folder_with_train_and_val(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "val", 2)
    _, training = trained(replace(SMALL, batch_size=8), tmp_path)
    assert training.images == (18, 6)


@pytest.mark.filterwarnings("ignore:left out")
def test_images_that_cannot_be_read_are_left_out_by_name(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "val", 2)
    (tmp_path / "train" / "bar" / "3.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match=r"bar/3\.png"):
        _, training = trained(replace(SMALL, batch_size=8), tmp_path)
    assert training.images == (17, 6)


@pytest.mark.filterwarnings("ignore:left out")
def test_what_cannot_be_read_is_no_wrong_answer(tmp_path, monkeypatch):
    fill(tmp_path / "train")
    fill(tmp_path / "val", 2)
    (tmp_path / "val" / "bar" / "1.png").write_bytes(b"no picture")
    monkeypatch.setattr("zfwidgets.experiments.training.pictures.IN_MEMORY", 0)
    net, training = trained(replace(SMALL, batch_size=4), tmp_path)
    assert training.images == (18, 5)
    look = training.network(net, "cpu")
    read = [path for path in sorted((tmp_path / "val").rglob("*.png")) if path.parts[-2:] != ("bar", "1.png")]
    right = [path.parent.name == look.predict(str(path)).top(1)[0][0] for path in read]
    assert training.accuracy == np.mean(right)


def test_loose_files_are_refused_by_name(tmp_path):
    fill(tmp_path)
    Image.new("RGB", (4, 4)).save(tmp_path / "loose.png")
    with pytest.raises(ValueError, match=r"loose\.png"):
        trained(SMALL, tmp_path)


def test_labels_of_all_kinds():
    pixels = np.zeros((4, 4, 3), np.uint8)
    words = Labelled.of([(pixels, "b"), (pixels, "a"), (pixels, "b")])
    assert words.classes == ("a", "b")
    assert words.targets.tolist() == [1, 0, 1]
    numbers = Labelled.of([(pixels, 2), (pixels, 0)])
    assert numbers.classes == ("0", "1", "2")
    assert Labelled.of([(pixels, "a")], ("a", "b")).targets.tolist() == [0]
    with pytest.raises(ValueError, match="label 'c'"):
        Labelled.of([(pixels, "c")], ("a", "b"))
    with pytest.raises(ValueError, match="needs a label"):
        Labelled.of([pixels])
    with pytest.raises(ValueError, match="float and str"):
        Labelled.of([(pixels, "a"), (pixels, 0.5)])
    with pytest.raises(ValueError, match="that of one is NaN"):
        Labelled.of([(pixels, 0.5), (pixels, float("nan"))])


def test_a_checkpoint_belongs_to_its_labels(tmp_path):
    labelled = Labelled.of(SHAPES)
    swapped = replace(labelled, targets=(labelled.targets + 1) % 3)
    once = replace(SMALL, epochs=1)
    trained(once, labelled, validation=labelled, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="labels"):
        trained(once, swapped, validation=labelled, checkpoint=tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optimizer": "SGD"}, "optimizer is 'sgd' or 'adamw'; 'SGD'"),
        ({"schedule": "Plateau"}, "schedule is 'plateau' or 'cycle'"),
        ({"crops": "corner"}, "crops is 'corners' or 'anywhere'"),
        ({"centred": "pixels"}, "centred is 'pixel' or 'channel'"),
        ({"epochs": 0}, "epochs is a whole number, at least 1; 0"),
        ({"batch_size": 2.5}, "batch_size is a whole number"),
        ({"rate": 0}, "rate is above 0"),
    ],
)
def test_a_word_or_number_that_a_recipe_does_not_have_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        zf.recipe("small", **changes)


def test_momentum_is_the_recipes_also_in_a_cycle():
    recipe = zf.recipe("small", epochs=1, batch_size=32, optimizer="sgd", rate=0.01, low_precision=False)
    nets = [trained(replace(recipe, momentum=momentum))[0] for momentum in (0.0, 0.9)]
    assert not same(*nets)


@pytest.mark.parametrize("option", ["check_val_every_n_epoch", "val_check_interval", "max_epochs", "logger"])
def test_options_by_which_epochs_would_be_others_are_refused(option):
    with pytest.raises(TypeError, match=option):
        trained(SMALL, **{option: 2})


class Numbered(list):
    """A data set as torchvision's, whose classes are called by numbers."""

    classes = ("2", "10", "1")


def test_numbers_are_no_names_of_other_classes():
    pixels = np.zeros((4, 4, 3), np.uint8)
    data = Numbered((pixels, label) for label in (0, 1, 2, 1))
    found = Labelled.of(data)
    assert [found.classes[target] for target in found.targets] == ["2", "10", "1", "10"]
    others = Labelled.of(data, ("1", "2", "10"))
    assert [others.classes[target] for target in others.targets] == ["2", "10", "1", "10"]
    with pytest.raises(ValueError, match="class number 1 or the class called '1'"):
        Labelled.of([(pixels, 1)], ("1", "0"))


def test_a_folder_of_parts_is_no_folder_of_classes(tmp_path):
    for part in ("train", "val"):
        (tmp_path / part / "cat").mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / part / "cat" / "one.png")
    with pytest.raises(ValueError, match="train, val"):
        Labelled.of(tmp_path)
    assert Labelled.of(tmp_path / "train").classes == ("cat",)


def test_parts_of_each_class_are_held_back():
    pixels = np.zeros((4, 4, 3), np.uint8)
    learn, check = of_source([(pixels, number % 2) for number in range(40)], None, 0.1, 0)
    assert [np.bincount(part.targets).tolist() for part in (learn, check)] == [[18, 18], [2, 2]]
    assert not set(learn.images.names) & set(check.images.names)


def test_images_are_kept_while_there_is_room():
    asked = []

    class Pictures:
        def __len__(self):
            return 4

        def __getitem__(self, place):
            asked.append(place)
            return np.full((8, 8, 3), place, np.uint8), place % 2

    kept = Labelled.of(zf.images(Pictures())).kept(500)  # two of 192 bytes
    asked.clear()
    for _ in range(3):
        assert [int(kept.images[place][0, 0, 0]) for place in (1, 2, 3)] == [1, 2, 3]
    assert asked == [1, 2, 3, 3, 3]
    assert int(kept.part(np.array([2])).images[0][0, 0, 0]) == 2
    assert len(asked) == 5


def test_more_than_fits_into_memory_is_read_each_time_and_gives_the_same(monkeypatch):
    expected, _ = trained(SMALL)
    monkeypatch.setattr("zfwidgets.experiments.training.pictures.IN_MEMORY", 0)
    assert same(trained(SMALL, workers=0)[0], expected)
    assert same(trained(SMALL, workers=2)[0], expected)


def test_what_cannot_be_sent_is_read_here(monkeypatch):
    monkeypatch.setattr("zfwidgets.experiments.training.pictures.IN_MEMORY", 0)
    items = [SHAPES[number] for number in range(96)]
    data = Unsendable(items)
    with pytest.warns(UserWarning, match="in this process"):
        net, _ = trained(replace(SMALL, epochs=1), data, validation=items[:8], workers=2)
    assert not net.training


@pytest.mark.parametrize(
    ("model", "error"),
    [(lambda: zf.zfnet_shapes(4, maps=(4, 6, 8, 8, 6), size=32), "3 classes"), (lambda: "resnet18", "torch.nn.Module")],
)
def test_a_model_that_does_not_fit_is_refused(model, error):
    with pytest.raises((ValueError, TypeError), match=error):
        zf.train(model(), SHAPES, SMALL, progress=False)


def test_an_unknown_recipe_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'paper', 'small'"):
        zf.train(small_net(), SHAPES, "large")
    with pytest.raises(TypeError, match="not epoch"):
        zf.recipe("small", epoch=3)
    with pytest.raises(TypeError, match="a recipe is"):
        zf.recipe(SHAPES)


def test_a_result_comes_back_and_is_drawn(tmp_path):
    _, training = trained(SMALL)
    training.save(tmp_path / "training")
    again = Training.load(tmp_path / "training")
    assert again.recipe == training.recipe
    assert again.to_pandas().equals(training.to_pandas())
    assert len(again.plot().axes) == 2


# ── several devices ───────────────────────────────────────────────────────────────────────────────────────────────────

SHARED = """
import atexit
import os
import sys
from pathlib import Path
import torch
sys.path.insert(0, {root!r})
from tests.experiments.test_training import SMALL, replace, trained

if __name__ == "__main__":
    parted = Path(sys.argv[2], "parted-" + os.environ.get("LOCAL_RANK", "0"))
    atexit.register(lambda: parted.write_text(repr(not torch.distributed.is_initialized())))  # after later ones
    net, training = trained(replace(SMALL, epochs=2), checkpoint=sys.argv[1], devices=2, strategy="ddp")
    with torch.no_grad():
        weights = sum(weight.double().abs().sum().item() for weight in net.parameters())
    found = (weights, training.train_accuracy.tolist(), training.accuracy, training.images)
    Path(sys.argv[2], "found-" + os.environ.get("LOCAL_RANK", "0")).write_text(repr(found))
"""


def test_two_processes_share_a_training_and_come_to_the_same_weights(tmp_path):
    script = tmp_path / "shared.py"
    script.write_text(SHARED.format(root=str(Path(__file__).parents[2])))
    done = subprocess.run([sys.executable, script, tmp_path / "run", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = [(tmp_path / f"found-{rank}").read_text() for rank in range(2)]
    assert found[0] == found[1]
    assert [(tmp_path / f"parted-{rank}").read_text() for rank in range(2)] == ["True", "True"]
    assert [path.name for path in (tmp_path / "run").glob("*.ckpt")] == ["epoch-000002.ckpt"]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_it_learns_and_a_recorder_is_not_noticed():
    nets = [small_net(), small_net()]
    recorder = zf.EvolutionRecorder(zf.Shapes(20, 32), features=2, epochs=(1, 2))
    losses = [
        zf.train(net, SHAPES, SMALL, progress=False, accelerator="gpu", deterministic=True, recorder=each).train_loss
        for net, each in zip(nets, (None, recorder), strict=True)
    ]
    assert np.array_equal(*losses)
    assert recorder.evolution.epochs == (1, 2)
    assert next(nets[0].parameters()).device.type == "cpu"

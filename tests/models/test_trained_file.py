"""What a file of trained weights says of how pictures are read is taken, and looked at before."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import zfwidgets as zf
from zfwidgets.files import arrays_to_bytes
from zfwidgets.models.trained_file import described
from zfwidgets.training import train_and_save

SAID = described(zf.Preprocess((8, 8), 8, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)), ("dark", "light"))


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def written(path, said):
    weights = {name: weight.detach().numpy() for name, weight in model().state_dict().items()}
    path.write_bytes(arrays_to_bytes(said, weights))
    return path


def test_classes_and_preprocessing_are_the_trainings_unless_others_are_given(tmp_path):
    path = written(tmp_path / "a.safetensors", SAID)
    net = zf.load(path, model=model())
    assert (net.labels, net.preprocess.mean, net.program.input.shape[1:]) == (
        ("dark", "light"),
        (0.1, 0.2, 0.3),
        (8, 8),
    )
    other = zf.load(path, model=model(), labels=["a", "b"], size=16)
    assert (other.labels, other.preprocess.size, other.preprocess.mean) == (("a", "b"), (16, 16), (0.1, 0.2, 0.3))


def test_where_each_pixel_has_a_mean_the_file_beside_it_is_named(tmp_path):
    path = written(tmp_path / "a.safetensors", described(None, ("dark", "light")))
    with pytest.raises(ValueError, match=r"a\.training\.safetensors"):
        zf.load(path, model=model())
    assert zf.load(path, model=model(), preprocess=zf.Preprocess((8, 8))).labels == ("dark", "light")


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "1e9 1e9"}, {"size": "8"}, {"size": "inf 8"}, {"std": "0 1 1"}, {"std": "nan 1 1"}, {"mean": "1 2"},
        {"mean": "a b c"}, {"resize": "-1"},
    ],
)  # fmt: skip
def test_what_a_file_says_is_looked_at(tmp_path, wrong):
    path = written(tmp_path / "a.safetensors", SAID | wrong)
    with pytest.raises(ValueError, match=r"a\.safetensors does not say rightly"):
        zf.load(path, model=model())


def test_half_precision_of_others_is_read_as_before(tmp_path):
    from safetensors.torch import save_file

    save_file({name: weight.bfloat16() for name, weight in model().state_dict().items()}, tmp_path / "b.safetensors")
    assert zf.load(tmp_path / "b.safetensors", model=model(), size=8).labels == ("class 0", "class 1")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Lightning's
@pytest.mark.parametrize("recipe", ["small", "paper"])
def test_what_is_trained_is_as_good_when_it_is_loaded(tmp_path, recipe):
    random = np.random.default_rng(0)
    for name, level in (("dark", 20), ("light", 60)):
        for part, count in (("train", 24), ("val", 8)):
            (tmp_path / "data" / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 20, (40, 40, 3)) + level
                Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "data" / part / name / f"{number}.png")
    out = tmp_path / "weights.safetensors"
    training = train_and_save(
        "zfnet_shapes", str(tmp_path / "data"), out, recipe, 6, 32, 0, tmp_path, None, None, progress=False,
        accelerator="cpu",
    )  # fmt: skip
    read = {} if recipe == "small" else {"preprocess": training.preprocess}
    net = zf.load(out, model=zf.zfnet_shapes(2, size=32), size=32, **read)
    images = zf.images(tmp_path / "data" / "val")
    found = net.predict(images).probability.argmax(1)
    expected = np.array([name.startswith("light") for name in images.names])
    assert net.labels == ("dark", "light")
    assert (found == expected).mean() == pytest.approx(training.accuracy, abs=0.07)
    again = training.network(zf.zfnet_shapes(2, size=32))
    x = [again.prepare(images[0])[1], net.prepare(images[0])[1]]
    assert torch.allclose(*x)

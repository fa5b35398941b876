"""Networks by name: the embedded one without a connection, torchvision's from torch's cache, and nothing unpickled."""

from __future__ import annotations

import os
import pickle
import socket
import urllib.error
import urllib.request

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models

import zfwidgets as zf

URL = models.SqueezeNet1_0_Weights.DEFAULT.url
FILE = URL.rpartition("/")[2]


def offline(patch, home):
    """Torch's cache, empty, and no way to fill it."""

    def refuse(*_, **__):
        raise urllib.error.URLError("Name or service not known")

    patch.setattr(torch.hub, "urlopen", refuse)
    patch.setattr(urllib.request, "urlopen", refuse)
    patch.setattr(socket.socket, "connect", refuse)
    patch.setenv("TORCH_HOME", str(home))
    (home / "hub/checkpoints").mkdir(parents=True)
    return home / "hub/checkpoints"


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        checkpoints = offline(patch, tmp_path_factory.mktemp("home"))
        network = zf.load("squeezenet1_1", device="cpu")
        assert not list(checkpoints.iterdir())
        return network


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    return offline(monkeypatch, tmp_path)


def test_the_embedded_network_is_loaded_without_a_connection(squeezenet):
    assert (squeezenet.name, len(squeezenet.labels)) == ("squeezenet1_1", 1000)
    assert squeezenet.program.input.shape == (3, 227, 227)


@pytest.mark.parametrize(
    ("photograph", "classes"),
    [
        ("coffee", {"espresso"}),
        ("motorcycle", {"motor scooter"}),
        ("cat", {"Egyptian cat", "tabby", "tiger cat"}),
    ],
)
def test_the_embedded_network_says_what_a_photograph_shows(squeezenet, photograph, classes):
    (label, probability), *_ = squeezenet.predict(zf.photograph(photograph)).top(1)
    assert label in classes
    assert probability > 0.35


@pytest.mark.parametrize(
    ("name", "near"), [("resnet81", "resnet18"), ("sqeezenet1_0", "squeezenet1_0"), ("", "squeezenet1_1"), (5, "vgg16")]
)
def test_an_unknown_name_gives_the_nearest(name, near):
    with pytest.raises(ValueError, match=f"there is no model {name!r}; near it: .*{near}"):
        zf.load(name)


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False])  # both of the layouts that torch.save has had
def test_a_torchvision_name_takes_its_weights_from_the_cache(checkpoints, zipped):
    torch.manual_seed(5)
    module = models.squeezenet1_0(weights=None).eval()
    torch.save(module.state_dict(), checkpoints / FILE, _use_new_zipfile_serialization=zipped)
    network = zf.load("squeezenet1_0", device="cpu")
    image = zf.photograph("coffee")
    x = models.SqueezeNet1_0_Weights.DEFAULT.transforms()(Image.fromarray(image))
    with torch.no_grad():
        expected = module(x[None]).softmax(1)
    assert np.abs(network.predict(image).probability - expected.numpy()).max() < 1e-6
    assert expected.max() > 2e-3  # twice that of a network that says nothing
    assert network.labels[504] == "coffee mug"


class Trap:
    """What a pickle can do: call any function when it is read."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize("write", [torch.save, lambda trap, path: path.write_bytes(pickle.dumps(trap, protocol=2))])
def test_a_harmful_pickle_in_the_cache_is_refused_and_never_run(checkpoints, tmp_path, write):
    write({"features.0.weight": Trap(tmp_path / "harmed")}, checkpoints / FILE)
    with pytest.raises(ValueError, match=f"{FILE}.*delete it"):
        zf.load("squeezenet1_0")
    assert not (tmp_path / "harmed").exists()


def test_weights_cut_short_in_the_cache_are_explained(checkpoints):
    torch.save(models.squeezenet1_0(weights=None).state_dict(), checkpoints / FILE)
    whole = (checkpoints / FILE).read_bytes()
    (checkpoints / FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=f"{FILE}.*delete it"):
        zf.load("squeezenet1_0")


def test_without_a_connection_the_error_names_what_works_and_which_file_goes_where(checkpoints):
    with pytest.raises(ConnectionError) as caught:
        zf.load("squeezenet1_0")
    for part in (URL, "squeezenet1_1", FILE, str(checkpoints), "Name or service not known"):
        assert part in str(caught.value)

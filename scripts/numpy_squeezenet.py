"""SqueezeNet 1.1 in plain numpy, on pixels as Caffe saw them: an oracle that shares no code with torch.

Weights are a dictionary from Caffe's layer names ("conv1", "fire2/squeeze1x1", …) to (kernel, bias), a kernel being
(rows, columns, channels in, channels out). The conversion script measures its result against this, and so do the tests.
"""

import numpy as np

Weights = dict[str, tuple[np.ndarray, np.ndarray]]

CAFFE_MEAN_BGR = (104.0, 117.0, 123.0)  # subtracted from pixels in 0-255, as in SqueezeNet's train_val.prototxt
FIRES_BETWEEN_POOLS = (("fire2", "fire3"), ("fire4", "fire5"), ("fire6", "fire7", "fire8", "fire9"))


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn scores (1000,) into the probabilities of ImageNet's classes."""
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


def logits(weights: Weights, pixels: np.ndarray) -> np.ndarray:
    """Return the scores (1000,) before the softmax for `pixels` (H, W, 3), RGB in 0-255, computed in float64."""
    maps = convolve(caffe_input(pixels), weights["conv1"], stride=2)
    for fires in FIRES_BETWEEN_POOLS:
        maps = max_pool(maps)
        for name in fires:
            maps = fire(maps, weights, name)
    return convolve(maps, weights["conv10"]).mean(axis=(0, 1))


def caffe_input(pixels: np.ndarray) -> np.ndarray:
    """Turn RGB in 0-255 into blue, green, red with Caffe's mean subtracted; (H, W, 3) float64."""
    return pixels[:, :, ::-1].astype(np.float64) - CAFFE_MEAN_BGR


def fire(maps: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    """Squeeze to few maps, then expand with 1x1 and 3x3 kernels side by side."""
    squeezed = convolve(maps, weights[f"{name}/squeeze1x1"])
    narrow = convolve(squeezed, weights[f"{name}/expand1x1"])
    wide = convolve(squeezed, weights[f"{name}/expand3x3"], padding=1)
    return np.concatenate([narrow, wide], axis=2)


def convolve(maps: np.ndarray, layer: tuple[np.ndarray, np.ndarray], stride: int = 1, padding: int = 0) -> np.ndarray:
    """Convolve and rectify (every convolution of SqueezeNet is followed by a ReLU)."""
    kernel, bias = layer
    padded = np.pad(maps, ((padding, padding), (padding, padding), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))[::stride, ::stride]
    # einsum's path goes through a matrix product, in the precision of its operands: float64
    sums = np.einsum("ijcab,abcf->ijf", patches, kernel.astype(np.float64), optimize=True)
    return np.maximum(sums + bias, 0)


def max_pool(maps: np.ndarray, size: int = 3, stride: int = 2) -> np.ndarray:
    """Pool as Caffe does: a last window that overhangs the border still counts ("ceil mode")."""
    missing = [-(extent - size) % stride for extent in maps.shape[:2]]
    padded = np.pad(maps, ((0, missing[0]), (0, missing[1]), (0, 0)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(0, 1))[::stride, ::stride]
    return windows.max(axis=(3, 4))

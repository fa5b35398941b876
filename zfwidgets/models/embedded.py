"""The small network that the package ships, `zfnet_shapes`, as it was after eight of the epochs of its training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from zfwidgets.data.forms import FORMS
from zfwidgets.files import arrays_to_bytes, read_arrays, write_aside
from zfwidgets.models.checks import checked_size
from zfwidgets.models.network import Network
from zfwidgets.models.preprocess import Preprocess
from zfwidgets.models.zfnet import ConvNet, zfnet_shapes

SHAPES_WEIGHTS = Path(__file__).parent / "weights" / "zfnet_shapes"
EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)  # the paper's, as all recorders take by default


def save_epoch(model: nn.Module, epoch: int, preprocess: Preprocess, folder: Path) -> None:
    """Write a module's weights in half precision, with what its images are normalised by."""
    arrays = {name: weight.detach().numpy().astype(np.float16) for name, weight in model.state_dict().items()}
    numbers = {"mean": preprocess.mean, "std": preprocess.std}
    header = {name: " ".join(repr(float(number)) for number in found) for name, found in numbers.items()}
    write_aside(_path(folder, epoch), arrays_to_bytes(header, arrays))


def load_shapes(
    epoch: Any = None, device: Any = "auto", folder: Path = SHAPES_WEIGHTS, size: Any = None, labels: Any = None,
    preprocess: Any = None,
) -> Network:  # fmt: skip
    """`zfnet_shapes` after an epoch of its training; by default the last one. Raises ValueError for one that there is
    not, and for a size that it does not take."""
    chosen = EPOCHS[-1] if epoch is None else epoch
    if chosen not in EPOCHS:
        raise ValueError(f"zfnet_shapes was kept after the epochs {', '.join(map(str, EPOCHS))}; not after {epoch!r}")
    header, _ = read_arrays(_path(folder, chosen))
    mean, std = (tuple(map(float, header[name].split())) for name in ("mean", "std"))
    model = shapes_module(folder, chosen)
    side = (model.size, model.size)
    if size is not None and checked_size(size) != side:
        raise ValueError(f"zfnet_shapes takes images of {model.size}×{model.size} pixels, and no others; not {size!r}")
    own = Preprocess(side, model.size, mean, std)
    return Network(model, side, labels or tuple(FORMS), preprocess or own, device, name="zfnet_shapes")


def shapes_module(folder: Path, epoch: int) -> ConvNet:
    """The module itself, with the weights that were kept after an epoch."""
    model = zfnet_shapes()
    arrays = read_arrays(_path(folder, epoch))[1]
    model.load_state_dict({name: torch.from_numpy(weight.astype(np.float32)) for name, weight in arrays.items()})
    return model.eval()


def _path(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch:06d}.safetensors"

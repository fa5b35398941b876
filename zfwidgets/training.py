"""What `zfwidgets train` does: names of networks and data sets to things, and trained weights to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from zfwidgets.data import Labelled, Shapes
from zfwidgets.experiments.evolution import EvolutionRecorder
from zfwidgets.experiments.training import Training, train
from zfwidgets.experiments.training import recipe as recipe_named
from zfwidgets.files import arrays_to_bytes, write_aside
from zfwidgets.models.architectures import architecture
from zfwidgets.models.trained_file import described
from zfwidgets.models.zfnet import alexnet_zf, zfnet, zfnet_shapes

OURS = {"zfnet": zfnet, "alexnet_zf": alexnet_zf, "zfnet_shapes": zfnet_shapes}
WATCHED = 256  # of the validation images, in which features are recorded


def train_and_save(
    arch: str, data: str, out: Path, recipe: str, epochs: int | None, size: int | None, seed: int, root: Path,
    checkpoint: Path | None, record: Path | None, **options: Any,
) -> Training:  # fmt: skip
    """Train a network that has a name, and write its weights. Raises ValueError for an unknown one."""
    changes = {} if epochs is None else {"epochs": epochs}
    chosen = recipe_named(recipe or ("small" if arch == "zfnet_shapes" else "paper"), **changes)
    learn, check = data_set(data, root)
    classes = Labelled.of(learn).classes
    torch.manual_seed(seed)
    model = network(arch, len(classes), size)
    recorder = None
    if record is not None:
        watched = check if check is not None else learn
        step = max(1, len(Labelled.of(watched, classes)) // WATCHED)
        recorder = EvolutionRecorder(Labelled.of(watched, classes).images_at(step), path=record)
    training = train(
        model,
        learn,
        chosen,
        validation=check,
        size=size,
        seed=seed,
        checkpoint=checkpoint,
        recorder=recorder,
        **options,
    )
    arrays = {name: weight.detach().cpu().contiguous().numpy() for name, weight in model.state_dict().items()}
    write_aside(out, arrays_to_bytes(described(training.preprocess, classes), arrays))
    training.save(out.with_suffix(".training.safetensors"))
    return training


def network(arch: str, classes: int, size: int | None) -> nn.Module:
    """An untrained network by its name. Raises ValueError for a name that there is not."""
    if arch in OURS:
        return OURS[arch](classes) if size is None else OURS[arch](classes, size=size)
    return architecture(arch).build(classes)


def data_set(data: str, root: Path) -> tuple[Any, Any]:
    """The images to train with and, where there are such, those to validate with.

    Raises ValueError for a folder that there is not; ConnectionError, with the files to get, where ImageNet is not at
    `root`.
    """
    if data == "shapes":
        return Shapes(), Shapes(1000, seed=1)
    if data == "imagenet":
        return imagenet(root)
    if not Path(data).is_dir():
        raise ValueError(f"data is a folder, imagenet or shapes; there is no folder {data!r}")
    if (Path(data) / "train").is_dir():
        return Path(data) / "train", Path(data) / "val"
    return Path(data), None


def imagenet(root: Path) -> tuple[Any, Any]:
    """ImageNet 2012 as torchvision reads it: archives that lie at `root` are unpacked the first time."""
    from torchvision.datasets import ImageNet

    try:
        return ImageNet(root, "train"), ImageNet(root, "val")
    except (OSError, RuntimeError) as error:
        raise ConnectionError(
            f"ImageNet cannot be read at {str(root)!r} ({str(error).splitlines()[0]}). Get "
            "ILSVRC2012_devkit_t12.tar.gz, ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar from image-net.org, and "
            "put them there, or say where they are: --root"
        ) from error

"""Networks by name, and from a file of weights: the embedded one, torchvision's, timm's, and one's own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import nn

from zfwidgets.backend.capture.wrappers import unwrapped
from zfwidgets.models.architectures import CLASSES, Timm, Torchvision, architecture, named_in
from zfwidgets.models.checkpoint import best_fit, class_count, fill
from zfwidgets.models.checks import checked_size
from zfwidgets.models.embedded import load_shapes
from zfwidgets.models.network import Network
from zfwidgets.models.preprocess import Preprocess
from zfwidgets.models.squeezenet import TRAINED, imagenet_labels, squeezenet1_1
from zfwidgets.models.trained_file import reading_of
from zfwidgets.models.weights_file import SUFFIXES, Weights, read_weights

EMBEDDED = ("squeezenet1_1", "zfnet_shapes")
Labels = Iterable[str] | Mapping[Any, Any] | None
Model = str | nn.Module


def load(
    name: str | os.PathLike[str], model: Model | None = None, *, labels: Labels = None,
    size: int | tuple[int, int] | None = None, preprocess: Any = None, device: str | torch.device = "auto",
    epoch: int | None = None,
) -> Network:  # fmt: skip
    """A trained network by its name, or from a file of weights.

    `"squeezenet1_1"` and `"zfnet_shapes"` are embedded and need no network connection: the first was trained on
    ImageNet; the second is the paper's network in small, trained on `zf.Shapes`, as it was after each of eight epochs.
    Any other name is that of a torchvision classification model, or of one of timm's after `timm/`: its default weights
    are fetched once and kept in torch's cache. Labels and preprocessing are those of its training.

    A file is one of safetensors or of `torch.save`: a state dict, or a checkpoint that has one inside. Nothing in it
    is run, and it takes about as much memory as the file has bytes, beside that of the network. The names in it may
    begin with what DataParallel, torch.compile or Lightning put there.

    Args:
        name: a name; or the path of a file.
        model: whose weights are in the file: `"resnet18"`, `"timm/resnet26d"`, built for as many classes as the file
            has; or a module, which stays as it is: a copy gets the weights. May be left out where the file's name
            begins with that of a torchvision model, `resnet18-f37072fd.pth`.
        labels, size, preprocess, device: as for `zf.Network`; by default those of the model, or of the training where
            `zfwidgets train` wrote the file. Where the file's number
            of classes is ImageNet's 1000, labels are ImageNet's.
        epoch: of the training of `"zfnet_shapes"`: 1, 2, 5, 10, 20, 30, 40 or 64, which is the last.

    Raises:
        ValueError: no model has that name (the nearest names are given); a file that is damaged, holds more than
            weights, or weights that do not fit the model, or are sparse, quantised, complex or integers.
        TypeError: `model` is neither a name nor a module.
        FileNotFoundError: there is no such file.
        ConnectionError: the weights cannot be fetched; the message says what to do.
        ImportError: timm is not installed.
    """
    given = {"labels": labels, "preprocess": preprocess, "device": device}
    if name == EMBEDDED[1] and model is None:
        return _named(load_shapes(epoch, size=size, **given), size, given, epoch)
    if epoch is not None:
        raise ValueError('only "zfnet_shapes" is here as it was after an epoch of its training')
    if model is not None or _is_file(name):
        return _from_file(Path(name), model, size, given)
    if name == EMBEDDED[0] and size is None and preprocess is None:
        net = Network(squeezenet1_1(), labels=labels or imagenet_labels(), device=device, name=str(name))
        return _named(net, size, given)
    known = architecture(str(name) if isinstance(name, str) else name)  # type: ignore[arg-type]  # it says what is wrong
    if isinstance(known, Timm):
        module = known.trained()
        classes = getattr(module, "num_classes", 0)
    else:
        module, classes = known.build(as_trained=True), CLASSES
        embedded = known.name == EMBEDDED[0]
        place, found = (TRAINED, read_weights(TRAINED)) if embedded else _fetched(known.weights.url)
        fill(module, best_fit(found, module, place), place, known.name)
    return _named(_network(module, known, str(name), classes, size, given), size, given)


def _is_file(name: Any) -> bool:
    if isinstance(name, os.PathLike):
        return True
    return isinstance(name, str) and (name.endswith(SUFFIXES) or Path(name).is_file())


def _named(
    net: Network, size: Any, given: dict[str, Any], epoch: int | None = None, arguments: str | None = None
) -> Network:
    """The network, which knows how it was made, where a line can say it: it can't say labels and preprocessing."""
    if given["labels"] is None and given["preprocess"] is None:
        settings = {"size": size, "epoch": epoch}
        said = "".join(f", {name}={value!r}" for name, value in settings.items() if value is not None)
        net.source = f"zf.load({arguments or repr(net.name)}{said})"
    return net


def _from_file(path: Path, model: Any, size: Any, given: dict[str, Any]) -> Network:
    found = read_weights(path)
    given = _as_trained(path, size, given)
    if isinstance(model, nn.Module):
        module = deepcopy(unwrapped(model))
        fill(module, best_fit(found, module, path), path, type(module).__name__)
        return Network(module, _size_of(given["preprocess"], size), **given)
    if model is None:
        model = named_in(path.stem)
    if not isinstance(model, str):
        kinds = 'model="resnet18", model="timm/resnet26d", or a module, model=MyNetwork()'
        if model is None:
            raise ValueError(f"{path.name} does not say whose weights it holds; say it: {kinds}")
        raise TypeError(f"model is a name or a module ({kinds}); this is {model!r}")
    known = architecture(model)
    module, classes = _built(known, found, path)
    fill(module, best_fit(found, module, path), path, model)
    net = _network(module, known, model, classes, size, given)
    return _named(net, size, given, arguments=f"{str(path)!r}, model={model!r}")


def _as_trained(path: Path, size: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What is given, with labels and preprocessing of the training where the file says them (`zfwidgets train`)."""
    said = reading_of(path)
    if said is None:
        return given
    labels, preprocess = said
    if preprocess is None and given["preprocess"] is None:
        training = path.with_suffix(".training.safetensors").name
        raise ValueError(
            f"in the training of {path.name} each pixel had a mean of its own, which {training} holds beside it: give "
            f'preprocess=zf.Training.load("{training}").preprocess'
        )
    if preprocess is not None and size is not None:
        preprocess = _of_size(preprocess, checked_size(size))
    own = {"labels": labels, "preprocess": preprocess}
    return given | {name: value for name, value in own.items() if given[name] is None}


def _built(known: Torchvision | Timm, found: list[Weights], path: Path) -> tuple[nn.Module, int]:
    """An untrained module for as many classes as the file has weights for, and how many these are."""
    official = isinstance(known, Torchvision) and path.name == Path(known.weights.url).name
    module = known.build(as_trained=official)
    classes = class_count(best_fit(found, module, path), module, CLASSES)
    return (module if classes == CLASSES else known.build(classes)), classes


def _network(
    module: nn.Module, known: Torchvision | Timm, name: str, classes: int, size: Any, given: dict[str, Any]
) -> Network:
    """The network of a model with a name, which brings its preprocessing, and labels where they are ImageNet's."""
    if given["preprocess"] is None:
        own = known.preprocess(module)
        given = {**given, "preprocess": own if size is None else _of_size(own, checked_size(size))}
    if given["labels"] is None and classes == CLASSES:
        given = {**given, "labels": imagenet_labels()}
    return Network(module.eval(), _size_of(given["preprocess"], size), **given, name=name)


def _size_of(preprocess: Any, size: Any) -> Any:
    return size if size is not None else getattr(preprocess, "size", 224)


def _of_size(preprocess: Any, size: tuple[int, int]) -> Any:
    """The same for other images than the model was trained on: cut from the picture in the same proportion."""
    if not isinstance(preprocess, Preprocess):
        return Preprocess(size)
    scale = min(size) / min(preprocess.size)
    resize = None if preprocess.resize is None or size[0] != size[1] else round(preprocess.resize * scale)
    return replace(preprocess, size=size, resize=resize)


def _fetched(url: str) -> tuple[Path, list[Weights]]:
    """The file behind a URL, in torch's cache, and the weights in it; it is fetched where it is not there."""
    place = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    try:
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(place), hash_prefix=_hash_in(place.name))
    except (URLError, OSError) as error:
        raise ConnectionError(
            f"the weights cannot be fetched from {url} ({error}). Without a connection, use an embedded network "
            f"({', '.join(EMBEDDED)}), or put the file {place.name} into {place.parent}"
        ) from error
    except RuntimeError as error:  # its hash is another one; nothing is kept
        raise ValueError(f"what was fetched from {url} is not what it should be: {error}") from error
    try:
        return place, read_weights(place)
    except ValueError as error:
        raise ValueError(
            f"{place} does not hold the weights from {url}; delete it, and it is fetched anew ({error})"
        ) from error


def _hash_in(name: str) -> str | None:
    """How the hash of a file begins, as torchvision's names say it: resnet18-f37072fd.pth."""
    found = re.search(r"-([0-9a-f]{8,})\.", name)
    return found[1] if found else None

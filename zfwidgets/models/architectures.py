"""Architectures by name, torchvision's and timm's: untrained, trained, and how their photographs are prepared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image
from torch import nn

from zfwidgets.models.preprocess import Preprocess, of_preset

TIMM = "timm/"
CLASSES = 1000  # of ImageNet, for which all are built when nothing else is said

# what torchvision changes in the architecture itself when it loads trained weights
_WITH_WEIGHTS: dict[str, dict[str, Any]] = {
    "googlenet": {"transform_input": True, "init_weights": False},
    "inception_v3": {"transform_input": True, "init_weights": False},
}


@dataclass(frozen=True)
class Torchvision:
    """A classification model of torchvision's. Raises ValueError, with the nearest names, when there is none."""

    name: str

    def __post_init__(self) -> None:
        _check(self.name, torchvision_names())

    def build(self, classes: int = CLASSES, as_trained: bool = False) -> nn.Module:
        """Untrained; `as_trained`: the architecture that torchvision's own weights belong to."""
        from torchvision import models

        changes = _WITH_WEIGHTS.get(self.name, {}) if as_trained else {}
        return models.get_model(self.name, weights=None, num_classes=classes, **changes)

    @property
    def weights(self) -> Any:
        """Its default trained weights, as torchvision describes them."""
        from torchvision import models

        return models.get_model_weights(self.name).DEFAULT

    def preprocess(self, module: nn.Module) -> Any:
        """As for its default weights."""
        return of_preset(self.weights.transforms())


@dataclass(frozen=True)
class Timm:
    """A model of timm's, by its name there. Raises ValueError, with the nearest names, when there is none, and
    ImportError where timm is not installed."""

    name: str

    def __post_init__(self) -> None:
        known = _timm().list_models()
        _check(self.name.partition(".")[0], known, TIMM)

    def build(self, classes: int = CLASSES, as_trained: bool = False) -> nn.Module:
        """Untrained."""
        return _timm().create_model(self.name, num_classes=classes)

    def trained(self) -> nn.Module:
        """With its weights, from the cache or the net. Raises ConnectionError where they cannot be fetched, and
        ValueError where it has none."""
        try:
            return _timm().create_model(self.name, pretrained=True)
        except OSError as error:
            raise ConnectionError(
                f"the weights of {TIMM}{self.name} cannot be fetched ({str(error).splitlines()[0]}). Without a "
                "connection, use the embedded network, squeezenet1_1, or a file: "
                f'zf.load("weights.safetensors", model="{TIMM}{self.name}")'
            ) from error
        except RuntimeError as error:
            raise ValueError(f"timm has no trained weights of {self.name!r} ({str(error).splitlines()[0]})") from error

    def preprocess(self, module: nn.Module) -> Any:
        """As timm's data configuration has it; timm's own transformation where it does more than scale and crop."""
        from timm.data import create_transform, resolve_model_data_config

        config = resolve_model_data_config(module)
        size, mode = config["input_size"][1:], str(config["interpolation"]).upper()
        plain = config["crop_mode"] == "center" and size[0] == size[1] and mode in Image.Resampling.__members__
        if not plain:
            return create_transform(**config, is_training=False)
        shorter = math.floor(size[0] / config["crop_pct"])
        return Preprocess(size, shorter, tuple(config["mean"]), tuple(config["std"]), Image.Resampling[mode])


def architecture(name: str) -> Torchvision | Timm:
    """The architecture of a name, `"resnet18"` or `"timm/resnet26d"`."""
    return Timm(name.removeprefix(TIMM)) if str(name).startswith(TIMM) else Torchvision(name)


def torchvision_names() -> list[str]:
    """The names of torchvision's classification models."""
    from torchvision import models

    return models.list_models(module=models)


def named_in(stem: str) -> str | None:
    """The torchvision model that a file's name begins with, as `resnet18-f37072fd` does; None: none."""
    from torchvision import models

    names = torchvision_names()
    own = (name for name in names for weights in models.get_model_weights(name) if Path(weights.url).stem == stem)
    fitting = [name for name in names if stem == name or stem.startswith((f"{name}-", f"{name}_"))]
    return next(own, None) or max(fitting, key=len, default=None)


def _timm() -> ModuleType:
    try:
        import timm
    except ImportError as error:
        raise ImportError("models of timm need timm: pip install 'zfwidgets[timm]'") from error
    return timm


def _check(name: Any, known: list[str], prefix: str = "") -> None:
    if name not in known:
        near = [f"{prefix}{each}" for each in get_close_matches(str(name), known, n=3)]
        usual = "timm/resnet18, timm/resnet26d" if prefix else "squeezenet1_1, resnet18, vgg16"
        raise ValueError(f"there is no model {prefix + str(name) if prefix else name!r}; "
                         f"near it: {', '.join(near) or usual}")  # fmt: skip

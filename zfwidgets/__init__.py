"""Look inside a convolutional network from a notebook: Zeiler & Fergus, live, on any PyTorch CNN."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zfwidgets.data import images, photograph, photograph_names, photographs
    from zfwidgets.experiments.features import ImageFeatures, Projection, project
    from zfwidgets.models import Network, Prediction, Preprocess, load
    from zfwidgets.widgets.feature_explorer import FeatureExplorer

__version__ = "0.1.0"

# Public names are imported when they are first used (PEP 562): `import zfwidgets` loads no torch.
_PLACES = {
    "FeatureExplorer": "widgets.feature_explorer",
    "ImageFeatures": "experiments.features",
    "Network": "models",
    "Prediction": "models",
    "Preprocess": "models",
    "Projection": "experiments.features",
    "images": "data",
    "load": "models",
    "photograph": "data",
    "photograph_names": "data",
    "photographs": "data",
    "project": "experiments.features",
}

__all__ = [
    "FeatureExplorer",
    "ImageFeatures",
    "Network",
    "Prediction",
    "Preprocess",
    "Projection",
    "images",
    "load",
    "photograph",
    "photograph_names",
    "photographs",
    "project",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'zfwidgets' has no attribute {name!r}")
    return getattr(import_module(f"zfwidgets.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

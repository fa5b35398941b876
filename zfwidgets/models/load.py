"""Networks by name: the embedded ones, and those of torchvision."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.error import URLError

import torch

from zfwidgets.models.network import Network
from zfwidgets.models.squeezenet import imagenet_labels, squeezenet1_1

EMBEDDED = ("squeezenet1_1",)

# what torchvision changes in the architecture itself when it loads trained weights
_WITH_WEIGHTS: dict[str, dict[str, Any]] = {
    "googlenet": {"transform_input": True, "init_weights": False},
    "inception_v3": {"transform_input": True, "init_weights": False},
}


def load(name: str, *, device: str | torch.device = "auto") -> Network:
    """A trained network by name.

    `"squeezenet1_1"` is embedded: trained on ImageNet, it needs no network connection. Any other name is that of a
    torchvision classification model; its default weights are fetched once and kept in torch's cache.

    Raises:
        ValueError: no model has that name (the nearest names are given), or its file in torch's cache is damaged.
        ConnectionError: the weights cannot be fetched; the message says which file to put where.
    """
    if name in EMBEDDED:
        return _named(Network(squeezenet1_1(), labels=imagenet_labels(), device=device, name=name))
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = get_close_matches(str(name), known, n=3)
        raise ValueError(f"there is no model {name!r}; near it: {', '.join(near) or 'squeezenet1_1, resnet18, vgg16'}")
    weights = models.get_model_weights(name).DEFAULT
    module = models.get_model(name, weights=None, **_WITH_WEIGHTS.get(name, {}))
    module.load_state_dict(_fetched(weights.url))
    return _named(
        Network(
            module.eval(), labels=weights.meta["categories"], preprocess=weights.transforms(), device=device, name=name
        )
    )


def _named(net: Network) -> Network:
    """The network, which knows how it was made."""
    net.source = f"zf.load({net.name!r})"
    return net


def _fetched(url: str) -> dict[str, torch.Tensor]:
    """The weights behind a URL, from torch's cache or the net; only tensors are ever unpickled."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    try:
        return torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except (URLError, OSError) as error:
        raise ConnectionError(
            f"the weights cannot be fetched from {url} ({error}). Without a connection, use an embedded network "
            f"({', '.join(EMBEDDED)}), or put the file {Path(url).name} into {folder}"
        ) from error
    except (UnpicklingError, EOFError, RuntimeError) as error:
        place, reason = folder / Path(url).name, str(error).partition("\n")[0]
        raise ValueError(
            f"{place} does not hold the weights from {url}; delete it, and it is fetched anew ({reason})"
        ) from error

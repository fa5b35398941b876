"""Top activations that come with the package, so that there is something to see at once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from zfwidgets.data import Corpus, corpus
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.top_activations.result import TopActivations
from zfwidgets.models import Network, require_network

PLACE = Path(__file__).parent / "prepared" / "squeezenet1_1.safetensors"


def prepared_tops(net: Network, images: Any = None) -> TopActivations | None:
    """What `top_activations` found beforehand, and comes with the package, so that there is something to see at once.

    So far there is one: of the embedded network in the embedded corpus (the default for `images`). None for any other.
    Raises TypeError where `net` is no network.
    """
    require_network(net)
    tops, collection = _load(), corpus() if images is None else as_collection(images)
    known = isinstance(collection, Corpus) and tops.network == net.fingerprint and collection.fits(tops.data)
    return tops if known else None


@cache
def _load() -> TopActivations:
    return TopActivations.load(PLACE)

"""A panel's result as the call that gives it."""

from __future__ import annotations

from typing import Any

import numpy as np

from zfwidgets.data import photograph, photograph_names
from zfwidgets.models import Network
from zfwidgets.widgets.selection import Images


def call(function: str, *arguments: str, **settings: Any) -> str:
    """A call in Python: arguments as they are written, settings as values; those that are None are left out."""
    given = [*arguments, *(f"{name}={value!r}" for name, value in settings.items() if value is not None)]
    return f"{function}({', '.join(given)})"


def network_line(net: Network) -> str:
    """The line that makes the network."""
    return f"net = {net.source or '...  # your zfwidgets.Network'}"


def image_line(images: Images, name: str) -> str:
    """The line that makes an image."""
    return f"image = {image_source(images, name) or f'...  # your image {name!r}'}"


def image_source(images: Images, name: str) -> str:
    """The expression for an image that comes with the package; empty for any other."""
    embedded = name in photograph_names() and np.array_equal(images[name], photograph(name))
    return f"zf.photograph({name!r})" if embedded else ""


def program(*lines: str) -> str:
    """A program of these lines."""
    return "\n".join(["import zfwidgets as zf", "", *lines])

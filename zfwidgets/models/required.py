"""What is given for a network is one: whoever gives a bare module is told how to make one."""

from __future__ import annotations

from typing import Any

from torch import nn

from zfwidgets.models.network import Network


def require_network(given: Any) -> None:
    """Raise TypeError, with how to make a network, for anything that is none."""
    if not isinstance(given, Network):
        raise TypeError(f"a zfwidgets.Network is needed here, not {_kind(given)}; make one first: {_call(given)}")


def _kind(given: Any) -> str:
    if isinstance(given, str):
        return f"the text {given!r}"
    return f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__


def _call(given: Any) -> str:
    if isinstance(given, str):
        return f"zf.load({given!r}) or zf.Network(module)"
    if isinstance(given, type) and issubclass(given, nn.Module):
        return f"zf.Network({given.__name__}(…))"
    return "zf.Network(module)"

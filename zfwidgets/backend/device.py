"""What is best on each kind of device, and what is possible there: whatever the code asks of a device stands here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class DeviceProperties:
    """What the code asks of a kind of device. The defaults are for one of which nothing is known."""

    available: Callable[[], bool]  # whether this machine has one
    channels_last: bool = False  # filters and batches of images lie with their channels last
    pools_channels_last: bool = False  # max pooling goes through torch's kernel for channels last
    numbers_at_once: int = 2**22  # of four bytes, in the largest map that is computed at once
    small_batches: bool = False  # data sets go through a few images at a time, always the same ones together
    pinned: bool = False  # it reads on its own from memory of the host that is pinned


DEVICES: dict[str, DeviceProperties] = {  # by type; the best comes first
    "cuda": DeviceProperties(torch.cuda.is_available, channels_last=True, numbers_at_once=2**27, pinned=True),
    "mps": DeviceProperties(torch.backends.mps.is_available),
    "cpu": DeviceProperties(lambda: True, pools_channels_last=True, small_batches=True),
}
UNKNOWN = DeviceProperties(lambda: False)


def properties_of(device: torch.device) -> DeviceProperties:
    """The properties of a device; of a type that is not known, the defaults."""
    return DEVICES.get(device.type, UNKNOWN)

"""The random numbers of torch, NumPy and Python: what is drawn here does not change what a user draws next."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

States = tuple[Tensor, Any, Any, list[Tensor]]
_lock = threading.RLock()  # the states belong to all threads


def random_states() -> States:
    """Where the random numbers of torch, NumPy and Python stand, and those of CUDA devices that are in use."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return torch.get_rng_state(), np.random.get_state(), random.getstate(), cuda  # noqa: NPY002


@contextmanager
def states_kept() -> Iterator[States]:
    """Afterwards the random numbers go on as before."""
    with _lock:
        before = random_states()
        try:
            yield before
        finally:
            _set(before)


@contextmanager
def states_after() -> Iterator[None]:
    """The same for what takes so long that other threads may draw meanwhile: what they drew is forgotten, too."""
    before = random_states()
    try:
        yield
    finally:
        _set(before)


@contextmanager
def states_from(seed: int) -> Iterator[States]:
    """While this lasts, all random numbers come from a seed."""
    with states_kept():
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_initialized():  # a device that wakes later shall not be seeded by this
            torch.cuda.manual_seed_all(seed)
        np.random.seed(seed)  # noqa: NPY002  # what users' functions draw from
        random.seed(seed)
        yield random_states()


def _set(states: States) -> None:
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    random.setstate(states[2])
    for number, state in enumerate(states[3]):
        torch.cuda.set_rng_state(state, number)


def same(one: Any, other: Any) -> bool:
    """Whether two states are one."""
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    return all(map(np.array_equal, one, other))

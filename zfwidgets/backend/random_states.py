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

States = tuple[Tensor, Any, Any]
_lock = threading.RLock()  # the states belong to all threads


def random_states() -> States:
    """Where the random numbers of torch, NumPy and Python stand."""
    return torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002


@contextmanager
def states_kept() -> Iterator[States]:
    """Afterwards the random numbers go on as before."""
    with _lock:
        before = random_states()
        try:
            yield before
        finally:
            torch.set_rng_state(before[0])
            np.random.set_state(before[1])  # noqa: NPY002
            random.setstate(before[2])


@contextmanager
def states_from(seed: int) -> Iterator[States]:
    """While this lasts, all random numbers come from a seed."""
    with states_kept():
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002  # what users' functions draw from
        random.seed(seed)
        yield random_states()


def same(one: Any, other: Any) -> bool:
    """Whether two states are one."""
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    return all(map(np.array_equal, one, other))

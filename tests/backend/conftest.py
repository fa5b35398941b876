"""What the tests of the backend need of the machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def cuda() -> torch.device:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    return torch.device("cuda")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The fastest for small maps; and where cores are shared, threads that wait for each other cost tenfold."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

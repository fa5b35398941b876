"""Which versions of PyTorch capture can work with."""

from __future__ import annotations

import torch
from torch.torch_version import TorchVersion

OLDEST = "2.9"


def require_torch(found: str = torch.__version__) -> None:
    """Raise ImportError, with what was found and what would do, on a PyTorch that is too old."""
    if TorchVersion(found) < OLDEST:
        raise ImportError(
            f"zfwidgets needs PyTorch {OLDEST} or newer, and this is PyTorch {found}; "
            "`pip install --upgrade torch torchvision` brings one, with the torchvision that goes with it"
        )

"""From a PyTorch module to a program."""

from zfwidgets.backend.capture.version import require_torch

require_torch()  # here, before anything is imported that an old PyTorch lacks

"""The paper's own ablation (Table 3), and how large its networks are, which it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from zfwidgets.models.zfnet import alexnet_zf, zfnet


@dataclass(frozen=True)
class PaperRow:
    """A row of Table 3, and how large the network is, which the paper leaves out."""

    variant: str
    train: float  # wrong answers on ImageNet 2012's training images, %
    validation: float  # … on its validation images, %
    top5: float  # … when five answers are allowed, %
    parameters: int
    macs: int  # multiply–adds for one image


_WIDE = (96, 256, 512, 1024, 512)
_TABLE: tuple[tuple[str, Callable[..., nn.Module], dict[str, object], tuple[float, float, float]], ...] = (
    ("AlexNet", alexnet_zf, {}, (35.1, 40.5, 18.1)),
    ("AlexNet without 3, 4", alexnet_zf, {"without": (3, 4)}, (41.8, 45.4, 22.1)),
    ("AlexNet without 7", alexnet_zf, {"without": (7,)}, (27.4, 40.0, 18.4)),
    ("AlexNet without 6, 7", alexnet_zf, {"without": (6, 7)}, (27.4, 44.8, 22.4)),
    ("AlexNet without 3, 4, 6, 7", alexnet_zf, {"without": (3, 4, 6, 7)}, (71.1, 71.3, 50.1)),
    ("AlexNet, 6, 7: 2048 units", alexnet_zf, {"hidden": (2048, 2048)}, (40.3, 41.7, 18.8)),
    ("AlexNet, 6, 7: 8192 units", alexnet_zf, {"hidden": (8192, 8192)}, (26.8, 40.0, 18.1)),
    ("ZFNet", zfnet, {}, (33.1, 38.4, 16.5)),
    ("ZFNet, 6, 7: 2048 units", zfnet, {"hidden": (2048, 2048)}, (38.2, 40.2, 17.6)),
    ("ZFNet, 6, 7: 8192 units", zfnet, {"hidden": (8192, 8192)}, (22.0, 38.8, 17.0)),
    ("ZFNet, 512, 1024, 512 maps", zfnet, {"maps": _WIDE}, (18.8, 37.5, 16.0)),
    ("ZFNet, both", zfnet, {"maps": _WIDE, "hidden": (8192, 8192)}, (10.0, 38.3, 16.9)),
)


@cache
def papers_ablation() -> tuple[PaperRow, ...]:
    """Table 3 as the paper has it, one training each on ImageNet 2012, with the parameters of each network counted."""
    rows = []
    for name, build, changed, errors in _TABLE:
        with torch.device("meta"):
            module = build(**changed).eval()
            with FlopCounterMode(display=False) as counter:
                module(torch.zeros(1, 3, 224, 224))
        parameters = sum(weight.numel() for weight in module.parameters())
        rows.append(PaperRow(name, *errors, parameters, counter.get_total_flops() // 2))
    return tuple(rows)

"""How many images a trained network answers rightly."""

from __future__ import annotations

import torch
from torch import nn

from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import Labelled
from zfwidgets.experiments.training.pictures import Pictures
from zfwidgets.experiments.training.preparation import Preparation
from zfwidgets.experiments.training.result import Training

AT_ONCE = 64  # pictures


@undisturbed()
def right_share(training: Training, module: nn.Module, data: Labelled) -> float:
    """The share of images whose right class is the most probable, by the crop in the middle; what cannot be read is
    left out."""
    mean, scale = torch.from_numpy(training.mean), torch.from_numpy(training.scale)
    prepare = Preparation(training.size, mean, scale, training.border, training.border > 0)
    pictures, right, count = Pictures(data, prepare.side), 0, 0
    with torch.no_grad():
        for start in range(0, len(pictures), AT_ONCE):
            batch, labels, _ = pictures.__getitems__(range(start, min(start + AT_ONCE, len(pictures))))
            if len(batch):
                right += int((module(prepare.centre(batch)).argmax(1) == labels).sum())
                count += len(batch)
    return right / count

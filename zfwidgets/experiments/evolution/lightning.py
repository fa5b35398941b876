"""A recorder in a training of Lightning's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn


class Recording(Callback):
    """Tells a recorder of each epoch, with what it came to."""

    def __init__(self, recorder: Any, module: nn.Module | None, curves: Mapping[str, Sequence[float]] | None) -> None:
        self.recorder, self.module, self.curves = recorder, module, curves

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero:
            self.recorder.start(self.module or pl_module, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        if self.curves is None:
            numbers = {name: float(value) for name, value in trainer.callback_metrics.items()}
        else:
            numbers = {name: curve[-1] for name, curve in self.curves.items() if curve}
        self.recorder.record(self.module or pl_module, trainer.current_epoch + 1, **numbers)

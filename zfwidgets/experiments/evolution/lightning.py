"""A recorder in a training of Lightning's."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Recording(Callback):
    """Tells a recorder of each epoch, with the numbers that the training logs."""

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero:
            self.recorder.start(pl_module, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero:
            numbers: dict[str, Any] = {name: float(value) for name, value in trainer.callback_metrics.items()}
            self.recorder.record(pl_module, trainer.current_epoch + 1, **numbers)

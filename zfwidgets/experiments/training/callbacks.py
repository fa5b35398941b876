"""What happens between the steps of a training: filters are clipped, it is watched, and it can go on after a kill."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.plugins.io import TorchCheckpointIO
from tqdm.auto import tqdm

from zfwidgets.experiments.training.rms import clip_rms
from zfwidgets.files import write_aside
from zfwidgets.task import Task

if TYPE_CHECKING:
    from zfwidgets.experiments.training.learner import Learner

SUFFIX, DAMAGED = ".ckpt", ".damaged"


class ClipFilters(Callback):
    """After each step, scales filters that are too large back (§3)."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        clip_rms(pl_module, self.limit)


class Watched(Callback):
    """Says how far it is, and gives it up when it is no longer wanted."""

    def __init__(self, task: Task, progress: bool) -> None:
        self.task, self.progress = task, progress
        self._bar: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: Learner) -> None:  # type: ignore[override]
        if self.progress and trainer.is_global_zero:
            total, done = int(trainer.estimated_stepping_batches), trainer.global_step
            self._bar = tqdm(total=total, initial=done, unit="batch", desc=self._words(trainer))

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.task.check()
        self.task.progress(trainer.global_step, int(trainer.estimated_stepping_batches), self._words(trainer))
        if self._bar is not None:
            self._bar.update(trainer.global_step - self._bar.n)

    def on_predict_batch_start(self, trainer: Trainer, *_: Any) -> None:
        self.task.check()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Learner) -> None:  # type: ignore[override]
        if self._bar is not None:
            self._bar.set_description(self._words(trainer))
            right = {name: curve[-1] for name, curve in pl_module.curves.items() if curve}
            self._bar.set_postfix_str(f"validation {right.get('validation_accuracy', 0):.1%} right")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self._bar is not None:
            self._bar.close()

    @staticmethod
    def _words(trainer: Trainer) -> str:
        return f"Epoch {min(trainer.current_epoch + 1, trainer.max_epochs or 1)} of {trainer.max_epochs}"


class Saved(Callback):
    """After each epoch, keeps all that the training needs to go on; the former file goes when the new one is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        new = self.folder / f"epoch-{trainer.current_epoch + 1:06d}{SUFFIX}"
        trainer.save_checkpoint(new)
        if trainer.is_global_zero:
            for old in self.folder.glob(f"epoch-*{SUFFIX}"):
                if old != new:
                    old.unlink(missing_ok=True)


def latest(folder: Path) -> Path | None:
    """The file that a training in this folder goes on from; one that is damaged is set aside, with a warning."""
    for path in sorted(folder.glob(f"epoch-*{SUFFIX}"), reverse=True):
        try:
            torch.load(path, map_location="meta", weights_only=True)
            return path
        except (OSError, MemoryError):
            raise
        except Exception as error:  # torch has many for a file that is damaged
            aside = path.with_name(path.name + DAMAGED)
            path.rename(aside)
            warnings.warn(f"{path.name} is damaged ({error}); it is set aside as {aside.name}", stacklevel=2)
    return None


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint whole or not at all, and unpickles nothing but tensors and plain values."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_aside(path, content.getvalue())

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        return torch.load(path, map_location=map_location or "cpu", weights_only=True)

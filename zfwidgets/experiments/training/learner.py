"""The training itself, as Lightning runs it; a resumed one draws the same random numbers again."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from zfwidgets.experiments.training.pictures import Batch
from zfwidgets.experiments.training.preparation import Preparation
from zfwidgets.experiments.training.recipe import Recipe

CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "rate")


class Learner(LightningModule):
    """A network that learns by a recipe. It keeps what each epoch came to."""

    def __init__(self, module: nn.Module, recipe: Recipe, preparation: Preparation, seed: int) -> None:
        super().__init__()
        self.module, self.recipe, self.preparation, self.seed = module, recipe, preparation, seed
        self.curves: dict[str, list[float]] = {name: [] for name in CURVES}
        self._plateau: ReduceLROnPlateau | None = None
        self._diverged = False  # and that has been said
        self._resumed: dict[str, Any] | None = None  # the plateau's state in the checkpoint
        self._sums = {"train": torch.zeros(3), "validation": torch.zeros(3)}
        self.answers = torch.zeros(2, dtype=torch.int64)  # to the validation images at the end: right ones, and all

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """What is drawn depends on the epoch and the batch alone: dropout, too, draws from torch's own generator."""
        if batch_idx == 0:
            self._sums["train"].zero_()
        number = np.random.SeedSequence((self.seed, self.current_epoch, batch_idx, self.global_rank))
        self._drawn = int(number.generate_state(1, np.uint64)[0] >> 1)
        torch.manual_seed(self._drawn)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        pictures, labels, _ = batch
        if not len(pictures):
            return None
        generator = torch.Generator().manual_seed(self._drawn)
        x = self.preparation.at_random(pictures, self.recipe.crops == "corners", generator)
        output = self.module(self._laid_out(x))
        loss = F.cross_entropy(output.float(), labels)
        self._add("train", loss, output, labels)
        return loss

    def on_validation_epoch_start(self) -> None:
        self._sums["validation"].zero_()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        pictures, labels, _ = batch
        if len(pictures):
            output = self.module(self._laid_out(self.preparation.centre(pictures)))
            self._add("validation", F.cross_entropy(output.float(), labels), output, labels)

    def on_validation_epoch_end(self) -> None:
        """What the epoch came to, as validation ends it. Where the error stands still, the learning rate falls: here,
        since Lightning forgets that step when a training is resumed."""
        train, validation = self._means("train"), self._means("validation")
        rate = self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]
        for name, value in zip(CURVES, (*train, *validation, rate), strict=True):
            self.curves[name].append(float(value))
        if self._plateau is not None:
            self._plateau.step(1 - validation[1])
        if not (math.isfinite(train[0]) or self._diverged):
            self._diverged = True
            warnings.warn(
                f"in epoch {self.current_epoch + 1} the loss was no finite number any more: the learning rate "
                f"({self.recipe.rate:g}) is too high for these weights and inputs",
                stacklevel=1,  # what calls this is Lightning, whose own warnings are not shown
            )

    def predict_step(self, batch: Batch, batch_idx: int) -> None:
        """Counts right answers in single precision: by the crop in the middle, or by ten (§3)."""
        pictures, labels, _ = batch
        if len(pictures):
            prepare = self.preparation
            crops = prepare.ten(pictures) if self.recipe.ten_crops else [prepare.centre(pictures)]
            with torch.autocast(self.device.type, enabled=False):
                probabilities = torch.stack([self.module(self._laid_out(x)).softmax(1) for x in crops]).sum(0)
            self.answers += torch.stack([(probabilities.argmax(1) == labels).sum().cpu(), torch.tensor(len(labels))])

    def on_predict_epoch_end(self) -> None:
        """The count over all processes."""
        self.answers = self.trainer.strategy.reduce(self.answers.to(self.device), reduce_op="sum").cpu()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["curves"] = self.curves
        if self._plateau is not None:
            checkpoint["plateau"] = self._plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        for name in CURVES:
            self.curves[name][:] = map(float, checkpoint["curves"][name])
        self._resumed = checkpoint.get("plateau")

    def on_train_start(self) -> None:
        if self._plateau is not None and self._resumed is not None:
            self._plateau.load_state_dict(self._resumed)

    def configure_optimizers(self) -> Any:
        recipe, parameters = self.recipe, self.module.parameters()
        if recipe.optimizer == "sgd":
            optimizer: torch.optim.Optimizer = torch.optim.SGD(
                parameters, recipe.rate, recipe.momentum, weight_decay=recipe.weight_decay
            )
        else:
            optimizer = torch.optim.AdamW(parameters, recipe.rate, weight_decay=recipe.weight_decay)
        if recipe.schedule == "plateau":
            self._plateau = ReduceLROnPlateau(optimizer, factor=0.1, patience=recipe.patience)
            return optimizer
        steps = max(int(self.trainer.estimated_stepping_batches), 2)
        cycle = OneCycleLR(optimizer, recipe.rate, steps, cycle_momentum=recipe.optimizer != "sgd")
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    def _laid_out(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last) if self.recipe.low_precision else x

    def _add(self, which: str, loss: Tensor, output: Tensor, labels: Tensor) -> None:
        right = (output.argmax(1) == labels).sum()
        found = torch.stack([loss.detach() * len(labels), right, torch.tensor(len(labels), device=right.device)])
        self._sums[which] += found.cpu()

    def _means(self, which: str) -> tuple[float, float]:
        """Mean loss and accuracy of an epoch, over all processes."""
        sums = self.trainer.strategy.reduce(self._sums[which].to(self.device), reduce_op="sum").cpu()
        return float(sums[0] / sums[2].clamp(min=1)), float(sums[1] / sums[2].clamp(min=1))

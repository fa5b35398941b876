"""Train a network by a recipe, with Lightning."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from zfwidgets.backend.random_states import states_after
from zfwidgets.data import Labelled
from zfwidgets.experiments.checkpoint import Asked, opened
from zfwidgets.experiments.memory import give_back
from zfwidgets.experiments.training.held_back import of_source
from zfwidgets.experiments.training.loaders import loaders
from zfwidgets.experiments.training.pictures import Pictures
from zfwidgets.experiments.training.preparation import Preparation
from zfwidgets.experiments.training.recipe import Recipe
from zfwidgets.experiments.training.recipe import recipe as recipe_named
from zfwidgets.experiments.training.result import Training, wilson
from zfwidgets.task import UNWATCHED, Task

if TYPE_CHECKING:
    from zfwidgets.experiments.evolution import EvolutionRecorder
    from zfwidgets.experiments.training.learner import Learner

# What a recipe says, or this module; and by which an epoch's numbers would be of others.
OURS = {
    "max_epochs", "max_steps", "callbacks", "plugins", "logger", "enable_checkpointing", "enable_progress_bar",
    "enable_model_summary", "num_sanity_val_steps", "check_val_every_n_epoch", "val_check_interval",
    "limit_val_batches",
}  # fmt: skip


def train(
    model: nn.Module,
    data: Any = "shapes",
    recipe: str | Recipe = "small",
    *,
    validation: Any = None,
    size: int | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    recorder: EvolutionRecorder | None = None,
    callbacks: Sequence[Any] = (),
    workers: int | None = None,
    progress: bool = True,
    task: Task = UNWATCHED,
    **trainer: Any,
) -> Training:
    """Train a network from the weights that it has; they change in place (§3). Needs `zfwidgets[train]`.

    Args:
        model: any module from images (N, 3, H, W) to one score a class, such as `zf.zfnet()`.
        data: "shapes", or whatever `zf.images` takes, with labels: pairs, a torch Dataset, a folder with a folder a
            class. A folder with `train` and `val` in it, as ImageNet's, brings its own validation.
        recipe: "paper" (SGD with momentum at 0.01, annealed where the validation error stands still, filters clipped to
            an RMS of 0.1, inputs in ±128, corner crops, 70 epochs), "small" (AdamW in one cycle, shifts of four
            pixels, mirrors, bfloat16 where the processor has it, 20 epochs), or a recipe of your own (`zf.recipe`).
        validation: images with labels that it does not learn from; by default other shapes, the folder's own, or a
            tenth of each class.
        size: side of the input in pixels; by default the model's own `size`, else 224.
        seed: of the order of images, of crops and of dropout. On one device the same seed gives the same weights, to
            the last bit on a CPU.
        checkpoint: a folder in which a training that was stopped, even by `kill -9`, goes on after its last whole
            epoch, and comes to the same weights.
        recorder: what records the evolution of the features.
        callbacks: more of Lightning's.
        workers: processes that read images; by default none where all fit into memory, else as many as there are
            processors.
        progress: shows a bar.
        task: watches and cancels it.
        trainer: for Lightning's `Trainer`: accelerator, devices, strategy, num_nodes, precision, …; none by which it
            would validate at other times than after each epoch.

    Raises:
        ValueError: there are no labels, no such recipe, or the model has not one score a class.
        TypeError: an option for Lightning that would contradict the recipe.
        ImportError: Lightning is not installed.
    """
    if strange := OURS & trainer.keys():
        raise TypeError(f"{', '.join(sorted(strange))}: that is for the recipe to say, or for zf.train's own arguments")
    with ExitStack() as stack:
        stack.enter_context(states_after())  # Lightning draws as soon as it is imported
        _require_lightning()
        from zfwidgets.experiments.training.learner import Learner

        chosen = recipe_named(recipe)
        side = int(size or getattr(model, "size", 224))  # type: ignore[arg-type]
        learn, check = of_source(data, validation, 0.1, seed)
        began, preparation, pictures = time.monotonic(), *_prepared(chosen, side, learn, check, task)
        _check_model(model, side, len(learn.classes))
        folder = None
        if checkpoint is not None:
            folder = Path(checkpoint).expanduser()
            if _is_first_process():  # the others of a training in several work in the same folder
                stack.enter_context(opened(folder, _asked(model, learn, check, chosen, side, seed)))
        stack.enter_context(_quiet_lightning())
        learner = Learner(model, chosen, preparation, seed)
        own = _callbacks(learner, recorder, callbacks, folder, task, progress)
        with _laid_out(model, chosen), loaders(*pictures, chosen, seed, workers) as both:
            right, held = _fit(learner, both, own, folder, trainer)
    model.eval()
    found = Training(
        **{name: np.array(curve) for name, curve in learner.curves.items()},
        accuracy=right / held, interval=wilson(right, held), images=(len(pictures[0]), held), classes=learn.classes,
        mean=preparation.mean.numpy(), scale=preparation.scale.numpy(), size=side,
        border=chosen.border * chosen.enlarged, recipe=asdict(chosen), seed=seed, seconds=time.monotonic() - began,
    )  # fmt: skip
    del learner, pictures
    give_back()
    return found


def _prepared(
    recipe: Recipe, side: int, learn: Labelled, check: Labelled, task: Task
) -> tuple[Preparation, tuple[Pictures, Pictures]]:
    larger = side + recipe.border * recipe.enlarged
    both = Pictures(learn, larger), Pictures(check, larger)
    for pictures in both:
        pictures.remember(task, "Reading images")
    return Preparation.fitted(recipe, side, both[0].examples()), both


def _callbacks(
    learner: Learner, recorder: EvolutionRecorder | None, callbacks: Sequence[Any], folder: Path | None, task: Task,
    progress: bool,
) -> list[Any]:  # fmt: skip
    """What happens between the steps, in this order."""
    from zfwidgets.experiments.training.callbacks import ClipFilters, Saved, Watched

    recording = []
    if recorder is not None:
        recorder.of_training(learner.preparation.size, learner.preparation.preprocess)
        recording = [recorder.callback(learner.module, learner.curves)]
    return [
        *([ClipFilters(learner.recipe.filter_rms)] if learner.recipe.filter_rms else []),
        *recording,
        *callbacks,
        *([Saved(folder)] if folder is not None else []),
        Watched(task, progress),
    ]


def _fit(
    learner: Learner, both: tuple[Any, Any], callbacks: list[Any], folder: Path | None, options: dict[str, Any]
) -> tuple[int, int]:
    """Train it, and count its right answers in the validation images, and all of them."""
    from lightning.pytorch import Trainer

    from zfwidgets.experiments.training.callbacks import WholeFiles, latest

    recipe = learner.recipe
    given = {"precision": _precision(recipe, options), "gradient_clip_val": recipe.gradient_norm} | options
    trainer = Trainer(
        max_epochs=recipe.epochs, callbacks=callbacks, plugins=[WholeFiles()], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, **given,
    )  # fmt: skip
    with _interruptible(), _processes_part_in_time():
        trainer.fit(learner, *both, ckpt_path=None if folder is None else latest(folder))
        trainer.predict(learner, both[1], return_predictions=False)
    right, held = learner.answers.tolist()
    return right, held


def _precision(recipe: Recipe, options: dict[str, Any]) -> Any:
    if not recipe.low_precision:
        return "32-true"
    cuda = options.get("accelerator", "auto") in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    fast = torch.cuda.is_bf16_supported() if cuda else torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return "bf16-mixed" if fast else "32-true"


@contextmanager
def _laid_out(model: nn.Module, recipe: Recipe) -> Iterator[None]:
    """Filters with their channels last, while low precision is fastest so."""
    if not recipe.low_precision:
        yield
        return
    model.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        model.to(memory_format=torch.contiguous_format)


def _is_first_process() -> bool:
    """Whether this is not one of the processes that Lightning, or a cluster, has started beside a first one."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def _asked(model: nn.Module, learn: Labelled, check: Labelled, recipe: Recipe, side: int, seed: int) -> Asked:
    data = {"train": learn.images.fingerprint, "validation": check.images.fingerprint}
    settings = {
        "recipe": asdict(recipe), "size": side, "seed": seed, "classes": list(learn.classes),
        "labels": [learn.label_digest, check.label_digest],
    }  # fmt: skip
    return Asked(
        "train", repr(model), f"{len(learn)} images {data['train']}, {len(check)} {data['validation']}", settings
    )


def _check_model(model: nn.Module, side: int, classes: int) -> None:
    """Raise ValueError unless it gives one score for each of so many classes."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a torch.nn.Module, such as zf.zfnet_shapes(); this is {type(model).__name__}")
    modes = {part: part.training for part in model.modules()}
    weight = next(model.parameters())
    try:
        with torch.no_grad():
            shape = tuple(model.eval()(weight.new_zeros((1, 3, side, side))).shape)
    finally:
        for part, mode in modes.items():
            part.training = mode
    if shape != (1, classes):
        raise ValueError(f"the model gives {shape} for one image of {side}×{side}, and there are {classes} classes")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C is Ctrl-C: Lightning would make an exit of it, and ignore the next one."""
    try:
        handler = signal.getsignal(signal.SIGINT)
        yield
    except SystemExit as end:
        if not isinstance(end.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None


@contextmanager
def _processes_part_in_time() -> Iterator[None]:
    """Processes that a training brought together part while Python still stands.

    Later, a thread of Gloo that lets go of a tensor would find no interpreter, and the process would abort.
    """
    apart = not _are_together()
    try:
        yield
    finally:
        if apart and _are_together():
            atexit.register(_part)


def _are_together() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _part() -> None:
    if _are_together():  # Lightning parts those with NCCL
        torch.distributed.destroy_process_group()


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Without its advice on workers and loggers."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        logger.setLevel(level)


def _require_lightning() -> None:
    try:
        import lightning  # noqa: F401
    except ImportError as error:
        raise ImportError("zf.train needs Lightning: pip install 'zfwidgets[train]'") from error

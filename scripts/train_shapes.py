"""Train the small network that the package ships, and record its evolution: `python -m scripts.train_shapes [FOLDER]`.

Takes some 15 minutes of one core. Run twice on one machine, it writes the same bytes.
"""

import shutil
import sys
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

import zfwidgets as zf
from zfwidgets.experiments.evolution.folder import STATE
from zfwidgets.experiments.evolution.prepared import PLACE
from zfwidgets.experiments.training.result import wilson
from zfwidgets.models.embedded import EPOCHS, SHAPES_WEIGHTS, load_shapes, save_epoch, shapes_module

SEED = 0
FEATURES = 6  # of each layer, so that weights and evolution stay below 15 MB together
HELD_OUT = zf.Shapes(5000, seed=1000)
WATCHED = zf.Shapes(512, seed=2000)


class KeepWeights(Callback):
    """Writes the weights after the epochs that are recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        epoch = trainer.current_epoch + 1
        if epoch in EPOCHS:
            save_epoch(pl_module.module, epoch, pl_module.preparation.preprocess, self.folder)
        print(f"epoch {epoch}: {pl_module.curves['validation_accuracy'][-1]:.3f}", flush=True)


def main(weights: Path = SHAPES_WEIGHTS, evolution: Path = PLACE) -> None:
    """Train, and write weights and evolution into the package, or elsewhere."""
    for folder in (weights, evolution):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    torch.set_num_threads(1)  # sums are added in one order
    torch.manual_seed(SEED)
    model = zf.zfnet_shapes()
    training = zf.train(
        model, zf.Shapes(), zf.recipe("small", epochs=EPOCHS[-1]), seed=SEED, callbacks=[KeepWeights(weights)],
        progress=False, accelerator="cpu",
    )  # fmt: skip
    training.save(weights / "training.safetensors")
    record(weights, evolution, training)
    answers = load_shapes(folder=weights, device="cpu").predict(HELD_OUT).probability.argmax(1)
    right = int((answers == HELD_OUT.targets).sum())
    low, high = wilson(right, len(HELD_OUT))
    print(
        f"{right} of {len(HELD_OUT)} held-out shapes right: {right / len(HELD_OUT):.2%}, 95 % {low:.2%} to {high:.2%}"
    )
    size = sum(path.stat().st_size for folder in (weights, evolution) for path in folder.iterdir())
    print(f"{size / 1e6:.1f} MB")


def record(weights: Path, folder: Path, training: zf.Training) -> None:
    """Record the weights that were kept, in half precision as they are shipped; the last ones choose the anchors."""
    preprocess = load_shapes(folder=weights).preprocess
    settings = {"features": FEATURES, "preprocess": preprocess}
    last = zf.EvolutionRecorder(WATCHED, epochs=EPOCHS, **settings)
    last.record(shapes_module(weights, EPOCHS[-1]), EPOCHS[-1])
    anchors = {layer: images[0].tolist() for layer, images in last.evolution.snapshots[0].images.items()}
    recorder = zf.EvolutionRecorder(WATCHED, path=folder, anchors=anchors, **settings)
    torch.manual_seed(SEED)
    recorder.start(zf.zfnet_shapes())  # as the training began
    curves = training.to_pandas().set_index("epoch").to_dict("index")
    for epoch, numbers in curves.items():
        model = shapes_module(weights, epoch) if epoch in EPOCHS else zf.zfnet_shapes()
        recorder.record(model, epoch, **numbers)
    for state in folder.glob(f"{STATE}*"):
        state.unlink()


if __name__ == "__main__":
    main(*(Path(sys.argv[1], name) for name in ("weights", "evolution") if len(sys.argv) > 1))

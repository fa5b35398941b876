"""Look inside a convolutional network from a notebook: Zeiler & Fergus, live, on any PyTorch CNN."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zfwidgets.data import Shapes, corpus, face_parts, faces, images, photograph, photograph_names, photographs
    from zfwidgets.experiments.ablation import (
        Ablation,
        PaperRow,
        ablation,
        papers_ablation,
        prepared_ablation,
    )
    from zfwidgets.experiments.correspondence import Correspondence, correspondence
    from zfwidgets.experiments.diagnosis import Diagnosis, Verdict, diagnose
    from zfwidgets.experiments.evolution import Evolution, EvolutionRecorder, Snapshot, prepared_evolution
    from zfwidgets.experiments.gallery import Gallery, gallery
    from zfwidgets.experiments.invariance import Invariance, invariance, invariance_sweep, transformation
    from zfwidgets.experiments.occlusion import Hiding, Occlusion, hide, occlusion, occlusion_sweep
    from zfwidgets.experiments.projection import ImageFeatures, Projection, project
    from zfwidgets.experiments.responses import Responses, responses
    from zfwidgets.experiments.sharing import (
        KnockOut,
        Sharing,
        SharingBranch,
        SharingCheck,
        SharingLinks,
        SharingPart,
        knock_out,
        prepared_sharing,
        sharing,
        sharing_layers,
    )
    from zfwidgets.experiments.top_activations import TopActivations, prepared_tops, top_activations
    from zfwidgets.experiments.training import Recipe, Training, clip_rms, recipe, train
    from zfwidgets.models import Meaning, Network, Prediction, Preprocess, load
    from zfwidgets.models.zfnet import alexnet_zf, zfnet, zfnet_shapes
    from zfwidgets.task import Task
    from zfwidgets.widgets.architecture_lab import ArchitectureLab
    from zfwidgets.widgets.correspondence_lab import CorrespondenceLab
    from zfwidgets.widgets.evolution_player import EvolutionPlayer
    from zfwidgets.widgets.feature_explorer import FeatureExplorer
    from zfwidgets.widgets.invariance_explorer import InvarianceExplorer
    from zfwidgets.widgets.occlusion_canvas import OcclusionCanvas
    from zfwidgets.widgets.selection import Selection
    from zfwidgets.widgets.sharing_explorer import SharingExplorer
    from zfwidgets.widgets.top_nine import TopNine

__version__ = "0.1.0"

# Public names are imported when they are first used (PEP 562): `import zfwidgets` loads no torch.
_PLACES = {
    "Ablation": "experiments.ablation",
    "ArchitectureLab": "widgets.architecture_lab",
    "Correspondence": "experiments.correspondence",
    "CorrespondenceLab": "widgets.correspondence_lab",
    "Diagnosis": "experiments.diagnosis",
    "Evolution": "experiments.evolution",
    "EvolutionPlayer": "widgets.evolution_player",
    "EvolutionRecorder": "experiments.evolution",
    "FeatureExplorer": "widgets.feature_explorer",
    "Gallery": "experiments.gallery",
    "Hiding": "experiments.occlusion",
    "ImageFeatures": "experiments.projection",
    "Invariance": "experiments.invariance",
    "InvarianceExplorer": "widgets.invariance_explorer",
    "KnockOut": "experiments.sharing",
    "Meaning": "models",
    "Network": "models",
    "Occlusion": "experiments.occlusion",
    "OcclusionCanvas": "widgets.occlusion_canvas",
    "PaperRow": "experiments.ablation",
    "Prediction": "models",
    "Preprocess": "models",
    "Projection": "experiments.projection",
    "Recipe": "experiments.training",
    "Responses": "experiments.responses",
    "Selection": "widgets.selection",
    "Shapes": "data",
    "Sharing": "experiments.sharing",
    "SharingBranch": "experiments.sharing",
    "SharingCheck": "experiments.sharing",
    "SharingExplorer": "widgets.sharing_explorer",
    "SharingLinks": "experiments.sharing",
    "SharingPart": "experiments.sharing",
    "Snapshot": "experiments.evolution",
    "Task": "task",
    "TopActivations": "experiments.top_activations",
    "TopNine": "widgets.top_nine",
    "Training": "experiments.training",
    "Verdict": "experiments.diagnosis",
    "ablation": "experiments.ablation",
    "alexnet_zf": "models.zfnet",
    "clip_rms": "experiments.training",
    "corpus": "data",
    "correspondence": "experiments.correspondence",
    "diagnose": "experiments.diagnosis",
    "face_parts": "data",
    "faces": "data",
    "gallery": "experiments.gallery",
    "hide": "experiments.occlusion",
    "images": "data",
    "invariance": "experiments.invariance",
    "invariance_sweep": "experiments.invariance",
    "knock_out": "experiments.sharing",
    "load": "models",
    "occlusion": "experiments.occlusion",
    "occlusion_sweep": "experiments.occlusion",
    "papers_ablation": "experiments.ablation",
    "photograph": "data",
    "photograph_names": "data",
    "photographs": "data",
    "prepared_ablation": "experiments.ablation",
    "prepared_evolution": "experiments.evolution",
    "prepared_sharing": "experiments.sharing",
    "prepared_tops": "experiments.top_activations",
    "project": "experiments.projection",
    "recipe": "experiments.training",
    "responses": "experiments.responses",
    "sharing": "experiments.sharing",
    "sharing_layers": "experiments.sharing",
    "top_activations": "experiments.top_activations",
    "train": "experiments.training",
    "transformation": "experiments.invariance",
    "zfnet": "models.zfnet",
    "zfnet_shapes": "models.zfnet",
}

__all__ = [
    "Ablation",
    "ArchitectureLab",
    "Correspondence",
    "CorrespondenceLab",
    "Diagnosis",
    "Evolution",
    "EvolutionPlayer",
    "EvolutionRecorder",
    "FeatureExplorer",
    "Gallery",
    "Hiding",
    "ImageFeatures",
    "Invariance",
    "InvarianceExplorer",
    "KnockOut",
    "Meaning",
    "Network",
    "Occlusion",
    "OcclusionCanvas",
    "PaperRow",
    "Prediction",
    "Preprocess",
    "Projection",
    "Recipe",
    "Responses",
    "Selection",
    "Shapes",
    "Sharing",
    "SharingBranch",
    "SharingCheck",
    "SharingExplorer",
    "SharingLinks",
    "SharingPart",
    "Snapshot",
    "Task",
    "TopActivations",
    "TopNine",
    "Training",
    "Verdict",
    "ablation",
    "alexnet_zf",
    "clip_rms",
    "corpus",
    "correspondence",
    "diagnose",
    "face_parts",
    "faces",
    "gallery",
    "hide",
    "images",
    "invariance",
    "invariance_sweep",
    "knock_out",
    "load",
    "occlusion",
    "occlusion_sweep",
    "papers_ablation",
    "photograph",
    "photograph_names",
    "photographs",
    "prepared_ablation",
    "prepared_evolution",
    "prepared_sharing",
    "prepared_tops",
    "project",
    "recipe",
    "responses",
    "sharing",
    "sharing_layers",
    "top_activations",
    "train",
    "transformation",
    "zfnet",
    "zfnet_shapes",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'zfwidgets' has no attribute {name!r}")
    return getattr(import_module(f"zfwidgets.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""Look inside a convolutional network from a notebook: Zeiler & Fergus, live, on any PyTorch CNN."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zfwidgets.data import (
        Labelled,
        Shapes,
        corpus,
        face_parts,
        faces,
        images,
        photograph,
        photograph_names,
        photographs,
    )
    from zfwidgets.data.sets import LabelledObjects, caltech101, caltech256, data_set, voc2012
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
    from zfwidgets.experiments.transfer import (
        Confusion,
        Estimate,
        NearDuplicates,
        ObjectTransfer,
        PaperTransfer,
        Taught,
        Transfer,
        from_scratch,
        near_duplicates,
        papers_transfer,
        prepared_transfer,
        teach,
        transfer,
        transfer_objects,
        transfer_sweep,
    )
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
    from zfwidgets.widgets.transfer_lab import TransferLab

__version__ = "0.1.0"

# Public names are imported when they are first used (PEP 562): `import zfwidgets` loads no torch.
_PLACES = {
    "Ablation": "experiments.ablation",
    "ArchitectureLab": "widgets.architecture_lab",
    "Confusion": "experiments.transfer",
    "Correspondence": "experiments.correspondence",
    "CorrespondenceLab": "widgets.correspondence_lab",
    "Diagnosis": "experiments.diagnosis",
    "Estimate": "experiments.transfer",
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
    "Labelled": "data",
    "LabelledObjects": "data.sets",
    "Meaning": "models",
    "NearDuplicates": "experiments.transfer",
    "Network": "models",
    "ObjectTransfer": "experiments.transfer",
    "Occlusion": "experiments.occlusion",
    "OcclusionCanvas": "widgets.occlusion_canvas",
    "PaperRow": "experiments.ablation",
    "PaperTransfer": "experiments.transfer",
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
    "Taught": "experiments.transfer",
    "TopActivations": "experiments.top_activations",
    "TopNine": "widgets.top_nine",
    "Training": "experiments.training",
    "Transfer": "experiments.transfer",
    "TransferLab": "widgets.transfer_lab",
    "Verdict": "experiments.diagnosis",
    "ablation": "experiments.ablation",
    "alexnet_zf": "models.zfnet",
    "caltech101": "data.sets",
    "caltech256": "data.sets",
    "clip_rms": "experiments.training",
    "corpus": "data",
    "correspondence": "experiments.correspondence",
    "data_set": "data.sets",
    "diagnose": "experiments.diagnosis",
    "face_parts": "data",
    "faces": "data",
    "from_scratch": "experiments.transfer",
    "gallery": "experiments.gallery",
    "hide": "experiments.occlusion",
    "images": "data",
    "invariance": "experiments.invariance",
    "invariance_sweep": "experiments.invariance",
    "knock_out": "experiments.sharing",
    "load": "models",
    "near_duplicates": "experiments.transfer",
    "occlusion": "experiments.occlusion",
    "occlusion_sweep": "experiments.occlusion",
    "papers_ablation": "experiments.ablation",
    "papers_transfer": "experiments.transfer",
    "photograph": "data",
    "photograph_names": "data",
    "photographs": "data",
    "prepared_ablation": "experiments.ablation",
    "prepared_evolution": "experiments.evolution",
    "prepared_sharing": "experiments.sharing",
    "prepared_tops": "experiments.top_activations",
    "prepared_transfer": "experiments.transfer",
    "project": "experiments.projection",
    "recipe": "experiments.training",
    "responses": "experiments.responses",
    "sharing": "experiments.sharing",
    "sharing_layers": "experiments.sharing",
    "teach": "experiments.transfer",
    "top_activations": "experiments.top_activations",
    "train": "experiments.training",
    "transfer": "experiments.transfer",
    "transfer_objects": "experiments.transfer",
    "transfer_sweep": "experiments.transfer",
    "transformation": "experiments.invariance",
    "voc2012": "data.sets",
    "zfnet": "models.zfnet",
    "zfnet_shapes": "models.zfnet",
}

__all__ = [
    "Ablation",
    "ArchitectureLab",
    "Confusion",
    "Correspondence",
    "CorrespondenceLab",
    "Diagnosis",
    "Estimate",
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
    "Labelled",
    "LabelledObjects",
    "Meaning",
    "NearDuplicates",
    "Network",
    "ObjectTransfer",
    "Occlusion",
    "OcclusionCanvas",
    "PaperRow",
    "PaperTransfer",
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
    "Taught",
    "TopActivations",
    "TopNine",
    "Training",
    "Transfer",
    "TransferLab",
    "Verdict",
    "ablation",
    "alexnet_zf",
    "caltech101",
    "caltech256",
    "clip_rms",
    "corpus",
    "correspondence",
    "data_set",
    "diagnose",
    "face_parts",
    "faces",
    "from_scratch",
    "gallery",
    "hide",
    "images",
    "invariance",
    "invariance_sweep",
    "knock_out",
    "load",
    "near_duplicates",
    "occlusion",
    "occlusion_sweep",
    "papers_ablation",
    "papers_transfer",
    "photograph",
    "photograph_names",
    "photographs",
    "prepared_ablation",
    "prepared_evolution",
    "prepared_sharing",
    "prepared_tops",
    "prepared_transfer",
    "project",
    "recipe",
    "responses",
    "sharing",
    "sharing_layers",
    "teach",
    "top_activations",
    "train",
    "transfer",
    "transfer_objects",
    "transfer_sweep",
    "transformation",
    "voc2012",
    "zfnet",
    "zfnet_shapes",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'zfwidgets' has no attribute {name!r}")
    return getattr(import_module(f"zfwidgets.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

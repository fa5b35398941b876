"""Whoever gives a bare module, or anything else that is no network, is told how to make one: everywhere."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
from torch import nn

import zfwidgets as zf

IMAGE = np.zeros((20, 20, 3), np.uint8)
BOX = (2, 2, 8, 8)
MODULE = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

FUNCTIONS = {
    "project": lambda net: zf.project(net, IMAGE, "0", 0),
    "ImageFeatures": lambda net: zf.ImageFeatures(net, IMAGE),
    "ImageFeatures.of_input": lambda net: zf.ImageFeatures.of_input(net, IMAGE, None),
    "top_activations": lambda net: zf.top_activations(net, [IMAGE], progress=False),
    "prepared_tops": lambda net: zf.prepared_tops(net, [IMAGE]),
    "gallery": lambda net: zf.gallery(net, [IMAGE], None, "0"),
    "occlusion": lambda net: zf.occlusion(net, IMAGE),
    "occlusion_sweep": lambda net: zf.occlusion_sweep(net, IMAGE),
    "hide": lambda net: zf.hide(net, IMAGE, BOX),
    "responses": lambda net: zf.responses(net, IMAGE, "0"),
    "invariance": lambda net: zf.invariance(net, [IMAGE]),
    "invariance_sweep": lambda net: zf.invariance_sweep(net, [IMAGE]),
    "diagnose": lambda net: zf.diagnose(net, [IMAGE]),
    "sharing": lambda net: zf.sharing(net, [IMAGE], progress=False),
    "sharing_layers": lambda net: zf.sharing_layers(net),
    "prepared_sharing": lambda net: zf.prepared_sharing(net, [IMAGE]),
    "prepared_transfer": lambda net: zf.prepared_transfer(net, "faces"),
    "knock_out": lambda net: zf.knock_out(net, IMAGE, "0", 0),
    "correspondence": lambda net: zf.correspondence(net, [IMAGE, IMAGE], {"nose": [BOX, BOX]}),
    "transfer": lambda net: zf.transfer(net, "digits", progress=False),
    "transfer_sweep": lambda net: zf.transfer_sweep(net, "digits", progress=False),
    "transfer_objects": lambda net: zf.transfer_objects(net, None, None, progress=False),  # type: ignore[arg-type]
    "near_duplicates": lambda net: zf.near_duplicates(net, [IMAGE], progress=False),
    "teach": lambda net: zf.teach(net, {"one": [IMAGE], "other": [IMAGE]}),
}
WIDGETS = {
    name: lambda net, name=name: getattr(zf, name)(net, [IMAGE, IMAGE])
    for name in (
        "CorrespondenceLab",
        "FeatureExplorer",
        "InvarianceExplorer",
        "OcclusionCanvas",
        "SharingExplorer",
        "TopNine",
        "TransferLab",
    )
}
CALLS = FUNCTIONS | WIDGETS | {"Selection": lambda net: zf.Selection(net, [IMAGE])}


def test_nothing_that_takes_a_network_is_left_out():
    public = {name: getattr(zf, name) for name in zf.__all__}
    asking = {name for name, one in public.items() if callable(one) and "net" in inspect.signature(one).parameters}
    assert len(asking) > 10
    assert asking <= set(CALLS)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (MODULE, "not Sequential; make one first: zf.Network(module)"),
        (nn.ReLU, "not the class ReLU; make one first: zf.Network(ReLU(…))"),
        ("resnet18", "not the text 'resnet18'; make one first: zf.load('resnet18')"),
        (None, "not NoneType; make one first: zf.Network(module)"),
        (IMAGE, "not ndarray; make one first: zf.Network(module)"),
    ],
    ids=["module", "class", "name", "none", "image"],
)
def test_what_is_no_network_is_refused_with_how_to_make_one(call, given, said):
    with pytest.raises(TypeError, match=re.escape(said)):
        call(given)


def test_a_module_beside_a_shared_selection_or_a_network_to_compare_is_refused_too():
    net = zf.Network(nn.Sequential(*MODULE, nn.AdaptiveAvgPool2d(1), nn.Flatten()), size=16, device="cpu")
    with pytest.raises(TypeError, match="make one first"):
        zf.FeatureExplorer(MODULE, selection=zf.Selection(net, [IMAGE]))
    with pytest.raises(TypeError, match="make one first"):
        zf.InvarianceExplorer(net, [IMAGE], compare=MODULE)

"""One small network of every family of timm and torchvision that convolves: all its maps are seen, exactly.

Some have attention in between. Untrained, at the smallest size that the family takes. What is compared with autograd is
a unit in the middle of the network and one of the last maps, by the deconvnet's rule.
"""

from __future__ import annotations

import logging

import pytest
import timm
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from .. import oracles
from ..oracles import relative_error

pytestmark = pytest.mark.slow
TIMM = {  # by family; the side of the image
    "botnet26t_256": 256, "gernet_s": 64, "repvgg_a0": 64, "convmixer_1024_20_ks9_p14": 56, "convnext_atto": 64,
    "cs3darknet_s": 64, "cspnext_tiny": 64, "dla34": 64, "dpn48b": 64,
    "edgenext_small": 64, "tf_efficientnet_lite0": 64, "efficientvit_b0": 64, "fasternet_t0": 64, "fastvit_t8": 64,
    "ghostnet_050": 64, "hardcorenas_a": 64, "hgnetv2_b0": 64, "hrnet_w18_small": 64, "inception_next_atto": 64,
    "inception_resnet_v2": 96, "inception_v4": 96, "lcnetv2_small": 64, "lowformer_b0": 64,
    "mambaout_femto": 64, "caformer_s18": 64, "poolformer_s12": 64, "lcnet_035": 64, "mobilevit_xxs": 64,
    "nf_resnet26": 64, "rdnet_tiny": 64, "regnetx_002": 64, "repghostnet_050": 64, "repvit_m0_9": 64,
    "res2net50_48w_2s": 64, "resnest26d": 64, "resnet26d": 64, "resnetv2_18": 64, "rexnet_100": 64,
    "selecsls42": 64, "legacy_seresnet18": 64, "shvit_s1": 64, "skresnet18": 64, "starnet_s050": 64,
    "swiftformer_xs": 64, "tresnet_l": 64, "ese_vovnet19b_slim": 64,
    "legacy_xception": 64, "xception41": 64, "nasnetalarge": 96, "pnasnet5large": 96, "nextvit_small": 64,
    "iformer_t": 64, "cpubone_b0_bfrobust": 64, "visformer_tiny": 224,
}  # fmt: skip
TORCHVISION = {
    "alexnet": 64, "vgg11_bn": 64, "squeezenet1_0": 64, "resnet18": 64, "resnext50_32x4d": 64, "wide_resnet50_2": 64,
    "googlenet": 64, "inception_v3": 80, "densenet121": 64, "mobilenet_v2": 64, "mobilenet_v3_small": 64,
    "efficientnet_b0": 64, "efficientnet_v2_s": 64, "shufflenet_v2_x0_5": 64, "mnasnet0_5": 64, "regnet_y_400mf": 64,
    "convnext_tiny": 64,
}  # fmt: skip
AS_LOADED = {name: {"transform_input": True, "init_weights": False} for name in ("googlenet", "inception_v3")}
FAMILIES = [*(("timm", name) for name in TIMM), *(("torchvision", name) for name in TORCHVISION)]


@pytest.fixture(autouse=True, scope="module")
def no_words_about_sizes():
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    yield
    logging.disable(before)


def built(source: str, name: str) -> tuple[nn.Module, int]:
    torch.manual_seed(3)
    if source == "torchvision":
        return get_model(name, weights=None, **AS_LOADED.get(name, {})).eval(), TORCHVISION[name]
    return timm.create_model(name, pretrained=False).eval(), TIMM[name]


def convolutions(module: nn.Module, images: Tensor) -> list[str]:
    """The names of the convolutions that give maps, as often as they are called."""
    found: list[str] = []
    hooks = [
        part.register_forward_hook(lambda part, inputs, output, name=name: found.append(name))
        for name, part in module.named_modules()
        if isinstance(part, nn.Conv2d)
    ]
    with torch.no_grad():
        module(images)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize(("source", "name"), FAMILIES, ids=[f"{source}/{name}" for source, name in FAMILIES])
def test_all_maps_of_a_family_are_seen_and_projected_as_autograd_does(source, name):
    module, side = built(source, name)
    program = capture(module, (3, side, side))
    images = torch.randn(1, 3, side, side)
    with torch.no_grad():
        expected = module(images)
    assert relative_error(forward(program, images, [program.output]).activations[program.output], expected) < 1e-4

    seen = {layer.name for layer in program.layers}
    called = convolutions(module, images)
    assert [conv for conv in set(called) if conv not in seen] == []
    assert len(called) <= sum(layer.kind == "convolution" for layer in program.layers)

    sites = [layer.name for layer in program.layers if layer.name in called and layer.units > 1]
    for site in (sites[len(sites) // 2], sites[-1]):
        assert error_of(module, program, images, site) < 1e-4 or in_double(source, name, images, site) < 1e-8, site


def error_of(module: nn.Module, program: Program, images: Tensor, site: str) -> float:
    step = program.by_name[site]
    maps = forward(program, images, [step]).activations[step]
    place = divmod(int(maps[0].sum(0).abs().argmax()), maps.shape[-1])
    unit = (0, int(maps[0, :, place[0], place[1]].argmax()), *place)
    expected, _ = oracles.project_units(module, images, site, [unit], "deconvnet")
    found = project_units(program, images, step, Units(*torch.tensor([unit]).T))
    return relative_error(found.on_image(0, *images.shape[2:])[None], expected)


def in_double(source: str, name: str, images: Tensor, site: str) -> float:
    """Where near-ties of a maximum fall on other switches in single precision."""
    module = built(source, name)[0].double()
    program = capture(module, tuple(images.shape[1:]))
    return error_of(module, program, images.double(), site)

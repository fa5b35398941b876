"""The embedded network is torchvision's SqueezeNet 1.1, step by step."""

import pytest
import torch
from safetensors.torch import load_file
from torchvision.models import SqueezeNet1_1_Weights
from torchvision.models import squeezenet1_1 as of_torchvision

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.run.forward import forward
from zfwidgets.models.squeezenet import SIZE, TRAINED, imagenet_labels, squeezenet1_1


@pytest.fixture(scope="module")
def module():
    module = of_torchvision().eval()
    module.load_state_dict(load_file(TRAINED))
    return module


def test_the_written_program_has_the_layers_of_the_captured_one(module):
    written, captured = squeezenet1_1(), capture(module, (3, SIZE, SIZE))
    assert written.layers == captured.layers
    assert written.modules == captured.modules


def test_the_written_program_computes_what_torchvision_computes(module):
    program = squeezenet1_1()
    images = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = module(images)
    scores = forward(program, images, [program.output]).activations[program.output]
    torch.testing.assert_close(scores, expected, rtol=1e-5, atol=1e-5)


def test_labels_are_those_of_torchvision():
    assert imagenet_labels() == tuple(SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"])

"""Titles are what a person would call the layers: plain, in order, each given once, whatever the modules' names."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import get_model

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.graph.titles import titles
from zfwidgets.backend.ops.linear import Convolution
from zfwidgets.backend.ops.merging import Concatenation
from zfwidgets.backend.ops.normalisation import BatchNorm
from zfwidgets.backend.ops.pooling import MaxPool
from zfwidgets.backend.ops.rectifier import Rectifier
from zfwidgets.backend.ops.shaping import Reshape
from zfwidgets.models import Network
from zfwidgets.models.fingerprint import fingerprint
from zfwidgets.models.squeezenet import squeezenet1_1

UNTRAINED = {"googlenet": {"aux_logits": False, "init_weights": False}}


@cache
def captured(model: str, size: int = 96) -> Program:
    """The program of a published network, without its weights."""
    with torch.device("meta"):
        module = made(model).eval()
    return capture(module, (3, size, size))


def made(model: str) -> nn.Module:
    if not model.startswith("timm/"):
        return get_model(model, weights=None, **UNTRAINED.get(model, {}))
    import timm

    return timm.create_model(model.removeprefix("timm/"))


def all_titles(program: Program | nn.Module, size: int = 32) -> dict[str, str]:
    """By name."""
    program = program if isinstance(program, Program) else capture(program.eval(), (3, size, size))
    return {layer.name: layer.title for layer in program.layers}


def main_titles(program: Program | nn.Module, size: int = 32) -> list[str]:
    """Those of the layers that widgets offer first; a network without weights can tell them, too."""
    net = Network.__new__(Network)
    net.program = program if isinstance(program, Program) else capture(program.eval(), (3, size, size))
    return [layer.title for layer in net.main_layers]


def listed(text: str) -> list[str]:
    return [title.strip() for title in text.split(",")]


def test_the_embedded_network_is_counted_as_in_its_paper():
    shown = [title for title in main_titles(squeezenet1_1()) if "squeeze" not in title]
    assert shown == listed(
        "conv 1, pool 1, fire 2, fire 3, pool 3, fire 4, fire 5, pool 5, fire 6, fire 7, fire 8, fire 9, conv 10, "
        "average pool"
    )


def test_the_steps_of_a_fire_module_say_what_they_are():
    found = {name: title for name, title in all_titles(squeezenet1_1()).items() if name.startswith("features.6.")}
    assert list(found.values()) == listed(
        "fire 4 · squeeze · before ReLU, fire 4 · squeeze, fire 4 · expand 1×1 · before ReLU, fire 4 · expand 1×1, "
        "fire 4 · expand 3×3 · before ReLU, fire 4 · expand 3×3, fire 4"
    )


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            "alexnet",
            "conv 1, pool 1, conv 2, pool 2, conv 3, conv 4, conv 5, pool 5, average pool, fc 6, fc 7, fc 8",
        ),
        (
            "vgg16",
            "conv 1, conv 2, pool 2, conv 3, conv 4, pool 4, conv 5, conv 6, conv 7, pool 7, conv 8, conv 9, conv 10, "
            "pool 10, conv 11, conv 12, conv 13, pool 13, average pool, fc 14, fc 15, fc 16",
        ),
        (
            "resnet18",
            "conv 1, pool 1, stage 1 · block 1, stage 1 · block 2, stage 2 · block 1, stage 2 · block 2, "
            "stage 3 · block 1, stage 3 · block 2, stage 4 · block 1, stage 4 · block 2, average pool, fc",
        ),
        pytest.param(
            "googlenet",
            "conv 1, pool 1, conv 2, conv 3, pool 2, inception 3a, inception 3b, pool 3, inception 4a, inception 4b, "
            "inception 4c, inception 4d, inception 4e, pool 4, inception 5a, inception 5b, average pool, fc",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "densenet121",
            "conv 0, pool 0, transition 1 · norm, transition 1, transition 1 · pool, transition 2 · norm, "
            "transition 2, transition 2 · pool, transition 3 · norm, transition 3, transition 3 · pool, norm 5, "
            "average pool, classifier",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_published_networks_are_called_as_in_the_literature(model, expected):
    assert main_titles(captured(model)) == listed(expected)


def test_what_is_on_the_way_through_a_block_says_what_it_stands_before():
    found = all_titles(captured("resnet18"))
    assert [found[f"layer3.0.{name}"] for name in ("conv1", "bn1", "relu", "conv2", "bn2")] == [
        f"stage 3 · block 1 · {part}"
        for part in ("conv 1 · before norm", "conv 1 · before ReLU", "conv 1", "conv 2 · before norm", "conv 2")
    ]
    assert found["layer3.0.downsample.1"] == "stage 3 · block 1 · downsample"
    assert found["layer3.0.add"] == "stage 3 · block 1 · before ReLU"
    assert found["layer3.0.relu_1"] == "stage 3 · block 1"


class StudentsNet(nn.Module):
    """As in PyTorch's tutorial: functions between modules, one pool used twice."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.pool = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = torch.flatten(self.pool(F.relu(self.conv2(x))), 1)
        return F.log_softmax(self.fc3(F.relu(self.fc2(F.relu(self.fc1(x))))), 1)


def test_a_students_network_is_called_by_its_own_names():
    assert main_titles(StudentsNet()) == listed("conv 1, pool 1, conv 2, pool 2, fc 1, fc 2, fc 3, output")
    assert all_titles(StudentsNet())["conv2"] == "conv 2 · before ReLU"


class Reusing(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)

    def forward(self, x):
        return F.max_pool2d(F.relu(self.conv2(F.relu(self.conv2(F.relu(self.conv1(x)))))), 2)


def test_a_module_used_again_is_another_call_of_it():
    assert all_titles(Reusing()) == {
        "conv1": "conv 1 · before ReLU", "relu": "conv 1",
        "conv2": "conv 2 · before ReLU", "relu_1": "conv 2",
        "conv2_1": "conv 2 · call 2 · before ReLU", "relu_2": "conv 2 · call 2",
        "max_pool2d": "output",
    }  # fmt: skip


def filters(channels, count, norm=False):
    norms = [nn.BatchNorm2d(count)] if norm else []
    return nn.Sequential(nn.Conv2d(channels, count, 3, padding=1), *norms, nn.ReLU())


def test_units_in_sequences_of_sequences_are_counted_through():
    module = nn.Sequential(
        nn.Sequential(*filters(3, 4), nn.MaxPool2d(2)),
        nn.Sequential(*filters(4, 4, norm=True), *filters(4, 6), nn.MaxPool2d(2)),
        nn.Sequential(nn.Flatten(), nn.Linear(384, 8), nn.ReLU(), nn.Linear(8, 3)),
    )
    assert main_titles(module) == listed("conv 1, pool 1, conv 2, conv 3, pool 3, fc 4, fc 5")
    assert all_titles(module)["1.0"] == "conv 2 · before norm"
    assert all_titles(module)["1.1"] == "conv 2 · before ReLU"


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(*filters(3, 4), nn.MaxPool2d(2), *filters(4, 8))
        self.decoder = nn.Sequential(nn.ConvTranspose2d(8, 4, 2, 2), nn.ReLU(), nn.Conv2d(4, 3, 1), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


def test_an_autoencoder_has_an_encoder_and_a_decoder():
    assert main_titles(Autoencoder()) == listed(
        "encoder · conv 1, encoder · pool 1, encoder · conv 2, decoder · up conv 1, decoder · conv 2, output"
    )


class DoubleConv(nn.Module):
    def __init__(self, channels, count):
        super().__init__()
        self.both = nn.Sequential(*filters(channels, count, norm=True), *filters(count, count, norm=True))

    def forward(self, x):
        return self.both(x)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc1, self.enc2, self.bottleneck = DoubleConv(3, 4), DoubleConv(4, 8), DoubleConv(8, 16)
        self.pool = nn.MaxPool2d(2)
        self.upconv2, self.dec2 = nn.ConvTranspose2d(16, 8, 2, 2), DoubleConv(16, 8)
        self.upconv1, self.dec1 = nn.ConvTranspose2d(8, 4, 2, 2), DoubleConv(8, 4)
        self.final = nn.Conv2d(4, 1, 1)

    def forward(self, x):
        first = self.enc1(x)
        second = self.enc2(self.pool(first))
        x = self.upconv2(self.bottleneck(self.pool(second)))
        x = self.upconv1(self.dec2(torch.cat([second, x], 1)))
        return torch.sigmoid(self.final(self.dec1(torch.cat([first, x], 1))))


def test_a_u_net_is_called_by_its_own_names():
    found = all_titles(UNet())
    shown = [title for title in found.values() if " · " not in title]
    assert shown == listed(
        "encoder 1, pool 1, encoder 2, pool 2, bottleneck, up conv 2, concatenation 2, decoder 2, up conv 1, "
        "concatenation 1, decoder 1, final, output"
    )
    assert found["dec1.both.2"] == "decoder 1 · conv 1"


class Lists(nn.Module):
    """Modules in lists, called in a loop."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(4)])
        self.blocks = nn.ModuleList([DoubleConv(4, 4), DoubleConv(4, 4)])
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu(norm(conv(x)))
        for block in self.blocks:
            x = x + block(x)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


def test_members_of_lists_are_numbered_from_one():
    assert main_titles(Lists()) == listed("conv 1, conv 2, sum 1, sum 2, average pool, head")
    assert all_titles(Lists())["blocks.1.both.5"] == "block 2"


FAMILIES = (
    "squeezenet1_0", "vgg11_bn", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny",
    "shufflenet_v2_x0_5", "mnasnet0_5", "googlenet", "densenet121", "timm/resnet18", "timm/regnetx_002",
    "timm/repvgg_a0", "timm/efficientnet_lite0", "timm/convnext_atto", "timm/xception41",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("model", FAMILIES)
def test_titles_of_all_families_are_unique_and_their_numbers_rise(model):
    program = captured(model)
    found = [layer.title for layer in program.layers]
    assert len(set(found)) == len(found)
    shown = main_titles(program)
    assert not falling_numbers(shown)
    assert max(len(title) for title in shown if title.count(" · ") < 2) <= 25
    assert not [title for title in shown if re.search(r"[_.(]", title)]  # no module paths, no last resort


def falling_numbers(shown: list[str]) -> list[str]:
    """Titles whose number is lower than that of an earlier one of the same name in the same place."""
    highest: dict[tuple[str, str], tuple[int, str]] = {}
    falling = []
    for title in shown:
        place, _, label = title.rpartition(" · ")
        word, _, number = label.rpartition(" ")
        if parsed := re.fullmatch(r"(\d+)([a-z]?)", number):
            now = int(parsed[1]), parsed[2]
            if now < highest.get((place, word), now):
                falling.append(title)
            highest[place, word] = now
    return falling


def test_a_falling_number_is_noticed():
    assert falling_numbers(["conv 1", "a · conv 3", "conv 2", "a · conv 2"]) == ["a · conv 2"]


WEIRD = (
    "conv", "conv_1", "conv 1", "conv 1 · before ReLU", "output", "input", "relu", "0", "1", "12", "٣", "²", "блок",
    "層1", "🙂", "_", "__", "·", "stage 1", "layer1", "1x1", "blocks", "features", "s1", "b1", "Conv2d_1a_3x3", "<b>",
    "A" * 60,
)  # fmt: skip
CLASSES = ("Sequential", "ModuleList", "ModuleDict", "Fire", "MyStage", "DoubleConv", "")


def weird_program(chance: random.Random) -> Program:
    """Steps of any kind at any place of a tree of modules that are called anything."""
    modules = {"": "Net"}
    for _ in range(chance.randrange(12)):
        holder = chance.choice(list(modules))
        modules[f"{holder}.{chance.choice(WEIRD)}".lstrip(".")] = chance.choice(CLASSES)
    steps = [Step("input", None, (), (4, 8, 8), (2, 3))]
    for _ in range(chance.randrange(1, 24)):
        name = chance.choice(list(modules))
        if not name or chance.random() < 0.4:
            name = f"{name}.{chance.choice(('add', 'cat', 'relu', 'conv2d'))}".lstrip(".")
        calls = sum(bool(re.fullmatch(re.escape(name) + r"(_\d+)*", step.name)) for step in steps)
        source = steps[-1] if chance.random() < 0.7 else chance.choice(steps)
        name = f"{name}_{calls}" if calls else name
        steps.append(Step(name, chance.choice(OPERATIONS), (source,), (4, 8, 8), (2, 3)))
    return Program(tuple(steps), steps[-1], modules if chance.random() < 0.9 else {})


OPERATIONS = (
    Convolution(torch.ones(4, 4, 1, 1), None, (1, 1), (0, 0), (0, 0), (1, 1), 1),
    BatchNorm(None, None, torch.zeros(4), torch.ones(4), 1e-5),
    Rectifier(torch.relu, {}),
    MaxPool((1, 1), (1, 1), (0, 0), (1, 1), False),
    Concatenation(1),
    Reshape((4, 8, 8), local=True),
)


def test_every_layer_has_one_title_of_its_own_whatever_modules_are_called():
    chance = random.Random(7)
    for _ in range(300):
        program = weird_program(chance)
        found = titles(program.steps, program.output, program.modules)
        assert list(found) == list(program.steps)
        assert len(set(found.values())) == len(found)
        for step, title in found.items():
            assert re.search(r"\w", title)
            assert not title.startswith(" ")
            assert program.by_name.get(title, step) is step


def test_a_title_is_never_another_layers_name():
    class Colliding(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.output = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)
            self.add_module("conv 1", nn.Conv2d(4, 4, 1))

        def forward(self, x):
            x = getattr(self, "conv 1")(F.relu(self.conv(x)))
            return F.softmax(self.output(x), 1)

    assert all_titles(Colliding()) == {
        "conv": "conv · before ReLU", "relu": "conv · ReLU", "conv 1": "conv 1", "output": "output",
        "softmax": "output · softmax",
    }  # fmt: skip


def test_empty_containers_do_no_harm():
    module = nn.Sequential(nn.Sequential(), nn.Conv2d(3, 4, 3), nn.ModuleList(), nn.Identity())[:2]
    assert all_titles(nn.Sequential(module, nn.ReLU())) == {"0.1": "conv · before ReLU", "1": "conv"}


def test_a_program_without_modules_is_called_by_its_operations():
    program = replace(squeezenet1_1(), modules={})
    found = all_titles(program)
    assert found["features.1"] == "conv 1"
    assert found["features.3.cat"] == "block 2"
    assert found["classifier.2"] == "conv 10"


def test_titles_outlast_a_move_and_change_no_fingerprint():
    program = squeezenet1_1()
    moved = replace(program.to(torch.device("cpu"), torch.float64))
    assert moved.modules == program.modules
    assert [layer.title for layer in moved.layers] == [layer.title for layer in program.layers]
    assert fingerprint(program, None) == fingerprint(replace(program, modules={}), None)

"""What a reader builds: a small network of the paper's kind, and how large each of its layers is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from torch import nn

from zfwidgets.backend.random_states import states_from
from zfwidgets.experiments.ablation.study import study_network
from zfwidgets.models import Network
from zfwidgets.models.zfnet import ConvNet

SHARES = (1, 2, 3, 3, 2)  # of the maps of layer 1 that each layer has


@dataclass(frozen=True)
class Plan:
    """A network to build."""

    kernel_size: int
    stride: int
    maps: int
    without: tuple[int, ...]
    units: int

    def build(self) -> ConvNet:
        """The network, untrained."""
        return study_network(
            maps=[share * self.maps for share in SHARES], hidden=(self.units, self.units), without=self.without,
            kernel_size=self.kernel_size, stride=self.stride,
        )  # fmt: skip

    def counted(self) -> Built:
        """Its layers in numbers."""
        with states_from(0):
            module, shapes = self.build(), _captured(self.kernel_size, self.stride, self.without)
        return Built(self, tuple(_counted(module.get_submodule(shape.name), shape) for shape in shapes))

    @property
    def words(self) -> str:
        """What tells it from others, short."""
        left_out = f", without {', '.join(map(str, self.without))}" if self.without else ""
        units = "" if {6, 7} <= set(self.without) else f", {self.units} units"
        return f"{self.kernel_size}×{self.kernel_size}, stride {self.stride}, {self.maps} maps{units}{left_out}"


@dataclass(frozen=True)
class BuiltLayer:
    """A layer of it, in numbers."""

    title: str
    kernel_size: int | None  # None: fully connected
    stride: int
    maps: int
    height: int
    width: int
    field: str  # what one unit sees of the image
    parameters: int
    macs: int


@dataclass(frozen=True)
class Built:
    """A plan, and its layers in numbers."""

    plan: Plan
    layers: tuple[BuiltLayer, ...]

    @property
    def parameters(self) -> int:
        """All of them."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply–adds for one image."""
        return sum(layer.macs for layer in self.layers)


@dataclass(frozen=True)
class LayerShape:
    """A layer with weights in a network, as far as it does not depend on how many maps and units there are."""

    name: str
    title: str
    height: int
    width: int
    field: str


@cache
def _captured(kernel_size: int, stride: int, without: tuple[int, ...]) -> tuple[LayerShape, ...]:
    """To capture a network takes a third of a second; a slider is dragged faster than that."""
    module = Plan(kernel_size, stride, 1, without, 1).build()
    net = Network(module, module.size, device="cpu")
    shapes = []
    with_weights = {name for name, part in module.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)}
    for layer in net.layers:
        if layer.name in with_weights:
            title = layer.title.partition(" · ")[0]
            shapes.append(LayerShape(layer.name, title, layer.height, layer.width, net.seen_from(layer.name)))
    return tuple(shapes)


def _counted(part: nn.Module, shape: LayerShape) -> BuiltLayer:
    assert isinstance(part, nn.Conv2d | nn.Linear)
    kernel, stride = (part.kernel_size[0], part.stride[0]) if isinstance(part, nn.Conv2d) else (None, 1)
    maps, places = part.weight.shape[0], shape.height * shape.width
    parameters = sum(weight.numel() for weight in part.parameters())
    return BuiltLayer(
        shape.title, kernel, stride, maps, shape.height, shape.width, shape.field, parameters,
        part.weight.numel() * places,
    )  # fmt: skip

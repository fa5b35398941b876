"""The paper's own network (Fig. 3), the one that it is compared with, the variants of Table 3, and a small one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

SHAPES_CLASSES = 12  # the forms of `zf.Shapes`
PAPERS_WEIGHTS = partial(nn.init.normal_, std=0.01)


class Filters(NamedTuple):
    """The convolution of one layer, but for its maps."""

    kernel: int
    stride: int = 1
    padding: int = 0
    pooled: bool = False  # max pooling 3×3, stride 2, behind the rectifier
    normalised: bool = False  # contrast normalisation behind the pool


ZFNET = (Filters(7, 2, 1, True, True), Filters(5, 2, 0, True, True), Filters(3, 1, 1), Filters(3, 1, 1),
         Filters(3, 1, 1, True))  # fmt: skip
ALEXNET = (Filters(11, 4, 2, True, True), Filters(5, 1, 2, True, True), *ZFNET[2:])
SMALL = (Filters(7, 2, 3, True), Filters(5, 1, 2, True), *ZFNET[2:])


class ConvNet(nn.Module):
    """Five layers of filters and three fully connected ones, numbered as in the paper; any but 1, 5 and 8 may be
    missing.

    The input is (N, 3, size, size), the output (N, classes), before the softmax.
    """

    def __init__(
        self, classes: int, filters: Sequence[Filters], maps: Sequence[int], hidden: Sequence[int],
        without: Collection[int], size: int, dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        _check(maps, hidden, without)
        self.size = size  # of the input, pixels
        self.features = nn.Sequential()
        channels = 3
        for number, (filter_, count) in enumerate(zip(filters, maps, strict=True), 1):
            if number not in without:
                self._add_layer(number, filter_, channels, count)
                channels = count
        with torch.no_grad():
            units = self.features(torch.zeros(1, 3, size, size)).numel()
        self.classifier = nn.Sequential()
        for number, count in enumerate(hidden, 6):
            if number not in without:
                self.classifier.add_module(f"fc{number}", nn.Linear(units, count))
                self.classifier.add_module(f"relu{number}", nn.ReLU(inplace=True))
                self.classifier.add_module(f"dropout{number}", nn.Dropout(dropout))
                units = count
        self.classifier.add_module("fc8", nn.Linear(units, classes))

    def _add_layer(self, number: int, filters: Filters, channels: int, maps: int) -> None:
        add = self.features.add_module
        add(f"conv{number}", nn.Conv2d(channels, maps, filters.kernel, filters.stride, filters.padding))
        add(f"relu{number}", nn.ReLU(inplace=True))
        if filters.pooled:
            add(f"pool{number}", nn.MaxPool2d(3, 2, ceil_mode=True))
        if filters.normalised:  # AlexNet's constants: k 2, n 5, α 1e-4 of the sum, which torch takes of the mean
            add(f"norm{number}", nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


def zfnet(
    classes: int = 1000,
    *,
    maps: Sequence[int] = (96, 256, 384, 384, 256),
    hidden: Sequence[int] = (4096, 4096),
    without: Collection[int] = (),
    size: int = 224,
) -> ConvNet:
    """The paper's network (Fig. 3), untrained, and the variants of it in Table 3.

    Layer 1 has 7×7 filters at stride 2; its maps and those of layer 2 (5×5, stride 2) are pooled (3×3, stride 2, with
    an incomplete window at the edge) and contrast-normalised; layers 3 to 5 are 3×3; then two hidden layers with
    dropout. With 1000 classes that is 62,357,608 parameters. Initial weights are normal with a deviation of 0.01,
    biases 0.

    The paper states neither paddings (1, 0, 1, 1, 1 give its sizes of maps) nor the constants of the normalisation
    (here those of AlexNet).

    Args:
        classes: of the output.
        maps: feature maps of layers 1 to 5; (96, 256, 512, 1024, 512) is the paper's wide one.
        hidden: units of layers 6 and 7; the paper also has 2048 and 8192.
        without: numbers of layers to leave out, any of 2, 3, 4, 6 and 7: (3, 4), (7,), (6, 7), (3, 4, 6, 7).
        size: side of the input, pixels.

    Raises ValueError for other numbers of maps or layers than that.
    """
    return _initialised(ConvNet(classes, ZFNET, maps, hidden, without, size, 0.5), PAPERS_WEIGHTS)


def alexnet_zf(
    classes: int = 1000,
    *,
    maps: Sequence[int] = (96, 256, 384, 384, 256),
    hidden: Sequence[int] = (4096, 4096),
    without: Collection[int] = (),
    size: int = 224,
) -> ConvNet:
    """AlexNet in one tower, as the paper compares with (§4.2): 11×11 filters at stride 4, then 5×5 at stride 1.

    Everything else, arguments too, is as in `zfnet`.
    """
    return _initialised(ConvNet(classes, ALEXNET, maps, hidden, without, size, 0.5), PAPERS_WEIGHTS)


def zfnet_shapes(
    classes: int = SHAPES_CLASSES,
    *,
    maps: Sequence[int] = (32, 64, 96, 96, 64),
    hidden: Sequence[int] = (64, 64),
    without: Collection[int] = (),
    size: int = 64,
    kernel_size: int = 7,
    stride: int = 2,
    dropout: float = 0.1,
) -> ConvNet:
    """A small network of the same kind for images of 64×64 pixels, untrained: it learns `zf.Shapes` in minutes.

    Five layers of filters (7×7 at stride 2, 5×5, 3×3 thrice), pools behind 1, 2 and 5, no normalisation; two small
    hidden layers. Initial weights are those of He for rectifiers. Arguments are as in `zfnet`; `kernel_size` and
    `stride` are those of the first layer, where AlexNet has 11×11 and 4.
    """
    first = SMALL[0]._replace(kernel=kernel_size, stride=stride, padding=kernel_size // 2)
    net = ConvNet(classes, (first, *SMALL[1:]), maps, hidden, without, size, dropout)
    return _initialised(net, partial(nn.init.kaiming_normal_, nonlinearity="relu"))


def _initialised(net: ConvNet, draw: Callable[[Tensor], Tensor]) -> ConvNet:
    """The network with weights drawn so, and biases 0."""
    for part in net.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            draw(part.weight)
            nn.init.zeros_(part.bias)  # type: ignore[arg-type]  # each has one
    return net


def _check(maps: Sequence[int], hidden: Sequence[int], without: Collection[int]) -> None:
    if len(maps) != 5 or len(hidden) != 2:
        raise ValueError(f"there are five numbers of maps and two of hidden units; these are {maps} and {hidden}")
    if strange := set(without) - {2, 3, 4, 6, 7}:
        raise ValueError(f"layers 2, 3, 4, 6 and 7 can be left out, not {', '.join(map(str, sorted(strange)))}")

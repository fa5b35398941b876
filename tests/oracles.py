"""What the backend is checked against. None of it looks at the backend: plain torch, autograd, NaN, Captum."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torchvision.models.googlenet import BasicConv2d
from torchvision.models.resnet import BasicBlock

RECTIFIERS: dict[str, Callable[..., Tensor]] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "hardtanh": F.hardtanh,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "silu": F.silu,
    "gelu": F.gelu,
    "mish": F.mish,
    "hardswish": F.hardswish,
    "softplus": F.softplus,
    "prelu": F.prelu,
    "threshold": F.threshold,
    "clamp": torch.clamp,
    "clamp_min": torch.clamp_min,
}
Unit = tuple[int, ...]  # image, feature map, row, column (the last two missing in a fully connected layer)


class _Rectified(torch.autograd.Function):
    """A rectifier as it is on the way up; on the way down as one of the three rules has it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable[[Tensor], Tensor], rule: str) -> Tensor:
        ctx.save_for_backward(x)
        ctx.function, ctx.rule = function, rule
        return function(x)

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None, None]:
        (signal,) = signals
        if ctx.rule in ("deconvnet", "guided"):
            signal = signal.clamp(min=0)
        if ctx.rule in ("gradient", "guided"):
            with torch.enable_grad():
                x = ctx.saved_tensors[0].detach().requires_grad_()
                (signal,) = torch.autograd.grad(ctx.function(x), x, signal)
        return signal, None, None


class _PassedOver(torch.autograd.Function):
    """Contrast normalisation as the deconvnet has it: nothing happens on the way down."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        return function(x)

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None]:
        return signals[0], None


class Ruled(TorchFunctionMode):
    """While it is active, autograd goes down through every rectifier by the rule, wherever and however it is called."""

    def __init__(self, rule: str) -> None:
        super().__init__()
        self.rule = rule

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        if name == "local_response_norm" and self.rule == "deconvnet":
            return _PassedOver.apply(args[0], lambda x: function(x, *args[1:], **kwargs))
        plain = RECTIFIERS.get(name.rstrip("_"))
        if plain is None or not _is_rectifier(name, args, kwargs):
            return function(*args, **kwargs)
        inplace = kwargs.pop("inplace", False) or name.endswith("_")
        x, *options = args
        y = _Rectified.apply(x.clone(), lambda x: plain(x, *options, **kwargs), self.rule)
        return x.copy_(y) if inplace else y


def _is_rectifier(name: str, args: Any, kwargs: Any) -> bool:
    """A hard tanh that starts below zero, a clamp that starts elsewhere: these are no rectifiers."""
    lowest = args[1] if len(args) > 1 else kwargs.get("min_val", kwargs.get("min"))
    if name.startswith("clamp"):
        return lowest == 0
    return name.rstrip("_") != "hardtanh" or (lowest is not None and lowest >= 0)


def activations(
    module: nn.Module, images: Tensor, sites: Iterable[str], rule: str = "gradient"
) -> tuple[Tensor, dict[str, Tensor]]:
    """The images and, at each site, what a part of the module returned, joined by an autograd graph of the rule.

    A site is a part's dotted name, with `_1`, `_2` for its later calls; "" is the module itself.
    """
    found: dict[str, Tensor] = {}
    calls: Counter[str] = Counter()

    def keep(name: str) -> Callable[..., Tensor]:
        def hook(part: nn.Module, inputs: Any, output: Tensor) -> Tensor:
            site = f"{name}_{calls[name]}" if calls[name] else name
            calls[name] += 1
            found[site] = output
            return output.clone()  # so that what writes in place further up leaves ours alone

        return hook

    parts = dict(module.named_modules())
    names = {site if site in parts else site.rpartition("_")[0] for site in sites}
    x = images.detach().clone().requires_grad_()
    with ExitStack() as stack:
        for name in names:
            stack.callback(parts[name].register_forward_hook(keep(name)).remove)
        with Ruled(rule):
            module(x.clone())
    return x, found


def project(module: nn.Module, images: Tensor, site: str, seed: Tensor, rule: str) -> Tensor:
    """The signal `seed` at a site, carried down by autograd."""
    x, found = activations(module, images, [site], rule)
    (down,) = torch.autograd.grad(found[site], x, seed)
    return down


def project_units(module: nn.Module, images: Tensor, site: str, units: list[Unit], rule: str) -> tuple[Tensor, Tensor]:
    """Single units, each times its activation, carried down by autograd; and the activations."""
    x, found = activations(module, images[[unit[0] for unit in units]], [site], rule)
    seed, values = torch.zeros_like(found[site]), []
    for i, unit in enumerate(units):
        place = (i, *unit[1 : seed.ndim])
        values.append(found[site][place].detach())
        seed[place] = values[-1]
    (down,) = torch.autograd.grad(found[site], x, seed)
    return down, torch.stack(values)


Seen = tuple[Tensor, Tensor]


def seen_by_nan(module: nn.Module, image: Tensor, sites: list[str]) -> dict[str, Seen]:
    """For each site, which pixel rows (H, h, w) and columns (W, h, w) reach a unit: where NaN put there arrives."""
    _, height, width = image.shape
    rows, columns = image.repeat(height, 1, 1, 1), image.repeat(width, 1, 1, 1)
    rows[torch.arange(height), :, torch.arange(height), :] = torch.nan
    columns[torch.arange(width), :, :, torch.arange(width)] = torch.nan
    with torch.no_grad():
        _, found = activations(module, torch.cat([rows, columns]), sites)
    poisoned = {site: _by_unit(value.isnan()) for site, value in found.items()}
    return {site: (where[:height], where[height:]) for site, where in poisoned.items()}


def _by_unit(mask: Tensor) -> Tensor:
    """(N, C, h, w) → (N, h, w), in any of the C maps; a vector counts as maps of one unit."""
    return mask.reshape(*mask.shape[:2], *(mask.shape[2:] if mask.ndim == 4 else (1, 1))).any(1)


def box_of(seen: Seen, row: int, column: int) -> tuple[int, int, int, int]:
    """Top, left, bottom, right (the last two excluded) of what reaches one unit."""
    (top, bottom), (left, right) = (_ends(axis[:, row, column]) for axis in seen)
    return top, left, bottom, right


def _ends(reached: Tensor) -> tuple[int, int]:
    places = reached.nonzero().flatten().tolist()
    return (places[0], places[-1] + 1) if places else (0, 0)


def box_of_gradient(module: nn.Module, image: Tensor, site: str, row: int, column: int) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of where the gradient of one place of the maps, randomly weighted, is not zero."""
    x, found = activations(module, image[None], [site])
    activation = found[site]
    seed = torch.zeros_like(activation)
    place = (0, slice(None), row, column)[: seed.ndim]
    seed[place] = torch.rand_like(seed[place]) + 0.5
    (gradient,) = torch.autograd.grad(activation, x, seed)
    touched = (gradient[0] != 0).any(0)
    (top, bottom), (left, right) = _ends(touched.any(1)), _ends(touched.any(0))
    return top, left, bottom, right


def relative_error(found: Tensor, expected: Tensor) -> float:
    """The largest difference, as a share of the largest expected value; in a batch, of the worst of its members."""
    assert found.shape == expected.shape, f"{tuple(found.shape)} is not {tuple(expected.shape)}"
    difference = (found - expected).abs().flatten(1).amax(1)
    size = expected.abs().flatten(1).amax(1)
    assert bool(difference.isfinite().all())
    return float(torch.where(difference == 0, 0.0, difference / size).max())


# Captum knows modules only: each rectifier must be a module of its own, called once, not in place.


class Rectified(nn.Module):
    """torchvision's BasicConv2d with its functional ReLU as a module."""

    def __init__(self, block: BasicConv2d) -> None:
        super().__init__()
        self.conv, self.bn, self.relu = block.conv, block.bn, nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class Addition(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class Residual(nn.Module):
    """torchvision's BasicBlock with one ReLU module a call, and a module for the addition."""

    def __init__(self, block: BasicBlock) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu = block.conv1, block.bn1, nn.ReLU()
        self.conv2, self.bn2, self.relu_1 = block.conv2, block.bn2, nn.ReLU()
        self.add, self.downsample = Addition(), block.downsample or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu_1(self.add(y, self.downsample(x)))


REWRITTEN: dict[type[nn.Module], Any] = {BasicConv2d: Rectified, BasicBlock: Residual}


def for_captum(module: nn.Module) -> nn.Module:
    """Change a torchvision network in place into one that Captum understands; it computes the same."""
    for name, part in list(module.named_children()):
        setattr(module, name, REWRITTEN.get(type(part), lambda part: part)(for_captum(part)))
    if isinstance(module, nn.ReLU):
        module.inplace = False
    return module


def captum_project(module: nn.Module, image: Tensor, part: str, unit: Unit, rule: str) -> Tensor:
    """Captum's attribution of one unit (feature map[, row, column]) to the image (1, C, H, W), times its activation."""
    from captum.attr import NeuronDeconvolution, NeuronGradient, NeuronGuidedBackprop

    methods = {"deconvnet": NeuronDeconvolution, "gradient": NeuronGradient, "guided": NeuronGuidedBackprop}
    layer = module.get_submodule(part)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations")
        warnings.filterwarnings("ignore", "Input Tensor 0 did not already require gradients")
        attribution = methods[rule](module, layer).attribute(image.clone(), unit)
    with torch.no_grad():
        _, found = activations(module, image, [part])
    return attribution.detach() * found[part][(0, *unit)]

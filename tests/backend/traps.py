"""What has misled readers of networks: every way to call a layer, and every layer that is not what it seems."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .networks import Trap, conv, function, layer, with_parameter


def mix() -> nn.Conv2d:
    return conv(8, 8, 3, padding=1)


def bottle() -> nn.Conv2d:
    return conv(8, 4, 1)


# rectifiers


def relu_of_half(x: Tensor) -> Tensor:
    x[:, ::2].relu_()
    return x


def relu_of_block(x: Tensor) -> Tensor:
    y = x * 1.5
    y.view(-1, 2, 4, *x.shape[2:])[:, 1].relu_()
    return y - x


def relu_behind_a_view(x: Tensor) -> Tensor:
    flat = x.view(x.shape[0], 4, 2, *x.shape[2:])
    F.relu_(x)
    return flat.sum(2)


def relu_of_a_chunk(x: Tensor) -> Tensor:
    with torch.no_grad():
        x.chunk(2, 1)[0].relu_()
    return x


def relu_of_alias(x: Tensor) -> Tensor:
    y = x
    x.relu_()
    return x + 2 * y


def relu_of_copy(x: Tensor) -> Tensor:
    y = x.clone()
    y.relu_()
    return x + 2 * y


def relu_after_dropout(x: Tensor) -> Tensor:
    y = F.dropout(x, 0.5, training=False)
    y.relu_()
    return x + 2 * y


def chain_after_dropouts(x: Tensor) -> Tensor:
    y = F.dropout(F.dropout2d(x, 0.3, training=False), 0.5, training=False)
    y.mul_(0.8)
    y += 0.1
    F.hardtanh_(y, 0.0, 0.9)
    return x + 2 * y


def relu_under_other_names(x: Tensor, a: nn.Module) -> Tensor:
    y = F.dropout(x, 0.5, training=False).view(x.shape[0], 4, 2, *x.shape[2:])
    a(F.relu_(x.type_as(x)))
    return y.flatten(1, 2) + x


def border_overwritten(x: Tensor) -> Tensor:
    x[:, :, 2:4] = 0.5 * x[:, :, 2:4]
    x[..., 1] += 2.0
    x[:, 3, 4] = 0
    x[:, 5:] = x[:, :3].mean((2, 3), keepdim=True)
    return x


def accumulated(x: Tensor, a: nn.Module) -> Tensor:
    y = a(x)
    y += x
    y *= 0.7
    return y


# paths


def shuffled(x: Tensor) -> Tensor:
    n, c, h, w = x.size()
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


def shuffle_unit(x: Tensor, a: nn.Module) -> Tensor:
    left, right = x.chunk(2, dim=1)
    return shuffled(torch.cat([left, F.relu(a(right))], dim=1))


def three_splits(x: Tensor, a: nn.Module) -> Tensor:
    p, q, r = torch.split(a(x), [1, 4, 3], 1)
    return torch.cat([q, r, p, q * 0.5], 1)


def squeeze_excite(x: Tensor, a: nn.Module, b: nn.Module) -> Tensor:
    return x * b(F.relu(a(F.adaptive_avg_pool2d(x, 1)))).sigmoid()


def spatial_gate(x: Tensor, a: nn.Module) -> Tensor:
    seen = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
    return x * torch.sigmoid(a(seen))


def convnext(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
    y = F.layer_norm(a(x).permute(0, 2, 3, 1), (8,), eps=1e-6)
    return x + 0.3 * c(F.gelu(b(y))).permute(0, 3, 1, 2)


def attention(x: Tensor, a: nn.Module) -> Tensor:
    q, k, v = a(x).flatten(2).chunk(3, dim=1)
    weights = (q.transpose(1, 2) @ k / 3).softmax(-1)
    return (v @ weights.transpose(1, 2)).view_as(x)


def folded(x: Tensor, a: nn.Module) -> Tensor:
    """Each map filtered by itself, as if it were an image."""
    n, c, h, w = x.shape
    return F.relu(a(x.reshape(n * c, 1, h, w))).reshape(n, c, h, w)


def space_to_depth(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    x = F.pad(x, (0, w % 2, 0, h % 2))
    h, w = x.shape[2] // 2, x.shape[3] // 2
    return x.reshape(n, c, h, 2, w, 2).permute(0, 3, 5, 1, 2, 4).reshape(n, 4 * c, h, w)


def standardised(x: Tensor, a: nn.Conv2d) -> Tensor:
    weight = a.weight - a.weight.mean((1, 2, 3), keepdim=True)
    return F.conv2d(x, weight, a.bias, padding=(1, 0))


def everything(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
    y = F.relu_(c(a(x)))
    y = F.max_pool2d(y, (3, 2), (2, 1), (1, 0), ceil_mode=True)
    z = b(F.pad(y, (1, 0)))
    z = shuffled(torch.cat([z[:, :4], y[:, 4:].relu()], 1))
    z = F.local_response_norm(z, 3, alpha=0.5, beta=0.75, k=1.5)
    z = torch.add(F.avg_pool2d(z, 3, 1, padding=1), z, alpha=0.6)
    left, right = (c(F.silu(a(z)) + F.hardtanh(b(F.pad(z, (1, 0))), 0.0, 1.0))).chunk(2, 1)
    y += torch.cat((right * left.sigmoid(), left), 1)
    y[:, ::3].relu_()
    return y


TRAPS: dict[str, Trap] = {
    # rectifiers, called in all ways
    "functional relu": function(F.relu),
    "torch.relu": function(torch.relu),
    "relu method": function(lambda x: x.relu()),
    "relu in place, function": function(F.relu_),
    "relu in place, option": function(lambda x: F.relu(x, inplace=True)),
    "relu in place, method": function(lambda x: x.relu_()),
    "relu in place, module": layer(nn.ReLU, inplace=True),
    "relu in place, every other map": function(relu_of_half, fallback=("slice", "slice_scatter")),
    "relu in place, part of a view": function(relu_of_block, fallback=("select_scatter",), whole=True, loose=True),
    "relu in place, behind a view": function(relu_behind_a_view, fallback=("sum",)),
    "relu in place, of a chunk": function(relu_of_a_chunk, differentiable=False, fallback=("slice_scatter",)),
    "relu in place, of an alias": function(relu_of_alias),
    "relu in place, of a copy": function(relu_of_copy),
    "relu in place, after dropout": function(relu_after_dropout),
    "chain in place, after dropouts": function(chain_after_dropouts),
    "relu in place, under other names": function(relu_under_other_names, lambda: nn.Dropout(inplace=True)),
    "one relu used three times": function(lambda x, a, b: a(b(a(b(a(x))))), nn.ReLU, mix),
    "one relu in place used three times": function(
        lambda x, a, b: a(b(a(b(a(x))))), lambda: nn.ReLU(inplace=True), mix
    ),
    "clamp": function(lambda x: x.clamp(min=0)),
    "clamp in place": function(lambda x: torch.clamp_(x, 0, 0.7)),
    "clamp_min": function(lambda x: torch.clamp_min(x, 0)),
    "clamp elsewhere": function(lambda x: x.clamp(min=-0.2), fallback=("clamp",)),
    "relu6": layer(nn.ReLU6),
    "relu6 in place": layer(nn.ReLU6, inplace=True),
    "hardtanh from zero": function(lambda x: F.hardtanh(x, 0.0, 0.4)),
    "hardtanh from below": function(lambda x: F.hardtanh(x, -0.3, 0.4), fallback=("hardtanh",)),
    "leaky relu": layer(nn.LeakyReLU, 0.2, smooth=True),
    "elu": layer(nn.ELU, smooth=True),
    "silu": layer(nn.SiLU, smooth=True),
    "silu in place": layer(nn.SiLU, inplace=True, smooth=True),
    "gelu": layer(nn.GELU, smooth=True),
    "gelu by tanh": layer(nn.GELU, approximate="tanh", smooth=True),
    "hardswish": layer(nn.Hardswish),
    "hardswish in place": layer(nn.Hardswish, inplace=True),
    "mish": layer(nn.Mish, smooth=True),
    "softplus": layer(nn.Softplus, smooth=True),
    "prelu": layer(nn.PReLU, 8, smooth=True),
    "tanh": layer(nn.Tanh, fallback=("tanh",), smooth=True),
    "sigmoid gate": function(lambda x, a: x * a(x).sigmoid(), mix, fallback=("sigmoid",), smooth=True),
    # paths that part and meet
    "a convolution called twice": function(lambda x, a: a(F.relu(a(x))), mix),
    "residual": function(lambda x, a: F.relu(x + a(x)), mix),
    "residual in place": function(accumulated, mix, smooth=True),
    "add with alpha": function(lambda x, a: torch.add(x, a(x), alpha=0.4), mix, smooth=True),
    "add itself": function(lambda x: F.relu(x + x)),
    "sub": function(lambda x, a: x - a(x), mix, smooth=True),
    "sub with alpha": function(lambda x, a: torch.sub(a(x), x, alpha=2.5), mix, smooth=True),
    "constants": function(lambda x: F.relu(2 - (x * 3 - 1) / 4 + 0.1), fallback=("rsub",)),
    "constant minus": function(lambda x: torch.sub(torch.full((), 2.0, dtype=x.dtype), x), smooth=True),
    "a scale for each map": Trap(with_parameter(lambda x, p: x * p, 8, 1, 1), smooth=True),
    "a constant for each place": Trap(with_parameter(lambda x, p: F.relu(x + p), 1, 8, 11, 20), whole=True),
    "a factor for each column": Trap(with_parameter(lambda x, p: F.relu(x * p), 20), whole=True),
    "a power for each row": Trap(
        with_parameter(lambda x, p: torch.where(p > 0, x, 0.2 * x), 11, 1), smooth=True, fallback=("where",), whole=True
    ),
    "product": function(lambda x, a: x * a(x), mix, smooth=True),
    "quotient": function(lambda x, a: x / (2 + a(x).square()), mix, smooth=True, fallback=("div", "square")),
    "concat": function(lambda x, a: torch.cat((a(x), x, F.relu(x)), 1), mix),
    "concat of rows": function(
        lambda x, a: torch.cat((a(x), x), 2), mix, fallback=("cat",), smooth=True, whole=True, loose=True
    ),
    "chunk and shuffle": function(shuffle_unit, lambda: conv(4, 4, 3, padding=1)),
    "three splits": function(three_splits, mix, smooth=True),
    "a slice of maps": function(lambda x, a: F.relu(a(x)[:, 2:6]) + x[:, :4], mix),
    "every other map": function(lambda x: F.relu(x[:, 1::2]), fallback=("slice",)),
    "maps chosen": function(lambda x: F.relu(x[:, [3, 0, 7, 7, 1]]), fallback=("index",), whole=True, loose=True),
    "rows cut off": function(lambda x: x[:, :, 1:-2, 3:], fallback=("slice",), smooth=True, whole=True, loose=True),
    "every other pixel": function(
        lambda x: x[:, :, ::2, 1::2], fallback=("slice",), smooth=True, whole=True, loose=True
    ),
    "flipped": function(lambda x: x.flip(3), fallback=("flip",), smooth=True, whole=True, loose=True),
    "stacked": function(lambda x, a: torch.stack((x, a(x)), 2).flatten(1, 2), mix, smooth=True),
    "greatest over maps": function(lambda x: x.max(1, keepdim=True).values, fallback=("max",)),
    "strongest maps": function(lambda x: x.topk(3, 1)[0], fallback=("topk",)),
    # filters
    "grouped": layer(conv, 8, 12, (3, 2), groups=4, smooth=True),
    "depthwise": layer(conv, 8, 16, 3, groups=8, padding=1, smooth=True),
    "dilated": layer(conv, 8, 6, (2, 3), dilation=(3, 2), padding=(2, 4), smooth=True),
    "dilated, narrow": layer(conv, 8, 6, 2, dilation=4, padding=2, stride=(1, 2), smooth=True),
    "dilated twice": function(
        lambda x, a, b: b(a(x)),
        lambda: conv(8, 8, 3, dilation=2, padding=2),
        lambda: conv(8, 6, 3, dilation=(3, 4), padding=(3, 4)),
        smooth=True,
    ),
    "asymmetric stride": layer(conv, 8, 6, (3, 4), stride=(1, 3), padding=(0, 2), smooth=True),
    "stride beyond the kernel": layer(conv, 8, 6, (1, 2), stride=(3, 4), smooth=True),
    "asymmetric padding": layer(conv, 8, 6, (3, 5), padding=(2, 0), smooth=True),
    "padding beyond the kernel": layer(conv, 8, 6, 1, padding=(2, 1), smooth=True),
    "same, even kernel": layer(conv, 8, 6, (4, 2), padding="same", smooth=True),
    "same, dilated": layer(conv, 8, 6, (2, 3), dilation=(3, 1), padding="same", smooth=True),
    "valid": layer(conv, 8, 6, (4, 2), padding="valid", smooth=True),
    "without bias": layer(conv, 8, 6, 3, bias=False, smooth=True),
    "reflecting convolution": layer(
        conv, 8, 6, (3, 5), padding=(1, 2), padding_mode="reflect", smooth=True, whole=True
    ),
    "standardised weights": function(standardised, mix, smooth=True),
    "transposed convolution": layer(
        nn.ConvTranspose2d, 8, 6, 3, stride=2, fallback=("conv_transpose2d",), smooth=True, whole=True, loose=True
    ),
    # borders
    "zeros around": function(lambda x: F.pad(x, (1, 0, 2, 3)), smooth=True),
    "ones around": function(lambda x: F.pad(x, (0, 2, 1, 0), value=1.0), smooth=True),
    "zeros below and to the right": function(
        lambda x, a: a(F.pad(x, (0, 1, 0, 2))), lambda: conv(8, 6, 3, stride=2), smooth=True
    ),
    "border cut off": function(lambda x: F.pad(x, (-2, 1, 0, -1)), smooth=True, whole=True),
    "reflected": function(lambda x: F.pad(x, (3, 1, 0, 2), "reflect"), smooth=True, whole=True),
    "replicated": function(lambda x: F.pad(x, (3, 1, 0, 2), "replicate"), smooth=True, whole=True),
    "circular": function(lambda x: F.pad(x, (3, 1, 0, 2), "circular"), smooth=True, whole=True),
    "written in place": function(
        border_overwritten,
        smooth=True,
        whole=True,
        fallback=("expand", "expand_as", "fill", "select", "select_scatter", "slice", "slice_scatter"),
    ),
    # pools
    "overlapping max pool": layer(nn.MaxPool2d, 3, stride=2),
    "uneven max pool": layer(nn.MaxPool2d, (2, 3), stride=(1, 2), padding=(0, 1)),
    "max pool, ceil": layer(nn.MaxPool2d, 3, stride=2, ceil_mode=True),
    "max pool, ceil, padded": layer(nn.MaxPool2d, (3, 4), stride=(2, 3), padding=1, ceil_mode=True, shape=(3, 20, 23)),
    "dilated max pool": layer(nn.MaxPool2d, (2, 3), stride=1, dilation=(3, 2), padding=(1, 0)),
    "max pool with switches": function(lambda x: F.max_pool2d(x, 3, 2, return_indices=True)[0]),
    "average pool": layer(nn.AvgPool2d, (3, 2), stride=(2, 1), padding=1, smooth=True),
    "average pool, borders left out": layer(
        nn.AvgPool2d, 3, 2, padding=1, count_include_pad=False, smooth=True, uneven=True
    ),
    "average pool, ceil": layer(nn.AvgPool2d, (2, 3), ceil_mode=True, smooth=True, uneven=True),
    "average pool, ceil, even": layer(nn.AvgPool2d, (1, 4), ceil_mode=True, count_include_pad=False, smooth=True),
    "average pool, own divisor": layer(nn.AvgPool2d, 2, 1, divisor_override=3, smooth=True),
    "adaptive average, even": layer(nn.AdaptiveAvgPool2d, (11, 5), smooth=True),
    "adaptive average, uneven": layer(nn.AdaptiveAvgPool2d, (4, 7), smooth=True, whole=True),
    "adaptive average, larger": layer(nn.AdaptiveAvgPool2d, (13, 24), smooth=True, whole=True),
    "adaptive max, even": layer(nn.AdaptiveMaxPool2d, (11, 4)),
    "adaptive max, uneven": layer(nn.AdaptiveMaxPool2d, (3, 6), whole=True),
    "global average": layer(nn.AdaptiveAvgPool2d, 1, smooth=True),
    "mean of rows": function(
        lambda x: x.mean(2, keepdim=True).expand_as(x),
        smooth=True,
        fallback=("expand_as", "mean"),
        whole=True,
        loose=True,
    ),
    "mean, saved": function(lambda x: F.relu(x - x.mean((2, 3), keepdim=True)), whole=True),
    "mean, gone": function(lambda x: F.relu(x).mean((2, 3)), whole=True),
    "mean, gone, backwards": function(lambda x: x.mean((-1, -2)), smooth=True, whole=True),
    # normalisation
    "batch norm": layer(nn.BatchNorm2d, 8, smooth=True),
    "batch norm without scale": layer(nn.BatchNorm2d, 8, affine=False, smooth=True),
    "batch norm of a vector": function(
        lambda x, a: a(x.mean((2, 3))), lambda: nn.BatchNorm1d(8), smooth=True, whole=True
    ),
    "batch norm, relu in place on half": function(
        lambda x, a: relu_of_half(a(x)), lambda: nn.BatchNorm2d(8), fallback=("slice", "slice_scatter")
    ),
    "contrast norm": layer(nn.LocalResponseNorm, 5, alpha=0.8, beta=0.75, k=1.5, smooth=True),
    "contrast norm, twice": function(
        lambda x, a: F.local_response_norm(F.relu(a(F.local_response_norm(x, 3, 0.5))), 4, 0.9, 0.6, 2.0), mix
    ),
    "group norm": layer(nn.GroupNorm, 2, 8, fallback=("group_norm",), smooth=True, whole=True),
    "instance norm": layer(nn.InstanceNorm2d, 8, fallback=("instance_norm",), smooth=True, whole=True),
    "layer norm of all": layer(nn.LayerNorm, (8, 11, 20), fallback=("layer_norm",), smooth=True, whole=True),
    # gates, vectors, attention
    "squeeze and excite": function(squeeze_excite, bottle, lambda: conv(4, 8, 1), fallback=("sigmoid",), whole=True),
    "gate by a mean of stride one": function(
        lambda x: x * F.avg_pool2d(x, (x.shape[2], x.shape[3]), stride=1), smooth=True, whole=True
    ),
    "spatial gate": function(spatial_gate, lambda: conv(2, 1, 3, padding=1), fallback=("amax", "mean", "sigmoid")),
    "flatten and linear": function(lambda x, a: F.relu(a(x.flatten(1))), lambda: nn.Linear(8 * 11 * 20, 7), whole=True),
    "view and linear": function(
        lambda x, a: a(x.view(x.size(0), -1)), lambda: nn.Linear(8 * 11 * 20, 7), smooth=True, whole=True
    ),
    "channels last": function(
        convnext,
        lambda: conv(8, 8, (5, 3), padding=(2, 1), groups=8),
        lambda: nn.Linear(8, 16),
        lambda: nn.Linear(16, 8),
        fallback=("layer_norm",),
        smooth=True,
    ),
    "linear along rows": function(lambda x, a: a(x), lambda: nn.Linear(20, 9), smooth=True, whole=True, loose=True),
    "softmax over maps": layer(nn.Softmax, 1, fallback=("softmax",), smooth=True),
    "softmax over places": function(
        lambda x: x.flatten(2).softmax(-1).view_as(x) * 9, smooth=True, fallback=("softmax", "view_as"), whole=True
    ),
    "attention": function(
        attention, lambda: conv(8, 24, 1), smooth=True, fallback=("matmul", "softmax", "view_as"), whole=True
    ),
    "folded into the batch": function(
        folded, lambda: conv(1, 1, 3, padding=1), fallback=("conv2d", "reshape"), whole=True, loose=True
    ),
    "space to depth": function(space_to_depth, smooth=True, whole=True, loose=True),
    "interpolated": function(
        lambda x: F.interpolate(x, scale_factor=2, mode="nearest"),
        smooth=True,
        fallback=("upsample_nearest2d",),
        whole=True,
        loose=True,
    ),
    "interpolated, bilinear": function(
        lambda x: F.interpolate(x, size=(7, 31), mode="bilinear", align_corners=False),
        smooth=True,
        fallback=("upsample_bilinear2d",),
        whole=True,
        loose=True,
    ),
    # images
    "grey image": function(F.relu, shape=(1, 18, 25)),
    "five channels": function(F.relu, shape=(5, 17, 23)),
    "tall image": function(lambda x: F.max_pool2d(F.relu(x), 2), shape=(3, 41, 9)),
    "one column": function(lambda x, a: F.relu(a(x)), mix, shape=(3, 26, 2)),
    "everything at once": function(
        everything,
        mix,
        lambda: conv(8, 8, (3, 2), groups=2, padding=(1, 0)),
        lambda: nn.BatchNorm2d(8),
        fallback=("sigmoid", "slice", "slice_scatter"),
    ),
}

VARIANTS = {  # of what others test already: left to the slow run
    "torch.relu",
    "relu method",
    "relu in place, function",
    "relu in place, method",
    "relu in place, of an alias",
    "relu in place, of a copy",
    "relu6",
    "elu",
    "silu",
    "gelu by tanh",
    "hardswish in place",
    "mish",
    "softplus",
    "tanh",
    "clamp in place",
    "clamp_min",
    "clamp elsewhere",
    "add itself",
    "sub",
    "constant minus",
    "a factor for each column",
    "quotient",
    "every other map",
    "concat of rows",
    "rows cut off",
    "flipped",
    "stacked",
    "strongest maps",
    "same, dilated",
    "valid",
    "without bias",
    "asymmetric padding",
    "replicated",
    "uneven max pool",
    "average pool, ceil",
    "average pool, own divisor",
    "adaptive average, larger",
    "mean, gone, backwards",
    "batch norm of a vector",
    "batch norm, relu in place on half",
    "instance norm",
    "layer norm of all",
    "view and linear",
    "softmax over places",
    "interpolated, bilinear",
    "five channels",
    "tall image",
    "one column",
    "hardtanh from below",
    "relu in place, behind a view",
    "relu in place, part of a view",
    "add with alpha",
    "product",
    "mean of rows",
    "every other pixel",
    "residual in place",
    "gelu",
    "hardswish",
    "relu6 in place",
    "average pool",
    "constants",
    "batch norm without scale",
    "silu in place",
    "softmax over maps",
    "sub with alpha",
    "a scale for each map",
    "depthwise",
    "adaptive max, even",
}

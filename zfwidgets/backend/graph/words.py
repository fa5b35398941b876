"""The words of titles: what a module's name, its class or an operation is called in plain language."""

from __future__ import annotations

import re
from functools import lru_cache

from zfwidgets.backend.graph.step import Step

# operations, by kind
KINDS = {"convolution": "conv", "linear": "fc", "affine": "scale", "reshape": "flatten", "narrow": "slice",
         "permute": "reorder"}  # fmt: skip
ACTIVATIONS = {"relu": "ReLU", "clamp": "ReLU", "clamp_min": "ReLU", "relu6": "ReLU6", "hardtanh": "ReLU6",
               "leaky_relu": "leaky ReLU", "prelu": "PReLU", "elu": "ELU", "selu": "SELU", "celu": "CELU",
               "silu": "SiLU", "gelu": "GELU", "mish": "Mish"}  # fmt: skip
SATURATING = {"sigmoid", "tanh", "hardsigmoid", "softsign"}  # activations that are no rectifiers

# parts of modules' names
WORDS = {"maxpool": "pool", "avgpool": "average pool", "gap": "average pool", "avg": "average", "bn": "norm",
         "batchnorm": "norm", "lrn": "norm", "relu": "ReLU", "act": "activation", "upconv": "up conv",
         "convtranspose": "up conv", "denseblock": "dense block", "denselayer": "layer", "dw": "depthwise",
         "pw": "pointwise", "se": "squeeze-excite", "enc": "encoder", "dec": "decoder"}  # fmt: skip
# parts of the class names of modules that have no name of their own
CLASSES = {"fire": "fire", "inception": "inception", "squeezeexcit": "squeeze-excite", "transition": "transition",
           "encoder": "encoder", "decoder": "decoder"}  # fmt: skip
# names that say nothing: what is in such a module is counted as if it stood outside
SECTIONS = {"backbone", "base", "body", "classifier", "cnn", "conv", "conv_layers", "convnet", "dense", "extractor",
            "fc", "fc_layers", "feature_extractor", "features", "layers", "linear", "main", "mlp", "model", "module",
            "modules", "net", "network", "seq", "sequential", "trunk", "trunk_output"}  # fmt: skip
LISTS = {"blocks", "cells", "convs", "fcs", "pools", "stages", "units"}  # names of lists, whose members are numbered

_TOKENS = re.compile(r"\d+x\d+|\d+[^\W\d_]?(?![^\W\d_])|\d+|[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_FLAT = re.compile(r"(conv|pool|norm|transpose|dropout|upsample)[123]d", re.IGNORECASE)
_NUMBERS = re.compile(r"(?<=\d) (?=\d+\b(?!×))")
_LETTER = re.compile(r"^(\w) (?=\d)")
_HOLDER = re.compile(r"^(?:block |group |layer |[bs])(?=\d+$)")
_PLAIN_KIND = re.compile(r"(_nearest|_bilinear|_bicubic)?[123]d$")


@lru_cache(maxsize=1024)
def humanise(name: str) -> str:
    """A module's own name in words: `layer3` → `layer 3`, `Conv2d_1a_3x3` → `conv 1a 3×3`, `conv1_2` → `conv 1-2`;
    a letter with a number stays as it is, `c3`."""
    tokens = _TOKENS.findall(_CAMEL.sub("_", _FLAT.sub(r"\1_", name)))
    return _LETTER.sub(r"\1", _NUMBERS.sub("-", " ".join(map(_word, tokens))))


def _word(token: str) -> str:
    if token[0].isdecimal():
        return token.lower().replace("x", "×")
    return WORDS.get(token.lower(), token if token.isupper() else token.lower())


def numbered(word: str, number: int | str) -> str:
    """`conv 3`; where there is no number, `conv`."""
    return f"{word} {number}" if number else word


def number_in(label: str) -> str:
    """The number at a label's end: `3a` of `inception 3a`."""
    found = re.search(r"(?<= )\d[^ ×]*$", label)
    return found[0] if found else ""


def as_holder(label: str, stage: bool) -> str:
    """The label of a module that holds others: `layer 3` and `s3` are called a stage if they hold blocks; `b1` is a
    block."""
    if stage:
        return _HOLDER.sub("stage ", label)
    return _HOLDER.sub("block ", label) if label.startswith("b") else label


def of_class(name: str, otherwise: str) -> str:
    """What a module that holds others is called by its class."""
    return next((word for part, word in CLASSES.items() if part in name.lower()), otherwise)


def of_step(step: Step) -> str:
    """What a student calls an operation: `conv`, `fc`, `ReLU`, `pool`, `norm`, `sum`, …"""
    kind = _kind(step)
    if kind == "rectifier":
        function = getattr(getattr(step.op, "function", None), "__name__", kind).partition(".")[0].rstrip("_")
        return ACTIVATIONS.get(function, function)
    if kind == "merge":  # a sum, a product, a concatenation
        return type(step.op).__name__.lower()
    if is_norm(step):
        return "norm"
    if is_pool(step):
        return "average pool" if "Max" not in type(step.op).__name__ and _is_global(step) else "pool"
    if kind.startswith("conv_transpose"):
        return "up conv"
    return KINDS.get(kind, _PLAIN_KIND.sub("", kind).replace("_", " "))


def is_weighted(step: Step) -> bool:
    """Whether it computes features anew: a convolution or a fully connected layer."""
    return _kind(step).startswith(("conv", "linear"))


def is_norm(step: Step) -> bool:
    """Whether it brings features to one scale: batch norm, layer norm, local response norm."""
    return "norm" in _kind(step)


def is_rectifier(step: Step) -> bool:
    """Whether it is a ReLU, or one of its relatives."""
    return _kind(step) == "rectifier"


def is_activation(step: Step) -> bool:
    """Whether it is a rectifier or another function of each number by itself."""
    return is_rectifier(step) or _kind(step) in SATURATING


def is_pool(step: Step) -> bool:
    """Whether it pools."""
    return _kind(step) == "pool"


def is_reshape(step: Step) -> bool:
    """Whether it but hands features on in another shape."""
    return _kind(step) == "reshape"


def is_rearrangement(step: Step) -> bool:
    """Whether it but hands features on, in another shape or order, or some of them."""
    return _kind(step) in ("reshape", "permute", "narrow")


def is_gate(step: Step) -> bool:
    """Whether it but weighs features, by what was found in them."""
    return _kind(step) == "merge" and of_step(step) == "product"


def _is_global(step: Step) -> bool:
    return step.map_size in (None, (1, 1)) and step.inputs[0].map_size != step.map_size


def _kind(step: Step) -> str:
    return step.op.kind if step.op else "input"

"""A device that is not there: its tensors say that they are on it, compute on the CPU, and refuse what CUDA refuses.

Torch keeps a type of device for those who build their own (`torch.utils.backend_registration`). Here a tensor on it is
a wrapper around one in the memory of the host. Torch calls this way in experimental, and 2.9 has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from zfwidgets.backend.device import DEVICES

aten = torch.ops.aten
NAME = "pretended"
SET_UP: Callable[[str], None] | None = getattr(backend_registration, "_setup_privateuseone_for_python_backend", None)
if SET_UP and torch._C._get_privateuse1_backend_name() != NAME:
    SET_UP(NAME)  # once a process, before its first backward pass: autograd counts the devices then

COPIES = {aten.copy_.default, aten._to_copy.default}
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
SCALARS_TOO = {aten.fill_.Tensor, aten.masked_fill.Tensor, aten.masked_fill_.Tensor}


class Pretended(Tensor):
    """A tensor on the device."""

    memory: Tensor  # where its numbers really are
    limit: int | None = None  # of the numbers in one tensor; None: none
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, memory: Tensor) -> Pretended:
        one = Tensor._make_wrapper_subclass(
            cls, memory.size(), strides=memory.stride(), storage_offset=memory.storage_offset(), dtype=memory.dtype,
            layout=memory.layout, device=torch.device(NAME, 0),
        )  # fmt: skip
        one.memory = memory
        return one

    @classmethod
    def __torch_dispatch__(cls, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(operator, args, kwargs or {})

    def numpy(self, *, force: bool = False) -> np.ndarray:
        if force:
            return self.cpu().numpy()
        raise TypeError(
            f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
            "memory first."
        )

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __repr__(self) -> str:
        return f"{self.memory!r} on {self.device}"


class _Dispatch(TorchDispatchMode):
    """Makes tensors on the device, and moves them there, where no tensor on it says so."""

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(operator, args, kwargs or {})


def compute(operator: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run an operator on the memory behind its arguments; what comes out is on the device that CUDA would put it on."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    refuse(operator, args, kwargs, tensors)
    there, device = any(isinstance(x, Pretended) for x in tensors), kwargs.get("device")
    if device is not None:
        there, kwargs = torch.device(device).type == NAME, kwargs | {"device": torch.device("cpu")}
    known = {id(in_memory(x)): x for x in tensors}  # what is written in place is returned as it was given
    taken = {address(x.memory) for x in tensors if isinstance(x, Pretended)}  # a view takes no memory of its own
    args, kwargs = tree_map(in_memory, (args, kwargs))
    result = operator(*args, **kwargs)

    def wrapped(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor) or id(leaf) in known:
            return known.get(id(leaf), leaf)
        if there and Pretended.limit is not None and address(leaf) not in taken and leaf.numel() > Pretended.limit:
            raise torch.OutOfMemoryError(
                f"{NAME} is out of memory. {leaf.numel()} numbers are too many.\nSee its manual."
            )
        return Pretended(leaf) if there else leaf

    return tree_map(wrapped, result)


def in_memory(leaf: Any) -> Any:
    return leaf.memory if isinstance(leaf, Pretended) else leaf


def address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def refuse(operator: Any, args: Any, kwargs: dict[str, Any], tensors: list[Tensor]) -> None:
    """Raise what CUDA raises where tensors are not all on one device."""
    elsewhere = [x for x in tensors if not isinstance(x, Pretended)]
    if kwargs.get("generator") is not None and "device" in kwargs and torch.device(kwargs["device"]).type == NAME:
        raise RuntimeError(f"Expected a '{NAME}' device type for generator but found 'cpu'")
    if not elsewhere or len(elsewhere) == len(tensors) or operator in COPIES:
        return
    if operator in INDEXING:
        if not isinstance(args[0], Pretended):
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
        elsewhere = [x for x in args[2:3] if isinstance(x, Tensor) and not isinstance(x, Pretended) and x.ndim]
    elif torch.Tag.pointwise in operator.tags or operator in SCALARS_TOO:
        elsewhere = [x for x in elsewhere if x.ndim]
    if elsewhere:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, {NAME}:0 and cpu! "
            f"(in {operator})"
        )


# `torch.tensor(…, device=…)` and lists as indices go past every mode; these are the kernels that they ask for.
KERNELS = torch.library.Library("aten", "IMPL", "PrivateUse1")


def _empty(*args: Any, device: Any = None, **kwargs: Any) -> Tensor:
    return Pretended(torch.empty_strided(*args, **kwargs))


def _copy(here: Pretended, source: Tensor, non_blocking: bool = False) -> Tensor:
    in_memory(here).copy_(in_memory(source))
    return here


KERNELS.impl("empty_strided", _empty)
KERNELS.impl("copy_", _copy)


@contextmanager
def pretended_device(**properties: Any) -> Iterator[torch.device]:
    """While this lasts there is such a device, with a CUDA device's properties but for those that are given."""
    if SET_UP is None:
        pytest.skip("this PyTorch has no devices written in Python")
    like = {"available": lambda: True, "pinned": False}
    DEVICES[NAME] = replace(DEVICES["cuda"], **(like | properties))
    try:
        with _Dispatch():
            yield torch.device(NAME)
    finally:
        del DEVICES[NAME]


@contextmanager
def at_most(numbers: int) -> Iterator[None]:
    """While this lasts, no tensor on the device may have more numbers than these."""
    Pretended.limit = numbers
    try:
        yield
    finally:
        Pretended.limit = None

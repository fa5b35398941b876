"""What is written in place is seen by all who read that memory afterwards, whatever name they know it by."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.run.forward import forward

from ..oracles import relative_error
from .networks import Apply

pytestmark = pytest.mark.slow
OTHER_NAMES = {  # other names for the same numbers, and copies of them
    "itself": lambda x: x,
    "Identity": nn.Identity(),
    "Dropout": nn.Dropout(),
    "Dropout in place": nn.Dropout(inplace=True),
    "Dropout1d": lambda x: nn.Dropout1d().eval()(x.flatten(2)).view_as(x),
    "Dropout2d": nn.Dropout2d(),
    "Dropout3d": nn.Dropout3d(),
    "AlphaDropout": nn.AlphaDropout(),
    "FeatureAlphaDropout": nn.FeatureAlphaDropout(),
    "dropout of nothing": lambda x: F.dropout(x, 0.0, training=True),
    "dropout of dropout": lambda x: F.dropout2d(
        F.dropout(F.dropout(x, training=False), training=False), training=False
    ),
    "contiguous": lambda x: x.contiguous(),
    "to": lambda x: x.to(x.dtype),
    "type_as": lambda x: x.type_as(x),
    "detach": lambda x: x.detach(),
    "reshape": lambda x: x.reshape(x.shape),
    "flatten": lambda x: x.flatten(1).view_as(x),
    "view of dropout": lambda x: F.dropout(x, training=False).view(-1, 2, 2, *x.shape[2:]).flatten(1, 2),
    "dropout of a view": lambda x: F.dropout(x.flatten(2), training=False).unflatten(2, x.shape[2:]),
    "all of it": lambda x: x[:],
    "unsafe_chunk": lambda x: x.unsafe_chunk(1, 1)[0],
    "einsum": lambda x: torch.einsum("nchw->nchw", x),
    "chunk": lambda x: x.chunk(1, 1)[0],
    "atleast_3d": lambda x: torch.atleast_3d(x),
    "sum_to_size": lambda x: x.sum_to_size(x.shape),
    "broadcast": lambda x: torch.broadcast_tensors(x, x[:1])[0],
    "clone": lambda x: x.clone(),
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "shuffled by one": lambda x: F.channel_shuffle(x, 1),
}
WRITES = {
    "relu_": lambda x: x.relu_(),
    "relu in place": lambda x: F.relu(x, inplace=True),
    "add_": lambda x: x.add_(0.5),
    "mul_": lambda x: x.mul_(-2),
    "iadd": lambda x: x.__iadd__(0.5),
    "hardtanh_": lambda x: F.hardtanh_(x, -0.3, 0.4),
    "clamp_": lambda x: x.clamp_(min=0),
    "leaky relu": nn.LeakyReLU(0.3, inplace=True),
    "a chain": lambda x: F.hardtanh_(x.mul_(2).add_(0.1).relu_(), 0.2, 1.0),
    "fill a column": lambda x: x[..., 1].fill_(0.5),
    "overwrite a map": lambda x: x[:, 1].copy_(x[:, 0]),
    "copy_": lambda x: x.copy_(x.flip(1)),
    "out=": lambda x: torch.mul(x, 2, out=x),
    "several at once": lambda x: torch._foreach_mul_([x], 3.0),
    "nothing": lambda x: x + 1,
}
READERS = {
    "the first name": lambda x, y, view: x * 3,
    "the other name": lambda x, y, view: y * 3,
    "a view taken before": lambda x, y, view: view * 3,
    "all": lambda x, y, view: x.flatten(1) + 2 * y.flatten(1) - 3 * view,
    "as they are": lambda x, y, view: (y, x, view),
}


class Written(nn.Module):
    """Maps that have two names and a view: one name is written into, others are read."""

    def __init__(self, name, write, reader, through_first):
        super().__init__()
        self.filter = nn.Conv2d(2, 4, 3, padding=1)
        self.name, self.write = (part if isinstance(part, nn.Module) else Apply(part) for part in (name, write))
        self.reader, self.through_first = reader, through_first

    def forward(self, images: Tensor) -> Tensor:
        x = self.filter(images)
        view = x.flatten(1)
        y = self.name(x)
        self.write(x if self.through_first else y)
        return self.reader(x, y, view)


def error_of(module: nn.Module) -> float:
    """How far the captured program is from the module."""
    images = torch.randn(3, 2, 5, 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    module.double().eval()
    with torch.no_grad():
        expected = module(images)
    program = capture(module, (2, 5, 6), output=0 if isinstance(expected, tuple) else None)
    found = forward(program, images, [program.output]).activations[program.output]
    return relative_error(found, expected[0] if isinstance(expected, tuple) else expected)


THROUGH = pytest.mark.parametrize("through_first", [False, True], ids=["the other name", "the first name"])


@THROUGH
@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_rectifier_in_place_is_seen_under_every_name(name, through_first):
    assert error_of(Written(OTHER_NAMES[name], WRITES["relu_"], READERS["all"], through_first)) < 1e-12


@THROUGH
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["Dropout", "type_as", "reshape", "clone"])
def test_a_rectifier_in_place_is_seen_by_every_reader(name, through_first, reader):
    assert error_of(Written(OTHER_NAMES[name], WRITES["relu_"], READERS[reader], through_first)) < 1e-12


@pytest.mark.parametrize("name", ["itself", "Dropout"])
@pytest.mark.parametrize("write", WRITES)
def test_every_write_in_place_is_seen_under_every_name(write, name):
    assert error_of(Written(OTHER_NAMES[name], WRITES[write], READERS["all"], through_first=False)) < 1e-12


def test_writes_through_views_that_torch_does_not_follow_are_refused():
    turned = Written(lambda x: torch.einsum("nchw->nhwc", x), WRITES["relu_"], READERS["the first name"], False)
    with pytest.raises(
        ValueError, match=r"Written cannot be captured .*einsum returns is a view .*clone.* \(in name, .*, line \d+\)"
    ):
        capture(turned.eval(), (2, 5, 6))


def test_a_dropout_costs_no_rewriting(monkeypatch):
    monkeypatch.setattr("torch.export.ExportedProgram.run_decompositions", None)
    assert error_of(Written(nn.Dropout(), WRITES["relu_"], lambda x, y, view: x + 2 * y, False)) < 1e-12


def test_a_part_with_gradients_of_its_own_is_captured():
    def with_gradients(x: Tensor) -> Tensor:
        with torch.enable_grad():
            y = x * 2
        return y.relu()

    assert error_of(nn.Sequential(nn.Conv2d(2, 3, 3), Apply(with_gradients))) < 1e-12

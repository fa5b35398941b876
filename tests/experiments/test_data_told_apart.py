"""What was found in one data set is never taken for another's, whatever its images are called."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import zfwidgets as zf

SIZE = (20, 26)
ONE, OTHER = (np.random.default_rng(seed).random((6, 3, *SIZE)).astype(np.float32) for seed in (0, 1))


@pytest.fixture(scope="module")
def net() -> zf.Network:
    return zf.Network(nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU()), size=SIZE, device="cpu")


def mine(net, images, **options):
    return zf.top_activations(net, images, progress=False, **options)


class Noisy(Dataset):
    """With a random transform."""

    def __len__(self):
        return len(ONE)

    def __getitem__(self, place):
        return torch.from_numpy(ONE[place] * random.random()), 0


@pytest.mark.parametrize(
    "kind",
    [
        torch.from_numpy,
        lambda batch: batch.transpose(0, 2, 3, 1),
        lambda batch: TensorDataset(torch.from_numpy(batch)),
        lambda batch: [(torch.from_numpy(x), 3) for x in batch],
    ],
)
def test_a_checkpoint_of_other_images_without_names_is_refused(net, tmp_path, kind):
    found = mine(net, kind(ONE), checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match="another data set"):
        mine(net, kind(OTHER), checkpoint=tmp_path / "run")
    again = mine(net, kind(ONE), checkpoint=tmp_path / "run")
    assert np.array_equal(again.values["1"], found.values["1"])
    found.check(net, zf.images(kind(ONE)))
    with pytest.raises(ValueError, match="found in other images"):
        found.check(net, zf.images(kind(OTHER)))


def test_a_data_set_with_a_random_transform_is_mined_and_checkpointed_under_a_fingerprint_of_its_own(net, tmp_path):
    found = mine(net, Noisy())
    assert found.count == len(ONE)
    found.check(net, zf.images(Noisy()))
    with pytest.raises(ValueError, match=r"random transform.*fingerprint="):
        mine(net, Noisy(), checkpoint=tmp_path / "run")
    first = mine(net, zf.images(Noisy(), fingerprint="noisy, 1"), checkpoint=tmp_path / "kept")
    again = mine(net, zf.images(Noisy(), fingerprint="noisy, 1"), checkpoint=tmp_path / "kept")
    assert np.array_equal(first.values["1"], again.values["1"])
    with pytest.raises(ValueError, match="another data set"):
        mine(net, zf.images(Noisy(), fingerprint="noisy, 2"), checkpoint=tmp_path / "kept")


def test_what_was_found_when_only_names_counted_is_accepted(net):
    images = zf.images(ONE.transpose(0, 2, 3, 1))
    replace(mine(net, images), data=images.former_fingerprint).check(net, images)


def test_what_comes_with_the_package_belongs_to_the_corpus_only():
    net = zf.load("squeezenet1_1", device="cpu")
    assert zf.prepared_tops(net) is zf.prepared_tops(net, zf.corpus())
    zf.prepared_tops(net).check(net, zf.corpus())
    assert zf.prepared_tops(net, Noisy()) is None

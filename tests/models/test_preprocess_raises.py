"""A preprocessing of one's own that raises for one image: said of that image, and the others are read."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.transforms import v2

import zfwidgets as zf

SIZE = (12, 14)
RED = np.array([255, 0, 0], np.uint8) * np.ones((20, 20, 1), np.uint8)


def dislikes_red(error):
    def preprocess(picture):
        if picture.getpixel((0, 0)) == (255, 0, 0):
            raise error
        return v2.functional.to_dtype(v2.functional.to_image(picture.resize(SIZE[::-1])), torch.float32, scale=True)

    return preprocess


@pytest.mark.parametrize(
    "error", [RuntimeError("too red"), KeyError("red"), MemoryError(), AssertionError("red"), ValueError("red")]
)
def test_the_image_is_named_and_the_others_are_read(error):
    net = zf.Network(nn.Conv2d(3, 4, 3), size=SIZE, preprocess=dislikes_red(error), device="cpu")
    images = zf.images({"calm": RED // 2, "glaring": RED, "calmer": RED // 3})
    with pytest.raises(ValueError, match=r"^image 'glaring': "):
        net.reader.read_from(images, 1)
    found = zf.top_activations(net, images, progress=False)
    assert found.count == 2
    ((number, why),) = found.broken
    assert number == 1
    assert why.startswith("image 'glaring': ")

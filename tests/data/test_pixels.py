"""What decode makes of arrays and tensors."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from zfwidgets.data import decode

HEIGHT, WIDTH = 5, 7


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def test_eight_bits_stay_as_they_are(pixels):
    assert np.array_equal(decode(pixels), pixels)
    assert np.array_equal(decode(pixels[::-1, ::2]), pixels[::-1, ::2])


def test_the_result_is_not_the_users_array(pixels):
    before = pixels.copy()
    decode(pixels)[:] = 0
    decode(torch.from_numpy(pixels).permute(2, 0, 1))[:] = 0
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (HEIGHT, WIDTH, 1)])
def test_one_channel_is_grey(shape):
    grey = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(shape)
    image = decode(grey)
    assert image.shape == (HEIGHT, WIDTH, 3)
    for channel in range(3):
        assert np.array_equal(image[:, :, channel], grey.reshape(HEIGHT, WIDTH))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_come_back_to_the_eight_bits_that_they_came_from(pixels, dtype):
    assert np.array_equal(decode((pixels / 255).astype(dtype)), pixels)


def test_floats_go_to_the_nearest_level():
    assert np.array_equal(
        decode(np.array([[0.0, 0.49 / 255, 0.51 / 255, 254.4 / 255, 1.0]]))[0, :, 0], [0, 0, 1, 254, 255]
    )


def test_floats_may_stray_by_a_rounding_error():
    assert np.array_equal(decode(np.array([[-1e-6, 1 + 1e-6]]))[0, :, 0], [0, 255])


def test_true_is_white():
    assert np.array_equal(decode(np.array([[True, False, True]]))[0, :, 2], [255, 0, 255])


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_every_sixteen_bit_number_goes_to_its_nearest_level(order):
    numbers = np.arange(65536).reshape(128, 512)
    assert np.array_equal(decode(numbers.astype(order))[:, :, 0], np.rint(numbers / 257))


def test_alpha_mixes_with_white():
    colors = np.array([[[100, 0, 255, 255], [100, 0, 255, 0], [100, 0, 255, 51]]], np.uint8)
    image = decode(colors)
    assert np.array_equal(image[0], [[100, 0, 255], [255, 255, 255], [224, 204, 255]])
    assert np.array_equal(decode(colors / 255), image)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_tensor_is_its_array_with_channels_first(channels):
    array = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)
    assert np.array_equal(decode(torch.from_numpy(array).permute(2, 0, 1)), decode(array))


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8, torch.bool]
)
def test_a_tensor_of_any_accepted_type_is_decoded(dtype):
    checks = torch.tensor([[0, 1, 0], [1, 0, 1]])
    white = 255 if dtype == torch.uint8 else 1
    assert np.array_equal(decode((checks * white).to(dtype))[:, :, 0], checks.numpy() * 255)


def test_a_tensor_that_needs_a_gradient_is_decoded_and_kept():
    tensor = torch.full((3, HEIGHT, WIDTH), 0.2, requires_grad=True)
    assert (decode(tensor) == 51).all()
    assert tensor.requires_grad


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64, np.uint32, np.uint64, ">i4"])
def test_wider_integers_that_hold_eight_bits_are_those(pixels, dtype):
    assert np.array_equal(decode(pixels.astype(dtype)), pixels)


@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.int64])
def test_a_tensor_of_wider_integers_holds_eight_bits(pixels, dtype):
    assert np.array_equal(decode(torch.from_numpy(pixels).permute(2, 0, 1).to(dtype)), pixels)


@pytest.mark.parametrize("beyond", [-1, 256, 70_000])
def test_wider_integers_of_unknown_scale_are_refused(beyond):
    with pytest.raises(ValueError, match=r"goes from (0|-1) to .*; if it has 16 bits, convert it to uint16"):
        decode(np.array([[0, beyond, 9]]))


@pytest.mark.parametrize(
    ("array", "hint"),
    [
        (np.full((HEIGHT, WIDTH, 3), 200.0), "divide it by 255"),
        (np.full((HEIGHT, WIDTH, 3), 4000.0), r"scale it to \[0, 1\]"),
        (np.full((HEIGHT, WIDTH, 3), -1.5), "goes down to -1.5; if it was normalised"),
        (np.full((HEIGHT, WIDTH), np.nan), "NaN"),
        (np.array([[0.5, np.inf]]), "not finite"),
        (np.zeros((3, HEIGHT, WIDTH)), r"channels come first: use array.transpose\(1, 2, 0\)"),
        (np.zeros((2, HEIGHT, WIDTH, 3)), "it is a batch"),
        (np.zeros((HEIGHT, WIDTH, 2)), r"this one has \(5, 7, 2\)$"),
        (np.zeros(HEIGHT), r"this one has \(5,\)$"),
        (np.array(0.5), r"this one has \(\)$"),
        (np.zeros((0, WIDTH, 3), np.uint8), "no pixels: its height is 0 and its width is 7"),
        (np.zeros((HEIGHT, 0)), "no pixels"),
        (torch.zeros(HEIGHT, WIDTH, 3), r"channels come last: use tensor.permute\(2, 0, 1\)"),
        (torch.zeros(2, 3, HEIGHT, WIDTH), "it is a batch"),
        (torch.zeros(9, HEIGHT, WIDTH), r"batch of grey images, use tensor\[:, None\]"),
        (np.zeros((9, HEIGHT, WIDTH)), r"batch of grey images, use array\[..., None\]"),
        (torch.full((3, HEIGHT, WIDTH), 255.0), "divide it by 255"),
    ],
)
def test_a_wrong_array_is_told_what_would_do(array, hint):
    with pytest.raises(ValueError, match=hint):
        decode(array)


@pytest.mark.parametrize("dtype", [np.int8, complex, object, "U1"])
def test_numbers_of_another_type_are_refused(dtype):
    with pytest.raises(TypeError, match="uint8, uint16, bool, floats"):
        decode(np.zeros((HEIGHT, WIDTH, 3), dtype))


def test_the_limit_of_pixels_holds_for_arrays():
    huge = np.broadcast_to(np.uint8(0), (20_000, 20_000, 3))  # takes one byte
    with pytest.raises(ValueError, match="more than the limit of 100,000,000"):
        decode(huge)


def test_decoding_an_array_imports_neither_torch_nor_the_photographs_packages():
    code = (
        "import sys, numpy; from zfwidgets.data import decode, images; decode(numpy.zeros((2, 3))); images(); "
        "sys.exit(bool({'torch', 'skimage', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

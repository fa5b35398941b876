"""Every mode and depth of PIL pictures: from black to white, and what lies between in proportion."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from zfwidgets.data import decode

LEVELS = np.arange(256, dtype=np.uint8).reshape(8, 32)
GREY_MODES = ["L", "P", "LA", "PA", "La", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F"]
DEEP_MODES = ["I;16", "I;16B", "I;16L", "I;16N"]


def tiff(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def encoded(picture, kind):
    stream = io.BytesIO()
    picture.save(stream, kind)
    return stream.getvalue()


def pgm(numbers, white):
    rows, columns = numbers.shape
    return f"P5 {columns} {rows} {white}\n".encode() + numbers.astype(">u2" if white > 255 else "u1").tobytes()


def png(numbers, transparent):
    """A grey PNG of 16 bits, in which one number is transparent."""
    rows, columns = numbers.shape
    lines = b"".join(b"\0" + row.tobytes() for row in numbers.astype(">u2"))
    chunks = [
        b"IHDR" + struct.pack(">IIBBBBB", columns, rows, 16, 0, 0, 0, 0),
        b"tRNS" + struct.pack(">H", transparent),
    ]
    chunks += [b"IDAT" + zlib.compress(lines), b"IEND"]
    framed = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def twelve_bits(numbers):
    """A TIFF of 12 bits a pixel, packed, which neither Pillow nor tifffile writes."""
    rows, columns = numbers.shape
    bits = "".join(format(number, "012b") for number in numbers.ravel())
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    tags = {
        256: columns,
        257: rows,
        258: 12,
        259: 1,
        262: 1,
        273: 8 + 2 + 9 * 12 + 4,
        277: 1,
        278: rows,
        279: len(data),
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def assert_levels(image, expected=LEVELS):
    assert all(np.array_equal(image[:, :, channel], expected) for channel in range(3))


@pytest.mark.parametrize("mode", GREY_MODES)
def test_a_grey_ramp_is_the_same_in_every_mode(mode):
    straight = {"La": "LA", "RGBa": "RGBA"}.get(mode, mode)
    assert_levels(decode(Image.fromarray(LEVELS).convert(straight).convert(mode)))


def test_a_grey_ramp_in_lab_is_nearly_the_same():
    image = decode(Image.fromarray(LEVELS).convert("RGB").convert("LAB"))
    assert np.abs(image.astype(int) - LEVELS[:, :, None]).max() <= 3  # LAB has 8 bits a channel


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB", "RGBX", "P"])
def test_colours_of_every_mode_are_those_that_pillow_shows(mode):
    colours = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)).convert(mode)
    assert np.array_equal(decode(colours), np.asarray(colours.convert("RGB")))


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_premultiplied_transparency_is_laid_on_white(mode):
    straight = Image.new("LA" if mode == "La" else "RGBA", (3, 2), (100, 51) if mode == "La" else (100, 0, 255, 51))
    assert np.array_equal(decode(straight.convert(mode)), decode(straight))


@pytest.mark.parametrize("mode", DEEP_MODES)
def test_sixteen_bits_stay_sixteen_bits_however_dark(mode):
    ramp = LEVELS.astype(">u2" if mode == "I;16B" else "<u2")
    deep = Image.frombytes(mode, (32, 8), (ramp * 257).astype(ramp.dtype).tobytes())
    assert_levels(decode(deep))
    assert decode(Image.frombytes(mode, (32, 8), ramp.tobytes())).max() == 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG2000"])
def test_a_dark_file_of_sixteen_bits_stays_dark(kind):
    dark = Image.fromarray(LEVELS.astype(np.uint16))
    assert decode(encoded(dark, kind)).max() == 1


def test_a_pgm_says_how_deep_it_is():
    assert_levels(decode(pgm(LEVELS, 255)))
    assert_levels(decode(pgm(LEVELS.astype(int) * 257, 65535)))
    assert np.abs(decode(pgm(LEVELS.astype(int) * 4, 1023)).astype(int)[:, :, 0] - LEVELS * (1020 / 1023)).max() < 1
    assert decode(pgm(LEVELS, 65535)).max() == 1


@pytest.mark.parametrize("kind", [np.int32, np.uint32, np.int16])
def test_wide_integers_of_a_tiff_that_hold_eight_bits_are_those(kind):
    assert_levels(decode(tiff(LEVELS.astype(kind), photometric="minisblack")))


@pytest.mark.parametrize("kind", [np.int32, np.uint32])
def test_wide_integers_of_a_tiff_that_hold_sixteen_bits_are_those(kind):
    assert_levels(decode(tiff(LEVELS.astype(kind) * 257, photometric="minisblack")))


def test_twelve_bits_of_a_tiff_are_scaled():
    numbers = np.arange(4096).reshape(64, 64)
    assert np.array_equal(decode(twelve_bits(numbers))[:, :, 1], np.rint(numbers * (255 / 4095)))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_tiff_in_which_zero_is_white_is_turned(kind):
    scale = 257 if kind == np.uint16 else 1
    assert_levels(decode(tiff(LEVELS.astype(kind) * kind(scale), photometric="miniswhite")), 255 - LEVELS)


def test_a_transparent_number_of_sixteen_bits_is_white():
    image = decode(png(LEVELS.astype(int) * 257, transparent=3 * 257))
    assert image[0, 3, 0] == 255
    assert_levels(np.delete(image[0], 3, axis=0)[None], np.delete(LEVELS[0], 3)[None])


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_floats_are_in_0_to_1_or_in_0_to_255(white):
    floats = (LEVELS * np.float32(white / 255)).astype(np.float32)
    assert_levels(decode(Image.fromarray(floats)))
    assert_levels(decode(tiff(floats, photometric="minisblack")))


@pytest.mark.parametrize(
    ("floats", "words"),
    [
        ([0, 1.2, 0.4], "from 0 to 1.2: too large for"),
        ([0, 1.9, 1.1], "scale them to"),
        ([0, 256, 3], "goes up to 256"),
        ([-3, 200, 3], "goes down to -3"),
        ([0, np.nan, 3], "not finite"),
        ([0, np.inf, 3], "not finite"),
    ],
)
def test_floats_of_unknown_scale_are_refused(floats, words):
    with pytest.raises(ValueError, match=words):
        decode(Image.fromarray(np.array([floats], np.float32)))


def test_a_tiff_that_pillow_reads_wrongly_is_refused():
    planes = np.stack([LEVELS.astype(np.uint16) * 257] * 3)
    with pytest.raises(ValueError, match="colours lie apart, with 16 bits"):
        decode(tiff(planes, photometric="rgb", planarconfig="separate"))
    assert_levels(decode(tiff(np.dstack(list(planes)), photometric="rgb")))
    assert_levels(decode(tiff((planes // 257).astype(np.uint8), photometric="rgb", planarconfig="separate")))


@pytest.mark.parametrize("mode", ["L", "I", "I;16", "F"])
def test_a_picture_of_any_depth_is_turned_as_its_camera_was_held(mode):
    picture = Image.fromarray(LEVELS).convert(mode)
    if mode == "I;16":
        picture = Image.fromarray(LEVELS.astype(np.uint16) * 257)
    picture.getexif()[0x0112] = 6
    assert_levels(decode(picture), LEVELS.T[:, ::-1])

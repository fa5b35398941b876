"""What decode makes of files, bytes and PIL images."""

import io
import random
import struct
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from zfwidgets.data import decode

RED, WHITE = (255, 0, 0), (255, 255, 255)
TRANSPOSED_BY_ORIENTATION = {  # EXIF 2.3, table "Orientation": where the stored row 0 and column 0 are on the picture
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "as_given", [str, Path, Path.read_bytes, lambda path: memoryview(path.read_bytes()), Image.open]
)
def test_a_file_is_the_same_however_it_is_given(tmp_path, pixels, as_given):
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    image = decode(as_given(tmp_path / "noise.png"))
    assert image.dtype == np.uint8
    assert np.array_equal(image, pixels)


def test_the_result_may_be_written_to(pixels):
    picture = Image.fromarray(pixels)
    decode(picture)[:] = 0
    assert np.array_equal(decode(picture), pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_stands_as_its_camera_was_held(pixels, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(encoded(Image.fromarray(pixels), exif=exif))
    assert np.array_equal(image, TRANSPOSED_BY_ORIENTATION[orientation](pixels))


def test_transparent_pixels_of_a_palette_are_white():
    picture = Image.new("P", (3, 2), 1)
    picture.putpalette([0, 0, 0, *RED])
    picture.putpixel((2, 0), 0)
    image = decode(encoded(picture, transparency=0))
    assert tuple(image[0, 2]) == WHITE
    assert tuple(image[1, 2]) == RED


def test_a_palette_of_many_transparencies_is_laid_on_white():
    picture = Image.new("P", (3, 2), 0)
    picture.putpalette([*RED, *RED])
    picture.putpixel((1, 1), 1)
    image = decode(encoded(picture, transparency=bytes([255, 51])))
    assert tuple(image[0, 0]) == RED
    assert tuple(image[1, 1]) == (255, 204, 204)  # a fifth of red on white


@pytest.mark.parametrize(("mode", "color"), [("RGBA", (10, 20, 30, 0)), ("LA", (10, 0))])
def test_what_cannot_be_seen_is_white_whatever_its_color(mode, color):
    assert (decode(encoded(Image.new(mode, (3, 2), color))) == 255).all()


def test_a_transparent_color_is_white():
    picture = Image.new("RGB", (3, 2), RED)
    picture.putpixel((0, 1), (1, 2, 3))
    image = decode(encoded(picture, transparency=(1, 2, 3)))
    assert tuple(image[1, 0]) == WHITE
    assert tuple(image[0, 0]) == RED


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_cut(kind):
    deep = np.array([[0, 257, 65535], [128, 129, 32896]], dtype=np.uint16)  # 128 / 257 is under a half, 129 / 257 over
    image = decode(encoded(Image.fromarray(deep), kind))
    assert np.array_equal(image[:, :, 0], [[0, 1, 255], [0, 1, 128]])
    assert np.array_equal(image[:, :, 0], image[:, :, 2])


def test_thirty_two_bit_integers_that_hold_sixteen_are_scaled():
    assert np.array_equal(decode(Image.fromarray(np.array([[0, 65535, 257]], np.int32)))[0, :, 1], [0, 255, 1])


@pytest.mark.parametrize("beyond", [-1, 65536])
def test_integers_of_unknown_scale_are_refused(beyond):
    with pytest.raises(ValueError, match="8 or 16 bits"):
        decode(Image.fromarray(np.array([[0, beyond, 1]], np.int32)))


def test_printing_inks_become_light():
    cyan = Image.new("CMYK", (3, 2), (255, 0, 0, 0))
    assert np.array_equal(decode(encoded(cyan, "TIFF"))[1, 2], (0, 255, 255))


def test_one_bit_is_black_or_white():
    picture = Image.new("1", (3, 2), 0)
    picture.putpixel((2, 1), 1)
    assert np.array_equal(decode(encoded(picture)).sum(axis=2), [[0, 0, 0], [0, 0, 765]])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_shows_its_first_frame(kind):
    frames = [Image.new("RGB", (16, 9), color) for color in (RED, WHITE)]
    options = {"lossless": True} if kind == "WEBP" else {}
    image = decode(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    assert image.shape == (9, 16, 3)
    assert (image == RED).all()


def test_a_file_cut_short_is_refused_and_pillow_is_left_as_it_was(tmp_path, pixels):
    whole = encoded(Image.fromarray(np.tile(pixels, (9, 9, 1))))
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"half\.png.*damaged or cut short"):
        decode(tmp_path / "half.png")
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "ICO", "JPEG2000", "AVIF"])
def test_a_damaged_file_never_raises_anything_but_value_error(pixels, kind):
    whole = encoded(Image.fromarray(np.tile(pixels, (4, 4, 1))), kind)
    chance = random.Random(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            assert decode(bytes(damaged)).dtype == np.uint8
        except ValueError as error:
            assert str(error)  # noqa: PT017 (that it decodes is as good)


def test_what_is_no_image_is_refused_by_name(tmp_path):
    (tmp_path / "notes.png").write_text("to do")
    with pytest.raises(ValueError, match=r"notes\.png.*not an image"):
        decode(tmp_path / "notes.png")


def test_a_pickled_array_is_not_unpickled():
    stream = io.BytesIO()
    np.save(stream, np.array([[object()]]), allow_pickle=True)
    with pytest.raises(ValueError, match="not an image"):
        decode(stream.getvalue())


def test_postscript_is_not_run():
    with pytest.raises(ValueError, match="not an image"):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 3 2\n%%EndComments\nshowpage\n")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("nothing.png", "there is no file"), (".", "is a folder"), ("https://example.org/cat.png", "download")],
)
def test_a_path_that_leads_to_no_file_is_refused(name, complaint):
    with pytest.raises(ValueError, match=complaint):
        decode(name)


@pytest.mark.parametrize("name", ["a\0b.png", "x" * 5000, ""])
def test_an_impossible_path_is_refused(name):
    with pytest.raises(ValueError, match="there is no file"):
        decode(name)


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ValueError, match=r"empty\.jpg.*0 bytes"):
        decode(tmp_path / "empty.jpg")


def test_a_picture_without_pixels_is_refused():
    with pytest.raises(ValueError, match="height is 4 and its width is 0"):
        decode(Image.new("RGB", (0, 4)))


def test_a_closed_picture_is_refused(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    picture = Image.open(tmp_path / "noise.png")
    picture.close()
    with pytest.raises(ValueError, match="losed"):
        decode(picture)


def png_that_claims(width, height):
    """A PNG of some bytes with a header of any size: pixels cannot be decoded from it."""
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b"0")]
    framed = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@pytest.mark.parametrize("side", [10_001, 13_000, 60_000])  # under, between and over Pillow's two limits
def test_too_many_pixels_are_refused_before_any_is_decoded(side):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="pixels"):
            decode(png_that_claims(side, side))
    assert not caught


def test_the_limit_is_the_callers(pixels):
    assert decode(encoded(Image.fromarray(pixels)), max_pixels=35).shape == (5, 7, 3)
    with pytest.raises(ValueError, match="5 x 7 = 35 pixels, more than the limit of 34"):
        decode(encoded(Image.fromarray(pixels)), max_pixels=34)


@pytest.mark.parametrize("thing", [None, 3, 1.5, [[0, 1]], {}, object()])
def test_another_type_is_told_what_would_do(thing):
    with pytest.raises(TypeError, match=f"path.*bytes.*PIL.*numpy.*tensor.*{type(thing).__name__}"):
        decode(thing)


def test_who_waits_for_one_file_to_open_keeps_nobody_from_another(pixels, monkeypatch):
    opening, released = threading.Event(), threading.Event()
    factory, accept = Image.OPEN["PNG"]

    def slow(*given):
        opening.set()
        assert released.wait(60)
        return factory(*given)

    monkeypatch.setitem(Image.OPEN, "PNG", (slow, accept))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(decode, encoded(Image.fromarray(pixels)))
        assert opening.wait(60)
        assert np.array_equal(decode(encoded(Image.fromarray(pixels), "BMP")), pixels)
        released.set()
        assert np.array_equal(waiting.result(), pixels)


def test_a_directory_that_lies_about_its_types_is_damaged():
    whole = bytearray(encoded(Image.new("RGB", (16, 9), RED), "TIFF", compression="tiff_lzw"))
    (first,) = struct.unpack_from("<I", whole, 4)
    for entry in range(struct.unpack_from("<H", whole, first)[0]):
        for kind in range(1, 13):
            lying = whole.copy()
            struct.pack_into("<H", lying, first + 2 + 12 * entry + 2, kind)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    assert decode(bytes(lying)).dtype == np.uint8
                except ValueError as error:
                    assert str(error)  # noqa: PT017 (that it decodes is as good)

"""Memory and time for one image file, whatever it says: measured in a process of its own, under a limit."""

import io
import json
import struct
import subprocess
import sys
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from zfwidgets.data import decode, images
from zfwidgets.data.avif import coded_pixels
from zfwidgets.data.blocks import upright_pixels
from zfwidgets.data.memory import MOST

from ..peak import SOURCE

pytestmark = pytest.mark.slow
SECONDS = 60  # an attack takes minutes; most files take one second
DECODES = """
import io, json
from PIL import Image
from zfwidgets.data import decode
small = io.BytesIO()
Image.new("RGB", (8, 8)).save(small, "PNG")
decode(small.getvalue())
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
forget()
before = peak()
try:
    said = list(decode(sys.argv[1]).shape)
except ValueError as error:
    said = str(error)
print(json.dumps([said, peak() - before]))
"""


READS = """
from zfwidgets import data
from zfwidgets.models.preprocess import Preprocess
def decode(image):
    return Preprocess((224, 224), 256)(data.decode(image))[0]
"""


def decoded(path, script=DECODES):
    """What becomes of a file: its shape or the error's text, and bytes that it took."""
    child = [sys.executable, "-W", "ignore", "-c", SOURCE + script, str(path)]
    said, taken = json.loads(subprocess.run(child, capture_output=True, text=True, check=True, timeout=SECONDS).stdout)
    return said, taken


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def plain(mode, width, height):
    return Image.new(mode, (width, height), 77)


def turned(kind, width, height, **options):
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(plain("RGB", width, height), kind, exif=exif, **options)


def palette(width, height):
    picture = plain("P", width, height)
    picture.putpalette([1, 2, 3] * 256)
    return encoded(picture, "PNG", transparency=bytes([9] * 256))


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def behind_the_first_chunk(content):
    whole = encoded(plain("L", 8, 8), "PNG")
    return whole[:33] + content + whole[33:]


def with_chunk(kind, times):
    return behind_the_first_chunk(chunk(kind, b"a\0\0" + zlib.compress(bytes(60_000_000), 9)) * times)


PEOPLE_HAVE = {
    "50 megapixels of JPEG": ((6120, 8160), lambda: encoded(plain("RGB", 8160, 6120), "JPEG")),
    "the same, turned": ((8160, 6120), lambda: turned("JPEG", 8160, 6120)),
    "24 megapixels of progressive JPEG": (
        (4000, 6000), lambda: encoded(plain("RGB", 6000, 4000), "JPEG", progressive=True, subsampling=0),
    ),
    "24 megapixels of MPO": (
        (4000, 6000),
        lambda: encoded(plain("RGB", 6000, 4000), "MPO", save_all=True, append_images=[plain("RGB", 60, 40)]),
    ),
    "24 megapixels of PNG": ((4000, 6000), lambda: encoded(plain("RGB", 6000, 4000), "PNG")),
    "24 megapixels of transparent PNG": ((4000, 6000), lambda: encoded(plain("RGBA", 6000, 4000), "PNG")),
    "24 megapixels of 16 bits": ((4000, 6000), lambda: encoded(plain("I;16", 6000, 4000), "PNG")),
    "24 megapixels of transparent palette": ((4000, 6000), lambda: palette(6000, 4000)),
    "24 megapixels of TIFF": ((4000, 6000), lambda: encoded(plain("RGB", 6000, 4000), "TIFF", compression="tiff_lzw")),
    "24 megapixels of TIFF, turned": ((6000, 4000), lambda: turned("TIFF", 6000, 4000, compression="tiff_lzw")),
    "24 megapixels of inks": ((4000, 6000), lambda: encoded(plain("CMYK", 6000, 4000), "JPEG")),
    "24 megapixels of LAB": ((4000, 6000), lambda: encoded(plain("LAB", 6000, 4000), "TIFF", compression="tiff_lzw")),
    "24 megapixels of floats": ((4000, 6000), lambda: encoded(plain("F", 6000, 4000), "TIFF")),
    "24 megapixels of GIF": ((4000, 6000), lambda: encoded(plain("P", 6000, 4000), "GIF")),
    "24 megapixels of BMP": ((4000, 6000), lambda: encoded(plain("RGB", 6000, 4000), "BMP")),
    "24 megapixels of PPM": ((4000, 6000), lambda: encoded(plain("RGB", 6000, 4000), "PPM")),
    "20 megapixels of WebP": ((4000, 5000), lambda: encoded(plain("RGB", 5000, 4000), "WEBP", method=0)),
    "an animation in WebP": (
        (3000, 5000),
        lambda: encoded(
            plain("RGB", 5000, 3000), "WEBP", method=0, save_all=True, append_images=[plain("L", 5000, 3000)] * 3
        ),
    ),
    "16 megapixels of AVIF": ((4000, 4000), lambda: encoded(plain("RGBA", 4000, 4000), "AVIF", speed=10)),
    "an animation in AVIF": (
        (2000, 3000),
        lambda: encoded(
            plain("RGB", 3000, 2000), "AVIF", speed=10, save_all=True, append_images=[plain("RGB", 3000, 2000)] * 3
        ),
    ),
    "14 megapixels of JPEG 2000": ((3700, 3700), lambda: encoded(plain("RGB", 3700, 3700), "JPEG2000")),
    "28 megapixels of grey JPEG 2000": ((5300, 5300), lambda: encoded(plain("L", 5300, 5300), "JPEG2000")),
    "many frames of GIF": (
        (700, 900),
        lambda: encoded(
            plain("P", 900, 700), "GIF", save_all=True, append_images=[plain("P", 9 * i, 7 * i) for i in range(1, 99)]
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PEOPLE_HAVE)
def test_pictures_that_people_have_are_read_within_the_limit(tmp_path, name):
    (height, width), make = PEOPLE_HAVE[name]
    (tmp_path / "a").write_bytes(make())
    said, taken = decoded(tmp_path / "a")
    assert said == [height, width, 3]
    assert taken <= MOST


@pytest.mark.parametrize(
    ("side", "options", "scale"),
    [(9900, {}, 2), (9900, {"progressive": True}, 4), (8000, {"progressive": True, "subsampling": 2}, 2)],
)
def test_a_jpeg_that_would_take_more_is_read_smaller(tmp_path, side, options, scale):
    (tmp_path / "a.jpg").write_bytes(encoded(plain("RGB", side, side), "JPEG", **options))
    said, taken = decoded(tmp_path / "a.jpg")
    assert said == [side // scale, side // scale, 3]
    assert taken <= MOST


def webp_that_claims(kind, place):
    head = bytearray(b"RIFF" + struct.pack("<I", 26) + b"WEBP" + kind + struct.pack("<I", 14) + bytes(14))
    if kind == b"VP8L":
        head[20:25] = b"\x2f" + struct.pack("<I", 9999 | 9999 << 14)
    else:
        head[place : place + len(NINES[kind])] = NINES[kind]
    return bytes(head)


NINES = {b"VP8X": (9999).to_bytes(3, "little") * 2, b"VP8 ": b"\x9d\x01\x2a" + struct.pack("<HH", 9999, 9999)}


def many_scans():
    whole = encoded(plain("RGB", 6000, 4000), "JPEG", progressive=True)
    return whole[:-2] + whole[whole.rindex(b"\xff\xda") : -2] * 300 + b"\xff\xd9"


def before_the_picture(content):
    jpeg = encoded(plain("RGB", 8, 8), "JPEG")
    return jpeg[:2] + content + jpeg[2:]


def exif(size):
    return b"\xff\xe1" + struct.pack(">H", 8 + size) + b"Exif\0\0" + bytes(size)


def segment(begins):
    return b"\xff\xe2" + struct.pack(">H", 65_000) + begins.ljust(64_998, b"\0")


def webp_of_metadata(size):
    whole = encoded(plain("RGB", 8, 8), "WEBP") + b"junk" + struct.pack("<I", size) + bytes(size)
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def gif_of(extensions):
    whole = encoded(plain("P", 8, 8), "GIF")
    picture = whole.index(b",", 13)
    return whole[:picture] + extensions + whole[picture:]


def jpeg2000_of_header(size):
    whole = encoded(plain("RGB", 8, 8), "JPEG2000")
    begins = whole.index(b"jp2h") - 4
    length = struct.unpack_from(">I", whole, begins)[0]
    header = whole[begins + 4 : begins + length] + struct.pack(">I4s", size + 8, b"uuid") + bytes(size)
    return whole[:begins] + struct.pack(">I", len(header) + 4) + header + whole[begins + length :]


def codestream(marker, place, content, **options):
    whole = bytearray(encoded(plain("RGB", 3700, 3700), "JPEG2000", no_jp2=True, **options))
    begins = whole.index(marker) + place
    whole[begins : begins + len(content)] = content
    return bytes(whole)


def avif_that_belies(side, **options):
    whole = bytearray(encoded(plain("RGB", side, side), "AVIF", speed=10, quality=20, **options))
    begins = whole.index(b"ispe") + 8
    whole[begins : begins + 8] = struct.pack(">II", 64, 64)
    return bytes(whole)


def icon(width, height):
    png = encoded(plain("RGB", width, height), "PNG")
    return struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(png), 22) + png


def bitmap(content, side=9000):
    head = struct.pack("<IHHI", 0, 0, 0, 1078) + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + head + bytes(1024) + content


def tiff_of_tags(count):
    entries = [(256, 4, 1, 8), (257, 4, 1, 8), (273, 4, count, 100), (279, 4, count, 100)]
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4 * count + 200)


BOMBS = {
    "lossless WebP of 48 bytes": ("limit of 400 MB", lambda: webp_that_claims(b"VP8L", 21)),
    "animated WebP of 48 bytes": ("limit of 400 MB", lambda: webp_that_claims(b"VP8X", 24)),
    "lossy WebP of 48 bytes": ("limit of 400 MB", lambda: webp_that_claims(b"VP8 ", 23)),
    "PNG": ("limit of 400 MB", lambda: encoded(plain("RGB", 9900, 9900), "PNG")),
    "transparent PNG": ("limit of 400 MB", lambda: encoded(plain("RGBA", 9900, 9900), "PNG")),
    "one bit": ("limit of 400 MB", lambda: encoded(plain("1", 9999, 9999), "PNG")),
    "16 bits": ("limit of 400 MB", lambda: encoded(plain("I;16", 9900, 9900), "PNG")),
    "text in PNG": ("damaged", lambda: with_chunk(b"zTXt", 40)),
    "colour profile in PNG": ("", lambda: with_chunk(b"iCCP", 40)),
    "GIF": ("limit of 400 MB", lambda: encoded(plain("P", 9900, 9900), "GIF")),
    "TIFF of one strip": (
        "limit of 400 MB", lambda: encoded(plain("L", 9000, 9000), "TIFF", compression="tiff_lzw", strip_size=10**9),
    ),
    "turned TIFF": ("limit of 400 MB", lambda: turned("TIFF", 6500, 6500, compression="tiff_lzw")),
    "tags of TIFF": ("tags hold 6,000,002 numbers", lambda: tiff_of_tags(3_000_000)),
    "empty RLE": ("limit of 400 MB", lambda: bitmap(b"\0\1")),
    "PPM in figures": ("limit of 400 MB", lambda: b"P3 7000 7000 255\n" + b"1 " * 100),
    "PPM of few levels": ("limit of 400 MB", lambda: b"P6 7000 7000 99\n" + bytes(100)),
    "picture in an icon": ("holds a picture of 7000 x 6000 pixels", lambda: icon(6000, 7000)),
    "JPEG of many scans": ("310 scans", many_scans),
    "JPEG of Exif": ("more metadata than picture", lambda: before_the_picture(exif(65_000) * 1000)),
    "JPEG of small Exif": ("more metadata than picture", lambda: before_the_picture(exif(2) * 500_000)),
    "JPEG of segments": ("more metadata than picture", lambda: before_the_picture(b"\xff\xe5\0\2" * 2_000_000)),
    "JPEG of filling": ("more metadata than picture", lambda: before_the_picture(b"\xff" * 30_000_000)),
    "JPEG of zeros": ("more metadata than picture", lambda: before_the_picture(b"\xff\xe5\0\2" + bytes(30_000_000))),
    "JPEG of profiles": (
        "more metadata than picture", lambda: before_the_picture(segment(b"ICC_PROFILE\0\1\1") * 4000),
    ),
    "GIF of comments": ("more metadata than picture", lambda: gif_of(b"\x21\xfe\1c\0" * 4_000_000)),
    "GIF of one comment": ("more metadata than picture", lambda: gif_of(b"\x21\xfe" + b"\1c" * 5_000_000 + b"\0")),
    "PNG of chunks": ("more metadata than picture", lambda: behind_the_first_chunk(chunk(b"abCd", b"") * 3_000_000)),
    "PNG of chunks behind the picture": (
        "more metadata than picture", lambda: encoded(plain("L", 8, 8), "PNG")[:-12] + chunk(b"abCd", b"") * 3_000_000,
    ),
    "PPM of a comment": ("more metadata than picture", lambda: b"P6\n#" + b"a" * 30_000_000 + b"\n3 2 255\n"),
    "JPEG 2000 of header": ("more metadata than picture", lambda: jpeg2000_of_header(300_000_000)),
    "WebP of metadata": ("more metadata than picture", lambda: webp_of_metadata(300_000_000)),
    "JPEG 2000": ("limit of 400 MB", lambda: encoded(plain("RGB", 5000, 5000), "JPEG2000")),
    "tiles of JPEG 2000": ("tiles", lambda: codestream(b"\xff\x51", 22, struct.pack(">II", 2, 2))),
    "code blocks of JPEG 2000": ("code blocks", lambda: codestream(b"\xff\x52", 10, b"\0\0")),
    "precincts of JPEG 2000": (
        "precincts", lambda: codestream(b"\xff\x52", 14, b"\x11" * 6, precinct_size=(128, 128)),
    ),
    "AVIF": ("limit of 400 MB", lambda: encoded(plain("RGB", 5000, 5000), "AVIF", speed=10)),
    "AVIF of larger frames": ("limit of 400 MB", lambda: avif_that_belies(7500)),
    "AVIF of larger frames in full": ("limit of 400 MB", lambda: avif_that_belies(7500, subsampling="4:4:4")),
    "AVIF whose film has larger frames": (
        "limit of 400 MB",
        lambda: avif_that_belies(4100, save_all=True, append_images=[plain("RGB", 4100, 4100)]),
    ),
}  # fmt: skip


def test_what_cameras_write_before_a_picture_is_read():
    jpeg = before_the_picture(exif(60_000) * 8 + b"\xff" * 1000 + b"\xff\xed\0\6okay" * 300)
    assert decode(jpeg).shape == (8, 8, 3)


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_within_the_limit(tmp_path, name):
    complaint, make = BOMBS[name]
    (tmp_path / "a").write_bytes(make())
    said, taken = decoded(tmp_path / "a")
    assert complaint in said if complaint else said
    assert taken <= MOST


SLOW = {
    "PPM of few levels": lambda: b"P5 2000 1000 1023\n" + bytes(4_000_000),
    "comments in PPM": lambda: b"P2 2000 1000 255\n" + b"1 " * 100 + b"# abc\n" * 1_000_000,
    "figures in PPM": lambda: b"P3 2000 1000 255\n" + b"1 " * 6_000_000,
    "bitmap of runs": lambda: bitmap(b"\1\1" * 4_000_000, 4000),
    "chunks of PNG": lambda: encoded(plain("L", 8, 8), "PNG")[:-12] + chunk(b"abCd", b"") * 100_000,
}


@pytest.mark.parametrize("name", SLOW)
def test_what_takes_too_long_is_given_up(monkeypatch, name):
    content = SLOW[name]()
    monkeypatch.setattr("zfwidgets.data.watched.MOST_SECONDS", 0.05)
    with pytest.raises(ValueError, match=r"takes more than 0\.05 s"):
        decode(content)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize(("width", "height"), [(8, 8), (301, 200), (4000, 30)])
def test_the_frames_of_an_avif_are_as_large_as_it_says(mode, width, height):
    picture = plain(mode, width, height)
    frames = 2 if mode == "RGBA" else 1  # transparency is one of its own
    assert coded_pixels(io.BytesIO(encoded(picture, "AVIF"))) == frames * width * height
    film = encoded(picture, "AVIF", save_all=True, append_images=[plain(mode, width, height)])
    assert coded_pixels(io.BytesIO(film)) >= 2 * frames * width * height


def test_a_damaged_avif_is_a_value_error_or_a_picture():
    rng = np.random.default_rng(0)
    picture = plain("RGBA", 40, 30)
    whole = [encoded(picture, "AVIF"), encoded(picture, "AVIF", save_all=True, append_images=[plain("RGBA", 40, 30)])]
    for number in range(600):
        broken = bytearray(whole[number % 2])
        for _ in range(1 + number % 7):
            broken[rng.integers(len(broken))] = rng.integers(256)
        with suppress(ValueError):
            assert decode(bytes(broken[: len(broken) - number % 5 * 20])).ndim == 3


@pytest.mark.parametrize("size", [(1, 20_000), (20_000, 1), (1, 600_000), (65_000, 3)])
def test_strips_are_read(tmp_path, size):
    Image.new("L", size, 255).save(tmp_path / "strip.png")
    said, taken = decoded(tmp_path / "strip.png")
    assert said == [*size[::-1], 3]
    assert taken <= 50_000_000


@pytest.mark.parametrize(("mode", "side"), [("RGB", 7200), ("P", 7200), ("L", 7200)])
def test_a_network_reads_the_largest_within_the_limit(tmp_path, mode, side):
    plain(mode, side, side).save(tmp_path / "a.png")
    said, taken = decoded(tmp_path / "a.png", DECODES.replace("from zfwidgets.data import decode", READS))
    assert said == [224, 224, 3]
    assert taken <= MOST


def test_a_folder_with_a_bomb_names_it(tmp_path):
    (tmp_path / "a.webp").write_bytes(webp_that_claims(b"VP8L", 21))
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    collection = images(tmp_path)
    assert collection[1].shape == (8, 8, 3)
    with pytest.raises(ValueError, match=r"^image 'a\.webp': .*the image has 10000 x 10000 .* limit of 400 MB"):
        collection[0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "P", "I;16", "CMYK", "LA", "F"])
def test_block_by_block_it_is_the_same(monkeypatch, mode, orientation):
    rng = np.random.default_rng(0)
    picture = {
        "RGB": lambda: Image.fromarray(rng.integers(0, 256, (37, 53, 3), dtype=np.uint8)),
        "I;16": lambda: Image.fromarray(rng.integers(0, 65536, (37, 53), dtype=np.uint16)),
        "F": lambda: Image.fromarray(rng.integers(0, 256, (37, 53)).astype(np.float32)),
    }.get(mode, lambda: Image.fromarray(rng.integers(0, 256, (37, 53, 3), dtype=np.uint8)).convert(mode))()
    picture.getexif()[0x0112] = orientation
    whole = decode(picture)
    for block in (1, 10, 53, 100, 1000):
        monkeypatch.setattr("zfwidgets.data.blocks._BLOCK", block)
        assert np.array_equal(upright_pixels(picture, lambda error: error), whole)

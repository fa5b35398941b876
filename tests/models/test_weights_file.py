"""Files of weights that lie, and files that would take all memory or time: each is one sentence, before the work."""

from __future__ import annotations

import io
import json
import os
import random
import re
import subprocess
import sys
import zipfile
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import zfwidgets as zf
from zfwidgets.models.weights_file import LONGEST, MOST_TENSORS, read_weights

from ..peak import SOURCE


class Small(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.filters, self.classes = nn.Conv2d(3, 5, 3), nn.Linear(5, classes)
        self.register_buffer("count", torch.tensor(7))

    def forward(self, x):
        return self.classes(self.filters(x).relu().mean((2, 3)))


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(4)
    return Small().state_dict()


def load(path):
    return zf.load(path, Small(), size=16, device="cpu")


def refused(path):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (looked at by those who call)
        load(path)
    said = str(caught.value)
    assert path.name in said
    assert "\n" not in said
    assert len(said) < 600
    return said


def written(path, content, **options):
    torch.save(content, path, **options)
    return path


SAVE = {
    "zip.pth": torch.save,
    "old.pth": partial(torch.save, _use_new_zipfile_serialization=False),
    "w.safetensors": save_file,
}


@pytest.mark.parametrize("name", SAVE)
def test_a_file_cut_short_or_with_a_flipped_bit_is_refused_or_read(tmp_path, weights, name):
    path = tmp_path / name
    SAVE[name](weights, path)
    content, chance = path.read_bytes(), random.Random(3)
    assert {key: value.tolist() for key, value in read_weights(path)[0].items()} == {
        key: value.tolist() for key, value in weights.items()
    }
    places = chance.sample(range(len(content)), 400)
    damaged = [content[:place] for place in places[:100]]
    damaged += [content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :] for at in places]
    refusals = []
    for some in damaged:
        path.write_bytes(some)
        try:
            read_weights(path)
        except ValueError as error:
            refusals.append(str(error))
    assert len(refusals) >= 100
    assert all(name in said and "\n" not in said for said in refusals)


def repeated(value):
    return value[:1, :1].expand(10**9, *value.shape[1:]) if value.ndim > 1 else value


def converted(value, to):
    return value.to(to) if value.is_floating_point() else value


ODD = {
    "sparse": lambda v: v.to_sparse() if v.ndim else v,
    "sparse rows": lambda v: v.to_sparse_csr() if v.ndim == 2 else v,
    "quantised": lambda v: torch.quantize_per_tensor(v, 0.1, 0, torch.qint8) if v.is_floating_point() else v,
    "without numbers": lambda v: v.to("meta"),
    "repeated": repeated,
    "complex": lambda v: converted(v, torch.complex64),
    "integers": lambda v: converted(v, torch.int8),
    "yes or no": lambda v: converted(v, torch.bool),
    "not finite": lambda v: v * float("nan") if v.is_floating_point() else v,
    "infinite": lambda v: v / 0 if v.is_floating_point() else v,
    "of more dimensions": lambda v: v[None],
    "empty": lambda v: v[:0] if v.ndim else v,
}
WORDS = r"is sparse|is quantised|without numbers|numbers repeated|of another type|of another shape"


@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:DeprecationWarning")  # torch, of making such tensors
@pytest.mark.parametrize("kind", ODD)
def test_tensors_that_are_no_weights_are_named(tmp_path, weights, kind):
    path = written(tmp_path / "w.pth", {name: ODD[kind](value) for name, value in weights.items()})
    if "finite" in kind or "infinite" in kind:
        with pytest.raises(ValueError, match=r"'filters\.weight' hold numbers that are not finite"):
            load(path)
    else:
        said = refused(path)
        assert re.search(WORDS, said)
        assert re.search("filters|classes|count", said)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float8_e4m3fn])
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_numbers_of_other_widths_are_read(tmp_path, weights, kind, suffix):
    path, narrow = tmp_path / f"w.{suffix}", {name: converted(value, kind) for name, value in weights.items()}
    (save_file if suffix == "safetensors" else torch.save)(narrow, path)
    module = Small()
    module.load_state_dict(narrow)
    net, picture = load(path), np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    with torch.no_grad():
        expected = module.eval()(net.batch([picture])).softmax(1)
    assert np.abs(net.predict(picture).probability - expected.numpy()).max() < 1e-6


def cyclic():
    found = {}
    found["self"] = found
    return found


def nested(depth, wide=False):
    found = {}
    for _ in range(depth):
        found = {"one": found, "other": found} if wide else {"one": found}
    return found


@pytest.mark.parametrize(
    "content",
    [{}, [], 3, None, "text", b"bytes", torch.zeros(3), [torch.zeros(3)], {3: torch.zeros(3)}, {("a",): torch.zeros(3)},
     {b"a": torch.zeros(3)}, {"a": [torch.zeros(3)]}, cyclic(), nested(40, wide=True)],
    ids=lambda content: type(content).__name__,
)  # fmt: skip
def test_what_holds_no_weights_is_said_to_hold_none(tmp_path, content):
    assert "holds no weights" in refused(written(tmp_path / "w.pth", content))


def test_weights_are_found_in_a_cycle(tmp_path, weights):
    around = cyclic()
    average = {**weights, "classes.bias": weights["classes.bias"] + 1}
    around["inner"] = {"ema": {"w": average}, "back": around, "w": weights}
    found = read_weights(written(tmp_path / "w.pth", around))
    assert [one["classes.bias"].tolist() for one in found] == [
        one["classes.bias"].tolist() for one in (weights, average)
    ]


@pytest.mark.parametrize("name", ["a" * (LONGEST + 1), "a." * 200_000, "a\nb", "a\0", "\x1b[31m"], ids=range(5))
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_what_no_module_could_call_a_weight_is_left_out(tmp_path, weights, name, suffix):
    path = tmp_path / f"w.{suffix}"
    write = save_file if suffix == "safetensors" else torch.save
    write({**weights, name: torch.zeros(1)}, path)
    assert load(path).labels == ("class 0", "class 1", "class 2")
    write({name: torch.zeros(1)}, path)
    assert "holds no weights" in refused(path)


def test_too_many_tensors_are_refused(tmp_path):
    one = torch.zeros(1)
    path = written(tmp_path / "w.pth", {f"layer{number}": one for number in range(MOST_TENSORS + 1)})
    assert "holds 20,001 tensors; at most 20,000 are read" in refused(path)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    (tmp_path / "folder.pth").mkdir()
    (tmp_path / "link.pth").symlink_to(tmp_path / "folder.pth")
    for name in ("pipe.pth", "folder.pth", "link.pth"):
        assert "no file of weights" in refused(tmp_path / name)
    (tmp_path / "round.pth").symlink_to(tmp_path / "lost.pth")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(tmp_path / "round.pth")


def test_a_link_to_a_file_is_followed(tmp_path, weights):
    written(tmp_path / "file.pth", weights)
    (tmp_path / "link.pth").symlink_to(tmp_path / "file.pth")
    assert load(tmp_path / "link.pth").labels == ("class 0", "class 1", "class 2")


def header(text, data=b""):
    return len(text).to_bytes(8, "little") + text + data


def entry(kind="F32", shape=(1,), at=(0, 4)):
    return json.dumps({"filters.weight": {"dtype": kind, "shape": shape, "data_offsets": at}}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"short", b"\xff" * 8, (10**8).to_bytes(8, "little") + b"{}",
        header(b"{"), header(b"[]"), header(b"null"), header(b"[" * 10_000), header(b'{"a":' * 10_000),
        header(b'{"__metadata__": 3}'), header(b'{"__metadata__": {"a": 1}}'), header(b'{"\\ud800": {}}'),
        header(entry(), b"\0" * 3), header(entry(), b"\0" * 5), header(entry(at=(4, 8)), b"\0" * 8),
        header(entry(at=(4, 0)), b"\0" * 4), header(entry(at=(0, 2**64 - 1)), b"\0" * 4),
        header(entry(at=(0, 2**70)), b"\0" * 4), header(entry(shape=(2**40, 2**40)), b"\0" * 4),
        header(entry(shape=(-1,)), b"\0" * 4), header(entry(shape="1"), b"\0" * 4),
        header(entry(kind="O"), b"\0" * 4), header(entry(kind=None), b"\0" * 4), header(entry() + b"x", b"\0" * 4),
        header(entry().replace(b"}}", b'}, "filters.weight": 3}'), b"\0" * 4),
    ],
    ids=range(25),
)  # fmt: skip
def test_a_safetensors_file_that_lies_is_refused(tmp_path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    assert "w.safetensors is damaged, or no safetensors file" in refused(tmp_path / "w.safetensors")


def zipped(path, pickle, compression=zipfile.ZIP_STORED, data=b""):
    """A file as torch.save writes it, with another pickle, and numbers in its first storage."""
    whole = io.BytesIO()
    torch.save({}, whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", compression) as new:
        for record in old.infolist():
            new.writestr(record.filename, pickle if record.filename.endswith("data.pkl") else old.read(record))
        if data:
            new.writestr(f"{old.namelist()[0].partition('/')[0]}/data/0", data)
    return path


def call(function, argument):
    """A pickle that calls a function of torch's list with a number."""
    return (
        b"\x80\x02c"
        + function.replace(".", "\n", 1).encode()
        + b"\n\x8a\x06"
        + argument.to_bytes(6, "little")
        + b"\x85R."
    )


LARGE = 20_000_000_000
TENSOR = (  # {"w": a tensor of that many bytes in storage 0}
    b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nByteStorage\n"
    b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu\x8a\x06NUMBERtQK\x00\x8a\x06NUMBER\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRs."
)


def tensor(count):
    return TENSOR.replace(b"NUMBER", count.to_bytes(6, "little"))


NUMBER = b"\x80\x02cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x0b\x00\x00\x00V2000000000\x85R\x85R."


def encoded(encoding, times):
    """A pickle that encodes a text again and again."""
    name, latin = (b"X" + len(text).to_bytes(4, "little") + text.encode() for text in (encoding, "latin1"))
    begin = b"\x80\x02c_codecs\nencode\nq\x000h\x00(X\x10\x00\x00\x00" + b"=" * 16 + latin + b"tRq\x01"
    return begin + (b"h\x00(h\x01" + name + b"tRq\x01") * times + b"."


def overlapping(path):
    """A hundred names for one record of ten million bytes."""
    zipped(path, tensor(10**7), data=bytes(10**7))
    with zipfile.ZipFile(path, "a") as archive:
        record = archive.infolist()[-1]
        archive.filelist += [record] * 100
        archive._didModify = True


BOMBS = {
    "compressed": lambda path: zipped(path, tensor(10**9), zipfile.ZIP_DEFLATED, bytes(10**9)),
    "claimed": lambda path: zipped(path, tensor(LARGE), data=bytes(100)),
    "bytearray": lambda path: zipped(path, call("builtins.bytearray", LARGE)),
    "old name": lambda path: zipped(path, call("__builtin__.bytearray", LARGE)),
    "old layout": lambda path: path.write_bytes(call("builtins.bytearray", LARGE)),
    "number": lambda path: zipped(path, NUMBER),
    "encoded": lambda path: zipped(path, encoded("hex", 30)),
    "encoded otherwise": lambda path: zipped(path, encoded("-Quoted-Printable!", 30)),
    "encoded before": lambda path: path.write_bytes(encoded("HEX codec", 30)),
    "storage": lambda path: zipped(path, call("torch.ByteStorage", LARGE)),
    "tensor": lambda path: zipped(path, call("torch.ByteTensor", LARGE)),
    "lists": lambda path: zipped(path, b"\x80\x02(" + b"]" * 30_000_000 + b"t."),
    "depth": lambda path: zipped(path, b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b"."),
    "records": overlapping,
    "prefixes": lambda path: written(path, {f"x{n}.0.weight": torch.zeros(1) for n in range(MOST_TENSORS)}),
    "dots": lambda path: written(path, {f"{'a.' * 147}{n}": torch.zeros(1) for n in range(MOST_TENSORS)}),
}


CHILD = """
from pathlib import Path
import torch, torchvision
import zfwidgets as zf
module = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3))
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 1_500_000_000,) * 2)
for path in map(Path, sys.argv[1:]):
    forget()
    before = peak()
    try:
        zf.load(path, module, size=16, device="cpu")
    except ValueError as error:
        print((peak() - before) // 1_000_000, error)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as Linux does")
def test_no_file_takes_much_more_memory_than_it_has_bytes(tmp_path):
    paths = [tmp_path / f"{kind}.pth" for kind in BOMBS]
    for path in paths:
        BOMBS[path.stem](path)
        assert path.stat().st_size < 40_000_000
    run = subprocess.run([sys.executable, "-c", SOURCE + CHILD, *paths], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    for kind, line in zip(BOMBS, run.stdout.splitlines(), strict=True):
        megabytes, words = line.split(" ", 1)
        assert re.search(rf"{kind}\.pth (is damaged|holds no weights|do not fit)", words)
        assert int(megabytes) < 200

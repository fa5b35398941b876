"""Many images as one sequence."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision.datasets import ImageFolder

from zfwidgets.data import Collection, images, photograph, photograph_names

HEIGHT, WIDTH = 5, 7


def shade(level):
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def shades(collection):
    """The level of each image, which is of one level throughout."""
    assert all(image.shape == (HEIGHT, WIDTH, 3) and image.min() == image.max() for image in collection)
    return [int(image[0, 0, 0]) for image in collection]


@pytest.fixture
def folder(tmp_path):
    for level, name in enumerate(["b.png", "a.JPG", "cats/1.webp", "dogs/1.tiff", "cats/.hidden.png", ".cache/x.png"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(shade(level)).save(tmp_path / name, lossless=True)
    (tmp_path / "notes.txt").write_text("to do")
    (tmp_path / "odd.png").mkdir()
    return tmp_path


class Counting(Dataset):
    """Pairs of an image and a label, counting how often one was asked for."""

    asked = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        self.asked += 1
        return torch.full((3, HEIGHT, WIDTH), index / 255), torch.tensor(index * 10)


def test_without_a_source_there_are_the_photographs():
    collection = images()
    assert collection.names == photograph_names()
    assert collection.labels is None
    assert np.array_equal(collection[1], photograph("coffee"))


def test_a_folder_is_searched_sorted_and_named_from_within(folder):
    collection = images(folder)
    assert collection.names == ("a.JPG", "b.png", "cats/1.webp", "dogs/1.tiff")
    assert shades(collection) == [1, 0, 2, 3]
    assert images(str(folder)).names == collection.names


@pytest.mark.parametrize("kind", ["jfif", "jpe", "ppm", "pgm", "pbm", "pnm", "apng", "jp2", "ico", "MPO", "TIF"])
def test_a_folder_takes_every_kind_that_the_decoder_reads(tmp_path, kind):
    saved = {"jfif": "JPEG", "jpe": "JPEG", "apng": "PNG", "jp2": "JPEG2000", "pgm": "PPM", "pbm": "PPM", "pnm": "PPM"}
    Image.new("L", (16, 16), 255).save(tmp_path / f"white.{kind}", saved.get(kind, kind.replace("TIF", "TIFF")))
    for other in ("svg", "eps", "pdf", "psd", "h5", "txt"):
        (tmp_path / f"other.{other}").write_text("%!PS")
    collection = images(tmp_path)
    assert collection.names == (f"white.{kind}",)
    assert collection[0].min() >= 250


def test_a_dictionary_keeps_its_names_and_order():
    collection = images({"light": shade(200), "dark": shade(20), 3: shade(3)})
    assert collection.names == ("light", "dark", "3")
    assert shades(collection) == [200, 20, 3]


def test_images_of_several_kinds_make_a_sequence(folder):
    collection = images(
        [folder / "b.png", shade(7), Image.fromarray(shade(8)), torch.from_numpy(shade(9)).permute(2, 0, 1)]
    )
    assert collection.names == ("b.png", "image 1", "image 2", "image 3")
    assert shades(collection) == [0, 7, 8, 9]


def test_pairs_have_labels():
    collection = images([(shade(1), "cat"), [shade(2), "dog"]])
    assert collection.labels == ("cat", "dog")
    assert shades(collection) == [1, 2]


def test_labels_for_some_images_only_are_refused():
    with pytest.raises(ValueError, match="image 1 has a label, and image 0 has none"):
        images([shade(1), (shade(2), "dog")])


def test_a_data_set_is_not_read_before_it_is_asked():
    data_set = Counting()
    collection = images(data_set)
    assert len(collection) == 3
    assert data_set.asked == 0
    assert collection[2].max() == 2
    assert data_set.asked == 1


def test_the_labels_of_a_data_set_are_plain_numbers_and_read_once():
    data_set = Counting()
    collection = images(data_set)
    assert collection.labels == (0, 10, 20)
    assert all(type(label) is int for label in collection.labels)
    assert data_set.asked == 1 + 3


def test_listed_targets_spare_reading_the_images(folder):
    (folder / "odd.png").rmdir()
    data_set = ImageFolder(folder, loader=lambda path: pytest.fail(f"{path} was read"), allow_empty=True)
    labels = images(data_set).labels
    assert labels == tuple(data_set.targets)
    assert {data_set.classes[label] for label in labels} >= {"cats", "dogs"}


def test_a_target_transform_is_heard(folder):
    (folder / "odd.png").rmdir()
    data_set = ImageFolder(folder, target_transform=lambda target: f"class {target}", allow_empty=True)
    assert images(Subset(data_set, [0])).labels == images(data_set).labels[:1] == ("class 0",)


@pytest.mark.parametrize(
    "batch",
    [
        np.stack([shade(1), shade(2)]),
        np.stack([shade(1), shade(2)])[..., :1],
        torch.from_numpy(np.stack([shade(1), shade(2)])).permute(0, 3, 1, 2),
    ],
)
def test_a_batch_is_many_images(batch):
    collection = images(batch)
    assert collection.names == ("image 0", "image 1")
    assert shades(collection) == [1, 2]


def test_one_image_is_a_collection_of_one(folder):
    png = (folder / "b.png").read_bytes()
    for one in [shade(0), shade(0)[:, :, 0], Image.fromarray(shade(0)), torch.zeros(3, HEIGHT, WIDTH), png]:
        collection = images(one)
        assert collection.names == ("image 0",)
        assert shades(collection) == [0]
    assert images(folder / "b.png").names == ("b.png",)


def test_a_collection_is_itself():
    collection = images([shade(1)])
    assert images(collection) is collection


def test_equal_names_are_told_apart(folder):
    paths = [folder / "cats/1.webp", folder / "b.png", folder / "cats/1.webp", folder / "cats/1.webp"]
    assert images(paths).names == ("1.webp", "b.png", "1.webp (2)", "1.webp (3)")
    assert images({"1": shade(1), 1: shade(2), "1 (2)": shade(3)}).names == ("1", "1 (2)", "1 (2) (2)")


def test_it_counts_from_the_end_and_ends():
    collection = images([shade(1), shade(2)])
    assert collection[-1][0, 0, 0] == 2
    for beyond in (2, -3):
        with pytest.raises(IndexError):
            collection[beyond]


def test_a_data_loader_takes_it():
    batches = list(DataLoader(images([shade(1), shade(2), shade(3)]), batch_size=2))
    assert [tuple(batch.shape) for batch in batches] == [(2, HEIGHT, WIDTH, 3), (1, HEIGHT, WIDTH, 3)]


def test_its_words_name_the_first_few():
    assert repr(images([shade(1)] * 8)).startswith("Collection(8: image 0, image 1")
    assert repr(images([shade(1)])) == "Collection(1: image 0)"


@pytest.mark.parametrize(("bad", "kind"), [(np.full((HEIGHT, WIDTH), 99.0), ValueError), (17, TypeError)])
def test_an_image_that_cannot_be_decoded_is_named_when_it_is_asked_for(bad, kind):
    collection = images({"fine": shade(1), "bad": bad})
    assert collection[0].shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(kind, match=r"^image 'bad': "):
        collection[1]


@pytest.mark.parametrize("empty", [[], (), {}, np.zeros((0, HEIGHT, WIDTH, 3)), torch.zeros(0, 3, HEIGHT, WIDTH)])
def test_nothing_is_refused(empty):
    with pytest.raises(ValueError, match="there is no image in it"):
        images(empty)


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no image in the folder.*\.jpg"):
        images(tmp_path)


def test_a_path_to_nothing_is_refused():
    with pytest.raises(ValueError, match="there is no file or folder 'nowhere'"):
        images("nowhere")


@pytest.mark.parametrize(("thing", "hint"), [(5, "builtins.int$"), ((shade(i) for i in range(3)), "make a list")])
def test_another_type_is_told_what_would_do(thing, hint):
    with pytest.raises(TypeError, match=f"images are a folder.*{hint}"):
        images(thing)


def test_a_collection_may_be_made_by_hand():
    assert shades(Collection(("one",), [shade(1)])) == [1]


ERRORS = [
    RuntimeError("no such frame"), KeyError(3), MemoryError(), AssertionError(), OSError("gone"), StopIteration(),
    RecursionError("too deep"), ZeroDivisionError(), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
]  # fmt: skip


class Raises(Counting):
    """Raises for one of its items."""

    def __init__(self, error):
        self.error = error

    def __getitem__(self, index):
        if index == 1:
            raise self.error
        return super().__getitem__(index)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_a_data_set_raises_is_said_of_the_image(error):
    collection = images(Raises(error))
    for read in (collection.__getitem__, collection.as_given):
        with pytest.raises(ValueError, match=f"^image 'image 1': Raises .*{type(error).__name__}"):
            read(1)
    assert collection[2].max() == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_who_ends_the_program_ends_it(error):
    with pytest.raises(error):
        images(Raises(error()))[1]


def test_a_file_that_vanishes_is_named(folder):
    collection = images(folder)
    (folder / "b.png").unlink()
    with pytest.raises(ValueError, match=r"^image 'b\.png': there is no file"):
        collection[1]
    assert collection[0].shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("blocked", ["open", "stat"])
def test_a_file_that_may_not_be_read_is_named(folder, monkeypatch, blocked):
    collection = images(folder)

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(*(("pathlib.Path.open", refused) if blocked == "open" else ("os.stat", refused)))
    with pytest.raises(ValueError, match=r"^image 'b\.png': cannot read"):
        collection[1]


def distinct_before(names):
    """The rule in its plainest form."""
    taken = []
    for name in names:
        count = 1
        while (f"{name} ({count})" if count > 1 else name) in taken:
            count += 1
        taken.append(f"{name} ({count})" if count > 1 else name)
    return tuple(taken)


@pytest.mark.parametrize("seed", range(20))
def test_equal_names_are_numbered_by_the_same_rule_as_ever(seed):
    random = np.random.default_rng(seed)
    endings = ["", " (2)", " (3)", " (2) (2)"]
    names = [f"{'ab'[random.integers(2)]}{endings[random.integers(4)]}" for _ in range(60)]
    assert images([f"/{number}/{name}" for number, name in enumerate(names)]).names == distinct_before(names)


def test_many_equal_names_are_numbered_at_once():
    script = (
        "from zfwidgets.data import images\n"
        "names = images([f'{number}/frame.png' for number in range(100_000)]).names\n"
        "assert names[-1] == 'frame.png (100000)'"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)  # it took minutes


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of Unix")
def test_what_is_no_file_is_left_out_of_a_folder_and_refused_by_name(folder):
    os.mkfifo(folder / "pipe.png")
    (folder / "to_pipe.png").symlink_to(folder / "pipe.png")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "itself.png").symlink_to(folder / "itself.png")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(folder / "socket.png"))
        assert images(folder).names == ("a.JPG", "b.png", "cats/1.webp", "dogs/1.tiff")
        for name in ("pipe.png", "to_pipe.png", "device.png", "socket.png"):
            with pytest.raises(ValueError, match="a pipe, a socket or a device"):
                images(folder / name)
            collection = images([folder / name])
            assert collection.fingerprint
            with pytest.raises(ValueError, match="a pipe, a socket or a device"):
                collection[0]


def test_links_that_lead_in_a_circle_are_not_followed(folder):
    (folder / "cats/up").symlink_to(folder, target_is_directory=True)
    (folder / "linked.png").symlink_to(folder / "b.png")
    assert images(folder).names == ("a.JPG", "b.png", "cats/1.webp", "dogs/1.tiff", "linked.png")


def test_a_folder_that_may_not_be_read_is_left_out_with_a_warning(folder, monkeypatch):
    scandir = os.scandir

    def refused(place):
        if os.fspath(place).endswith(blocked):
            raise PermissionError(13, "Permission denied", os.fspath(place))
        return scandir(place)

    monkeypatch.setattr("os.scandir", refused)
    blocked = "cats"
    with pytest.warns(UserWarning, match="cats' cannot be read .*left out"):
        assert images(folder).names == ("a.JPG", "b.png", "dogs/1.tiff")
    blocked = str(folder)
    with pytest.raises(ValueError, match="cannot be read"):
        images(folder)


def test_a_name_that_is_no_text_can_be_shown(tmp_path):
    strange = os.fsdecode(b"caf\xe9.png")
    Image.fromarray(shade(3)).save(tmp_path / strange)
    for collection in (images(tmp_path), images([tmp_path / strange]), images({strange: shade(3)})):
        assert collection.names == (r"caf\udce9.png",)
        assert collection.names[0].encode()
        assert collection.fingerprint
        assert shades(collection) == [3]

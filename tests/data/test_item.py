"""Items of every shape that data sets give: their image, their label, and what is said of those without."""

from collections import UserDict, namedtuple

import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset, random_split
from torchvision import tv_tensors
from torchvision.datasets import MNIST, FakeData
from torchvision.transforms import ToTensor

from zfwidgets.data import images
from zfwidgets.data.item import IMAGE_KEYS, LABEL_KEYS

HEIGHT, WIDTH = 5, 7


def shade(level):
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def png(level, path):
    Image.fromarray(shade(level)).save(path)
    return path.read_bytes()


def shades(collection):
    assert all(image.shape == (HEIGHT, WIDTH, 3) and image.min() == image.max() for image in collection)
    return [int(image[0, 0, 0]) for image in collection]


class Items(Dataset):
    """A data set of given items: a sequence that is no list."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


Pair = namedtuple("Pair", "picture kind")
BOXES = {"boxes": torch.zeros(2, 4), "labels": torch.tensor([1, 5])}
ONE_BOX = {"boxes": torch.zeros(1, 4), "labels": torch.tensor([1])}


@pytest.mark.parametrize(
    ("item", "label"),
    [
        (lambda image: (image,), None),
        (lambda image: [image], None),
        (lambda image: (image, 3), 3),
        (lambda image: (image, 3, 17), 3),
        (lambda image: (image, torch.tensor(3), "a path", {}), 3),
        (lambda image: (image, np.array([3])), 3),
        (lambda image: (image, "cat"), "cat"),
        (lambda image: (image, None), None),
        (lambda image: Pair(image, "cat"), "cat"),
        (lambda image: ((image, 3), 17), 3),
        (lambda image: ((image, image), 3), 3),
        (lambda image: ({"image": image, "label": 3}, 17), 3),
        (lambda image: (image, BOXES), None),
        (lambda image: (image, ONE_BOX), None),
        (lambda image: (image, {"label": 3}), 3),
        (lambda image: (image, [{"bbox": [1, 2, 3, 4]}]), None),
        (lambda image: (image, ["a cat", "a grey cat"]), None),
        (lambda image: (image, Image.new("L", (7, 5))), None),
        (lambda image: (image, tv_tensors.Mask(torch.zeros(5, 7))), None),
        (lambda image: {"image": image, "label": 3}, 3),
        (lambda image: {"img": image, "fine_label": np.int64(3)}, 3),
        (lambda image: {"Image": image, "Class": "cat"}, "cat"),
        (lambda image: {"jpg": image, "cls": 3, "__key__": "0001"}, 3),
        (lambda image: UserDict({"pixel_values": image, "labels": 3}), 3),
        (lambda image: {"image": image, "mask": np.zeros((5, 7))}, None),
        (lambda image: {"image": image, "target": BOXES}, None),
        (lambda image: {"input": image, "target": 3}, 3),
    ],
)
@pytest.mark.parametrize("sequence", [list, Items])
def test_the_image_and_its_label_are_found(sequence, item, label):
    collection = images(sequence([item(shade(1)), item(shade(2))]))
    assert shades(collection) == [1, 2]
    assert collection.labels == (None if label is None else (label, label))
    assert type(collection.labels and collection.labels[0]) is type(label)
    assert np.array_equal(collection.as_given(-1), shade(2))


@pytest.mark.parametrize("key", ["image", "img", "Image_Path", "image-path", "FilePath", "filename", "path"])
def test_a_dictionary_may_hold_a_path(tmp_path, key):
    png(7, tmp_path / "seven.png")
    collection = images([{"number": 1, key: str(tmp_path / "seven.png"), "label": "cat"}])
    assert collection.names == ("seven.png",)
    assert shades(collection) == [7]
    assert collection.labels == ("cat",)


def test_what_hugging_face_stores_is_an_image(tmp_path):
    stored = [{"bytes": png(1, tmp_path / "1.png"), "path": None}, {"bytes": None, "path": str(tmp_path / "1.png")}]
    assert shades(images(stored)) == [1, 1]
    assert shades(images([{"image": image, "label": 0} for image in stored])) == [1, 1]
    assert shades(images(pandas.DataFrame({"image": stored})["image"])) == [1, 1]
    assert images([(image, 5) for image in stored]).labels == (5, 5)


class HuggingFace:
    """Rows by number and columns by name, as `datasets.Dataset` gives them."""

    features, column_names = {"image": "Image", "label": "ClassLabel"}, ["image", "label"]

    def __init__(self):
        self.decoded = 0

    def __len__(self):
        return 3

    def __getitem__(self, key):
        if key == "label":
            return [4, 5, 6]
        self.decoded += 1
        return {"image": Image.fromarray(shade(key)), "label": key + 4}


def test_the_labels_of_a_column_are_read_without_the_images():
    rows = HuggingFace()
    collection = images(rows)
    assert collection.labels == (4, 5, 6)
    assert rows.decoded == 0
    assert shades(collection) == [0, 1, 2]
    assert images(Subset(rows, [2, 0])).labels == (6, 4)


@pytest.mark.parametrize("kept", [[5, 2], [2], ["b", "a"]])
def test_a_filtered_column_is_read_in_its_order(tmp_path, kept):
    index = list("abcdef") if isinstance(kept[0], str) else range(6)
    files = [tmp_path / f"{level}.png" for level in range(6)]
    frame = pandas.DataFrame({"file": files, "label": range(10, 16)}, index=index)
    for level, file in enumerate(files):
        png(level, file)
    chosen = frame.loc[kept]
    levels = [level - 10 for level in chosen["label"]]
    for column in (
        chosen["file"],
        chosen["file"].astype(str),
        chosen["file"].map(Image.open),
        pandas.Index(chosen["file"]),
    ):
        assert shades(images(column)) == levels
    assert images(chosen["file"]).names == tuple(f"{level}.png" for level in levels)
    assert shades(images(chosen["label"].map(lambda label: shade(label - 10)))) == levels
    assert shades(images(chosen)) == levels
    assert images(chosen).labels == images(chosen[["file", "label"]].to_numpy()).labels == tuple(chosen["label"])


def test_a_data_frame_without_images_is_told_what_its_columns_may_be():
    with pytest.raises(ValueError, match=r"image 0.*under one of image, img,.*this one has 'scan', 'label'; rename"):
        images(pandas.DataFrame({"scan": ["1.png"], "label": [1]}))
    with pytest.raises(ValueError, match="'pixel6' and 777 more"):
        images(pandas.DataFrame(np.zeros((2, 785)), columns=["label", *(f"pixel{place}" for place in range(784))]))


@pytest.mark.parametrize("empty", [pandas.DataFrame({"file": []}), pandas.Series([], dtype=object), np.array([], str)])
def test_an_empty_table_is_refused(empty):
    with pytest.raises(ValueError, match=f"no image in it: an empty {type(empty).__name__}"):
        images(empty)


def test_an_array_of_paths_is_its_paths(tmp_path):
    paths = [tmp_path / f"{level}.png" for level in range(3)]
    for level, path in enumerate(paths):
        png(level, path)
    names = ("0.png", "1.png", "2.png")
    for array in (np.array(paths), np.array(paths, str), np.array(paths, str).astype("S"), np.array(paths)[:, None]):
        assert images(array).names == names
        assert shades(images(array)) == [0, 1, 2]
    assert shades(images(np.array(str(paths[1])))) == [1]
    labelled = images(np.array([[str(path), name] for path, name in zip(paths, "abc", strict=True)]))
    assert (labelled.names, labelled.labels) == (names, ("a", "b", "c"))


def test_an_array_of_pictures_of_several_sizes_is_its_pictures():
    array = np.empty(2, object)
    array[:] = [shade(1), Image.fromarray(shade(2)).resize((9, 4))]
    assert [image.shape for image in images(array)] == [(HEIGHT, WIDTH, 3), (4, 9, 3)]


def test_torchs_data_sets_are_taken():
    x = torch.arange(4)[:, None, None, None].expand(4, 3, HEIGHT, WIDTH) / 255
    y = torch.arange(10, 14)
    assert images(TensorDataset(x)).labels is None
    assert shades(images(TensorDataset(x))) == [0, 1, 2, 3]
    assert images(TensorDataset(x, y)).labels == images(TensorDataset(x, y[:, None])).labels == (10, 11, 12, 13)
    assert images(TensorDataset(x, y, y)).labels == (10, 11, 12, 13)
    both = ConcatDataset([TensorDataset(x, y), Subset(TensorDataset(x, y), [3, 1])])
    assert shades(images(both)) == [0, 1, 2, 3, 3, 1]
    assert images(both).labels == (10, 11, 12, 13, 13, 11)
    part, _ = random_split(TensorDataset(x, y), [3, 1], torch.Generator().manual_seed(0))
    assert shades(images(part)) == part.indices
    assert images(part).labels == tuple(10 + place for place in part.indices)


@pytest.mark.parametrize("transform", [None, ToTensor()])
def test_torchvisions_data_sets_are_taken(transform):
    data = FakeData(4, (3, HEIGHT, WIDTH), transform=transform)
    collection = images(data)
    assert all(np.array_equal(image, images([data[place][0]])[0]) for place, image in enumerate(collection))
    assert collection.labels == tuple(int(data[place][1]) for place in range(4))


def test_listed_targets_are_labels_where_the_items_have_them(tmp_path):
    class Digits(MNIST):
        def __init__(self):
            self.data, self.targets = torch.full((2, HEIGHT, WIDTH), 9, dtype=torch.uint8), torch.tensor([7, 2])
            self.transform = self.target_transform = None

    assert images(Digits()).labels == (7, 2)
    assert shades(images(Digits())) == [9, 9]
    detection = Items([(shade(1), {"annotation": {"object": []}})])
    detection.targets = ["Annotations/1.xml"]  # as torchvision's VOCDetection
    assert images(detection).labels is None
    named = Items([(shade(1), "cat")])
    named.targets = ["cat"]
    assert images(named).labels == ("cat",)
    many = Items([(shade(1), torch.tensor([0, 1, 1]))])
    many.targets = torch.tensor([[0, 1, 1]])
    assert images(many).labels[0].tolist() == [0, 1, 1]


def test_a_missing_label_is_named_when_it_is_met():
    with pytest.raises(ValueError, match="image 0 has a label, and image 1 has none"):
        images([{"image": shade(1), "label": 3}, {"image": shade(2)}])
    collection = images(Items([(shade(1), 3), (shade(2), None)]))
    with pytest.raises(ValueError, match="image 0 has a label, and image 1 has none"):
        _ = collection.labels


@pytest.mark.parametrize(
    ("item", "kind", "words"),
    [
        ({"scan": shade(1), "label": 1}, ValueError, "under one of image, img, .* this one has 'scan', 'label'"),
        ({}, ValueError, "this one has nothing"),
        ((), ValueError, "no image in an empty tuple"),
        ({"image": None}, TypeError, "this is builtins.NoneType"),
        ((3, shade(1)), TypeError, "this is builtins.int"),
        ({"image": [1, 2]}, TypeError, "this is builtins.list"),
    ],
)
def test_an_item_without_an_image_is_named(item, kind, words):
    collection = images(Items([shade(1), item]))
    assert collection[0].shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(kind, match=f"^image 'image 1': .*{words}"):
        collection[1]


def test_a_data_set_that_gives_no_item_is_named():
    column = pandas.Series([shade(1), shade(2)])[[False, True]]

    class Careless(Items):
        def __getitem__(self, index):
            return self.items[index]  # by the index's names, not by place

    class Unfinished(Dataset):
        def __len__(self):
            return 1

    with pytest.raises(
        ValueError, match=r"^image 'image 0': Careless has 1 items, and gives none at \[0\]: KeyError: 0"
    ):
        images(Careless(column))[0]
    with pytest.raises(ValueError, match="IndexError"):
        images(Subset(Items([shade(1)]), [3])).as_given(0)
    with pytest.raises(ValueError, match="NotImplementedError"):
        images(Unfinished())[0]


def test_a_stream_and_a_loader_are_told_what_would_do():
    class Stream(IterableDataset):
        def __len__(self):
            return 1

        def __iter__(self):
            yield shade(1)

    with pytest.raises(TypeError, match="Stream; make a list of it first"):
        images(Stream())
    with pytest.raises(TypeError, match=r"DataLoader; give its data set: loader\.dataset"):
        images(DataLoader(Items([shade(1)])))


def test_no_key_is_both_an_images_and_a_labels():
    assert not set(IMAGE_KEYS) & set(LABEL_KEYS)

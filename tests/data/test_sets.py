"""Published data sets in their real layouts, stray files and all; and those that are at hand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from zfwidgets.data import Shapes
from zfwidgets.data.labelled import Labelled
from zfwidgets.data.sets import caltech101, caltech256, data_set, voc2012
from zfwidgets.data.sets.embedded import stamps

OBJECT = "<object><name>{name}</name>{more}<difficult>{difficult}</difficult></object>"


def picture(path: Path, mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    level = sum(map(ord, path.parent.name + path.name)) % 256
    Image.new(mode, (5, 4), level if mode == "L" else (level, 9, 200)).save(path)
    return path


@pytest.fixture
def small_101(tmp_path):
    """As it is unpacked: the background with a stray file, faces twice, one class in grey."""
    folder = tmp_path / "caltech101" / "101_ObjectCategories"
    for name, count in {"accordion": 4, "BACKGROUND_Google": 3, "Faces": 4, "Faces_easy": 5, "stapler": 3}.items():
        for number in range(1, count + 1):
            picture(folder / name / f"image_{number:04d}.jpg", "L" if name == "stapler" else "RGB")
    (folder / "BACKGROUND_Google" / "tmp").write_text("leftover")
    (folder / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "caltech101" / "Annotations").mkdir()
    return tmp_path


@pytest.fixture
def small_256(tmp_path):
    folder = tmp_path / "256_ObjectCategories"
    for number, name in enumerate(["ak47", "dog", "spider", "clutter"], 1):
        label = f"257.{name}" if name == "clutter" else f"{[1, 56, 198][number - 1]:03d}.{name}"
        for image in range(1, 5):
            picture(folder / label / f"{label[:3]}_{image:04d}.jpg")
    picture(folder / "056.dog" / "greg" / "vision309" / "056_0001.jpg")
    (folder / "198.spider" / "RENAME2").write_text("mv a b")
    return tmp_path


@pytest.fixture
def small_voc(tmp_path):
    folder = tmp_path / "VOCdevkit" / "VOC2012"
    things = {
        "2008_000001": [("dog", "0", "<part><name>head</name></part>"), ("person", "1", "")],
        "2008_000002": [("person", "0", "<part><name>dog</name></part>"), ("person", "1", "")],
        "2008_000003": [("cat", "1", "")],
        "2008_000004": [("cat", "0", "")],
    }
    (folder / "Annotations").mkdir(parents=True)
    for name, objects in things.items():
        inside = "".join(OBJECT.format(name=n, difficult=d, more=m) for n, d, m in objects)
        (folder / "Annotations" / f"{name}.xml").write_text(f"<annotation>{inside}</annotation>\n")
        picture(folder / "JPEGImages" / f"{name}.jpg")
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2008_000001\n2008_000002\n\n")
    (lists / "val.txt").write_text("2008_000003\n2008_000004\n \n")
    (lists / "person_val.txt").write_text("2008_000003 -1\n2008_000004  1\n")
    return tmp_path


def test_caltech_101_has_its_classes_without_the_background(small_101):
    found = caltech101(small_101)
    assert found.classes == ("Faces", "Faces_easy", "accordion", "stapler")
    assert np.bincount(found.targets).tolist() == [4, 5, 4, 3]
    assert found.images.names[0] == "Faces/image_0001.jpg"
    assert found.images[-1].shape == (4, 5, 3)  # grey becomes RGB
    assert found.left_out == ("BACKGROUND_Google: of no class (background=True takes it as one)",)


def test_the_background_can_be_a_class_and_its_stray_file_is_told(small_101):
    found = caltech101(small_101, background=True)
    assert "BACKGROUND_Google" in found.classes
    assert found.left_out == ("BACKGROUND_Google/tmp: no image",)


def test_caltech_101_is_found_in_every_folder_that_it_may_be_in(small_101):
    names = caltech101(small_101).images.names
    inside = small_101 / "caltech101"
    assert caltech101(inside).images.names == caltech101(inside / "101_ObjectCategories").images.names == names


def test_without_the_background_nothing_is_missing(small_101):
    import shutil

    shutil.rmtree(small_101 / "caltech101" / "101_ObjectCategories" / "BACKGROUND_Google")
    assert caltech101(small_101).left_out == ()


def test_merged_faces_have_each_photograph_once(small_101):
    found = caltech101(small_101, faces="merged")
    assert found.classes == ("Faces", "accordion", "stapler")
    own = [path for path, label in zip(found.images.items, found.targets, strict=True) if label == 0]
    assert len(own) == 5 == len({path.name for path in own})
    assert [path.parent.name for path in own] == ["Faces"] * 4 + ["Faces_easy"]
    assert "Faces_easy: 4 photographs that Faces has, too" in found.left_out
    with pytest.raises(ValueError, match="merged"):
        caltech101(small_101, faces="one")  # type: ignore[arg-type]


def test_caltech_256_without_clutter_and_strays(small_256):
    found = caltech256(small_256)
    assert found.classes == ("001.ak47", "056.dog", "198.spider")
    assert np.bincount(found.targets).tolist() == [4, 4, 4]
    assert set(found.left_out) == {
        "056.dog/greg: a folder", "198.spider/RENAME2: no image",
        "257.clutter: of no class (clutter=True takes it as one)",
    }  # fmt: skip
    assert caltech256(small_256, clutter=True).classes[-1] == "257.clutter"


def test_some_folders_of_caltech_256_are_enough(small_256):
    import shutil

    shutil.rmtree(small_256 / "256_ObjectCategories" / "001.ak47")
    assert caltech256(small_256).classes == ("056.dog", "198.spider")
    assert caltech256(small_256, classes=["spider", "056.dog"]).classes == ("198.spider", "056.dog")
    with pytest.raises(ValueError, match="no class 'ak47' there"):
        caltech256(small_256, classes=["ak47", "dog"])


def test_a_class_without_images_is_left_out_and_told(small_256):
    (small_256 / "256_ObjectCategories" / "002.american-flag").mkdir()
    found = caltech256(small_256)
    assert "002.american-flag" not in found.classes
    assert "002.american-flag: no image in it" in found.left_out


@pytest.mark.parametrize(
    ("data", "layout"),
    [(caltech101, "101_ObjectCategories"), (caltech256, "256_ObjectCategories"), (voc2012, "VOCdevkit/VOC2012")],
)
def test_where_to_put_what_is_not_there(data, layout, tmp_path):
    with pytest.raises(ValueError, match=layout):
        data(tmp_path)


@pytest.mark.parametrize(
    ("data", "loader"), [(caltech101, "Caltech101"), (caltech256, "Caltech256"), (voc2012, "VOCDetection")]
)
def test_a_download_without_a_network_says_where_to_put_it(data, loader, tmp_path, monkeypatch):
    def fails(*args, **options):
        assert options["download"]
        raise OSError("no route to host")

    monkeypatch.setattr(f"torchvision.datasets.{loader}", fails)
    with pytest.raises(ValueError, match=r"could not be downloaded .*no route to host.* by hand"):
        data(tmp_path / "new", download=True)


def test_a_download_puts_it_where_it_is_then_found(small_101, monkeypatch):
    asked = []
    monkeypatch.setattr("torchvision.datasets.Caltech101", lambda root, download: asked.append((root, download)))
    assert len(caltech101(small_101, download=True)) == 16
    assert asked == [(str(small_101), True)]


def test_objects_have_their_own_names_and_difficult_ones_are_neither(small_voc):
    found = voc2012(small_voc)
    dog, person, head = (
        found.classes.index(name) if name in found.classes else None for name in ("dog", "person", "head")
    )
    assert head is None
    assert found.present[:, dog].tolist() == [1, -1]  # the second's dog is a person's part
    assert found.present[:, person].tolist() == [0, 1]  # one difficult alone; one difficult beside one that is not
    assert found.present.sum(axis=1).tolist() == [1 + 0 - 18, 1 - 19]
    assert found.images.names == ("2008_000001.jpg", "2008_000002.jpg")


def test_blank_lines_are_no_photographs_and_lists_may_have_numbers(small_voc):
    assert len(voc2012(small_voc, "val")) == 2
    assert voc2012(small_voc, "person_val").images.names == voc2012(small_voc, "val").images.names
    with pytest.raises(ValueError, match=re.escape("it has person_val, train, val")):
        voc2012(small_voc, "test")


def test_what_cannot_be_read_of_voc_is_left_out_and_told(small_voc):
    folder = small_voc / "VOCdevkit" / "VOC2012"
    (folder / "JPEGImages" / "2008_000003.jpg").unlink()
    found = voc2012(small_voc, "val")
    assert len(found) == 1
    assert found.left_out == ("2008_000003: there is no JPEGImages/2008_000003.jpg",)
    (folder / "Annotations" / "2008_000004.xml").write_text("<annotation><object>")
    with pytest.raises(ValueError, match="none of the 2 photographs"):
        voc2012(small_voc, "val")


def test_an_annotation_cannot_make_the_reader_swell_or_read_other_files(small_voc):
    bomb = '<!DOCTYPE a [<!ENTITY x "lol"><!ENTITY y "&x;&x;&x;">]><annotation>&y;</annotation>'
    (small_voc / "VOCdevkit" / "VOC2012" / "Annotations" / "2008_000001.xml").write_text(bomb)
    assert "EntitiesForbidden" in voc2012(small_voc).left_out[0]


def test_a_list_cannot_lead_out_of_the_folder(small_voc):
    (small_voc / "VOCdevkit" / "VOC2012" / "ImageSets" / "Main" / "train.txt").write_text("../../secret\n")
    with pytest.raises(ValueError, match="names no photograph"):
        voc2012(small_voc)


def test_digits_are_scikit_learns():
    found, wanted = data_set("digits"), load_digits()
    assert np.array_equal(found.targets, wanted.target)
    assert np.array_equal(found.images[1234][..., 0], np.rint(wanted.images[1234] * 255 / 16))


def test_faces_are_told_from_what_is_none():
    from skimage.data import lfw_subset

    found = data_set("faces")
    assert np.array_equal(found.images[150][..., 2], np.rint(255 * lfw_subset()[150]))
    assert [found.classes[label] for label in found.targets[[0, 99, 100, 199]]] == [
        "face",
        "face",
        "no face",
        "no face",
    ]


def test_shapes_by_form_and_by_texture_are_the_same_images():
    forms, textures = data_set("forms"), data_set("textures")
    assert np.array_equal(forms.images[77], textures.images[77])
    truth = Shapes(600).truth(77)
    assert forms.classes[forms.targets[77]] == truth.form
    assert textures.classes[textures.targets[77]] == truth.texture


def test_fewer_images_of_each_class_chosen_at_random():
    found = data_set("digits", per_class=7, seed=3)
    assert np.bincount(found.targets).tolist() == [7] * 10
    assert data_set("digits", per_class=7, seed=3).images.names == found.images.names
    assert data_set("digits", per_class=7, seed=4).images.names != found.images.names
    with pytest.raises(ValueError, match="at least 2"):
        data_set("digits", per_class=1)


def test_stamps_are_photographs_where_they_are_installed(tmp_path):
    places = "mammals/cat", "mammals/bovines/cow", "birds/cartoon/tux", "birds/owl", "birds/owl_mirror", "lizards/newt"
    for place in (*(f"animals/{place}" for place in places), "food/fruit/fig", "symbols/one"):
        picture(tmp_path / f"{place}.png")
    found = stamps(tmp_path)
    assert isinstance(found, Labelled)
    assert found.classes == ("mammals", "birds", "fruit")
    assert np.bincount(found.targets).tolist() == [2, 1, 1]
    assert "vegetables: no image in it" in found.left_out
    with pytest.raises(ValueError, match="apt install tuxpaint-stamps-default"):
        stamps(tmp_path / "nowhere")


def test_a_name_that_there_is_not_is_told_with_those_there_are():
    with pytest.raises(ValueError, match="'digits', 'faces', 'forms', 'textures', 'stamps'"):
        data_set("mnist")

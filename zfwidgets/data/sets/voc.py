"""PASCAL VOC 2012, classification: which of twenty kinds of objects are in a photograph."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from zfwidgets.data.collection import Collection
from zfwidgets.data.sets.folders import downloaded, found_folder
from zfwidgets.data.sets.objects import DIFFICULT, NOT_THERE, THERE, LabelledObjects

CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
PLACES = ("VOCdevkit/VOC2012", "VOC2012", "TrainVal/VOCdevkit/VOC2012")
LAYOUT = "VOCdevkit/VOC2012 with Annotations, ImageSets/Main and JPEGImages"
LARGEST = 10_000_000  # bytes of an annotation


def voc2012(root: str | os.PathLike[str], part: str = "train", download: bool = False) -> LabelledObjects:
    """PASCAL VOC 2012's classification: photographs, and which of twenty kinds of objects are there (Table 6).

    An object counts by its own name, not by its parts' (a person's head is no object). A class of which a photograph
    has only objects that are marked difficult is neither there nor not there. The labels of the test part are not
    public: learn from "train", test on "val".

    Args:
        root: the folder that holds `VOCdevkit/VOC2012`.
        part: a list in `ImageSets/Main`: "train", "val", "trainval", or such as "person_val".
        download: fetch it first by torchvision, where there is a network.

    Raises:
        ValueError: it is not there (the layout is told), cannot be downloaded, has no such list, or none of its
            photographs has an annotation that can be read.
    """
    if download:
        from torchvision.datasets import VOCDetection

        downloaded(lambda: VOCDetection(os.fspath(root), "2012", "trainval", download=True), "VOC 2012", root, LAYOUT)
    folder = found_folder(root, PLACES, "VOC 2012", LAYOUT)
    kept, rows, left_out = [], [], []
    for name in _listed(folder / "ImageSets" / "Main", part):
        picture = folder / "JPEGImages" / f"{name}.jpg"
        try:
            row = _present(folder / "Annotations" / f"{name}.xml")
        except ValueError as error:
            left_out.append(f"{name}: {error}")
            continue
        if picture.is_file():
            kept.append(picture)
            rows.append(row)
        else:
            left_out.append(f"{name}: there is no JPEGImages/{name}.jpg")
    if not kept:
        raise ValueError(f"none of the {len(left_out)} photographs of {part!r} can be used; the first: {left_out[0]}")
    names = tuple(picture.name for picture in kept)
    return LabelledObjects(Collection(names, kept), np.array(rows, np.int8), CLASSES, "VOC 2012", tuple(left_out))


def _listed(folder: Path, part: str) -> list[str]:
    """The names in a list, with a number behind them or without; blank lines are none."""
    lists = sorted(path.stem for path in folder.glob("*.txt")) if folder.is_dir() else []
    if part not in lists:
        raise ValueError(f"VOC 2012 has no list ImageSets/Main/{part}.txt there; it has {', '.join(lists) or 'none'}")
    lines = (folder / f"{part}.txt").read_text(encoding="utf-8").splitlines()
    names = list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))
    if strange := next((name for name in names if Path(name).name != name), None):
        raise ValueError(f"ImageSets/Main/{part}.txt names no photograph: {strange!r}")
    if not names:
        raise ValueError(f"ImageSets/Main/{part}.txt is empty")
    return names


def _present(path: Path) -> list[int]:
    """Of each class, from an annotation. Raises ValueError, in words, where it cannot be read."""
    from defusedxml import DefusedXmlException, ElementTree

    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"its annotation has more than {LARGEST:,} bytes")
        root = ElementTree.fromstring(path.read_bytes())
    except FileNotFoundError:
        raise ValueError(f"there is no Annotations/{path.name}") from None
    except (OSError, ElementTree.ParseError, DefusedXmlException) as error:
        raise ValueError(f"its annotation cannot be read ({type(error).__name__}: {error})") from None
    easy: dict[str, bool] = {}
    for thing in root.findall("object"):
        name, difficult = (thing.findtext(tag, "").strip() for tag in ("name", "difficult"))
        easy[name] = easy.get(name, False) or difficult != "1"
    if unknown := easy.keys() - set(CLASSES):
        raise ValueError(f"its annotation has an object {min(unknown)!r}, which is none of the twenty classes")
    return [NOT_THERE if name not in easy else THERE if easy[name] else DIFFICULT for name in CLASSES]

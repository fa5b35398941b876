"""Caltech-101 and Caltech-256, from the folders that they are published as."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from zfwidgets.data.labelled import Labelled
from zfwidgets.data.sets.folders import class_folders, downloaded, found_folder, labelled_files

PLACES_101 = ("101_ObjectCategories", "caltech101/101_ObjectCategories", "caltech-101/101_ObjectCategories")
PLACES_256 = ("256_ObjectCategories", "caltech256/256_ObjectCategories")
LAYOUT_101 = "101_ObjectCategories/accordion/image_0001.jpg"
LAYOUT_256 = "256_ObjectCategories/001.ak47/001_0001.jpg"
BACKGROUND, FACES, EASY, CLUTTER = "BACKGROUND_Google", "Faces", "Faces_easy", "257.clutter"


def caltech101(
    root: str | os.PathLike[str],
    background: bool = False,
    faces: Literal["both", "merged"] = "both",
    download: bool = False,
) -> Labelled:
    """Caltech-101: 101 classes of 31 to 800 photographs (Table 4).

    The files are listed by us: what is no image is told in `left_out`, and a class that is not there is none.

    Args:
        root: the folder that holds `101_ObjectCategories`, or a `caltech101` with it, as torchvision puts it.
        background: whether `BACKGROUND_Google` is one more class.
        faces: "both" as published, where `Faces` and `Faces_easy` are two classes of largely the same photographs,
            whole and cut out; or "merged" into one: of each photograph, by its number, the whole one.
        download: fetch it first by torchvision, where there is a network.

    Raises:
        ValueError: it is not there (the layout is told), cannot be downloaded, or has fewer than two classes.
    """
    if faces not in ("both", "merged"):
        raise ValueError(f'faces are "both" classes, or "merged" into one; {faces!r} was given')
    if download:
        from torchvision.datasets import Caltech101

        downloaded(lambda: Caltech101(os.fspath(root), download=True), "Caltech-101", root, LAYOUT_101)
    classes, strays = class_folders(found_folder(root, PLACES_101, "Caltech-101", LAYOUT_101))
    if not background:
        strays = _without(BACKGROUND, classes, strays, "background=True")
    if faces == "merged" and FACES in classes and EASY in classes:
        whole, easy = {path.name for path in classes[FACES]}, classes.pop(EASY)
        more = [path for path in easy if path.name not in whole]
        classes[FACES] = [*classes[FACES], *more]
        strays.append(f"{EASY}: {len(easy) - len(more)} photographs that {FACES} has, too")
    return labelled_files("Caltech-101", classes, strays)


def caltech256(
    root: str | os.PathLike[str],
    clutter: bool = False,
    classes: Sequence[str] | None = None,
    download: bool = False,
) -> Labelled:
    """Caltech-256: 256 classes of at least 80 photographs (Table 5).

    As published, a folder and a file lie among the photographs (`056.dog/greg`, `198.spider/RENAME2`): they are told in
    `left_out`.

    Args:
        root: the folder that holds `256_ObjectCategories`, or a `caltech256` with it, as torchvision puts it; or a
            copy of it with some of the folders only.
        clutter: whether `257.clutter` is one more class.
        classes: some of the classes, by their folders' names, with their number or without; by default all.
        download: fetch it first by torchvision, where there is a network.

    Raises:
        ValueError: it is not there (the layout is told), cannot be downloaded, lacks a class that was asked for, or has
            fewer than two.
    """
    if download:
        from torchvision.datasets import Caltech256

        downloaded(lambda: Caltech256(os.fspath(root), download=True), "Caltech-256", root, LAYOUT_256)
    found, strays = class_folders(found_folder(root, PLACES_256, "Caltech-256", LAYOUT_256))
    if not clutter:
        strays = _without(CLUTTER, found, strays, "clutter=True")
    if classes is not None:
        spelt = {spelling: name for name in found for spelling in (name, name.partition(".")[2])}
        classes = [classes] if isinstance(classes, str) else classes
        if missing := [name for name in classes if name not in spelt]:
            raise ValueError(f"Caltech-256 has no class {missing[0]!r} there; it has {', '.join(list(found)[:8])}, …")
        found = {spelt[name]: found[spelt[name]] for name in classes}
        strays = [stray for stray in strays if stray.partition("/")[0] in found]
    return labelled_files("Caltech-256", found, strays)


def _without(folder: str, classes: dict[str, list[Path]], strays: list[str], option: str) -> list[str]:
    """Take out what is no class; the strays, with that said where it is there."""
    if classes.pop(folder, None) is None:
        return strays
    others = [stray for stray in strays if not stray.startswith(f"{folder}/")]
    return [*others, f"{folder}: of no class ({option} takes it as one)"]

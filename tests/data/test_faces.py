"""Five faces and the cat, with their parts marked."""

from __future__ import annotations

import numpy as np

from zfwidgets.data.faces import face_parts, faces


def test_there_are_five_faces_and_the_cat():
    found = faces()
    assert list(found) == ["face 1", "face 2", "face 3", "face 4", "face 5", "cat"]
    for name, picture in found.items():
        assert picture.dtype == np.uint8
        assert picture.shape[0] == picture.shape[1]
        assert (name == "cat") == bool((picture[..., 0] != picture[..., 2]).any())


def test_parts_lie_inside_and_apart():
    parts = face_parts(120, 200)
    assert list(parts) == ["eye on the left", "eye on the right", "nose", "mouth"]
    for image in range(6):
        covered = np.zeros((120, 200), int)
        for boxes in parts.values():
            top, left, bottom, right = boxes[image]
            assert 0 <= top < bottom <= 120
            assert 0 <= left < right <= 200
            covered[top:bottom, left:right] += 1
        assert (covered > 1).mean() < 0.005


def test_left_is_the_left_of_the_picture():
    parts = face_parts(225, 225)
    for image in range(6):
        middles = [
            (left + right) / 2
            for _, left, _, right in (parts[f"eye on the {side}"][image] for side in ("left", "right"))
        ]
        assert middles[0] < 225 / 2 < middles[1]


def test_eyes_are_darker_than_the_face_around_them():
    parts = face_parts(225, 225)
    for image, (name, picture) in enumerate(faces().items()):
        if name == "cat":
            continue
        grey = picture.mean(2)
        face = grey[50:180, 20:170].mean()
        for eye in ("eye on the left", "eye on the right"):
            top, left, bottom, right = parts[eye][image]
            assert grey[top:bottom, left:right].mean() < face

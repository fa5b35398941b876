"""The README's and the pages' lines of Python run as they are printed, in their order, one after the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image

import zfwidgets as zf

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SHORTER = {  # what would take minutes, with as few images and rounds as there can be
    "per_class=(15, 30)": "per_class=(1, 2), folds=2",
    'zf.ablation(variants, "shapes", folds=5, seeds=3': "zf.ablation(variants, zf.Shapes(120), folds=2, seeds=1",
    "epochs=8": "epochs=1",
    "zf.face_parts(224, 224)": "zf.face_parts(224, 224), draws=1",
    "stride=8": "stride=56",
    "range(0, 360, 15)": "range(0, 360, 120)",
}


def snippets(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def run(page, names):
    for place, snippet in enumerate(snippets(page), 1):
        for printed, shorter in SHORTER.items():
            snippet = snippet.replace(printed, shorter)
        exec(compile(snippet, f"{page}, snippet {place}", "exec"), names)


@pytest.fixture
def own_files(tmp_path, monkeypatch):
    """What the README's reader has in a folder: photographs, trained weights, Caltech-101."""
    monkeypatch.chdir(tmp_path)
    photographs = {name: Image.fromarray(pixels) for name, pixels in zf.photographs().items()}
    save(photographs["cat"], "holiday.jpg")
    for name in ("cat", "coffee"):
        save(photographs[name], f"photos/{name}.jpg")
    for thing, name in {
        "accordion": "camera",
        "BACKGROUND_Google": "coffee",
        "Faces": "cat",
        "stapler": "flower",
    }.items():
        for number in range(1, 5):
            piece = photographs[name].crop((8 * number, 8 * number, 8 * number + 64, 8 * number + 64))
            save(piece, f"data/caltech101/101_ObjectCategories/{thing}/image_{number:04d}.jpg")
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18(num_classes=2).state_dict(), "bees_and_ants.pt")


def save(image, name):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    image.save(name)


def test_what_the_readme_prints_runs(own_files):
    names = {"model": torchvision.models.resnet18(), "epoch": 1, "loss": 0.5}
    run("README.md", names)
    assert isinstance(names["found"], zf.Transfer)


@pytest.mark.parametrize("page", ["docs/experiment.md", "docs/operation.md", "docs/widget.md"])
def test_what_a_page_prints_runs(page, example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(page, {})

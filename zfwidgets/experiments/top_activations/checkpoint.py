"""Finished shards of a long run, saved in a folder so that a run which was killed can go on."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from zfwidgets.data import Collection
from zfwidgets.experiments.top_activations.mining import Settings, Span
from zfwidgets.experiments.top_activations.result import TopActivations
from zfwidgets.models import Network

MANIFEST = "top_activations.json"


@dataclass(frozen=True)
class Checkpoint:
    """A folder with one file a shard. Each is written whole or not at all."""

    folder: Path

    @classmethod
    def open(cls, folder: str | os.PathLike[str], net: Network, images: Collection, settings: Settings) -> Checkpoint:
        """Begin a folder, or go on with one. Raises ValueError when it was begun for something else."""
        saved = cls(Path(folder).expanduser())
        wanted = _manifest(net, images, settings)
        saved.folder.mkdir(parents=True, exist_ok=True)
        path = saved.folder / MANIFEST
        if path.exists():
            _check(json.loads(path.read_text(encoding="utf-8")), wanted, saved.folder)
        else:
            if any(saved.folder.iterdir()):
                raise ValueError(f"the folder {str(folder)!r} is not empty, and holds no checkpoint: give another one")
            saved._write(path, lambda place: place.write_text(json.dumps(wanted, indent=1), encoding="utf-8"))
        return saved

    def load(self, span: Span) -> TopActivations | None:
        """What was found in a shard; None where there is nothing yet, or the file is damaged."""
        try:
            found = TopActivations.load(self._path(span))
        except (FileNotFoundError, ValueError):
            return None
        return found if found.ranges == (span,) else None

    def save(self, found: TopActivations) -> None:
        """Keep what was found in one shard."""
        (span,) = found.ranges
        self._write(self._path(span), found.save)

    def _path(self, span: Span) -> Path:
        return self.folder / f"images-{span[0]:09d}-{span[1]:09d}.safetensors"

    def _write(self, path: Path, write: Any) -> None:
        """Under another name first: renaming is one step, so nobody ever sees half a file."""
        draft = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            write(draft)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)


def _manifest(net: Network, images: Collection, settings: Settings) -> dict[str, Any]:
    return {
        "network": f"{net.name} {net.fingerprint}",
        "data set": f"{len(images)} images, {images.fingerprint}",
        "layers": list(settings.layers),
        "k": settings.k,
        "per_image": settings.per_image,
    }


def _check(found: dict[str, Any], wanted: dict[str, Any], folder: Path) -> None:
    for name, value in wanted.items():
        if found.get(name) != value:
            raise ValueError(
                f"the checkpoint in {str(folder)!r} was begun with another {name}: {_said(found.get(name))}, "
                f"and not {_said(value)}. Give another folder, or remove this one"
            )


def _said(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} layers ({', '.join(value[:3])}{', …' if len(value) > 3 else ''})"
    return str(value)

"""A folder in which a training's snapshots lie, written by one process and read by others meanwhile."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from zfwidgets.experiments.evolution.change import State
from zfwidgets.experiments.evolution.result import Evolution, Outline
from zfwidgets.experiments.evolution.snapshot import Pictures, Snapshot
from zfwidgets.files import MANIFEST_BYTES, read_json, write_aside

MANIFEST, CURVES = "evolution.json", "curves.json"
SNAPSHOT, PICTURES, STATE, SUFFIX = "snapshot-", "pictures-", "state-", ".safetensors"
CURVE_BYTES = 20_000_000

Curves = dict[str, dict[int, float]]


@dataclass(frozen=True)
class Manifest:
    """What the folder's own file says."""

    outline: Outline
    format: Literal["zfwidgets evolution 1"] = "zfwidgets evolution 1"


class EvolutionFolder:
    """Reads and writes a recorder's folder. What has been read once is not read again before it changes."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser()
        self._known: dict[str, tuple[tuple[int, int], Any]] = {}  # by name: its time and size, and what it held

    def begin(self, outline: Outline) -> None:
        """Make the folder for a training, or go on in it.

        Raises ValueError where it holds something else or another training; OSError where it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in self.folder.iterdir() if not path.name.startswith(".")}
        if MANIFEST in names:
            _check_same(self._outline(), outline, self.folder)
        elif names:
            raise ValueError(f"the folder {str(self.folder)!r} is not empty, and holds no evolution: give another one")
        else:
            write_aside(self.folder / MANIFEST, json.dumps(asdict(Manifest(outline)), indent=1).encode())

    def write(self, snapshot: Snapshot, pictures: Mapping[int, np.ndarray]) -> None:
        """Add a snapshot, and before it the pictures that no earlier one has. Raises OSError."""
        if pictures:
            numbers = np.array(sorted(pictures), np.int32)
            found = Pictures(numbers, np.stack([pictures[int(number)] for number in numbers]))
            found.save(self._path(PICTURES, snapshot.epoch))
        snapshot.save(self._path(SNAPSHOT, snapshot.epoch))

    def write_state(self, state: State) -> None:
        """Keep what the next snapshot is compared with, the last two: the training may be stopped. Raises OSError."""
        state.save(self._path(STATE, state.epoch))
        for old in sorted(self.folder.glob(f"{STATE}*{SUFFIX}"))[:-2]:
            old.unlink(missing_ok=True)

    def state_before(self, epoch: int) -> State | None:
        """The latest state before an epoch; None where there is none that can be read."""
        found = [state for state in self._each(STATE, State, []) if state.epoch < epoch]
        return max(found, key=lambda state: state.epoch, default=None)

    def forget_from(self, epoch: int) -> None:
        """Remove what a former training recorded at this epoch and later. Raises OSError."""
        for prefix in (SNAPSHOT, STATE, PICTURES):
            for path in self.folder.glob(f"{prefix}*{SUFFIX}"):
                if path.name >= self._path(prefix, epoch).name:
                    path.unlink(missing_ok=True)

    def _path(self, prefix: str, epoch: int) -> Path:
        return self.folder / f"{prefix}{epoch:06d}{SUFFIX}"

    def write_curves(self, curves: Curves) -> None:
        """Write the curves anew. Raises OSError."""
        found = {name: {str(epoch): value for epoch, value in curve.items()} for name, curve in curves.items()}
        write_aside(self.folder / CURVES, json.dumps(found).encode())

    def read(self) -> Evolution:
        """All that is there by now; what is damaged is left out by name.

        Raises FileNotFoundError where there is no such folder, ValueError where it is no recorder's.
        """
        if not self.folder.is_dir():
            raise FileNotFoundError(f"there is no folder {str(self.folder)!r}")
        outline, damaged = self._outline(), list[str]()
        snapshots, pictures = list[Snapshot](), dict[int, np.ndarray]()
        for found in self._each(PICTURES, Pictures, damaged):
            pictures |= zip(found.numbers.tolist(), found.pictures, strict=True)
        for found in self._each(SNAPSHOT, Snapshot, damaged):
            if why := _unfit(found, outline):
                damaged.append(f"{SNAPSHOT}{found.epoch:06d}{SUFFIX}: {why}")
            else:
                snapshots.append(found)
        snapshots.sort(key=lambda snapshot: snapshot.epoch)
        return Evolution(outline, tuple(snapshots), pictures, self._curves(damaged), tuple(damaged))

    def _outline(self) -> Outline:
        path = self.folder / MANIFEST
        if not path.is_file():
            raise ValueError(f"the folder {str(self.folder)!r} holds no evolution: there is no {MANIFEST} in it")
        try:
            manifest: Manifest = read_json(path.read_bytes()[: MANIFEST_BYTES + 1], Manifest, MANIFEST_BYTES)
        except ValueError as error:
            raise ValueError(f"{str(path)!r} is damaged, or of another version: {error}") from error
        return manifest.outline

    def _each(self, prefix: str, kind: Any, damaged: list[str]) -> Iterable[Any]:
        """The readable files of a kind; those that are not are named, with why."""
        for path in sorted(self.folder.glob(f"{prefix}*{SUFFIX}")):
            try:
                state = path.stat()
                stamp = state.st_mtime_ns, state.st_size
                if self._known.get(path.name, ((), None))[0] != stamp:
                    self._known[path.name] = stamp, _loaded(path, kind)
            except OSError as error:
                damaged.append(f"{path.name}: {error.strerror or error}")
                continue
            found = self._known[path.name][1]
            if isinstance(found, ValueError):
                damaged.append(f"{path.name}: {found}")
            else:
                yield found

    def _curves(self, damaged: list[str]) -> Curves:
        try:
            content = (self.folder / CURVES).read_bytes()
            found: dict[str, dict[str, float]] = read_json(content, dict[str, dict[str, float]], CURVE_BYTES)
            return {name: {int(epoch): value for epoch, value in curve.items()} for name, curve in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            damaged.append(f"{CURVES}: {error}")
            return {}


def _loaded(path: Path, kind: Any) -> Any:
    """What a file holds, or the error that says why it cannot be read."""
    try:
        return kind.load(path)
    except ValueError as error:
        return error


def _unfit(snapshot: Snapshot, outline: Outline) -> str:
    """Why a snapshot does not belong to an outline; empty where it does."""
    height, width = outline.size
    if {layer: tuple(chosen.tolist()) for layer, chosen in snapshot.features.items()} != outline.features:
        return "it is of other layers or features than evolution.json says"
    if any((boxes > np.array([height, width, height, width])).any() for boxes in snapshot.boxes.values()):
        return "it has boxes that reach over the edge of the pictures"
    return ""


def _check_same(found: Outline, wanted: Outline, folder: Path) -> None:
    for name, value in asdict(found).items():
        if name != "epochs" and value != asdict(wanted)[name]:
            raise ValueError(
                f"the evolution in {str(folder)!r} is of another training: its {name} are {str(value)[:120]}, and here "
                f"{str(asdict(wanted)[name])[:120]}. Give another folder, or remove this one"
            )

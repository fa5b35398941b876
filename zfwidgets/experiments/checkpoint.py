"""Finished parts of a long computation, kept in a folder so that whoever was stopped goes on where it was."""

from __future__ import annotations

import json
import os
import platform
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeVar

import filelock

from zfwidgets.experiments.result import Result
from zfwidgets.files import DRAFT, MANIFEST_BYTES, read_json, write_aside

MANIFEST = "checkpoint.json"
FORMAT: Literal["zfwidgets checkpoint 2"] = "zfwidgets checkpoint 2"
FORMER = "top_activations.json"  # the manifest of checkpoints without checksums
DAMAGED, PART = ".damaged", ".safetensors"
LOCK, OWNER = ".lock", ".owner"

Found = TypeVar("Found", bound=Result)


@dataclass(frozen=True)
class Asked:
    """What a long computation was asked for: parts of one are never taken for parts of another."""

    operation: str
    network: str  # its name and fingerprint
    data: str  # how many images, and their fingerprint
    settings: Mapping[str, Any]  # whatever else the result depends on, as JSON knows it

    @property
    def described(self) -> dict[str, Any]:
        """As one dictionary, by words for a reader."""
        return {"operation": self.operation, "network": self.network, "data set": self.data, **self.settings}


@dataclass(frozen=True)
class Manifest:
    """What a folder's own file says of it."""

    asked: dict[str, Any]
    versions: dict[str, str]
    format: Literal["zfwidgets checkpoint 2"] = FORMAT


@dataclass(frozen=True)
class Checkpoint:
    """A folder with one file a part. Each is written whole or not at all, and checked when it is read.

    It can be sent to other processes, which save their parts there.
    """

    folder: Path
    identity: str  # of what was asked; every part carries it

    def load(self, part: str, kind: type[Found]) -> Found | None:
        """A finished part; None where there is none.

        What is damaged, or belongs to something else, is set aside with a warning, to be done again.
        """
        path = self.path(part)
        try:
            found, stamp = kind.load_stamped(path)
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            _set_aside(path, str(error))
            return None
        if stamp != self._stamp(part):
            _set_aside(path, f"{str(path)!r} belongs to something else")
            return None
        return found

    def save(self, part: str, found: Result) -> None:
        """Keep a finished part. Where that cannot be, it is said, and the computation goes on."""
        try:
            found.save(self.path(part), self._stamp(part))
        except OSError as error:
            warnings.warn(
                f"the checkpoint in {str(self.folder)!r} cannot be written ({error.strerror or error}); the "
                "computation goes on without it, and what is found is kept in memory",
                stacklevel=2,
            )

    def path(self, part: str) -> Path:
        """The file of a part, whether it is there or not."""
        return self.folder / f"{part}{PART}"

    def _stamp(self, part: str) -> str:
        return f"{self.identity} {part}"


@contextmanager
def opened(folder: str | os.PathLike[str], asked: Asked) -> Iterator[Checkpoint]:
    """A folder to keep finished parts in: begun, or gone on with. While it is open, no other process can open it.

    Raises:
        ValueError: it was begun for something else, or by an older version; another process is at work in it; it holds
            other files; or it cannot be written.
    """
    place = Path(folder).expanduser()
    description = json.loads(json.dumps(asked.described))  # as it is read again
    with ExitStack() as stack:
        try:
            place.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_owned(place))
            _check_or_begin(place, description)
            for draft in place.glob(f".*{DRAFT}"):  # of a process that was killed, since nobody else owns the folder
                draft.unlink(missing_ok=True)
        except OSError as error:
            raise ValueError(f"the checkpoint in {str(place)!r} cannot be used: {error.strerror or error}") from error
        yield Checkpoint(place, sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:32])


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """While this lasts, the folder is ours; the system gives it back when this process dies, however it does."""
    lock, owner = filelock.FileLock(folder / LOCK, timeout=0), folder / OWNER
    try:
        lock.acquire()
    except filelock.Timeout:
        who = owner.read_text(encoding="utf-8")[:200] if owner.is_file() else "another process"
        raise ValueError(
            f"the checkpoint in {str(folder)!r} is in use by {who}: wait for it, or give another folder"
        ) from None
    except NotImplementedError:  # a file system without locks: parts are written whole, so no more than work is lost
        yield
        return
    try:
        owner.write_text(f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        yield
    finally:
        with suppress(OSError):
            owner.unlink(missing_ok=True)
        lock.release()


def _check_or_begin(folder: Path, description: dict[str, Any]) -> None:
    """Raise ValueError where a folder was begun for something else, or is no checkpoint; begin an empty one."""
    manifest, versions = folder / MANIFEST, {name: version(name) for name in ("zfwidgets", "torch")}
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if MANIFEST not in names and names:
        raise ValueError(f"the folder {str(folder)!r} {_not_a_checkpoint(names)}: give another one, or remove it")
    if MANIFEST in names:
        try:
            found = _read_manifest(manifest)
        except ValueError as error:  # parts tell themselves what they belong to
            _set_aside(manifest, f"{str(manifest)!r} is damaged: {error}")
        else:
            _check_same(found.asked, description, folder)
            _warn_of_versions(found.versions, versions, folder)
            return
    content = json.dumps(asdict(Manifest(description, versions)), indent=1)
    write_aside(manifest, content.encode())


def _not_a_checkpoint(names: set[str]) -> str:
    if FORMER in names:
        return "holds a checkpoint of an older zfwidgets, which did not look into the images nor check its shards"
    return "is not empty, and holds no checkpoint"


def _read_manifest(path: Path) -> Manifest:
    """Raises ValueError where it is none of ours."""
    if path.stat().st_size > MANIFEST_BYTES:
        raise ValueError(f"it has more than {MANIFEST_BYTES:,} bytes")
    found: Manifest = read_json(path.read_bytes(), Manifest, MANIFEST_BYTES)
    return found


def _check_same(found: dict[str, Any], wanted: dict[str, Any], folder: Path) -> None:
    for name in wanted | found:
        if found.get(name) != wanted.get(name):
            raise ValueError(
                f"the checkpoint in {str(folder)!r} was begun with another {name}: {_described(found.get(name))}, "
                f"and not {_described(wanted.get(name))}. Give another folder, or remove this one"
            )


def _warn_of_versions(found: Mapping[str, Any], here: Mapping[str, str], folder: Path) -> None:
    for name, now in here.items():
        if found.get(name) != now:
            warnings.warn(
                f"the checkpoint in {str(folder)!r} was begun with {name} {found.get(name)}, and goes on with {now}: "
                "numbers can differ in their last digits",
                stacklevel=2,
            )


def _described(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} of them ({', '.join(map(str, value[:3]))}{', …' if len(value) > 3 else ''})"
    return str(value)


def _set_aside(path: Path, why: str) -> None:
    """Rename what cannot be used, and say so: it is nobody's to delete."""
    aside = path.with_name(path.name + DAMAGED)
    with suppress(OSError):
        os.replace(path, aside)
    warnings.warn(f"{why}; it is set aside as {aside.name}, and done again", stacklevel=2)

"""Processes that start without copying this one, locks and all; what they need is packed, whatever it is made of."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

import cloudpickle

# A forked process would inherit the locks that other threads hold at that moment, and wait for them for ever.
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
LARGEST = 100_000_000  # bytes that are sent to every worker
SHARED = ["zfwidgets.experiments.server"]  # imported once for all workers, where they are forked from a server


class CannotSend(Exception):
    """Something cannot be sent to other processes."""


@dataclass(frozen=True)
class Packed:
    """Something as bytes, which unpack themselves in the process that they are sent to."""

    content: bytes

    def __reduce__(self) -> Any:
        return pickle.loads, (self.content,)


def packed(value: Any) -> Packed:
    """A value ready to be sent, with classes and functions of notebooks and scripts.

    Raises CannotSend, which says why.
    """
    file = _Limited()
    try:
        cloudpickle.Pickler(file).dump(value)
    except CannotSend:
        raise
    except Exception as error:  # whatever a user's class raises
        raise CannotSend(f"they cannot be sent there ({type(error).__name__}: {error})") from error
    return Packed(file.getvalue())


def sent_to(workers: int, images: Any) -> tuple[int, Packed | None]:
    """How many workers read images, and the images packed for them; none, with a warning, where they cannot be sent."""
    if workers:
        try:
            return workers, packed(images)
        except CannotSend as error:
            warnings.warn(f"the images are read in this process, and not in others: {error}", stacklevel=3)
    return 0, None


class _Limited(io.BytesIO):
    def write(self, content: Any) -> int:
        if self.tell() + memoryview(content).nbytes > LARGEST:
            raise CannotSend(f"each would get a copy of them, which is larger than {LARGEST // 1_000_000} MB")
        return super().write(content)


class WorkerContext(BaseContext):
    """Starts processes, and knows them."""

    _name = METHOD

    def __init__(self) -> None:
        self._processes: list[BaseProcess] = []

    def Process(self, *args: Any, **options: Any) -> BaseProcess:
        """A process that has not been started yet."""
        process = multiprocessing.get_context(METHOD).Process(*args, **options)  # type: ignore[attr-defined]
        self._processes.append(process)
        return process

    @contextmanager
    def starting(self) -> Iterator[None]:
        """While processes are started: they do not run this program's script once more, as Python would let them.

        So a script needs no `if __name__ == "__main__"`; what is used of it comes packed.
        """
        if METHOD == "forkserver":
            multiprocessing.set_forkserver_preload(SHARED)  # of no effect once the server runs
        main = sys.modules["__main__"]
        sys.modules["__main__"] = _WithoutScript(main)
        try:
            yield
        finally:
            sys.modules["__main__"] = main

    @contextmanager
    def all_ended(self) -> Iterator[None]:
        """Afterwards none of the processes runs any longer, whatever it was doing."""
        try:
            yield
        finally:
            for process in self._processes:
                process.kill()
            for process in self._processes:
                process.join()

    def deaths(self) -> list[int]:
        """The exit codes of processes that have ended otherwise than in peace: negative ones are signals."""
        return [code for process in self._processes if (code := process.exitcode)]


class _WithoutScript(ModuleType):
    """Stands for the main module, has all that it has, and comes from no file."""

    def __init__(self, main: ModuleType) -> None:
        super().__init__("__main__")
        self._main = main

    def __getattr__(self, name: str) -> Any:
        if name in ("__file__", "_main"):
            raise AttributeError(name)
        return getattr(self._main, name)

"""Where an evolution comes from, and how a training that is still running is followed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from zfwidgets.experiments.evolution import Evolution, EvolutionFolder, EvolutionRecorder, prepared_evolution
from zfwidgets.widgets.belongings import at_the_end

INTERVAL = 1.0  # seconds between two looks at a training


class Source:
    """An evolution that is complete, or one that grows: of a recorder, or in its folder.

    Raises TypeError for anything else.
    """

    def __init__(self, given: Any) -> None:
        self.given = given
        if given is None or isinstance(given, Evolution):
            self.live, self.where = False, ""
        elif isinstance(given, EvolutionRecorder):
            self.live, self.where = True, "the recorder"
        elif isinstance(given, str | os.PathLike):
            self.live, self.where = True, repr(os.fspath(given))
            self._folder = EvolutionFolder(given)
        else:
            raise TypeError(
                f"an evolution is a zf.Evolution, a zf.EvolutionRecorder, or its folder; this is {type(given).__name__}"
            )

    @property
    def code(self) -> str:
        """The expression that gives it; empty where nobody knows one."""
        if self.given is None:
            return "zf.prepared_evolution()"
        return f"zf.Evolution.load({self.where})" if isinstance(self.given, str | os.PathLike) else ""

    def read(self) -> Evolution | None:
        """What there is by now; None before the first snapshot.

        Raises ValueError where a folder holds something else.
        """
        if self.given is None:
            return prepared_evolution()
        if isinstance(self.given, Evolution):
            return self.given
        try:
            found = self.given.evolution if isinstance(self.given, EvolutionRecorder) else self._folder.read()
        except FileNotFoundError:
            return None
        except ValueError:
            if isinstance(self.given, EvolutionRecorder) or not any(self._folder.folder.iterdir()):
                return None
            raise
        return found if found.snapshots else None


class Follower:
    """Looks at a training now and then, in a thread of its own, and tells what is new. It ends with its panel."""

    def __init__(self, source: Source, tell: Callable[[Evolution], None], report: Callable[[str, Any], None]) -> None:
        self._source, self._tell, self._report = source, tell, report
        self._known: tuple[Any, ...] = ()
        self._over = threading.Event()
        at_the_end(self._over.set)

    def start(self) -> None:
        """From now on."""
        threading.Thread(target=self._run, name="zfwidgets evolution", daemon=True).start()

    def look(self) -> None:
        """Look once."""
        try:
            found = self._source.read()
        except (ValueError, OSError) as error:
            self._report("evolution", error)
            return
        if found is not None and (now := (found.snapshots, found.curves, found.damaged)) != self._known:
            self._known = now
            self._report("evolution", None)
            self._tell(found)

    def _run(self) -> None:
        while not self._over.wait(INTERVAL):
            self.look()

"""What can be done with a panel: save what it shows, copy its code, begin anew, read how to use it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import anywidget
import traitlets as T

from zfwidgets.widgets.worker import LatestOnlyWorker

KEYS = (
    ("Sliders and the network's strip", "Arrow keys go on and back, Home and End to the ends."),
    ("Pictures", "Arrow keys move the chosen place, Enter takes it; Tab goes on."),
    ("Your own photographs", "Drop one anywhere on the panel, paste it, or press +."),
)


class Menu(anywidget.AnyWidget):
    """A button in the head of a panel, and what it opens. What takes time is done in a thread."""

    _esm = (Path(__file__).parent / "menu.js").read_text(encoding="utf-8")  # a path would hold every one made

    title = T.Unicode(help="of the panel").tag(sync=True)
    help: T.List[Any] = T.List(help="pairs of what, and how to use it").tag(sync=True)
    tries: T.List[Any] = T.List(T.Unicode(), help="what a reader may try, in words").tag(sync=True)

    def __init__(self, panel: Any, help: Sequence[tuple[str, str]], tries: Iterable[str], direct: bool) -> None:
        self._panel = panel
        self._worker = LatestOnlyWorker(self._do, direct)
        super().__init__(title=panel.title, help=[list(pair) for pair in (*help, *KEYS)], tries=list(tries))
        self.on_msg(lambda _, message, buffers: self._worker.ask(message))

    def _do(self, wanted: Any, cancelled: Callable[[], bool]) -> None:
        self._panel.report("menu", None)
        try:
            if wanted == "reset":
                self._panel.reset()
            elif wanted == "code":
                self.send({"code": self._panel.code()})
            elif isinstance(wanted, dict) and wanted.get("try") in self.tries:
                self._panel.try_out(wanted["try"])
            elif wanted in MAKERS:
                ending, make = MAKERS[wanted]
                data = make(self._panel)
                self.send({"name": f"{self.title.lower().replace(' ', '_')}.{ending}"}, [data])
        except ImportError as error:
            self._panel.report("menu", f"a table needs {error.name}: pip install {error.name}")
        except Exception as error:  # whatever it is, it is said where it happened
            self._panel.report("menu", error)


def _drawn(panel: Any, format: str) -> bytes:
    data = BytesIO()
    panel.figure().savefig(data, format=format, dpi=160)
    return data.getvalue()


def _saved(panel: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result"
        panel.answer.save(path)
        return path.read_bytes()


MAKERS: dict[str, tuple[str, Callable[[Any], bytes]]] = {  # by what the page asks for: the file's ending, its bytes
    "png": ("png", lambda panel: _drawn(panel, "png")),
    "svg": ("svg", lambda panel: _drawn(panel, "svg")),
    "csv": ("csv", lambda panel: panel.table().to_csv(index=False).encode()),
    "result": ("safetensors", _saved),
}

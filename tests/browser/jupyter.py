"""A real Jupyter server of its own, in temporary folders: JupyterLab, Notebook 7 and Voila on one port."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import nbformat

import zfwidgets

App = Literal["lab", "notebook", "voila"]
Theme = Literal["light", "dark"]

ROUTES: dict[App, str] = {"lab": "doc/tree", "notebook": "notebooks", "voila": "voila/render"}
KERNEL = "zfwidgets-tests"  # a name of its own: an environment's `python3` would be found before ours
THEMES: dict[Theme, str] = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
PATIENCE = 180  # seconds: never reached where all is well, however busy the machine

# Quiet pages: no news, no dialogs, and every cell of a notebook in the page, seen or not.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


class JupyterServer:
    """Serve notebooks that tests write; `with JupyterServer(folder) as server:` starts and stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.token = secrets.token_hex(16)
        self.port = _free_port()
        self._written = 0

    def __enter__(self) -> JupyterServer:
        self.notebooks.mkdir(parents=True)
        shutil.copy(Path(__file__).parent / "telling.py", self.notebooks)
        _write_json(self.folder / "data/kernels" / KERNEL / "kernel.json", _kernelspec())
        _write_json(self.folder / "config/labconfig/default_setting_overrides.json", SETTINGS)
        self._log = (self.folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            self._command(), env=self._environment(), stdout=self._log, stderr=subprocess.STDOUT, cwd=self.notebooks
        )
        self._wait_until_it_answers()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def write(self, cells: Sequence[str]) -> str:
        """Write code cells into a new notebook and return its name."""
        self._written += 1
        name = f"test_{self._written}.ipynb"
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": KERNEL, "display_name": "Python", "language": "python"}},
        )
        nbformat.write(notebook, self.notebooks / name)
        return name

    def address(self, name: str, app: App, theme: Theme) -> str:
        """Where an application shows a notebook; sets the theme, which Lab and Notebook read while they load."""
        settings = self.folder / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
        _write_json(settings, {"theme": THEMES[theme]})
        query = f"token={self.token}&theme={theme}" if app == "voila" else f"token={self.token}&reset"
        return f"http://127.0.0.1:{self.port}/{ROUTES[app]}/{name}?{query}"

    def wait_for_kernel(self, name: str, seconds: float = PATIENCE) -> None:
        """Wait until a notebook's kernel is idle and a page is connected to it."""
        last = time.monotonic() + seconds
        while time.monotonic() < last:
            kernels = [session["kernel"] for session in self._ask("GET", "sessions") if session["path"] == name]
            if any(kernel["execution_state"] == "idle" and kernel["connections"] for kernel in kernels):
                return
            time.sleep(0.05)
        raise TimeoutError(f"{name} had no idle kernel within {seconds} s")

    def kernels(self) -> set[str]:
        """The kernels that run."""
        return {kernel["id"] for kernel in self._ask("GET", "kernels")}

    def stop_kernels(self, but: Collection[str]) -> None:
        """End every other kernel, so that one test's memory is not the next one's trouble."""
        for kernel in self.kernels() - set(but):
            self._ask("DELETE", f"kernels/{kernel}")

    def _ask(self, method: str, path: str) -> Any:
        address = f"http://127.0.0.1:{self.port}/api/{path}"
        request = urllib.request.Request(address, method=method, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def _command(self) -> list[str]:
        options = [
            "--no-browser",
            "--ip=127.0.0.1",
            "--allow-root",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.notebooks}",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.extension_manager=readonly",
            "--LabApp.expose_app_in_browser=True",
            "--VoilaConfiguration.show_tracebacks=True",
        ]
        return [sys.executable, "-m", "jupyterlab", *options]

    def _environment(self) -> dict[str, str]:
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        return os.environ | {name: str(self.folder / folder) for name, folder in folders.items()}

    def _wait_until_it_answers(self, seconds: float = PATIENCE) -> None:
        last = time.monotonic() + seconds
        while time.monotonic() < last and self._process.poll() is None:
            try:
                self._ask("GET", "status")
                return
            except OSError:
                time.sleep(0.1)
        self._process.kill()
        log = (self.folder / "server.log").read_text(errors="replace")
        raise RuntimeError(f"the Jupyter server did not start:\n{log[-4000:]}")


def _kernelspec() -> dict[str, Any]:
    """This Python as the kernel, importing the same zfwidgets as the tests."""
    return {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python",
        "language": "python",
        "env": {"PYTHONPATH": str(Path(zfwidgets.__file__).parents[1])},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))

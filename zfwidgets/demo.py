"""The tour: in JupyterLab, or run without a browser and written as one HTML page."""

from __future__ import annotations

import os
import shutil
import sys
import webbrowser
from pathlib import Path

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpec, KernelSpecManager

TOUR = "00_tour.ipynb"
PACKAGE = Path(__file__).parent
# nbconvert's own page, less the scripts that it would fetch
PAGE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""


class ThisPython(KernelSpecManager):
    """Knows this Python as the kernel `python3`, whatever another environment has registered under that name."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The kernel of that name."""
        if kernel_name == NATIVE_KERNEL_NAME:
            return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())
        return super().get_kernel_spec(kernel_name)


def tour() -> Path:
    """Where the tour is: in the installed package, or in a checkout beside it."""
    places = [folder / "notebooks" / TOUR for folder in (PACKAGE, PACKAGE.parent)]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"the tour is not installed: there is neither {places[0]} nor {places[1]}")


def own_copy(notebook: Path, folder: Path) -> tuple[Path, bool]:
    """A notebook to work in, and whether it is an older copy of the user's, which is never overwritten.

    In a checkout, that is the notebook itself; of an installed package's notebook, a copy in `folder`.
    """
    if PACKAGE not in notebook.parents:
        return notebook, False
    copy = folder / notebook.name
    kept = copy.exists()
    if not kept:
        shutil.copyfile(notebook, copy)
    return copy, kept and copy.read_bytes() != notebook.read_bytes()


def open_lab(notebook: Path) -> None:
    """Serve JupyterLab with this notebook open, until it is stopped; it prints its URL, on the next free port."""
    from jupyterlab.labapp import LabApp

    options = [
        f"--ServerApp.root_dir={notebook.parent}",
        f"--LabApp.default_url=/lab/tree/{notebook.name}",  # part of the printed URL, too
        f"--ServerApp.kernel_spec_manager_class={ThisPython.__module__}.{ThisPython.__name__}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    if not has_browser():
        options.append("--no-browser")
    LabApp.launch_instance(options)


def has_browser() -> bool:
    """Whether there is a browser with a display; a text browser would take over the terminal."""
    if sys.platform == "linux" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def write_page(notebook: Path, output: Path) -> None:
    """Run all cells of a notebook in this Python, and write them with their pictures as one HTML page.

    The page fetches nothing; panels are in it as they stand (see `zfwidgets.widgets.panel.still`).

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; the message holds the cell and its traceback.
        nbclient.exceptions.DeadKernelError: the kernel died, as it does when memory runs out.
    """
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    output.parent.mkdir(parents=True, exist_ok=True)
    exporter = HTMLExporter(raw_template=PAGE, embed_images=True)
    content = nbformat.read(notebook, as_version=4)
    resources = {"metadata": {"path": str(notebook.parent), "name": notebook.stem}}
    kernel = AsyncKernelManager(kernel_name=NATIVE_KERNEL_NAME, kernel_spec_manager=ThisPython())
    quiet = ["--IPKernelApp.log_level=ERROR"]  # it would warn of unencrypted messages, which stay on this machine
    client = NotebookClient(content, km=kernel, resources=resources, store_widget_state=False, extra_arguments=quiet)
    client.execute(cleanup_kc=True, env=os.environ | {"ZFWIDGETS_STILL": "1"})
    page, _ = exporter.from_notebook_node(content, resources)
    output.write_text(page, encoding="utf-8")

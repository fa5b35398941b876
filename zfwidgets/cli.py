"""The command line: `zfwidgets demo`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def zfwidgets() -> None:
    """Look inside a convolutional network from a notebook."""


@app.command()
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Run the tour without a browser; write a page.")] = False,
    output: Annotated[Path, typer.Option(dir_okay=False, help="The page that --headless writes.")] = Path("tour.html"),
) -> None:
    """Open the tour in JupyterLab, or run it and write it as an HTML page with its pictures."""
    missing = [name for name in ("jupyterlab", "nbconvert") if find_spec(name) is None]
    if missing:
        _give_up(f"The demo needs {' and '.join(missing)}: pip install 'zfwidgets[demo]'")
    if headless:
        _write_page(output)
    else:
        _open_lab()


def _write_page(output: Path) -> None:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    from zfwidgets import demo

    typer.echo(f"Running {demo.TOUR} …")
    try:
        demo.write_page(demo.tour(), output)
    except (CellExecutionError, DeadKernelError, OSError) as error:
        _give_up(str(error))
    typer.echo(f"Wrote {output}")


def _open_lab() -> None:
    from zfwidgets import demo

    try:
        notebook, kept = demo.own_copy(demo.tour(), Path.cwd())
    except OSError as error:
        _give_up(str(error))
    if kept:
        typer.echo(f"{notebook.name} was here already, and is kept. Move it away to get a fresh one.")
    demo.open_lab(notebook)


def _give_up(why: str) -> None:
    typer.echo(why, err=True)
    raise typer.Exit(1)

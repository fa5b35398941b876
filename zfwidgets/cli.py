"""The command line: `zfwidgets demo`, `zfwidgets mine` and `zfwidgets train`."""

from __future__ import annotations

import functools
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, ParamSpec

import typer

if TYPE_CHECKING:
    from zfwidgets.models import Network

app = typer.Typer(no_args_is_help=True, add_completion=False)
Options = ParamSpec("Options")
Verbose = Annotated[bool, typer.Option("--verbose", help="Show where an error comes from.")]


def in_one_sentence(command: Callable[Options, None]) -> Callable[Options, None]:
    """Whatever goes wrong in a command is one sentence and exit code 1; with --verbose, a traceback."""

    @functools.wraps(command)
    def run(*arguments: Options.args, **options: Options.kwargs) -> None:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = lambda message, *_, **__: typer.echo(message, err=True)
                command(*arguments, **options)
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            _give_up("Stopped.", code=130)
        except Exception as error:
            if options["verbose"]:
                raise
            _give_up(_described(error))

    return run


def _described(error: Exception) -> str:
    if isinstance(error, ValueError | TypeError | OSError) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error} (--verbose shows where)"


@app.callback()
def zfwidgets() -> None:
    """Look inside a convolutional network from a notebook."""


@app.command()
@in_one_sentence
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Run the tour without a browser; write a page.")] = False,
    output: Annotated[Path, typer.Option(dir_okay=False, help="The page that --headless writes.")] = Path("tour.html"),
    verbose: Verbose = False,
) -> None:
    """Open the tour in JupyterLab, or run it and write it as an HTML page with its pictures."""
    missing = [name for name in ("jupyterlab", "nbconvert") if find_spec(name) is None]
    if missing:
        _give_up(f"The demo needs {' and '.join(missing)}: pip install 'zfwidgets[demo]'")
    if headless:
        _write_page(output)
    else:
        _open_lab()


@app.command()
@in_one_sentence
def mine(
    folder: Annotated[Path, typer.Argument(help="Images: every file in the folder and below.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="The file to write, for TopActivations.load.")],
    model: Annotated[
        str, typer.Option(help="The embedded network, a model of torchvision, or `module:name` of a zf.Network.")
    ] = "squeezenet1_1",
    layers: Annotated[
        str, typer.Option(help="Names with commas between; `all`; by default those through which everything passes.")
    ] = "",
    k: Annotated[int, typer.Option(min=1, help="Activations a feature map.")] = 9,
    per_image: Annotated[int, typer.Option(min=1, help="At most so many of them from one image.")] = 1,
    batch_size: Annotated[int, typer.Option(min=1, help="Images that are read at once.")] = 64,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that decode images.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(file_okay=False, help="A folder to keep finished shards in, and to go on from.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, …")] = "auto",
    verbose: Verbose = False,
) -> None:
    """Find the strongest activations of every feature map in a folder of images (Fig. 2)."""
    import zfwidgets as zf

    _check_output(out)
    chosen = layers if layers in ("", "all") else [name.strip() for name in layers.split(",")]
    tops = zf.top_activations(
        _network(model, device), folder, chosen or None, k,
        per_image=per_image, batch_size=batch_size, workers=workers, checkpoint=checkpoint,
    )  # fmt: skip
    tops.save(out)
    typer.echo(f"{tops}: wrote {out}")
    for number, why in tops.broken:
        typer.echo(f"left out: image {number}: {why}", err=True)


@app.command()
@in_one_sentence
def train(
    data: Annotated[
        str, typer.Option(help="A folder with a folder a class (or train and val in it), `imagenet`, or `shapes`.")
    ] = "shapes",
    arch: Annotated[str, typer.Option(help="zfnet, alexnet_zf, zfnet_shapes, or a model of torchvision.")] = "zfnet",
    out: Annotated[Path, typer.Option(dir_okay=False, help="The trained weights.")] = Path("weights.safetensors"),
    recipe: Annotated[str, typer.Option(help="`paper`, or `small`; by default small for zfnet_shapes.")] = "",
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    size: Annotated[
        int | None, typer.Option(min=16, help="Side of the input in pixels; by default the model's.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the first weights, the order of images, crops and dropout.")] = 0,
    root: Annotated[Path, typer.Option(file_okay=False, help="Where torchvision's ImageNet lies.")] = Path("imagenet"),
    checkpoint: Annotated[
        Path | None, typer.Option(file_okay=False, help="A folder to keep finished epochs in, and to go on from.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(file_okay=False, help="A folder for the evolution of features; watch it meanwhile.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that read images.")] = None,
    accelerator: Annotated[str, typer.Option(help="Lightning's: auto, cpu, gpu, mps.")] = "auto",
    devices: Annotated[str, typer.Option(help="How many, or which; Lightning's.")] = "auto",
    strategy: Annotated[str, typer.Option(help="How to share the work: auto, ddp, fsdp, … ; Lightning's.")] = "auto",
    nodes: Annotated[int, typer.Option(min=1, help="How many machines.")] = 1,
    verbose: Verbose = False,
) -> None:
    """Train a network, by the paper's recipe or a small one (§3)."""
    from zfwidgets.training import train_and_save

    _check_output(out)
    training = train_and_save(
        arch, data, out, recipe, epochs, size, seed, root, checkpoint, record, workers=workers,
        accelerator=accelerator, devices=devices, strategy=strategy, num_nodes=nodes,
    )  # fmt: skip
    typer.echo(f"{training}: wrote {out}")


def _check_output(path: Path) -> None:
    """Raise ValueError where nothing can be written: before the work, and not after it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.open("ab").close()
        else:
            tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise ValueError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _network(model: str, device: str) -> Network:
    import zfwidgets as zf

    module, colon, name = model.partition(":")
    if not colon:
        return zf.load(model, device=device)
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` does
    try:
        net = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"there is no {model!r} to import: {error}") from error
    net = net() if callable(net) and not isinstance(net, zf.Network) else net
    if not isinstance(net, zf.Network):
        raise TypeError(f"{model!r} is not a zf.Network, nor a function that returns one, but {type(net).__name__}")
    return net.on(device)


def _write_page(output: Path) -> None:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    from zfwidgets import demo

    _check_output(output)
    typer.echo(f"Running {demo.TOUR} …")
    try:
        demo.write_page(demo.tour(), output)
    except (CellExecutionError, DeadKernelError) as error:  # the cell, and its traceback
        _give_up(str(error))
    typer.echo(f"Wrote {output}")


def _open_lab() -> None:
    from zfwidgets import demo

    notebook, kept = demo.own_copy(demo.tour(), Path.cwd())
    if kept:
        typer.echo(f"{notebook.name} was here already, and is kept. Move it away to get a fresh one.")
    demo.open_lab(notebook)


def _give_up(why: str, code: int = 1) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)

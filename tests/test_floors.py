"""The import rule of the house: four floors, imports only downward; heavy packages only where they belong."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import pytest

import zfwidgets

PACKAGE = Path(zfwidgets.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
WIDGETRY = {"IPython", "anywidget", "bqplot", "ipycanvas", "ipywidgets"}
PICKLES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
HARMLESS = {"pickle.UnpicklingError"}  # what `torch.load(…, weights_only=True)` raises
SENDS_TO_OWN_PROCESSES = "experiments/workers.py"  # and reads nothing that comes from elsewhere

# floor -> what it may import of zfwidgets, and what it must not import of others
GROUND = {"task", "renamed", "files"}
FLOORS: dict[str, tuple[set[str], set[str]]] = {
    "task": (GROUND, WIDGETRY | {"torch", "numpy"}),
    "renamed": (GROUND, WIDGETRY | {"torch", "numpy"}),
    "files": (GROUND, WIDGETRY | {"torch"}),
    "drawing": (GROUND | {"drawing"}, WIDGETRY | {"torch", "torchvision"}),
    "backend": (GROUND | {"backend"}, WIDGETRY | {"matplotlib", "PIL"}),
    "data": (GROUND | {"data"}, WIDGETRY | {"matplotlib"}),
    "models": (GROUND | {"models", "backend", "data"}, WIDGETRY | {"matplotlib"}),
    "experiments": (GROUND | {"experiments", "backend", "models", "data", "drawing"}, WIDGETRY),
    "widgets": (GROUND | {"widgets", "experiments", "drawing", "models", "data"}, {"torch", "torchvision"}),
}
ROOMS = {  # folders whose inside is their own: others import what `__init__` hands out
    floor: {room.name for room in (PACKAGE / floor).iterdir() if (room / "__init__.py").exists()}
    for floor in ("experiments", "widgets")
}


def imports(tree: ast.AST, package: str = "zfwidgets") -> Iterator[str]:
    """The dotted names that a module imports anywhere, also in functions and for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{source}.{alias.name}" for alias in node.names)


def imports_at_once(tree: ast.Module) -> Iterator[str]:
    """The names imported as soon as the module is: neither in functions nor under `if TYPE_CHECKING`."""
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from imports(statement)


def trespasses(floor: str, tree: ast.AST, package: str = "zfwidgets") -> list[str]:
    """What a module of this floor imports and must not."""
    inside, outside = FLOORS[floor]
    return [
        name
        for name in imports(tree, package)
        if (name.split(".")[1] not in inside if name.startswith("zfwidgets.") else name.split(".")[0] in outside)
    ]


def unpicklings(tree: ast.AST) -> list[str]:
    """Where a module might unpickle, which runs whatever code the file brings."""
    found = [name for name in imports(tree) if name.split(".")[0] in PICKLES and name not in HARMLESS]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        said = {word.arg: ast.unparse(word.value) for word in call.keywords}
        what = ast.unparse(call.func)
        if what == "torch.load" or what.endswith("load_state_dict_from_url"):
            found += [] if said.get("weights_only") == "True" else [what]
        found += ["allow_pickle"] if said.get("allow_pickle", "False") != "False" else []
    return found


def break_ins(module: str, tree: ast.AST) -> list[str]:
    """What a module imports of the inside of another experiment's or widget's room."""
    own = module.split(".")[1:3]
    return [
        name
        for name in imports(tree, module.rpartition(".")[0])
        if (parts := name.split("."))[0] == "zfwidgets"
        and len(parts) > 4
        and parts[2] in ROOMS.get(parts[1], ())
        and parts[1:3] != own
    ]


def name_of(module: Path) -> str:
    """The dotted name of a module."""
    return ".".join(module.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def import_graph() -> dict[str, set[str]]:
    """Of every module, the modules that it imports, at once, later or for types only."""
    names = {name_of(module) for module in MODULES}
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        package = name_of(module) if module.name == "__init__.py" else name_of(module).rpartition(".")[0]
        found = imports(parsed(module), package)
        graph[name_of(module)] = {n if n in names else n.rpartition(".")[0] for n in found} & names
    graph["zfwidgets"] = set()  # the public names, looked up when they are first used
    return graph


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Modules that import each other, directly or on a way round (strongly connected components, Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in order:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == order[node]:
            place = stack.index(node)
            if len(stack) - place > 1 or node in graph[node]:
                found.append(set(stack[place:]))
            del stack[place:]

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


@cache
def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"), module)


def floor_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def loaded_by(statement: str) -> set[str]:
    """The top-level packages in a fresh Python after that statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def described(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


def offenders(look: Callable[[Path], list[str]]) -> dict[str, list[str]]:
    """Of every module, what it should not do."""
    return {described(module): found for module in MODULES if (found := look(module))}


def test_imports_go_down_only():
    def look(module: Path) -> list[str]:
        package = ".".join(("zfwidgets", *module.relative_to(PACKAGE).parent.parts))
        return trespasses(floor_of(module), parsed(module), package) if floor_of(module) in FLOORS else []

    assert offenders(look) == {}


def test_every_module_is_on_a_floor():
    assert {floor_of(module) for module in MODULES} - set(FLOORS) == {"__init__", "cli", "demo", "training"}


def test_nobody_imports_the_inside_of_anothers_room():
    assert offenders(lambda module: break_ins(name_of(module), parsed(module))) == {}


def test_an_import_from_anothers_inside_is_noticed():
    code = ast.parse("from zfwidgets.experiments.gallery.build import Sources")
    assert break_ins("zfwidgets.widgets.top_nine.tiles", code)
    assert not break_ins("zfwidgets.experiments.gallery.result", code)


def test_no_modules_import_each_other_in_a_circle():
    assert circles(import_graph()) == []


def test_a_circle_is_noticed():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]


def test_figures_are_drawn_with_when_they_are_asked_for():
    for module in (PACKAGE / "experiments").rglob("*.py"):
        assert not [name for name in imports_at_once(parsed(module)) if name.endswith(".figure")], module


def test_nothing_unpickles():
    assert set(offenders(lambda module: unpicklings(parsed(module)))) == {SENDS_TO_OWN_PROCESSES}


@pytest.mark.parametrize(
    ("floor", "code"),
    [
        ("backend", "from zfwidgets.models import Network"),
        ("backend", "from zfwidgets import models"),
        ("backend", "from zfwidgets import load"),
        ("backend", "from ..data import decode"),
        ("data", "def later():\n    import zfwidgets.backend.graph.program"),
        ("models", "if TYPE_CHECKING:\n    from zfwidgets.experiments.projection import Projection"),
        ("experiments", "import ipywidgets as W"),
        ("drawing", "from zfwidgets.data import decode"),
        ("widgets", "import torch.nn.functional as F"),
        ("widgets", "from zfwidgets.backend.graph.program import Program"),
    ],
)
def test_a_trespass_is_noticed(floor, code):
    assert trespasses(floor, ast.parse(code), package=f"zfwidgets.{floor}")


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.hub.load_state_dict_from_url(url)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_unpickling_is_noticed(code):
    assert unpicklings(ast.parse(code))


def test_importing_zfwidgets_loads_nothing_heavy():
    heavy = {"torch", "torchvision", "numpy", "ipywidgets", "matplotlib", "PIL", "skimage", "sklearn"}
    assert not loaded_by("import zfwidgets") & heavy
    assert not loaded_by("import zfwidgets.cli") & heavy


def test_the_lazy_table_and_all_agree():
    assert zfwidgets.__all__ == sorted(zfwidgets._PLACES)
    assert dir(zfwidgets) == zfwidgets.__all__


def test_a_type_checker_sees_the_same_names():
    checked = [node for node in parsed(PACKAGE / "__init__.py").body if isinstance(node, ast.If)]
    seen = {name.rpartition(".")[::2] for block in checked for name in imports(block)}
    assert seen == {(f"zfwidgets.{place}", name) for name, place in zfwidgets._PLACES.items()}


@pytest.mark.parametrize("name", zfwidgets.__all__)
def test_every_public_name_says_what_it_is_for(name):
    assert inspect.getdoc(getattr(zfwidgets, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="projekt"):
        zfwidgets.projekt  # noqa: B018

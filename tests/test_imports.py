"""Imports go down the ranks of RANKS, those inside functions included, and in no circle."""

import ast
from pathlib import Path

import pytest

import locgen

ROOT = Path(locgen.__file__).parent
RANKS = [
    "errors resources version",
    "devices",
    "ir",
    "passes",
    "quantise",
    "frontends models",
    "plan",
    "cores noc",
    "top",
    "targets boards host",
    "verify energy",
    "report",
    "flow",
    "api",
    "cli",
    "__main__",
]
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names.split()}
PUBLIC = {"Board", "Design", "Explanation", "compile", "load"}
"""Names that `locgen` takes from `locgen.api` on first use."""
MODULES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


def package_of(path):
    """Return the first part of a module's path below locgen."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports_of(source, package_parts):
    """Return the dotted names that `source` imports; `package_parts` is its own package."""
    names = []
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.Import):
            names += [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            base = []
            if statement.level:
                base = list(package_parts[: len(package_parts) - statement.level + 1])
            base += [statement.module] if statement.module else []
            names += [".".join([*base, alias.name]) for alias in statement.names]
        elif isinstance(statement, ast.Call) and ast.unparse(statement.func).endswith(
            "import_module"
        ):
            names += [a.value for a in statement.args[:1] if isinstance(a, ast.Constant)]
        elif isinstance(statement, ast.Attribute) and ast.unparse(statement.value) == "locgen":
            names.append(f"locgen.{statement.attr}")
    return names


def violations(path, source):
    """Return what is wrong with the imports of the module at `path`."""
    own = package_of(path)
    parts = ("locgen", *path.relative_to(ROOT).parts[:-1])
    wrong = []
    for name in imports_of(source, parts):
        first, _, rest = name.partition(".")
        if first != "locgen":
            continue
        target = rest.partition(".")[0]
        if target in ("", "__version__", own):  # of a bare import, what is used counts
            continue
        target = "api" if target in PUBLIC else target
        if target not in RANK:
            wrong.append(f"{own} imports {name}, which has no rank")
        elif RANK[target] >= RANK[own]:
            wrong.append(f"{own} must not import {name}")
    return wrong


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_go_down(path):
    assert package_of(path) in RANK
    assert violations(path, path.read_text()) == []


def test_every_kind_of_import_is_seen():
    path = ROOT / "ir" / "tree.py"
    for text in (
        "from locgen.top import x",
        "import locgen.top.site",
        "def f():\n    from locgen.top.site import TreeSite",
        "from locgen import flow",
        "from ..top import site",
        "from .. import top",
        "import importlib\nimportlib.import_module('locgen.flow.compiling')",
        "from locgen.quantise import quantise",
        "from locgen import load",
        "import locgen\nlocgen.compile",
    ):
        assert violations(path, text), text
    allowed = (
        "import locgen",
        "from locgen import __version__",
        "from locgen.errors import DataError",
        "from . import model",
        "from locgen.ir.model import Model",
        "import numpy",
    )
    assert violations(path, "\n".join(allowed)) == []
    assert violations(ROOT / "cores" / "tree.py", "import locgen.noc.reduce")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_amaranth_is_star_imported_by_hardware_alone(path):
    stars = [
        statement.module
        for statement in ast.walk(ast.parse(path.read_text()))
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"
    ]
    if package_of(path) in {"cores", "noc", "top"}:
        assert set(stars) <= {"amaranth", "amaranth.hdl"}
    else:
        assert stars == []


def import_graph():
    """Return the modules that each module of locgen imports, inside functions too, by name."""
    files = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = ("locgen", *path.relative_to(ROOT).with_suffix("").parts)
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = {}
    for name, path in files.items():
        package = ("locgen", *path.relative_to(ROOT).parts[:-1])
        graph[name] = set()
        for dotted in imports_of(path.read_text(), package):
            while dotted and dotted not in files:
                dotted = dotted.rpartition(".")[0]
            graph[name] |= {dotted} - {"", name}
    return graph


def circles_of(graph):
    """Return the groups whose members reach each other, sorted."""

    def reachable(start):
        seen, stack = set(), [start]
        while stack:
            for other in graph.get(stack.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        return seen

    beyond = {name: reachable(name) for name in graph}
    groups = {
        tuple(sorted(other for other in beyond[name] if name in beyond.get(other, ())))
        for name in graph
        if name in beyond[name]
    }
    return sorted(map(list, groups))


def test_modules_import_in_no_circle():
    assert circles_of(import_graph()) == []


def test_packages_import_in_no_circle():
    packages = {}
    for name, others in import_graph().items():
        own = ".".join(name.split(".")[:2])
        packages.setdefault(own, set()).update(".".join(other.split(".")[:2]) for other in others)
    for own, others in packages.items():
        others.discard(own)
    assert circles_of(packages) == []


def test_circles_are_seen():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}}
    assert circles_of(graph) == [["b", "c"], ["d"]]

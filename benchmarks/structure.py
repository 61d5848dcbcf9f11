"""Figures of the code's structure: statements, import circles, switches on kinds, long functions.

    python benchmarks/structure.py            # the figures
    python benchmarks/structure.py --list     # and each switch, circle, long function and module

Statements are those of the syntax tree, docstrings apart. A switch asks what kind of thing a value
is: `isinstance` and `type(x) is` on a class of locgen, a comparison of `.kind`, `match` on it,
`singledispatch`, and dictionaries keyed by classes of locgen; those in a layer's table count apart.
"""

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "locgen"
LONGEST_FUNCTION = 60
LONGEST_MODULE = 300
TABLES = (
    "cores/decisions.py",
    "cores/kinds.py",
    "frontends/registry.py",
    "ir/decisions/__init__.py",
    "ir/float/__init__.py",
    "ir/integer/__init__.py",
    "passes/__init__.py",
    "quantise/lower/__init__.py",
    "verify/levels.py",
)
"""Files that hold a layer's table: the one place that may name kinds."""


def modules() -> dict[str, tuple[Path, ast.Module]]:
    """Return path and syntax tree of every module, by dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = (path, ast.parse(path.read_text()))
    return found


def statements(tree: ast.Module) -> int:
    """Return the statements of a module without its docstrings."""
    every = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    strings = [
        node
        for node in every
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    return len(every) - len(strings)


def imports(name: str, tree: ast.Module, known: set[str], path: Path) -> set[str]:
    """Return the modules of locgen that module `name` imports, inside functions too."""
    found = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in known else base)
    return {each for each in found if each in known and each != name}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected groups of more than one member, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph.get(name, ())):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(10_000)
    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def package_circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return circles between the packages and top modules below locgen."""
    packages: dict[str, set[str]] = defaultdict(set)
    for name, others in graph.items():
        own = name.split(".")[1] if "." in name else ""
        for other in others:
            part = other.split(".")[1] if "." in other else ""
            if own and part and own != part:
                packages[own].add(part)
    return circles(packages)


def classes(trees: dict[str, tuple[Path, ast.Module]]) -> set[str]:
    """Return the names of node, decision and feature classes: those below `ir`, and cores."""
    found = set()
    for name, (_, tree) in trees.items():
        if name.split(".")[1:2] in (["ir"], ["cores"]):
            found |= {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return found


def _names(node: ast.expr) -> set[str]:
    return {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Name | ast.Attribute)
    }


def switches(tree: ast.Module, kinds: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and text of each switch on kinds in a module."""
    for node in ast.walk(tree):
        text = None
        if isinstance(node, ast.Call):
            called = _names(node.func)
            asks = called & {"isinstance", "issubclass"} and len(node.args) == 2
            if (asks and _names(node.args[1]) & kinds) or "singledispatch" in called:
                text = ast.unparse(node)
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            asked = any(
                isinstance(s, ast.Attribute)
                and s.attr == "kind"
                and not ast.unparse(s.value).endswith("dtype")
                for s in sides
            )
            types = any(
                isinstance(s, ast.Call) and ast.unparse(s.func) == "type" for s in sides
            ) and any(_names(s) & kinds for s in sides)
            if asked or types:
                text = ast.unparse(node)
        elif isinstance(node, ast.Match):
            subject = ast.unparse(node.subject)
            patterns = [p for case in node.cases for p in ast.walk(case.pattern)]
            named = any(isinstance(p, ast.MatchClass) and _names(p.cls) & kinds for p in patterns)
            if subject.endswith(".kind") or named:
                text = f"match {subject}"
        elif isinstance(node, ast.Dict):
            keys = [key for key in node.keys if isinstance(key, ast.Name | ast.Attribute)]
            if sum(bool(_names(key) & kinds) for key in keys) > 1:
                text = "a dictionary keyed by classes"
        elif isinstance(node, ast.FunctionDef):
            decorated = any("singledispatch" in ast.unparse(d) for d in node.decorator_list)
            if decorated or (node.name.startswith("is_") and node.name[3:] in _PROPERTIES):
                text = f"def {node.name}"
        if text is not None:
            yield node.lineno, " ".join(text.split())[:100]


_PROPERTIES = {"tree", "table", "linear", "distance", "layered", "clause", "neighbours", "mixed"}


def long_functions(tree: ast.Module) -> Iterator[tuple[int, str, int]]:
    """Yield line, name and length of each function longer than 60 lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield node.lineno, node.name, length


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="name each place")
    options = parser.parse_args()
    trees = modules()
    kinds = classes(trees)
    graph = {name: imports(name, tree, set(trees), path) for name, (path, tree) in trees.items()}
    found = {
        "import circles of modules": [", ".join(c) for c in circles(graph)],
        "import circles of packages": [", ".join(c) for c in package_circles(graph)],
        "switches on kinds outside the tables": [],
        "switches on kinds in the tables": [],
        f"functions over {LONGEST_FUNCTION} lines": [],
        f"modules over {LONGEST_MODULE} lines": [],
    }
    for path, tree in trees.values():
        where = path.relative_to(PACKAGE).as_posix()
        side = "in" if where in TABLES else "outside"
        found[f"switches on kinds {side} the tables"] += [
            f"{where}:{line} {text}" for line, text in switches(tree, kinds)
        ]
        found[f"functions over {LONGEST_FUNCTION} lines"] += [
            f"{where}:{line} {name} {length}" for line, name, length in long_functions(tree)
        ]
        lines = len(path.read_text().splitlines())
        if lines > LONGEST_MODULE:
            found[f"modules over {LONGEST_MODULE} lines"].append(f"{where} {lines}")
    print(f"{len(trees)} modules, {sum(statements(tree) for _, tree in trees.values())} statements")
    for what, places in found.items():
        print(f"{len(places)} {what}")
        for place in places if options.list else ():
            print(f"    {place}")


if __name__ == "__main__":
    main()

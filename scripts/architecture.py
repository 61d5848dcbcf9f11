"""Draws docs/pictures/architecture.svg from the code: the packages, their ranks, the data.

    python scripts/architecture.py

Boxes are the packages, a row for each rank of tests/test_imports.py: what each is for, from its
docstring; which packages it uses, without those that follow from others; and the dataclasses that
it hands on. The script ends with an error if a package no longer defines one of them.
"""

import ast
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "locgen"
PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"

PRODUCTS = {
    "devices": ("Device",),
    "ir": ("Model", "QuantisedModel"),
    "passes": ("Context",),
    "plan": ("DirectPlan", "TreePlan"),
    "targets": ("Mapped", "Routed"),
    "boards": ("Board",),
    "verify": ("Vectors", "LevelResult"),
    "energy": ("Activity", "EnergyFigures"),
    "report": ("Report",),
    "flow": ("PlannedDesign", "Built"),
    "api": ("Design",),
}
"""What each package hands on."""
STAGES = (
    ("model file", "", ""),
    ("frontends", "Model", "ir"),
    ("quantise", "QuantisedModel", "ir"),
    ("passes", "QuantisedModel", "ir"),
    ("plan", "DirectPlan, TreePlan", "plan"),
    ("top, cores, noc", "RTLIL", ""),
    ("targets", "Mapped, Routed", "targets"),
    ("verify, energy", "LevelResult", "verify"),
    ("report", "Report", "report"),
)
"""The road: who works, what comes out, and the package that defines it."""

WIDTH, LEFT, ROW, BOX, TOP = 1080, 40, 84, 76, 146
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1c2733 }
.name { font-weight: 600 }
.small { font-size: 11px; fill: #5a6b7b }
.room { rx: 7px; fill: #eef3f8; stroke: #7d93a8 }
.road { fill: #fdf3e1; stroke: #c9973f }
.product { font-size: 12px; fill: #8a5f14; text-anchor: end }
.words { font-size: 12px }
.import { fill: none; stroke: #9fb2c4; stroke-width: 2 }
.data { stroke: #c9973f; stroke-width: 2; fill: none }
"""


def ranks() -> list[list[str]]:
    """Return the packages of each rank, the lowest first."""
    tree = ast.parse((ROOT / "tests" / "test_imports.py").read_text())
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "RANKS":
            return [names.split() for names in ast.literal_eval(statement.value)]
    raise SystemExit("tests/test_imports.py has no RANKS")


def modules() -> dict[str, list[ast.Module]]:
    """Return the syntax trees of every package, or top-level module, by its name."""
    found: dict[str, list[ast.Module]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name != "__init__":
            found.setdefault(name, []).append(ast.parse(path.read_text()))
    return found


def imports(trees: Iterable[ast.Module]) -> set[str]:
    """Return the packages of locgen that modules import."""
    names = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    parts = (name.split(".") for name in names)
    return {words[1] for words in parts if words[0] == "locgen" and len(words) > 1}


def reduced(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the graph without the edges that follow from others."""

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += graph[name]
        return seen

    return {
        name: {one for one in targets if not any(one in reachable(o) for o in targets - {one})}
        for name, targets in graph.items()
    }


def check_products(trees: Mapping[str, list[ast.Module]]) -> None:
    """End with an error if a package does not define what the picture says."""
    wanted = [(package, name) for package, names in PRODUCTS.items() for name in names]
    wanted += [(home, name) for _, names, home in STAGES if home for name in names.split(", ")]
    for package, name in wanted:
        defined = {
            node.name
            for tree in trees[package]
            for node in tree.body
            if isinstance(node, ast.ClassDef)
        }
        if name not in defined:
            raise SystemExit(f"locgen.{package} defines no {name}: correct scripts/architecture.py")


def road() -> list[str]:
    """Return the strip that shows the stages and the data between them."""
    step = (WIDTH - 2 * 8) / len(STAGES)
    parts = ['<text x="8" y="22" class="name">Data, from a model file to the report</text>']
    for number, (name, product, _) in enumerate(STAGES):
        x, width = 8 + number * step, step - 22
        parts.append(
            f'<rect class="road" x="{x:.0f}" y="36" width="{width:.0f}" height="34" rx="6"/>'
        )
        parts.append(
            f'<text x="{x + width / 2:.0f}" y="57" class="words" text-anchor="middle">{name}</text>'
        )
        if number:
            parts.append(
                f'<path class="data" marker-end="url(#gold)" d="M{x - 21:.0f} 53H{x - 4:.0f}"/>'
            )
        for line, word in enumerate(product.split(", ")):
            parts.append(
                f'<text x="{x + width / 2:.0f}" y="{86 + 14 * line}" class="small" '
                f'text-anchor="middle">{word}</text>'
            )
    return parts


def _arrow(name: str, colour: str) -> str:
    size = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6"'
    head = f'<path d="M0 0L8 4L0 8z" fill="{colour}"/>'
    return f'<marker id="{name}" {size} orient="auto">{head}</marker>'


def summary(name: str) -> str:
    """Return the first sentence of a package's docstring."""
    path = PACKAGE / name / "__init__.py"
    path = path if path.exists() else PACKAGE / f"{name}.py"
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return re.split(r"\.(?:\s|$)", " ".join(text.replace("`", "").split()))[0]


def box(name: str, uses: set[str], place: tuple[float, float, float]) -> list[str]:
    """Return the box of one package.

    Parameters
    ----------
    name : of the package
    uses : packages that it imports, without those that follow from others
    place : left edge, upper edge and width
    """
    x, y, width = place
    lines = textwrap.wrap(summary(name), int(width / 6.8), max_lines=2, placeholder=" ...")
    foot = f"uses {', '.join(sorted(uses))}" if uses else "uses no other package"
    products = ", ".join(PRODUCTS.get(name, ()))
    parts = [
        f'<rect class="room" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BOX}"/>',
        f'<text x="{x + 12:.1f}" y="{y + 19}" class="name">{name}</text>',
        f'<text x="{x + width - 12:.1f}" y="{y + 19}" class="product">{products}</text>',
        f'<text x="{x + 12:.1f}" y="{y + BOX - 9}" class="small">{escape(foot)}</text>',
    ]
    for line, words in enumerate(lines):
        at = f'x="{x + 12:.1f}" y="{y + 36 + 14 * line}"'
        parts.append(f'<text {at} class="words">{escape(words)}</text>')
    return parts


def draw() -> str:
    """Return the picture as SVG."""
    rows, trees = ranks(), modules()
    check_products(trees)
    rows = [[name for name in row if name in trees and name != "__main__"] for row in rows]
    rows = [row for row in rows if row]
    known = {name for row in rows for name in row}
    graph = reduced({name: (imports(trees[name]) & known) - {name} for name in known})
    height = TOP + ROW * len(rows) + 6
    bottom = height - ROW + BOX / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>Packages of locgen by rank, and the data between them</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f"<defs>{_arrow('grey', '#9fb2c4')}{_arrow('gold', '#c9973f')}</defs>",
        *road(),
        f'<text x="8" y="{TOP - 16}" class="name">Packages: imports go down only</text>',
        f'<path class="import" marker-end="url(#grey)" d="M20 {TOP + BOX / 2}V{bottom}"/>',
    ]
    for rank, row in enumerate(rows):
        y = TOP + ROW * (len(rows) - 1 - rank)
        pitch = (WIDTH - LEFT) / len(row)
        for column, name in enumerate(row):
            place = (LEFT + column * pitch, y, pitch - 8)
            parts += box(name, graph[name], place)
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(draw(), "utf-8")

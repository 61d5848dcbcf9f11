"""The floor plan: every logic cell where the placer put it, coloured by its module."""

from collections import Counter, defaultdict
from statistics import median

from locgen.report.drawing import Drawing
from locgen.report.modules import module_class, module_kind, module_words
from locgen.report.numbers import plural, thousands
from locgen.report.pictures import Pictures, PlacedCell

__all__ = ["floorplan_svg"]

_TILE = 25.0
_GAP = 2.0
_ACROSS, _DOWN = 2, 4
"""The 8 logic cells of a tile (iCE40, Lattice DS1040) are drawn 2 across, 4 down."""
_MOST_LABELS = 64
_LEGEND = 250.0
_ORDER = {"site": 0, "tree": 1, "unit": 2, "network": 3, "link": 4, "shared": 5}


def floorplan_svg(pictures: Pictures, *, standalone: bool = True) -> str:
    """Return the placement: a square a tile, its logic cells coloured by module.

    Row 0 is at the bottom, as in the device's own coordinates.

    Raises
    ------
    ValueError
        If nothing was placed.
    """
    if pictures.grid is None:
        raise ValueError("pictures must have a grid for a floor plan")
    columns, rows = pictures.grid
    logic = [cell for cell in pictures.cells if cell.is_logic]
    counts = Counter(cell.module for cell in logic)
    width, height = columns * _TILE, rows * _TILE
    kinds = Counter(module_kind(module) for module in counts.elements())
    words = ", ".join(
        f"{_kind_words(kind, counts)} {thousands(kinds[kind])}"
        for kind in sorted(kinds, key=_ORDER.__getitem__)
    )
    drawing = Drawing(
        "floorplan",
        width + _LEGEND,
        max(height, 420.0),
        f"Floor plan: {plural(len(logic), 'logic cell')} on {columns} by {rows} tiles",
        f"Logic cells by kind of module: {words or 'none'}. "
        "Cells of one module share a colour and lie close together where the placer could.",
    )
    drawing.rect(0, 0, width, height, "f-faint", rx=6)
    grid = "".join(f"M{_TILE * n:.0f} 0V{height:.0f}" for n in range(1, columns))
    grid += "".join(f"M0 {_TILE * n:.0f}H{width:.0f}" for n in range(1, rows))
    drawing.path(grid, "s-panel", stroke_width=2)
    _logic_cells(drawing, logic, rows, counts)
    symbols = _other_cells(drawing, pictures.cells, rows)
    _labels(drawing, logic, rows, counts)
    _legend(drawing, width + 28, counts, symbols)
    return drawing.render(standalone)


def _kind_words(kind: str, counts: Counter) -> str:
    members = sum(module_kind(module) == kind for module in counts)
    if kind in ("site", "tree"):
        return plural(members, kind)
    return {"network": "network and root", "unit": "units of the pipeline"}.get(kind, kind)


def _logic_cells(drawing: Drawing, logic: list[PlacedCell], rows: int, counts: Counter) -> None:
    tiles: dict[tuple[int, int], list[str]] = defaultdict(list)
    for cell in logic:
        tiles[cell.x, cell.y].append(cell.module)
    wide = (_TILE - 2 * _GAP) / _ACROSS
    tall = (_TILE - 2 * _GAP) / _DOWN
    shapes: dict[str, list[str]] = defaultdict(list)
    for (column, row), modules in sorted(tiles.items()):
        for slot, module in enumerate(sorted(modules)[: _ACROSS * _DOWN]):
            x = column * _TILE + _GAP + wide * (slot // _DOWN)
            y = (rows - 1 - row) * _TILE + _GAP + tall * (slot % _DOWN)
            shapes[module].append(f"M{x:g} {y:g}h{wide - 0.5:g}v{tall - 0.5:g}h{0.5 - wide:g}z")
    for module in sorted(shapes):
        words = module_words(module)
        if not words.endswith(module.rpartition("_")[2]):
            words = f"{module}, {words}"
        tooltip = f"{words}: {plural(counts[module], 'logic cell')}"
        drawing.path("".join(shapes[module]), f"{module_class(module)} hover", tooltip)


def _other_cells(
    drawing: Drawing, cells: tuple[PlacedCell, ...], rows: int
) -> tuple[tuple[str, int], ...]:
    """Draw a ring for every cell that is no logic cell; return (words, count) of their kinds."""
    found: Counter = Counter()
    for cell in sorted(cells, key=lambda c: (c.resource, c.x, c.y)):
        if cell.is_logic:
            continue
        words = cell.resource
        found[words] += 1
        x = (cell.x + 0.5) * _TILE
        y = (rows - 0.5 - cell.y) * _TILE
        drawing.circle(x, y, 5.5, "s-ink", f"{words} of {cell.module}", stroke_width=2)
    return tuple(sorted(found.items()))


def _labels(drawing: Drawing, logic: list[PlacedCell], rows: int, counts: Counter) -> None:
    """Write the number of each site or tree where most of it lies."""
    numbered = sorted(m for m in counts if module_kind(m) in ("site", "tree"))
    if len(numbered) > _MOST_LABELS:
        return
    where: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for cell in logic:
        where[cell.module].append((cell.x, cell.y))
    for module in numbered:
        x = (median(x for x, _ in where[module]) + 0.5) * _TILE
        y = (rows - 0.5 - median(y for _, y in where[module])) * _TILE + 4
        drawing.text(x, y, module.rpartition("_")[2], "halo", "middle", pointer_events="none")


def _legend(
    drawing: Drawing, x: float, counts: Counter, symbols: tuple[tuple[str, int], ...]
) -> None:
    y = 14.0
    for kind in sorted({module_kind(m) for m in counts}, key=_ORDER.__getitem__):
        members = sorted(
            (m for m in counts if module_kind(m) == kind), key=lambda m: (-counts[m], m)
        )
        total = sum(counts[m] for m in members)
        head = _kind_words(kind, counts)
        drawing.text(x, y, head[0].upper() + head[1:], "bold")
        drawing.text(x + 218, y, thousands(total), "bold", "end")
        y += 18
        shown = members if kind not in ("site", "tree") else members[:8]
        merged: dict[str, tuple[str, int]] = {}
        for module in shown:
            words, css = module_words(module), module_class(module)
            merged[words] = (css, merged.get(words, (css, 0))[1] + counts[module])
        for words, (css, cells) in merged.items():
            drawing.rect(x, y - 9, 11, 11, css, rx=2)
            drawing.text(x + 18, y, words, "small")
            drawing.text(x + 218, y, thousands(cells), "small quiet", "end")
            y += 15
        if len(shown) < len(members):
            more = len(members) - len(shown)
            drawing.text(x + 18, y, f"and {more} more, colours in turn", "small quiet")
            y += 15
        y += 10
    for words, count in symbols:
        drawing.circle(x + 5.5, y - 4, 4.5, "s-ink", stroke_width=2)
        drawing.text(x + 18, y, plural(count, words, f"{words}s"), "small")
        y += 15

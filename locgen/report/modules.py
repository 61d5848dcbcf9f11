"""What the modules of a design are called in the report, and the colour each one has."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from locgen.report.numbers import plural, thousands
from locgen.report.palette import CATEGORIES

__all__ = ["Part", "group_parts", "module_class", "module_kind", "module_words"]

_NUMBERED = re.compile(r"(site|tree)_(\d+)")
_KINDS = {
    "root": "network",
    "combine": "network",
    "stop": "network",
    "broadcast": "network",
    "sequencer": "network",
    "compare": "unit",
    "trees": "unit",
    "adders": "unit",
    "decide": "unit",
    "link": "link",
    "wrapper": "link",
}
_WORDS = {
    "root": "root",
    "combine": "adding stops",
    "stop": "last broadcast stops",
    "broadcast": "inner broadcast stops",
    "sequencer": "schedule",
    "compare": "comparisons",
    "trees": "nodes",
    "adders": "adders",
    "decide": "decision",
    "link": "link: UART and frames",
    "wrapper": "wrapper around the core",
    "shared": "shared by several modules",
}
_UNIT_COLOURS = {"compare": 4, "trees": 2, "adders": 0, "decide": 1}
"""Categories of the units of the direct fabric."""
_SINGLE = 12
"""Sites or trees that are shown one by one; of more, only the largest are."""


@dataclass(frozen=True)
class Part:
    """One bar: its words, its logic cells, its colour, and how many modules it stands for."""

    words: str
    logic_cells: int
    css: str
    members: int
    detail: str


def _stem(module: str) -> str:
    return re.sub(r"(_\d+)+$", "", module)


def module_kind(module: str) -> str:
    """Return site, tree, unit (of the direct fabric), network, link or shared."""
    numbered = _NUMBERED.fullmatch(module)
    return numbered[1] if numbered else _KINDS.get(_stem(module), "shared")


def module_class(module: str) -> str:
    """Return the class that colours `module`: sites and trees take the categories in turn."""
    numbered = _NUMBERED.fullmatch(module)
    if numbered:
        return f"f-c{int(numbered[2]) % CATEGORIES}"
    if module in _UNIT_COLOURS:
        return f"f-c{_UNIT_COLOURS[module]}"
    return f"f-{module_kind(module)}"


def module_words(module: str) -> str:
    """Return the name that a reader sees."""
    numbered = _NUMBERED.fullmatch(module)
    if numbered:
        return f"{numbered[1]} {numbered[2]}"
    return _WORDS.get(_stem(module), module)


def group_parts(modules: Iterable[tuple[str, int]]) -> tuple[Part, ...]:
    """Return the bars for (module, logic cells): many sites or trees share one, stops always do.

    Largest first, the grouped ones after the single ones, what is shared last.
    """
    numbered: list[tuple[int, str, int]] = []
    others: dict[str, list[tuple[str, int]]] = {}
    for module, cells in modules:
        match = _NUMBERED.fullmatch(module)
        if match:
            numbered.append((int(match[2]), module, cells))
        else:
            others.setdefault(module_words(module), []).append((module, cells))
    numbered.sort(key=lambda item: (-item[2], item[0]))
    most = _SINGLE if len(numbered) <= _SINGLE else _SINGLE // 2
    parts = [
        Part(module_words(module), cells, module_class(module), 1, "")
        for _, module, cells in numbered[:most]
    ]
    rest = numbered[most:]
    if rest:
        noun = module_kind(rest[0][1])
        sizes = [cells for _, _, cells in rest]
        detail = f"{noun}s {_ranges(sorted(number for number, _, _ in rest))}: "
        detail += f"{thousands(min(sizes))} to {thousands(max(sizes))} each"
        words = f"{plural(len(rest), 'other ' + noun)}"
        parts.append(Part(words, sum(sizes), "f-quiet", len(rest), detail))
    tail = []
    for words, members in others.items():
        total = sum(cells for _, cells in members)
        detail = plural(len(members), "module") if len(members) > 1 else ""
        tail.append(Part(words, total, module_class(members[0][0]), len(members), detail))
    tail.sort(key=lambda part: (part.css == "f-shared", -part.logic_cells, part.words))
    return tuple(parts + tail)


def _ranges(numbers: list[int]) -> str:
    """Return sorted numbers as ``0-3, 5, 7-19``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)

"""Which part of a design a mapped cell belongs to, from the name that synthesis gave it.

Yosys names a cell after a net at one of its pins: ``root.total_SB_DFFESR_Q_D_SB_LUT4_O`` drives the
data pin of a flip-flop of ``root.total``, ``compare_3_SB_LUT4_I2`` reads ``compare_3``.
"""

import re
from collections.abc import Callable, Mapping

__all__ = ["chip_module", "core_module", "placed_module"]

_CORES = ("tree_", "table_", "linear_", "distance_")
_UNITS = ("compare", "trees", "adders", "decide")
_SIGNALS = {
    "i__payload": -1,
    "compare": 0,
    "bits": 0,  # what the nodes call the comparisons that they read
    "score": 1,
    "sum": 2,
    "winner": 3,
    "candidate": 3,
    "o__payload": 3,
}
_SIGNAL = re.compile("|".join(_SIGNALS))
_READER = re.compile(r"(LUT4|CARRY)_(I\d|CI)")


def _reads_lut(name: str) -> bool:
    """Say whether an iCE40 cell reads the signal that its name begins with."""
    return _READER.match(name.partition("_SB_")[2]) is not None


def core_module(cell: str, direct: bool, reads: Callable[[str], bool] = _reads_lut) -> str:
    """Return the module of a core's cell, such as ``site_3``, ``adders``, or ``shared``.

    Modules of the tree fabric keep their names. The direct fabric is one pipeline, so its cells are
    told apart by the unit whose signals they drive; what only reads a unit's signals, as `reads`
    says of a name, belongs to the next.
    """
    head, dot, rest = cell.partition(".")
    if head.startswith("expert_") and "." in rest:
        head = rest.partition(".")[0]
        return head if head.startswith(("site_", "stop_")) else cell.partition(".")[0]
    if dot:
        if head.startswith(_CORES):
            return "trees"
        return "decide" if head.startswith(("argmax_", "decide_")) else head
    if not direct:
        return "root" if cell.startswith("o__payload") else "shared"
    signal = _SIGNAL.match(cell)
    if signal is None:
        return "shared"
    unit = _SIGNALS[signal[0]]
    # The first step from the signal decides: the rest of the name stays on that side of it.
    return _UNITS[min(max(unit + reads(cell), 0), len(_UNITS) - 1)]


def chip_module(cell: str, direct: bool, inputs: Mapping[str, frozenset[str]]) -> str:
    """Return the module of a standard cell, as `core_module` does.

    `inputs` holds the input pins of each kind of cell: names are those of signals, followed by the
    kinds and pins on the way from there.
    """
    kinds = "|".join(sorted(map(re.escape, inputs), key=len, reverse=True))
    step = re.compile(rf"_({kinds})_(\w+?)(?=_|$)")

    def reads(name: str) -> bool:
        found = step.search(name)
        return found is not None and found[2] in inputs[found[1]]

    return core_module(cell, direct, reads)


def placed_module(cell: str, direct: bool, outside: str) -> str:
    """Return the module of a placed cell of the top; what is not the core's is `outside`."""
    if not cell.startswith("core."):
        return outside
    return core_module(cell.removeprefix("core."), direct)

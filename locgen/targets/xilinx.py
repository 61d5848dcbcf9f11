"""Synthesis for AMD's LUT6 families, to compare with published figures: no place and route."""

import json
import tempfile
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from locgen.targets.family import CellFamily, CellNames
from locgen.targets.portfolio import Effort
from locgen.targets.synthesis import synthesise_core

__all__ = ["XILINX7", "XILINXUP", "LutCount", "count_cells", "count_lut6", "paired"]

_CELLS = CellNames(lut=("LUT",), ff=("FD",), carry=("CARRY",), bram=("RAMB",), dsp=("DSP",))
# Shift registers in LUTs would be LUTs that nobody counts; block RAM and DSPs have no model here.
_OPTIONS = "-abc9 -noiopad -noclkbuf -flatten -nosrl -nodsp -nolutram"


def _family(name: str, title: str, option: str) -> CellFamily:
    return CellFamily(
        name=name,
        title=title,
        synth=f"synth_xilinx -family {option} {_OPTIONS}",
        cells=_CELLS,
        models=("xilinx_cells.v",),
        recipes=("flow2", "flow", "turns", "thrice", "choices", "carry-save"),
    )


XILINX7 = _family("xilinx7", "AMD 7 series", "xc7")
XILINXUP = _family("xilinxup", "AMD UltraScale+", "xcup")

_SHARED_INPUTS = 5
"""Inputs that the two functions of a LUT6_2 may have together."""


@dataclass(frozen=True)
class LutCount:
    """What Yosys maps a core to.

    Members
    -------
    raw : LUTs of any size, as Yosys counts them
    paired : after pairing those that fit into one LUT6_2, which Vivado counts once
    flip_flops, carries : other cells
    """

    raw: int
    paired: int
    flip_flops: int
    carries: int


def paired(inputs: list[frozenset]) -> int:
    """Return how many LUT6_2 hold functions of these `inputs`, pairing greedily.

    Two functions share one if they have at most five inputs together; those that share most inputs
    are paired first.
    """
    small = [index for index, pins in enumerate(inputs) if len(pins) <= _SHARED_INPUTS]
    by_pin: dict[object, list[int]] = {}
    for index in small:
        for pin in inputs[index]:
            by_pin.setdefault(pin, []).append(index)
    pairs = {
        pair
        for users in by_pin.values()
        for pair in combinations(users, 2)
        if len(inputs[pair[0]] | inputs[pair[1]]) <= _SHARED_INPUTS
    }
    ranked = sorted(pairs, key=lambda p: (-len(inputs[p[0]] & inputs[p[1]]), p))
    free = set(small)
    saved = 0
    for one, two in ranked:
        if one in free and two in free:
            free -= {one, two}
            saved += 1
    rest = sorted(free, key=lambda index: len(inputs[index]))
    while len(rest) > 1 and len(inputs[rest[0]]) + len(inputs[rest[-1]]) > _SHARED_INPUTS:
        rest.pop()
    while len(rest) > 1:  # strangers: the smallest with the largest that still fits
        most = rest.pop()
        if len(inputs[rest[0]]) + len(inputs[most]) <= _SHARED_INPUTS:
            rest.pop(0)
            saved += 1
    return len(inputs) - saved


def count_lut6(rtlil: str, logs: Path, effort: Effort = "medium") -> LutCount:
    """Return what the module ``core`` of `rtlil` takes of an UltraScale+ out of context.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`.
    """
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        out = Path(folder)
        core = synthesise_core(rtlil, out, family=XILINXUP, effort=effort, logs=logs)
        return count_cells(json.loads(core.json.read_text())["modules"]["core"])


def count_cells(module: dict) -> LutCount:
    """Return what the cells of `module`, as Yosys writes it, amount to."""
    luts, flops, carries = [], 0, 0
    for cell in module["cells"].values():
        kind = cell["type"]
        if kind.startswith("LUT"):
            pins = (b for port, b in cell["connections"].items() if port.startswith("I"))
            luts.append(frozenset(bit for bits in pins for bit in bits))
        flops += kind.startswith("FD")
        carries += kind.startswith("CARRY")
    return LutCount(len(luts), paired(luts), flops, carries)

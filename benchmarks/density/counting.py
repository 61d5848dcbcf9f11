"""What a module ``core`` takes on every family, whoever wrote it.

The core is synthesised alone and flat. Cells are those of nextpnr's packer, or of Yosys where
there is no packer, before anything is put around it. For Fmax locgen's shift registers
(`locgen.top.scan.ScanTop`) are put around the mapped core: they are linked in as they are, nothing
is optimised across the border, and they are in none of the counts.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from locgen.devices import find_device
from locgen.targets.families import FAMILIES
from locgen.targets.family import CellFamily
from locgen.targets.packing import pack_core
from locgen.targets.routed import ResourceShortage
from locgen.targets.routing import route_out_of_context
from locgen.targets.synthesis import synthesise_core
from locgen.targets.xilinx import XILINX7, XILINXUP, LutCount, count_cells

__all__ = ["GOAL_MHZ", "Count", "count_core"]

GOAL_MHZ = 150.0
"""What the placer strives for, and what more stages are to reach."""


@dataclass(frozen=True)
class Count:
    """What a core takes.

    Members
    -------
    cells, flip_flops : iCE40 logic cells after packing, and those of their flip-flops in use
    fmax : MHz on an HX8K, the placer's first seed; None if not asked for or if it does not fit
    ecp5_cells : TRELLIS_COMB or TRELLIS_FF after packing, whichever are more
    xc7_lut6, lut6, lut6_paired : of ``synth_xilinx``, xc7 and xcup
    """

    cells: int
    flip_flops: int
    fmax: float | None = None
    ecp5_cells: int | None = None
    xc7_lut6: int | None = None
    lut6: int | None = None
    lut6_paired: int | None = None


def count_core(
    rtlil: str, most: int | None = None, *, brief: bool = False, route: bool = True
) -> Count:
    """Return what the module ``core`` of `rtlil` takes.

    Parameters
    ----------
    most : logic cells; of a core that takes more nothing else is counted
    brief : leave ECP5 and xc7 out
    route : find Fmax; a core with thousands of inputs takes long between its shift registers
    """
    ice40, package = find_device("hx8k")
    ecp5, _ = find_device("25k")
    with tempfile.TemporaryDirectory(prefix="locgen-density-") as folder:
        work = Path(folder)
        core = synthesise_core(rtlil, work / "ice40")
        cells = pack_core(core, ice40)
        if most is not None and cells.logic_cells > most:
            return Count(cells.logic_cells, cells.ff)
        ecp5_cells = fmax = None
        if not brief:
            mapped = synthesise_core(rtlil, work / "ecp5", family=FAMILIES["ecp5"])
            ecp5_cells = pack_core(mapped, ecp5).logic_cells
        if route:
            try:
                routed = route_out_of_context(core, ice40, package, GOAL_MHZ, 1, work / "routed")
                fmax = round(routed.fmax_mhz, 1)
            except ResourceShortage as error:
                print(f"not routed with the shift registers around it: {error}", flush=True)
        newer = _luts(rtlil, work, XILINXUP)
        older = None if brief else _luts(rtlil, work, XILINX7).raw
    return Count(cells.logic_cells, cells.ff, fmax, ecp5_cells, older, newer.raw, newer.paired)


def _luts(rtlil: str, work: Path, family: CellFamily) -> LutCount:
    netlist = synthesise_core(rtlil, work / family.name, family=family)
    return count_cells(json.loads(netlist.json.read_text())["modules"]["core"])

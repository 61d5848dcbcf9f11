"""What a design in standard cells amounts to: area, timing, power, tile."""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from locgen.energy import Activity, CellPower, EnergyFigures, ExpertActivity, power_of
from locgen.errors import DoesNotFit
from locgen.flow.activity import gate_activity
from locgen.flow.modules import chip_module
from locgen.flow.planned import PlannedDesign
from locgen.targets.asic.areas import CellArea, area_of
from locgen.targets.asic.chip import Chip
from locgen.targets.asic.libraries import FoundLibrary
from locgen.targets.asic.tiles import MOST_FILLED, SHUTTLES, Shuttle, Tile, smallest_tile
from locgen.targets.asic.timing import PathTiming, static_timing
from locgen.targets.netlist import Netlist
from locgen.targets.target import Mapped
from locgen.verify.vectors import Vectors

__all__ = ["ChipFigures", "check_tile", "measure_chip", "whole_area"]

log = logging.getLogger(__name__)

POWER_ERROR_PERCENT = 30.0
"""Before layout, see docs/asic.md."""


@dataclass(frozen=True)
class ChipFigures:
    """Figures of a mapped design before layout.

    Members
    -------
    found : the library; core, whole : area of the model alone, and with its top if it has one
    timing : longest path of the whole, None without delays
    activity, experts : toggles of the core, None where its cells are not simulated
    power : of the core, None without energies in the library
    no_power : why there is none, empty if there is
    shuttle, tile, filled : of a Tiny Tapeout project: process, tile, and share of it that is filled
    scaled : whether the area in the tile is scaled from another library
    """

    found: FoundLibrary
    core: CellArea
    whole: CellArea | None
    timing: PathTiming | None
    activity: Activity | None
    experts: ExpertActivity | None
    power: CellPower | None
    no_power: str
    shuttle: Shuttle | None = None
    tile: Tile | None = None
    filled: float = 0.0
    scaled: bool = False

    @property
    def fmax_mhz(self) -> float | None:
        """Highest clock before layout."""
        return None if self.timing is None else 1000 / self.timing.period_ns

    def energy(self, clock_mhz: float, latency_cycles: int, interval_cycles: int) -> EnergyFigures:
        """Return what the core takes at a clock; None where the library gives no energies."""
        toggles = 0.0 if self.activity is None else self.activity.toggles_per_inference
        power = self.power
        if power is None:
            return EnergyFigures(None, None, None, None, False, None, toggles)
        dynamic_nj = (power.internal_pj + power.switching_pj) / 1000
        clock_uw = (power.clock_internal_pj + power.clock_switching_pj) * clock_mhz
        per_second = clock_mhz / interval_cycles  # million inferences
        return EnergyFigures(
            dynamic_nj_per_inference=dynamic_nj,
            clock_uw=clock_uw,
            static_uw=power.leakage_uw,
            at_one_per_second_uj=power.leakage_uw
            + clock_uw * latency_cycles / (clock_mhz * 1e6)
            + dynamic_nj / 1000,
            calibrated=False,
            uncertainty_percent=POWER_ERROR_PERCENT,
            toggles_per_inference=toggles,
            internal_uw=power.internal_pj * per_second + power.clock_internal_pj * clock_mhz,
            switching_uw=power.switching_pj * per_second + power.clock_switching_pj * clock_mhz,
        )


def _area(netlist: Netlist, found: FoundLibrary, direct: bool, outside: str) -> CellArea:
    """Return the area of `netlist` by module; what of a top is not the core's is `outside`."""
    library = found.library
    cells = json.loads(netlist.json.read_text())["modules"][netlist.top]["cells"]
    inputs = {kind: frozenset(library.cell(kind).inputs) for kind in netlist.cells}
    modules = {}
    for name in cells:
        inner = name.removeprefix("core.") if outside else name
        mine = not outside or name != inner
        modules[name] = chip_module(inner, direct, inputs) if mine else outside
    return area_of(netlist, library, modules)


def whole_area(design: PlannedDesign, mapped: Mapped) -> tuple[Shuttle, float, bool]:
    """Return the shuttle, the area of the whole design there, and whether it is scaled."""
    assert mapped.chip is not None and mapped.top is not None
    shuttle = SHUTTLES[design.options.shuttle or "sky"]
    library = mapped.chip.library.library
    um2 = sum(library.area_of(kind) * count for kind, count in mapped.top.cells.items())
    scaled = design.options.liberty is None and library.name != shuttle.library
    return shuttle, um2 * (shuttle.area_factor if scaled else 1.0), scaled


def check_tile(design: PlannedDesign, mapped: Mapped) -> None:
    """Refuse a design that no tile of its shuttle holds.

    Raises
    ------
    DoesNotFit
        With what would fit.
    """
    if mapped.chip is None or not design.target.backend.tile:
        return
    shuttle, um2, scaled = whole_area(design, mapped)
    tile, filled = smallest_tile(shuttle, um2)
    if tile is not None:
        return
    largest = shuttle.tiles[-1]
    room = MOST_FILLED * shuttle.core_area(largest)
    ways = []
    trees = sum(node.shape.leaves > 0 for node in design.model.nodes)
    fewer = int(trees * room / um2)
    if fewer >= 1 and trees > 1:
        ways.append(f"about {fewer} trees instead of {trees}")
    if design.model.answer == "scores" and design.plan.is_pipeline:
        ways.append("--answer decision")
    ways.append("--target asic")
    raise DoesNotFit(
        f"{design.model.name} needs {um2:,.0f} um2 of cells in {shuttle.library}"
        f"{' (scaled from another library)' if scaled else ''}; the largest tile that is known, "
        f"{largest.name} of {shuttle.name}, has room for {room:,.0f} ({filled:.0%} of its core, "
        f"where {MOST_FILLED:.0%} can be filled); would help: {', or '.join(ways)}"
    )


def measure_chip(
    design: PlannedDesign, mapped: Mapped, chip: Chip, vectors: Vectors, logs: Path
) -> ChipFigures:
    """Return the figures of a design in the standard cells of `chip`.

    Raises
    ------
    DoesNotFit
        If it misses the clock that was asked for.
    ToolFailed
        If OpenSTA fails.
    """
    found = chip.library
    direct = design.plan.is_pipeline
    core = _area(mapped.core, found, direct, "")
    whole = None if mapped.top is None else _area(mapped.top, found, direct, "pins")
    timing = static_timing(mapped.top or mapped.core, found.library, chip.abc_delay_ns, logs)
    asked = design.target.clock_hz and design.target.clock_hz / 1e6
    if asked is not None and timing is not None and 1000 / timing.period_ns < asked:
        raise DoesNotFit(
            f"{design.model.name} reaches {1000 / timing.period_ns:.1f} MHz in "
            f"{found.library.name} before layout, short of {asked:g} MHz: ask for less by "
            "--clock, or for more --stages"
        )
    activity = experts = power = None
    no_power = "" if found.has_timing else "needs a Liberty file: the area table has no energies"
    try:
        activity, experts, gates = gate_activity(design, mapped.core, found.library, vectors)
    except ValueError as error:
        no_power = f"toggles were not counted: {error}"
        log.warning("%s", no_power)
    else:
        if not no_power:
            power = power_of(gates, found.library, activity)
    figures = ChipFigures(found, core, whole, timing, activity, experts, power, no_power)
    if not design.target.backend.tile:
        return figures
    shuttle, um2, scaled = whole_area(design, mapped)
    tile, filled = smallest_tile(shuttle, um2)
    return replace(figures, shuttle=shuttle, tile=tile, filled=filled, scaled=scaled)

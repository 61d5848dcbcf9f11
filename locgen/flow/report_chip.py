"""The report's view of a design in standard cells."""

from locgen.flow.chip import ChipFigures
from locgen.report.schema import Chip, Timing

__all__ = ["chip_counts", "chip_section", "chip_timing"]


def chip_counts(figures: ChipFigures) -> dict[str, float]:
    """Return what the core's usage gains: area and gate equivalents."""
    return {
        "area_um2": round(figures.core.um2, 2),
        "gate_equivalents": round(figures.core.gate_equivalents, 1),
    }


def chip_timing(figures: ChipFigures) -> Timing | None:
    """Return timing before layout; None without delays."""
    timing = figures.timing
    if timing is None:
        return None
    return Timing(
        fmax_mhz=round(1000 / timing.period_ns, 2),
        critical_path_ns=round(timing.period_ns, 3),
        corner=f"{figures.found.library.corner}; {timing.source}",
    )


def chip_section(figures: ChipFigures) -> Chip:
    """Return library, cells and what the figures are worth."""
    found, core = figures.found, figures.core
    tile, shuttle = figures.tile, figures.shuttle
    return Chip(
        library=found.library.name,
        process=found.process,
        origin=found.origin,
        corner=found.library.corner if found.has_timing else None,
        sha256=found.library.sha256,
        cells=core.cells,
        flip_flops=core.flip_flops,
        flip_flop_share=round(core.flip_flop_share, 4),
        area_um2_by_module={name: round(area, 2) for name, area in core.by_module.items()},
        whole_area_um2=None if figures.whole is None else round(figures.whole.um2, 2),
        shuttle=None if shuttle is None else shuttle.name,
        tile=None if tile is None else tile.name,
        tile_filled=None if tile is None else round(figures.filled, 4),
        tile_estimated=None if tile is None else figures.scaled,
        claims=_claims(figures),
    )


def _claims(figures: ChipFigures) -> list[str]:
    """Return what the figures are worth; the bands were measured, see docs/asic.md."""
    claims = [
        "Cell area is exact for this netlist; clock tree, taps, fill and buffers come on top."
    ]
    shuttle = figures.shuttle
    if shuttle is not None and figures.scaled:
        claims.append(
            f"The share of the tile is an estimate: no Liberty file of {shuttle.library} "
            f"was found, so sky130's area was taken {shuttle.area_factor:g} times, the larger of "
            "two measured designs."
        )
    if figures.timing is None:
        claims.append("Timing: needs a Liberty file.")
    else:
        claims.append(
            "Delay is before layout, at this one corner, within 25 %; a slow corner can be twice "
            "as slow."
        )
    if figures.power is None:
        claims.append(f"Power: {figures.no_power}.")
    else:
        claims.append(
            "Power is before layout, of the core alone, within 30 % for the toggles counted; wires "
            "add about 40 % to switching, glitches 5 % for trees and up to 2.7 times for "
            "arithmetic: a lower bound."
        )
    claims.append("Hardening, the shuttle's precheck and silicon were not tried.")
    return claims

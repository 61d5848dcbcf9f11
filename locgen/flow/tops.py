"""What stands around the core: the top that ``--top`` names."""

from typing import Literal

from amaranth.lib import wiring

from locgen.errors import ConfigurationError
from locgen.flow.memory import boot_flash, link_params
from locgen.flow.planned import PlannedDesign
from locgen.plan import Plan
from locgen.top.board import BoardTop
from locgen.top.buses import bus_top
from locgen.top.emit import emit_rtlil
from locgen.top.fabric import fabric_signature
from locgen.top.instance import CoreInstance
from locgen.top.kinds import BUS_TOPS, FRAMED_TOPS
from locgen.top.pins import PinsTop
from locgen.top.tinytapeout import TinyTapeoutTop
from locgen.verify.pins import pins_params

__all__ = ["check_top", "emit_top", "has_frames"]


def has_frames(design: PlannedDesign) -> bool:
    """Return whether the design talks in frames."""
    return design.target.top in FRAMED_TOPS


def check_top(top: str, plan: Plan) -> None:
    """Refuse what a bus cannot carry.

    Raises
    ------
    ConfigurationError
        For evidence, and for a stream in front of memories that somebody must fill.
    """
    if top not in BUS_TOPS:
        return
    if plan.evidence:
        raise ConfigurationError(
            f"--explain needs --top uart, spi or stream: there is no way for evidence on {top}"
        )
    if top == "axistream" and any(shape.memory == "spram" for shape in plan.shapes):
        raise ConfigurationError(
            "SPRAM must be filled after power-up, which --top axistream has no way for: take "
            "--top axilite, wishbone, spi, or a board with a flash"
        )


def _top_of(design: PlannedDesign) -> wiring.Component | None:
    """Return the top around a black box for the core; None where the core stands alone."""
    target, plan = design.target, design.plan
    if target.top == "stream":
        return None
    check_top(target.top, plan)
    shell = CoreInstance(fabric_signature(design.model, plan))
    if target.top == "pins":
        top = PinsTop(shell, pins_params(design.model))
        return TinyTapeoutTop(top) if target.backend.tile else top
    params = link_params(design)
    if target.top in BUS_TOPS:
        try:
            return bus_top(target.top, shell, params, plan.latency_cycles)
        except ValueError as error:
            raise ConfigurationError(
                f"--top {target.top} cannot hold the model: {error}"
            ) from error
    boot = boot_flash(design)
    offset = None if boot is None else boot.offset
    line: Literal["uart", "spi"] = "spi" if target.top == "spi" else "uart"
    return BoardTop(shell, params, target.ticking_hz, target.baud, offset, line)


def emit_top(design: PlannedDesign, called: str) -> str | None:
    """Return the top's RTLIL, a module named as `called`; None where the core stands alone.

    Tops of boards begin from their registers' initial values, others have a reset.
    """
    top, resets = _top_of(design), design.target.top not in FRAMED_TOPS
    return None if top is None else emit_rtlil(top, called, reset=resets)

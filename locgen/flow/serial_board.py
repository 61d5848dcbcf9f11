"""The serial line to a board that runs a planned design."""

from locgen.errors import ConfigurationError
from locgen.flow.planned import PlannedDesign
from locgen.host.board import Board
from locgen.host.paced import paced_board

__all__ = ["open_board"]


def open_board(board: Board | str, design: PlannedDesign) -> Board:
    """Return `board`, or the one at the serial port of that name, paced for `design`."""
    if not isinstance(board, str):
        return board
    plan, target = design.plan, design.target
    if target.top != "uart":
        raise ConfigurationError(
            f"{design.model.name} was built with --top {target.top}, which has no serial port: "
            "build with --board or --top uart"
        )
    cycles = plan.latency_cycles + plan.interval_cycles
    return paced_board(board, cycles, target.ticking_hz, target.baud)

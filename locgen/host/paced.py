"""Boards at serial ports, with requests as close as the design can take them."""

from locgen.host.board import Board
from locgen.host.transport import SerialTransport
from locgen.host.window import Pace, pace_of
from locgen.top.protocol import LinkParams

__all__ = ["paced_board"]


def paced_board(port: str, cycles: int, clock_hz: float, baud: int) -> Board:
    """Return the board at a serial port.

    Parameters
    ----------
    port : name of the serial port
    cycles : clocks from an inference's begin until the core takes the next one
    clock_hz : clock of the design
    baud : bits per second of the line
    """

    def pace(params: LinkParams, evidence: bool) -> Pace:
        return pace_of(params, cycles, clock_hz, baud, evidence=evidence)

    return Board(SerialTransport(port, baud), pace=pace)

"""What a design in standard cells consists of."""

from dataclasses import dataclass

from locgen.targets.asic.libraries import FoundLibrary

__all__ = ["CELL_MODELS", "Chip"]

CELL_MODELS = "standard_cells.v"
"""The file of a test bench that simulates the cells; it is made from the library's functions."""


@dataclass(frozen=True)
class Chip:
    """Library and first figures of a mapped design.

    Members
    -------
    library : where the cells come from
    models : Verilog of the cells' functions, for simulation
    abc_delay_ns : ABC's delay of the core's logic between registers, None where it gave none
    """

    library: FoundLibrary
    models: str
    abc_delay_ns: float | None

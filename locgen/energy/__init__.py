"""Energy per inference: toggles counted on data rows, times coefficients with a source."""

from locgen.energy.activity import Activity, count_toggles
from locgen.energy.cellpower import CellPower, power_of
from locgen.energy.experts import ExpertActivity, expert_activity
from locgen.energy.gates import GateNetlist
from locgen.energy.memories import Spram
from locgen.energy.model import EnergyFigures, energy_of
from locgen.energy.simulation import MappedNetlist, known_cells

__all__ = [
    "Activity",
    "CellPower",
    "EnergyFigures",
    "ExpertActivity",
    "GateNetlist",
    "MappedNetlist",
    "Spram",
    "count_toggles",
    "energy_of",
    "expert_activity",
    "known_cells",
    "power_of",
]

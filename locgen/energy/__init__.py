"""Energy per inference: toggles counted on data rows, times coefficients with a source."""

from locgen.energy.activity import Activity, MappedNetlist, count_toggles, known_cells
from locgen.energy.experts import ExpertActivity, expert_activity
from locgen.energy.memories import Spram
from locgen.energy.model import EnergyFigures, energy_of

__all__ = [
    "Activity",
    "EnergyFigures",
    "ExpertActivity",
    "MappedNetlist",
    "Spram",
    "count_toggles",
    "energy_of",
    "expert_activity",
    "known_cells",
]

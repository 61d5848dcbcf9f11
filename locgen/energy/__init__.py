"""Energy per inference: toggles counted on data rows, times coefficients with a source."""

from locgen.energy.activity import Activity, MappedNetlist, count_toggles
from locgen.energy.model import EnergyFigures, energy_of

__all__ = ["Activity", "EnergyFigures", "MappedNetlist", "count_toggles", "energy_of"]

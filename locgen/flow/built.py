"""The figures that a build measured."""

from dataclasses import dataclass
from pathlib import Path

from locgen.energy import Activity, EnergyFigures, ExpertActivity
from locgen.flow.chip import ChipFigures
from locgen.targets.netlist import Utilisation
from locgen.targets.routed import Routed
from locgen.targets.target import Mapped
from locgen.verify.subject import LevelResult

__all__ = ["Built", "Measurement"]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Toggles, energy and clock of a mapped design.

    `activity` is None where toggles are not counted; `experts` is the activity by expert, None but
    for mixtures on the tree fabric. `chip` holds the figures of standard cells, None for
    programmable logic.
    """

    activity: Activity | None = None
    experts: ExpertActivity | None = None
    energy: EnergyFigures | None = None
    clock_mhz: float | None = None
    chip: ChipFigures | None = None


@dataclass(frozen=True, kw_only=True)
class Built(Measurement):
    """What a build measured; paths are inside the build folder `out`.

    `mapped` holds the netlists and what the model alone takes, None for a target that maps to no
    cells; `routed` is None without place and route. `results` are those of the levels of
    verification, none if `unverified` says why they could not run. `evidence_cells` is what
    gathering evidence adds to the core, None where none is gathered.
    """

    out: Path
    mapped: Mapped | None
    routed: Routed | None
    results: tuple[LevelResult, ...]
    evidence_cells: int | None = None
    unverified: str | None = None

    @property
    def core(self) -> Utilisation | None:
        """What the model alone takes."""
        return None if self.mapped is None else self.mapped.usage

    @property
    def bitstream(self) -> Path | None:
        """The file that `locgen flash` writes to the board."""
        return None if self.routed is None else self.routed.bitstream

"""The figures that a build measured."""

from dataclasses import dataclass
from pathlib import Path

from locgen.energy import Activity, EnergyFigures, ExpertActivity
from locgen.flow.chip import ChipFigures
from locgen.targets.netlist import Utilisation
from locgen.targets.routed import Routed
from locgen.targets.target import Mapped
from locgen.verify.subject import LevelResult

__all__ = ["Built"]


@dataclass(frozen=True)
class Built:
    """What a build measured; paths are inside the build folder `out`.

    `mapped` holds the netlists and what the model alone takes, None for a target that maps to no
    cells; `routed` is None without place and route; `activity` where toggles are not counted.
    `results` are those of the simulations, none if `unverified` says why they could not run.
    `evidence_cells` is what gathering evidence adds to the core, None where none is gathered;
    `experts` is the activity by expert, None but for mixtures on the tree fabric. `chip` holds the
    figures of standard cells, None for programmable logic.
    """

    out: Path
    mapped: Mapped | None
    routed: Routed | None
    activity: Activity | None
    energy: EnergyFigures | None
    clock_mhz: float | None
    results: tuple[LevelResult, ...]
    evidence_cells: int | None = None
    experts: ExpertActivity | None = None
    unverified: str | None = None
    chip: ChipFigures | None = None

    @property
    def core(self) -> Utilisation | None:
        """What the model alone takes."""
        return None if self.mapped is None else self.mapped.usage

    @property
    def bitstream(self) -> Path | None:
        """The file that `locgen flash` writes to the board."""
        return None if self.routed is None else self.routed.bitstream

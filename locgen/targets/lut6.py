"""Targets that count LUT6 for comparison with the literature: synthesis only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from locgen.devices import Device
from locgen.targets.family import CellFamily
from locgen.targets.netlist import utilisation
from locgen.targets.synthesis import synthesise_core
from locgen.targets.target import Job, Mapped, Target
from locgen.targets.xilinx import count_cells

__all__ = ["Lut6Target"]


@dataclass(frozen=True, kw_only=True)
class Lut6Target(Target):
    """A family whose LUT6 are counted and whose netlist is simulated."""

    family: CellFamily
    tops: tuple[str, ...] = ("stream",)
    no_memory: str = "its figures are of LUT6 alone, without block RAM"
    notes: str = "synthesis only: figures for comparison, no place and route, no timing"

    @classmethod
    def of(cls, family: CellFamily) -> "Lut6Target":
        """Return the target of `family`."""
        return cls(
            family=family,
            name=family.name,
            title=family.title,
            models=family.models,
            library=family.library,
        )

    def synthesise(self, modules: Mapping[str, str], device: Device | None, job: Job) -> Mapped:
        """Map the core and count its LUTs, raw and paired."""
        core = synthesise_core(
            modules["core"],
            job.out,
            family=self.family,
            effort=job.effort,
            counting=job.counting,
            logs=job.logs,
            use_cache=job.use_cache,
        )
        usage = utilisation(core.cells, self.family.cells, None, None)
        count = count_cells(json.loads(core.json.read_text())["modules"]["core"])
        figures = {"lut6": count.raw, "lut6_paired": count.paired}
        return Mapped(core, None, usage, figures=figures)

"""The targets that count LUT6 for comparison with the literature: synthesis only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from locgen.devices import Device
from locgen.devices.pins import Constraints
from locgen.errors import UsageError
from locgen.targets.family import CellFamily
from locgen.targets.netlist import utilisation
from locgen.targets.routed import Routed
from locgen.targets.synthesis import synthesise_core
from locgen.targets.target import Job, Mapped
from locgen.targets.xilinx import count_cells

__all__ = ["Lut6Target"]


@dataclass(frozen=True)
class Lut6Target:
    """A family whose LUT6 are counted and whose netlist is simulated; see `Target`."""

    family: CellFamily
    routes: bool = False
    tops: tuple[str, ...] = ("stream",)
    extra: str = ""
    tools: tuple[str, ...] = ("yosys",)
    no_memory: str = "its figures are of LUT6 alone, without block RAM"
    powers_up: bool = True
    tile: bool = False
    asks: tuple[str, ...] = ()
    notes: str = "synthesis only: figures for comparison, no place and route, no timing"

    @property
    def name(self) -> str:
        """As in ``--target``."""
        return self.family.name

    @property
    def title(self) -> str:
        """The maker's name."""
        return self.family.title

    @property
    def models(self) -> tuple[str, ...]:
        """Simulation models of its cells."""
        return self.family.models

    @property
    def library(self) -> str:
        """How its toggles are counted."""
        return self.family.library

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

    def route(
        self,
        mapped: Mapped,
        device: Device,
        package: str,
        constraints: Constraints | None,
        clock_mhz: float,
        job: Job,
    ) -> Routed:
        """Refuse: no open tool places and routes these families from PyPI."""
        raise UsageError(f"--target {self.name} ends after synthesis: add --no-pnr")

    def deliver(self, name: str, out: Path, mapped: Mapped | None) -> None:
        """Write nothing: the netlist and its counts are all."""

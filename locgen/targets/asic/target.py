"""The targets that end in standard cells."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from locgen.devices import Device
from locgen.devices.pins import Constraints
from locgen.errors import ToolNotFound, UsageError
from locgen.targets.asic.chip import CELL_MODELS, Chip
from locgen.targets.asic.libraries import FoundLibrary, find_library
from locgen.targets.asic.mapping import map_core, map_top
from locgen.targets.asic.models import cell_models
from locgen.targets.netlist import Netlist, Utilisation
from locgen.targets.routed import Routed
from locgen.targets.target import Job, Mapped

__all__ = ["AsicTarget", "TinyTapeoutTarget"]


@dataclass(frozen=True)
class AsicTarget:
    """A netlist of standard cells; see `Target`."""

    name: str = "asic"
    title: str = "Standard cells"
    extra: str = ""
    tools: tuple[str, ...] = ("yosys",)
    routes: bool = False
    tops: tuple[str, ...] = ("stream", "pins")
    models: tuple[str, ...] = (CELL_MODELS,)
    library: str = ""
    no_memory: str = "there is no RAM macro among standard cells"
    powers_up: bool = False
    tile: bool = False
    asks: tuple[str, ...] = ("liberty",)
    notes: str = "before layout: no wires, no clock tree; hardening and silicon were never tried"

    def find(self, job: Job) -> FoundLibrary:
        """Return the library to map to."""
        return find_library(job.liberty)

    def synthesise(self, modules: Mapping[str, str], device: Device | None, job: Job) -> Mapped:
        """Map core and top onto the cells of the library that is found first."""
        found = self.find(job)
        common = {"effort": job.effort, "logs": job.logs, "use_cache": job.use_cache}
        core, delay = map_core(modules["core"], found.library, job.out, **common)
        top: Netlist | None = None
        if "top" in modules:
            top = map_top(modules["top"], "top", core, found.library, job.out, **common)
        kinds = {*core.cells, *(top.cells if top is not None else ())}
        flip_flops = sum(
            count
            for kind, count in core.cells.items()
            if found.library.cell(kind).state is not None
        )
        chip = Chip(found, cell_models(found.library, kinds), delay)
        return Mapped(core, top, Utilisation(ff=flip_flops), chip=chip)

    def route(
        self,
        mapped: Mapped,
        device: Device,
        package: str,
        constraints: Constraints | None,
        clock_mhz: float,
        job: Job,
    ) -> Routed:
        """Refuse: `routes` says so."""
        raise UsageError(f"--target {self.name} ends before place and route")

    def deliver(self, name: str, out: Path, mapped: Mapped | None) -> None:
        """Write nothing: `flow.chipfiles` writes constraints, configuration and project."""


@dataclass(frozen=True)
class TinyTapeoutTarget(AsicTarget):
    """The project tree of a Tiny Tapeout tile; see `Target`."""

    name: str = "tinytapeout"
    title: str = "Tiny Tapeout tile"
    tops: tuple[str, ...] = ("pins",)
    tile: bool = True
    asks: tuple[str, ...] = ("liberty", "shuttle")

    def find(self, job: Job) -> FoundLibrary:
        """Return the shuttle's library, else that of sky130, whose areas are scaled."""
        try:
            return find_library(job.liberty, job.shuttle or "sky")
        except ToolNotFound:
            return find_library(shuttle="sky")

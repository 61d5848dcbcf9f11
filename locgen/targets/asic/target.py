"""Targets that end in standard cells."""

from collections.abc import Mapping
from dataclasses import dataclass

from locgen.devices import Device
from locgen.errors import ToolNotFound
from locgen.targets.asic.chip import CELL_MODELS, Chip
from locgen.targets.asic.libraries import FoundLibrary, find_library
from locgen.targets.asic.mapping import map_core, map_top
from locgen.targets.asic.models import cell_models
from locgen.targets.netlist import Netlist, Utilisation
from locgen.targets.target import Job, Mapped, Target

__all__ = ["AsicTarget", "TinyTapeoutTarget"]


@dataclass(frozen=True, kw_only=True)
class AsicTarget(Target):
    """A netlist of standard cells; `flow.chipfiles` writes constraints, configuration, project."""

    name: str = "asic"
    title: str = "Standard cells"
    tops: tuple[str, ...] = ("stream", "pins")
    models: tuple[str, ...] = (CELL_MODELS,)
    no_memory: str = "there is no RAM macro among standard cells"
    powers_up: bool = False
    asks: tuple[str, ...] = ("liberty",)
    notes: str = "before layout: no wires, no clock tree; hardening and silicon were never tried"

    def find(self, job: Job) -> FoundLibrary:
        """Return the library to map to."""
        return find_library(job.liberty)

    def synthesise(self, modules: Mapping[str, str], device: Device | None, job: Job) -> Mapped:
        """Map core and top onto the cells of the library that is found first."""
        found = self.find(job)
        library, effort, logs, cache = found.library, job.effort, job.logs, job.use_cache
        core, delay = map_core(
            modules["core"], library, job.out, effort=effort, logs=logs, use_cache=cache
        )
        top: Netlist | None = None
        if "top" in modules:
            top = map_top(
                modules["top"],
                "top",
                core,
                library,
                job.out,
                effort=effort,
                logs=logs,
                use_cache=cache,
            )
        kinds = {*core.cells, *(top.cells if top is not None else ())}
        flip_flops = sum(
            count for kind, count in core.cells.items() if library.cell(kind).state is not None
        )
        chip = Chip(found, cell_models(library, kinds), delay)
        return Mapped(core, top, Utilisation(ff=flip_flops), chip=chip)


@dataclass(frozen=True, kw_only=True)
class TinyTapeoutTarget(AsicTarget):
    """The project tree of a Tiny Tapeout tile."""

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

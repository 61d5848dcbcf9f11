"""The targets that end in a bitstream."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from locgen.devices import Device
from locgen.devices.pins import Constraints
from locgen.targets.children import workers
from locgen.targets.family import Family
from locgen.targets.packing import pack_core
from locgen.targets.routed import Routed
from locgen.targets.routing import place_and_route, route_out_of_context
from locgen.targets.synthesis import synthesise_core, synthesise_top
from locgen.targets.target import Job, Mapped
from locgen.top.kinds import BUS_TOPS, FRAMED_TOPS

__all__ = ["RoutedTarget"]

_ATTEMPTS = 3
"""Seeds tried until a board's clock is met."""


@dataclass(frozen=True)
class RoutedTarget:
    """A family that open tools place and route; see `Target`."""

    family: Family
    routes: bool = True
    powers_up: bool = True
    tile: bool = False
    asks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As in ``--target``."""
        return self.family.name

    @property
    def title(self) -> str:
        """The maker's name."""
        return self.family.title

    @property
    def extra(self) -> str:
        """What brings its tools."""
        return self.family.extra

    @property
    def no_memory(self) -> str:
        """Why engines have no memory here."""
        return self.family.no_memory

    @property
    def tops(self) -> tuple[str, ...]:
        """Values of ``--top``: links keep frames in block RAM."""
        framed = () if self.family.no_memory else FRAMED_TOPS
        return ("stream", *framed, *BUS_TOPS, "pins")

    @property
    def tools(self) -> tuple[str, ...]:
        """Programs that it calls."""
        return self.family.tools

    @property
    def models(self) -> tuple[str, ...]:
        """Simulation models of its cells."""
        return self.family.models

    @property
    def library(self) -> str:
        """How its toggles are counted."""
        return self.family.library

    @property
    def notes(self) -> str:
        """Why it is experimental, if it is."""
        return self.family.experimental

    def synthesise(self, modules: Mapping[str, str], device: Device | None, job: Job) -> Mapped:
        """Map core and top, and pack the core alone on `device`, which is needed."""
        common = {"logs": job.logs, "use_cache": job.use_cache}
        mapping = common | {"family": self.family, "effort": job.effort}
        core = synthesise_core(modules["core"], job.out, counting=job.counting, **mapping)
        with workers(1) as pool:
            packed = pool.submit(pack_core, core, device, **common)
            top = None
            if "top" in modules:
                top = synthesise_top(modules["top"], core, job.out, **mapping)
            return Mapped(core, top, packed.result())

    def route(
        self,
        mapped: Mapped,
        device: Device,
        package: str,
        constraints: Constraints | None,
        clock_mhz: float,
        job: Job,
    ) -> Routed:
        """Route the top for its pins, or the core between shift registers."""
        common = {"logs": job.logs, "use_cache": job.use_cache}
        place = (device, package)
        if mapped.top is None:
            return route_out_of_context(mapped.core, *place, clock_mhz, job.seed, job.out, **common)
        return place_and_route(
            mapped.top,
            *place,
            constraints,
            clock_mhz,
            job.seed,
            job.out,
            attempts=_ATTEMPTS,
            **common,
        )

    def deliver(self, name: str, out: Path, mapped: Mapped | None) -> None:
        """Write nothing: the bitstream is all."""

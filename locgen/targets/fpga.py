"""Targets that end in a bitstream."""

from collections.abc import Mapping
from dataclasses import dataclass

from locgen.devices import Device
from locgen.devices.pins import Constraints
from locgen.targets.children import workers
from locgen.targets.family import Family
from locgen.targets.packing import pack_core
from locgen.targets.routed import Routed
from locgen.targets.routing import place_and_route, route_out_of_context
from locgen.targets.synthesis import synthesise_core, synthesise_top
from locgen.targets.target import Job, Mapped, Target
from locgen.top.kinds import BUS_TOPS, FRAMED_TOPS

__all__ = ["RoutedTarget"]

_ATTEMPTS = 3
"""Seeds tried until a board's clock is met."""


@dataclass(frozen=True, kw_only=True)
class RoutedTarget(Target):
    """A family that open tools place and route."""

    family: Family

    @classmethod
    def of(cls, family: Family) -> "RoutedTarget":
        """Return the target of `family`, whose links keep their frames in block RAM."""
        framed = () if family.no_memory else FRAMED_TOPS
        return cls(
            family=family,
            name=family.name,
            title=family.title,
            tops=("stream", *framed, *BUS_TOPS, "pins"),
            extra=family.extra,
            tools=family.tools,
            routes=True,
            models=family.models,
            library=family.library,
            no_memory=family.no_memory,
            notes=family.experimental,
        )

    def synthesise(self, modules: Mapping[str, str], device: Device | None, job: Job) -> Mapped:
        """Map core and top, and pack the core alone on `device`."""
        if device is None:
            raise ValueError(f"--target {self.name} needs a device")
        core = synthesise_core(
            modules["core"],
            job.out,
            family=self.family,
            effort=job.effort,
            counting=job.counting,
            logs=job.logs,
            use_cache=job.use_cache,
        )
        with workers(1) as pool:
            packed = pool.submit(pack_core, core, device, logs=job.logs, use_cache=job.use_cache)
            top = None
            if "top" in modules:
                top = synthesise_top(
                    modules["top"],
                    core,
                    job.out,
                    family=self.family,
                    effort=job.effort,
                    logs=job.logs,
                    use_cache=job.use_cache,
                )
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
        if mapped.top is None:
            return route_out_of_context(
                mapped.core,
                device,
                package,
                clock_mhz,
                job.seed,
                job.out,
                logs=job.logs,
                use_cache=job.use_cache,
            )
        return place_and_route(
            mapped.top,
            device,
            package,
            constraints,
            clock_mhz,
            job.seed,
            job.out,
            attempts=_ATTEMPTS,
            logs=job.logs,
            use_cache=job.use_cache,
        )

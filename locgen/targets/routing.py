"""Place and route, up to the bitstream.

Every figure comes from nextpnr's JSON: its report and the netlist that it writes back.
"""

import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from locgen.devices import Device
from locgen.devices.pins import Constraints, Pin
from locgen.errors import DoesNotFit, ToolFailed
from locgen.targets.cache import cached, key_of
from locgen.targets.constraints import FORMATS
from locgen.targets.families import FAMILIES
from locgen.targets.family import Family
from locgen.targets.netlist import Netlist, utilisation
from locgen.targets.packing import logic_cells_of, pack_report, placer_options
from locgen.targets.portfolio import Effort
from locgen.targets.routed import (
    ResourceShortage,
    Routed,
    cells_outside_core,
    clocks_of,
    critical_path_of,
    placement_of,
    read_placement,
    shortages_of,
    write_placement,
)
from locgen.targets.synthesis import synthesise_top
from locgen.targets.toolchain import find_tool, run
from locgen.top.emit import emit_rtlil
from locgen.top.scan import ScanTop

__all__ = ["place_and_route", "route_out_of_context"]


def place_and_route(
    design: Netlist,
    device: Device,
    package: str,
    constraints: Constraints | None,
    clock_mhz: float,
    seed: int,
    out: Path,
    *,
    attempts: int = 1,
    allow_slow: bool = False,
    logs: Path | None = None,
    use_cache: bool = True,
) -> Routed:
    """Place, route and pack `design` into ``out/<top>`` with the family's suffix.

    Parameters
    ----------
    design : Netlist
        From `synthesis`.
    device, package : Device, str
        From `devices.find_device`; the device's family is the netlist's.
    constraints : Constraints or None
        Pins of the ports; without them place and route chooses.
    clock_mhz : float
        The clock to meet, and the placer's goal.
    seed : int
        The placer's first seed.
    out : Path
        Folder that receives the bitstream and nextpnr's report, ``<top>_report.json``.
    attempts : int
        Number of seeds, counted from `seed`, to try until the clock is met.
    allow_slow : bool
        Return the fastest result even if it misses the clock.
    logs, use_cache
        As for `synthesise_core`.

    Raises
    ------
    ResourceShortage
        If the device is too small; the message says for what.
    DoesNotFit
        If the design fits but cannot be placed, or misses the clock.
    ToolNotFound, ToolFailed
        From `toolchain`.
    """
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, not {attempts}")
    out.mkdir(parents=True, exist_ok=True)
    router = _Router(
        design, device, package, constraints, clock_mhz, logs or out / "logs", use_cache
    )
    best = router.best(range(seed, seed + attempts), out)
    if best.fmax_mhz < clock_mhz and not allow_slow:
        raise DoesNotFit(
            f"{design.top} reaches {best.fmax_mhz:.1f} MHz on {device.name}-{package}, short of "
            f"{clock_mhz:g} MHz: lower the clock, add pipeline stages or take a faster device"
        )
    return best


def route_out_of_context(
    core: Netlist,
    device: Device,
    package: str,
    clock_mhz: float,
    seed: int,
    out: Path,
    *,
    effort: Effort = "medium",
    attempts: int = 1,
    logs: Path | None = None,
    use_cache: bool = True,
) -> Routed:
    """Route the core between shift registers, for its Fmax and a bitstream without a board.

    The registers are in `Routed.wrapper_logic_cells` and in `Routed.utilisation`, never in what
    `packing.pack_core` counts. The result is returned whether or not it meets `clock_mhz`.

    Raises
    ------
    ResourceShortage, DoesNotFit, ToolNotFound, ToolFailed
        As for `place_and_route`; the core may fit where core and registers together do not.
    """
    wrapper = ScanTop({port.name: port.width for port in core.ports})
    text = emit_rtlil(wrapper, "top", reset=False)
    design = synthesise_top(
        text,
        core,
        out,
        family=FAMILIES[device.family],
        effort=effort,
        logs=logs,
        use_cache=use_cache,
    )
    return place_and_route(
        design,
        device,
        package,
        None,
        clock_mhz,
        seed,
        out,
        attempts=attempts,
        allow_slow=True,
        logs=logs,
        use_cache=use_cache,
    )


@dataclass(frozen=True)
class _Router:
    """A design to route on a device, with any number of seeds."""

    design: Netlist
    device: Device
    package: str
    constraints: Constraints | None
    clock_mhz: float
    logs: Path
    use_cache: bool

    @property
    def family(self) -> Family:
        return FAMILIES[self.device.family]

    @property
    def products(self) -> tuple[str, str, str]:
        """File names of the bitstream, nextpnr's report and the placement."""
        top = self.design.top
        return f"{top}{self.family.suffix}", f"{top}_report.json", f"{top}_placement.json"

    def best(self, seeds: Sequence[int], out: Path) -> Routed:
        """Route with each seed until the clock is met; keep the fastest in `out`."""
        results: list[Routed] = []
        for seed in seeds:
            with tempfile.TemporaryDirectory(dir=out, prefix=".") as folder:
                work = Path(folder)
                routed = self.route(seed, work)
                if all(routed.fmax_mhz > result.fmax_mhz for result in results):
                    for name in self.products:
                        (work / name).replace(out / name)
                results.append(replace(routed, bitstream=out / routed.bitstream.name))
            if routed.fmax_mhz >= self.clock_mhz:
                break
        return max(results, key=lambda result: result.fmax_mhz)

    def route(self, seed: int, work: Path) -> Routed:
        """Route with one seed; the products land in `work`."""
        design, family = self.design, self.family
        nextpnr, packer = find_tool(family.placer), find_tool(family.packer)
        bitstream, report_name, placement = self.products
        limits = f"design.{family.constraints}"
        text, pins = self._constraints(limits)
        options = [*placer_options(self.device, self.package), "--freq", f"{self.clock_mhz:g}"]
        options += ["--seed", str(seed), "--timing-allow-fail"]
        options += pins if text else family.free_arguments
        configuration = family.configuration.format(name="design")
        names = {"configuration": configuration, "bitstream": bitstream}
        packing = [*self.device.packer, *(w.format_map(names) for w in family.packer_arguments)]

        def produce() -> None:
            shutil.copyfile(design.json, work / "design.json")
            (work / limits).write_text(text)
            arguments = [*options, "--json", "design.json", "--write", "placed.json"]
            arguments += ["--report", report_name]
            if family.configuration_option:
                arguments += [family.configuration_option, configuration]
            try:
                run(nextpnr, arguments, work, self.logs / f"nextpnr_{design.top}.log")
            except ToolFailed as error:
                self._explain(error, work, pins)
                raise
            write_placement(placement_of(work / "placed.json", family), work / placement)
            run(packer, packing, work, self.logs / f"{family.packer}_{design.top}.log")

        words = [nextpnr.identity, packer.identity, *options, *packing]
        key = key_of("route", *words, design.json.read_bytes(), text)
        cached(key, self.products, work, produce, use_cache=self.use_cache)
        return self._read(work, seed)

    def _read(self, work: Path, seed: int) -> Routed:
        """Return the result whose products are in `work`."""
        bitstream, report_name, placement = self.products
        report = json.loads((work / report_name).read_text())
        clocks = clocks_of(report)
        fmax = min(clocks.values(), default=math.inf)
        cells = read_placement(work / placement)
        counts = logic_cells_of(report, self.family)
        return Routed(
            bitstream=work / bitstream,
            fmax_mhz=fmax,
            clocks_mhz=clocks,
            critical_path_ns=1000 / fmax,
            critical_path=critical_path_of(report),
            utilisation=utilisation(self.design.cells, self.family.cells, *counts),
            cells=cells,
            grid=self.device.grid,
            wrapper_logic_cells=cells_outside_core(cells),
            seed=seed,
        )

    def _constraints(self, name: str) -> tuple[str, tuple[str, ...]]:
        """Return the text of the file `name` and the options that name it; nothing without pins."""
        constraints = self.constraints or self._free_pins()
        if constraints is None:
            return "", ()
        pins = tuple(word.format(file=name) for word in self.family.constraint_arguments)
        return FORMATS[self.family.constraints](constraints), pins

    def _free_pins(self) -> Constraints | None:
        """Return pins for the ports where place and route chooses none; None where it does.

        Raises DoesNotFit if there are fewer pins than bits.
        """
        pins = self.device.free_pins.get(self.package)
        if not pins:
            return None
        ports = sorted(self.design.ports, key=lambda port: (port.name != "clk", port.name))
        bits = [
            port.name if port.width == 1 else f"{port.name}[{bit}]"
            for port in ports
            for bit in range(port.width)
        ]
        if len(bits) > len(pins):
            raise DoesNotFit(
                f"{self.design.top} has {len(bits)} bits of ports, {self._place} {len(pins)} pins "
                "in its device file: take --target ice40 or ecp5, which choose pins, or --no-pnr"
            )
        placed = (Pin(*pair) for pair in zip(bits, pins, strict=False))
        return Constraints(tuple(placed), self.clock_mhz * 1e6)

    @property
    def _place(self) -> str:
        return f"{self.device.name}-{self.package}"

    def _explain(self, error: ToolFailed, work: Path, pins: tuple[str, ...]) -> None:
        """Raise the cause of nextpnr's failure if the device is too small."""
        top = self.design.top
        log = self.logs / f"nextpnr_pack_{top}.log"
        report = pack_report(
            self.design, self.device, self.package, work, log, use_cache=False, pins=pins
        )
        shortages = shortages_of(report, self.family)
        if shortages:
            wants = ", ".join(
                f"{used} of {available} {words}" for words, (used, available) in shortages.items()
            )
            raise ResourceShortage(
                f"{top} needs {wants} of {self._place}: take fewer or shallower trees, "
                "--fabric tree or a larger device",
                shortages,
            ) from error
        used, available = logic_cells_of(report, self.family)
        if used > 0.9 * available:  # the placer gives up before 100 %
            raise DoesNotFit(
                f"{top} fills {used} of {available} logic cells of {self._place} "
                "and could not be placed: take fewer or shallower trees or a larger device"
            ) from error

"""What a build asks of a target, whatever becomes of the design there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from locgen.devices import Device
from locgen.devices.pins import Constraints
from locgen.targets.asic.chip import Chip
from locgen.targets.netlist import Netlist, Utilisation
from locgen.targets.portfolio import Effort
from locgen.targets.routed import Routed

__all__ = ["Job", "Mapped", "Target"]


@dataclass(frozen=True)
class Job:
    """How tools are run.

    Members
    -------
    out : folder for what they make; logs : folder for what they say
    effort : of synthesis; seed : the placer's; use_cache : whether earlier work serves
    counting : whether all that the core adds up are single bits
    liberty : the library of standard cells that the user names, None to look for one
    shuttle : the process of a Tiny Tapeout tile, ``sky``, ``ihp`` or ``gf``; empty otherwise
    """

    out: Path
    logs: Path
    effort: Effort = "medium"
    seed: int = 1
    use_cache: bool = True
    liberty: Path | None = None
    shuttle: str = ""
    counting: bool = False


@dataclass(frozen=True)
class Mapped:
    """A design in the target's cells.

    Members
    -------
    core : the model alone; top : the whole with the link, None without one
    usage : what the core takes; figures : more of it, by keys of `core` in `report.json`
    chip : the standard cells that both consist of, None for programmable logic
    """

    core: Netlist
    top: Netlist | None
    usage: Utilisation
    chip: Chip | None = field(default=None, kw_only=True)
    figures: Mapping[str, float] = field(default_factory=dict, kw_only=True)


class Target(Protocol):
    """A target: one entry of `registry.TARGETS`.

    Members
    -------
    name, title : as in ``--target``, and in words
    extra : the extra of locgen that installs its tools, empty if they come with it
    tools : programs that it calls, keys of `tools.TOOLS`
    routes : whether `route` gives a product; without, a build ends as with ``--no-pnr``
    tops : values of ``--top`` that it takes, the default first
    models : files of ``templates/testbench`` that simulate its cells
    library : key of `energy.cells.LIBRARIES`, empty where toggles cannot be counted
    no_memory : why it has no block RAM for engines, empty if it has
    powers_up : whether registers have their initial values before any reset
    tile : whether a top for pins has the ports of a Tiny Tapeout tile
    asks : options of its own among ``liberty`` and ``shuttle``
    notes : what a user must know before relying on it, empty if nothing
    """

    name: str
    title: str
    extra: str
    tools: tuple[str, ...]
    routes: bool
    tops: tuple[str, ...]
    models: tuple[str, ...]
    library: str
    no_memory: str
    powers_up: bool
    tile: bool
    asks: tuple[str, ...]
    notes: str

    def synthesise(
        self, modules: Mapping[str, str], device: Device | None, job: Job
    ) -> Mapped | None:
        """Map the RTLIL in `modules` (``core``, perhaps ``top``) to cells; None where nothing is.

        Raises
        ------
        ToolNotFound, ToolFailed
            From `toolchain`.
        """

    def route(
        self,
        mapped: Mapped,
        device: Device,
        package: str,
        constraints: Constraints | None,
        clock_mhz: float,
        job: Job,
    ) -> Routed:
        """Place and route `mapped` into the product; a core without a top out of context.

        Out of context the result is returned whether or not it meets the clock.

        Raises
        ------
        DoesNotFit, ToolNotFound, ToolFailed
            See `routing`.
        """

    def deliver(self, name: str, out: Path, mapped: Mapped | None) -> None:
        """Write into the build folder `out` what else the target's users want of design `name`.

        ``<name>.v`` is there already.
        """

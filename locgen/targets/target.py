"""Interface of a target: synthesis, place and route, products."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from locgen.devices import Device
from locgen.devices.pins import Constraints
from locgen.errors import UsageError
from locgen.targets.asic.chip import Chip
from locgen.targets.netlist import Netlist, Utilisation
from locgen.targets.portfolio import Effort
from locgen.targets.routed import Routed

__all__ = ["Job", "Mapped", "Target"]


@dataclass(frozen=True)
class Job:
    """Options of a run of the tools.

    Members
    -------
    out, logs : folders for the products and for the logs
    effort, seed : of synthesis, and of the placer
    use_cache : whether to use earlier results
    counting : whether every addend in the core is a single bit
    liberty : the user's library of standard cells, None to look for one
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
    core, top : the model alone, and the whole with the link (None without one)
    usage : cells of the core
    chip : the standard cells that both consist of, None for programmable logic
    figures : more about the core, by keys of `core` in `report.json`
    """

    core: Netlist
    top: Netlist | None
    usage: Utilisation
    chip: Chip | None = field(default=None, kw_only=True)
    figures: Mapping[str, float] = field(default_factory=dict, kw_only=True)

    def moved(self, old: Path, new: Path) -> "Mapped":
        """Return the same with its files below `new`, where those below `old` went."""
        top = None if self.top is None else self.top.moved(old, new)
        return replace(self, core=self.core.moved(old, new), top=top)


@dataclass(frozen=True, kw_only=True)
class Target(ABC):
    """A target: one entry of `registry.TARGETS`.

    Members
    -------
    name, title : as in ``--target``, and for people
    tops : values of ``--top`` that it takes, the default first
    extra : the extra of locgen that installs its tools, empty if they come with it
    tools : programs that it calls, keys of `tools.TOOLS`
    routes : whether `route` gives a product; if not, a build ends as with ``--no-pnr``
    models : files of ``templates/testbench`` that simulate its cells
    library : key of `energy.cells.LIBRARIES`, empty where toggles cannot be counted
    no_memory : why it has no block RAM for engines, empty if it has
    powers_up : whether registers have their initial values before any reset
    tile : whether a top for pins has the ports of a Tiny Tapeout tile
    asks : its own options, among ``liberty`` and ``shuttle``
    notes : what a user must know before relying on it, empty if nothing
    """

    name: str
    title: str
    tops: tuple[str, ...]
    extra: str = ""
    tools: tuple[str, ...] = ("yosys",)
    routes: bool = False
    models: tuple[str, ...] = ()
    library: str = ""
    no_memory: str = ""
    powers_up: bool = True
    tile: bool = False
    asks: tuple[str, ...] = ()
    notes: str = ""

    @abstractmethod
    def synthesise(
        self, modules: Mapping[str, str], device: Device | None, job: Job
    ) -> Mapped | None:
        """Map the RTLIL in `modules` (``core``, perhaps ``top``) to cells; None for no cells.

        Parameters
        ----------
        modules : RTLIL text by module name
        device : the device, None for a target without devices
        job : how to run the tools

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

        Parameters
        ----------
        mapped : the design in cells
        device, package : from `devices.find_device`
        constraints : pins of the top's ports; None to choose them freely
        clock_mhz : the clock to meet
        job : how to run the tools

        Raises
        ------
        DoesNotFit, ToolNotFound, ToolFailed
            See `routing`.
        UsageError
            If the target does not route.
        """
        raise UsageError(f"--target {self.name} ends before place and route: add --no-pnr")

    def deliver(self, name: str, out: Path, mapped: Mapped | None) -> None:
        """Write the target's further products for design `name` into the build folder `out`.

        ``<name>.v`` is there already; most targets have nothing to add.
        """
        return

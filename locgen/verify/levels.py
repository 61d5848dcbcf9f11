"""Levels of verification: the ways to show that hardware equals golden, cheapest first."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from locgen.errors import ConfigurationError
from locgen.verify.simulate import simulate_level
from locgen.verify.subject import LevelResult, ProgressCallback, Subject
from locgen.verify.virtual_board import verify_virtual_board

__all__ = ["LEVELS", "Level", "LevelName", "level_options", "levels_for", "run_levels"]

LevelName = Literal["rtl", "netlist", "virtual_board"]
"""The names of the levels, as ``report.json`` has them."""


@dataclass(frozen=True)
class Level:
    """One way to show that hardware equals golden.

    Members
    -------
    title, scope : its name in reports, and what it compares
    option : value of ``locgen verify --level`` that runs it
    run : compares a build with golden and returns the result, or raises Mismatch
    files : files of the test bench without which it cannot run
    in_build : whether ``locgen build`` runs it; the result of any other is added to the report
    on_netlist : whether it needs the netlist after synthesis
    is_proof : whether it covers every input, so that it counts without vectors
    """

    title: str
    scope: str
    option: str
    run: Callable[[Subject, ProgressCallback], LevelResult]
    files: tuple[str, ...] = ()
    in_build: bool = False
    on_netlist: bool = False
    is_proof: bool = False


LEVELS: dict[str, Level] = {
    "rtl": Level(
        "RTL",
        "the emitted Verilog, simulated",
        "simulation",
        partial(simulate_level, "rtl"),
        files=("run.py", "core.v"),
        in_build=True,
    ),
    "netlist": Level(
        "Netlist",
        "the netlist after synthesis, simulated",
        "simulation",
        partial(simulate_level, "netlist"),
        files=("run.py", "core_netlist.v"),
        in_build=True,
        on_netlist=True,
    ),
    "virtual_board": Level(
        "Virtual board",
        "the whole top, frames over a simulated link",
        "virtual_board",
        verify_virtual_board,
    ),
}
"""Every level by name."""


def level_options() -> list[str]:
    """Return the values of ``locgen verify --level``."""
    return [*dict.fromkeys(level.option for level in LEVELS.values()), "all"]


def levels_for(has_netlist: bool, option: str | None = None) -> list[str]:
    """Return the levels behind a value of ``--level``; those of a build if it is None."""
    return [
        name
        for name, level in LEVELS.items()
        if (has_netlist or not level.on_netlist)
        and (level.in_build if option is None else option in (level.option, "all"))
    ]


def run_levels(names: list[str], subject: Subject, progress: ProgressCallback) -> list[LevelResult]:
    """Return the results of levels, in order.

    Parameters
    ----------
    names : levels to run
    subject : the build to verify
    progress : receives what starts now

    Raises
    ------
    Mismatch
        If an answer, the latency or the interval differs.
    ConfigurationError
        If a file of the test bench is missing.
    ToolNotFound, ToolFailed
        If a tool is missing or breaks.
    """
    for name in dict.fromkeys(file for level in names for file in LEVELS[level].files):
        if not (subject.bench / name).is_file():
            raise ConfigurationError(f"{subject.bench / name} is missing; build again")
    return [LEVELS[name].run(subject, progress) for name in names]

"""The build under verification, and the result of one level."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from locgen.ir import QuantisedModel
from locgen.verify.vectors import Vectors

__all__ = ["LevelResult", "ProgressCallback", "Simulator", "Subject"]

ProgressCallback = Callable[[str], None]
"""Receives, in a few words, what starts now."""
Simulator = Literal["verilator", "icarus"]


@dataclass(frozen=True)
class Subject:
    """A build whose hardware is compared with golden.

    Members
    -------
    folder : the build folder, with its ``testbench/``
    logs : folder of the logs
    model : the integer model, which owns golden
    vectors : inputs with golden's answers
    has_netlist : whether synthesis made a netlist
    simulator : program that simulates RTL and netlist
    """

    folder: Path
    logs: Path
    model: QuantisedModel
    vectors: Vectors
    has_netlist: bool
    simulator: Simulator = "verilator"

    @property
    def bench(self) -> Path:
        """The test bench."""
        return self.folder / "testbench"


@dataclass(frozen=True)
class LevelResult:
    """The result of one level of verification, every value equal to golden's and the plan's.

    `latency_cycles` and `interval_cycles` are as measured (`interval_cycles` is None for a single
    vector, both where the level measures none); `frames` counts those sent to the board's top, 0
    without one.
    """

    level: str
    simulator: str
    simulator_version: str
    vectors: int
    mismatches: int
    latency_cycles: int | None = None
    interval_cycles: int | None = None
    frames: int = 0

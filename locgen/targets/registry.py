"""Table of all targets by name."""

import difflib
from collections.abc import Mapping

from locgen.errors import UsageError
from locgen.targets.asic.target import AsicTarget, TinyTapeoutTarget
from locgen.targets.families import FAMILIES
from locgen.targets.fpga import RoutedTarget
from locgen.targets.lut6 import Lut6Target
from locgen.targets.plain import VerilogTarget
from locgen.targets.target import Target
from locgen.targets.xilinx import XILINX7, XILINXUP

__all__ = ["TARGETS", "find_target"]

_ALL: tuple[Target, ...] = (
    *(RoutedTarget.of(family) for family in FAMILIES.values()),
    AsicTarget(),
    TinyTapeoutTarget(),
    Lut6Target.of(XILINX7),
    Lut6Target.of(XILINXUP),
    VerilogTarget(),
)
TARGETS: Mapping[str, Target] = {target.name: target for target in _ALL}
"""By name, in the order of lists."""


def find_target(name: str) -> Target:
    """Return the target called `name`.

    Raises
    ------
    UsageError
        If there is none; the message names the nearest.
    """
    if name in TARGETS:
        return TARGETS[name]
    close = difflib.get_close_matches(name, TARGETS, n=1, cutoff=0.5)
    remedy = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(TARGETS)}"
    raise UsageError(f"--target {name} is not known: {remedy}")

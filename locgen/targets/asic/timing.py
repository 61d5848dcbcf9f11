"""Timing before layout: OpenSTA where it is installed, else what ABC says of the logic alone."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from locgen.errors import ToolFailed, ToolNotFound
from locgen.targets.asic.liberty import Library
from locgen.targets.netlist import Netlist
from locgen.targets.toolchain import find_tool, run

__all__ = ["PathTiming", "constraints", "static_timing"]

_SLACK = "slack.json"
# OpenSTA 2.0.17 writes no JSON of its own.
_SCRIPT = """read_liberty cells.lib
read_verilog netlist.v
link_design {top}
source constraints.sdc
set found [find_timing_paths -path_delay max]
set file [open {out} w]
if {{[llength $found]}} {{
  set path [lindex $found 0]
  set from [get_property [get_property $path startpoint] full_name]
  set to [get_property [get_property $path endpoint] full_name]
  set slack [get_property $path slack]
  puts $file "{{\\"slack_ns\\": $slack, \\"start\\": \\"$from\\", \\"end\\": \\"$to\\"}}"
}} else {{
  puts $file "{{}}"
}}
close $file
exit
"""


@dataclass(frozen=True)
class PathTiming:
    """The longest path of a netlist whose wires have no length yet.

    Members
    -------
    period_ns : shortest clock period, setup and clock-to-output included where `source` says so
    start, end : pins that the path joins, empty where they are not told
    source : what the figure comes from and what it leaves out, in words
    """

    period_ns: float
    start: str
    end: str
    source: str


def constraints(clock_port: str, period_ns: float, library: Library | None = None) -> str:
    """Return the SDC file: an ideal clock, inputs that arrive with it, outputs due at its end.

    OpenSTA, LibreLane and other tools read it.
    """
    unit = 1.0 if library is None else 1e-9 / library.time_unit
    period = f"{period_ns * unit:.4f}"
    return "\n".join(
        [
            f"create_clock -name clock -period {period} [get_ports {clock_port}]",
            "set inputs [all_inputs]",
            f"set place [lsearch $inputs [get_port {clock_port}]]",
            "set inputs [lreplace $inputs $place $place]",
            "set_input_delay 0 -clock clock $inputs",
            "set_output_delay 0 -clock clock [all_outputs]",
            "",
        ]
    )


def static_timing(
    netlist: Netlist, library: Library, abc_delay_ns: float | None, logs: Path
) -> PathTiming | None:
    """Return the longest path of `netlist`; None where the library has no delays.

    Raises
    ------
    ToolFailed
        If OpenSTA is there and fails.
    """
    if not library.has_timing:
        return None
    try:
        tool = find_tool("sta")
    except ToolNotFound:
        if abc_delay_ns is None:
            return None
        return PathTiming(
            abc_delay_ns,
            "",
            "",
            "ABC's figure for the logic between registers: without setup and clock-to-output, "
            "OpenSTA is not installed (apt-get install opensta)",
        )
    period_ns = 1000.0
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        work = Path(folder)
        (work / "netlist.v").write_text(netlist.verilog.read_text())
        (work / "constraints.sdc").write_text(constraints("clk", period_ns, library))
        # Copied, because Tcl would take apart a path with spaces or dollar signs.
        (work / "cells.lib").write_bytes(library.path.read_bytes())
        (work / "timing.tcl").write_text(_SCRIPT.format(top=netlist.top, out=_SLACK))
        run(tool, ["-no_splash", "-exit", "timing.tcl"], work, logs / f"sta_{netlist.top}.log")
        try:
            found = json.loads((work / _SLACK).read_text())
        except (OSError, ValueError) as error:
            raise ToolFailed(f"sta left no result: see {logs}/sta_{netlist.top}.log") from error
    if not found:
        return None
    return PathTiming(
        period_ns - found["slack_ns"] * library.time_unit / 1e-9,
        found["start"],
        found["end"],
        f"OpenSTA {tool.version}, ideal clock, no wires",
    )

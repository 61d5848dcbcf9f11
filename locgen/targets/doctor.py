"""Looks at what a build needs from the machine and says how to get what is missing."""

import importlib.metadata
import importlib.util
import platform
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from locgen.errors import ToolNotFound
from locgen.targets.asic.libraries import libraries_here
from locgen.targets.families import FAMILIES
from locgen.targets.toolchain import find_tool
from locgen.targets.tools import TOOLS

__all__ = ["Finding", "diagnose"]

_PURPOSES = {
    "g++": "compiles what Verilator makes",
    "make": "drives that compilation",
    "perl": "runs Verilator's front end",
    "yosys": "synthesis",
    "nextpnr-ice40": "place and route",
    "icepack": "bitstreams",
    **{
        name: f"{family.title}: {'place and route' if name == family.placer else 'bitstreams'}"
        for family in FAMILIES.values()
        if family.extra
        for name in (family.placer, family.packer)
    },
    "verilator": "simulation with cocotb",
    "iverilog": "a second simulator",
    "sta": "timing of chips",
    "iceprog": "flashing FTDI boards",
    "openFPGALoader": "flashing most boards",
    "dfu-util": "flashing OrangeCrab",
    "ecpdap": "flashing ECP5 with a CMSIS-DAP probe",
}
_NEEDED = ("g++", "make", "perl", "yosys", "nextpnr-ice40", "icepack", "verilator")
_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that a build may need.

    Parameters
    ----------
    name, purpose : str
        What it is and what for.
    version : str
        Empty if it is missing, ``unknown`` if it does not tell.
    where : str
        Its path, empty if it is missing.
    ok : bool
        Whether it serves.
    optional : bool
        Whether builds and tests work without it.
    remedy : str
        The command to give if it does not serve, empty otherwise.
    """

    name: str
    purpose: str
    version: str
    where: str
    ok: bool
    optional: bool
    remedy: str


def diagnose() -> list[Finding]:
    """Return what was found, needed things first, in an order that does not change."""
    findings = [_python(), _shared_library(), *(_tool(name) for name in _PURPOSES)]
    findings.append(_cell_library())
    return sorted(findings, key=lambda finding: finding.optional)


def _python() -> Finding:
    ok = sys.version_info[:2] >= _OLDEST_PYTHON
    remedy = "" if ok else "install Python 3.11 or newer (apt-get install python3 python3-venv)"
    return Finding("python", "locgen", platform.python_version(), sys.executable, ok, False, remedy)


def _shared_library() -> Finding:
    """Look for the library that cocotb embeds Python with."""
    path = _find_libpython()
    remedy = (
        "" if path else "apt-get install libpython3-dev (or a Python built with --enable-shared)"
    )
    version = platform.python_version() if path else ""
    return Finding("libpython", "cocotb", version, path, bool(path), False, remedy)


def _find_libpython() -> str:
    if importlib.util.find_spec("find_libpython") is not None:  # comes with cocotb
        from find_libpython import find_libpython

        return find_libpython() or ""
    name = sysconfig.get_config_var("INSTSONAME") or ""
    path = Path(sysconfig.get_config_var("LIBDIR") or "") / name
    return str(path) if ".so" in name and path.is_file() else ""


def _cell_library() -> Finding:
    """Look for a Liberty file; without one the built-in table of areas serves."""
    for known, path in libraries_here():
        if path is not None and (known.pdk or known.package):
            return Finding("liberty", "chips", known.name, str(path), True, True, "")
    remedy = "apt-get install qflow-tech-osu018 (or a PDK by ciel, PDK_ROOT; areas are built in)"
    return Finding("liberty", "chips", "", "", False, True, remedy)


def _tool(name: str) -> Finding:
    optional = name not in _NEEDED
    try:
        tool = find_tool(name)
    except ToolNotFound:
        return Finding(name, _PURPOSES[name], "", "", False, optional, TOOLS[name].remedy)
    return Finding(name, _PURPOSES[name], tool.version, tool.argv0, True, optional, "")

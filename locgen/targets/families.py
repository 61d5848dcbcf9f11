"""The families that open tools place and route."""

from collections.abc import Mapping

from locgen.targets.family import LOGIC, CellNames, Family

__all__ = ["FAMILIES", "ICE40"]

ICE40 = Family(
    name="ice40",
    title="Lattice iCE40",
    synth="synth_ice40 -abc9",
    recipes=("flow2", "turns", "thrice", "choices", "flow", "gates", "gates in turns"),
    no_carries="-nocarry",
    counting="gates",
    cells=CellNames(
        lut=("SB_LUT4",),
        ff=("SB_DFF",),
        carry=("SB_CARRY",),
        bram=("SB_RAM40",),
        spram=("SB_SPRAM256KA",),
        dsp=("SB_MAC16",),
    ),
    kinds={
        "ICESTORM_LC": LOGIC,
        "ICESTORM_RAM": "block RAM",
        "ICESTORM_SPRAM": "SPRAM",
        "ICESTORM_DSP": "DSP",
        "SB_IO": "pin",
        "SB_GB": "global buffer",
        "ICESTORM_PLL": "PLL",
    },
    together=("ICESTORM_LC",),
    site=r"X(?P<x>\d+)/Y(?P<y>\d+)/\D*(?P<z>\d*)",
    placer="nextpnr-ice40",
    packer="icepack",
    configuration="{name}.asc",
    configuration_option="--asc",
    packer_arguments=("{configuration}", "{bitstream}"),
    suffix=".bin",
    constraints="pcf",
    constraint_arguments=("--pcf", "{file}"),
    models=("ice40_cells.v",),
    library="ice40",
)

ECP5 = Family(
    name="ecp5",
    title="Lattice ECP5",
    # Neither multipliers nor LUT RAM: figures stay comparable, and few cells need a model.
    synth="synth_ecp5 -abc9 -nodsp -nolutram",
    cells=CellNames(lut=("LUT4",), ff=("TRELLIS_FF",), carry=("CCU2C",), bram=("DP16KD",)),
    kinds={
        "TRELLIS_COMB": LOGIC,
        "TRELLIS_FF": "flip-flop",
        "DP16KD": "block RAM",
        "MULT18X18D": "DSP",
        "TRELLIS_IO": "pin",
        "DCCA": "global buffer",
        "EHXPLLL": "PLL",
    },
    together=("TRELLIS_COMB", "TRELLIS_FF"),
    site=r"X(?P<x>\d+)/Y(?P<y>\d+)/(SLICE(?P<slice>[A-D]))?\D*(?P<z>\d*)",
    placer="nextpnr-ecp5",
    packer="ecppack",
    configuration="{name}.config",
    configuration_option="--textcfg",
    packer_arguments=("--compress", "{configuration}", "{bitstream}"),
    suffix=".bit",
    constraints="lpf",
    constraint_arguments=("--lpf", "{file}"),
    free_arguments=("--lpf-allow-unconstrained",),
    models=("trellis_cells.v", "ecp5_cells.v"),
    library="ecp5",
    extra="ecp5",
)

GOWIN = Family(
    name="gowin",
    title="Gowin LittleBee and Arora",
    # -no-rw-check: models of blocks show nonsense where one port reads what the other writes, so a
    # design that looks there is found (`tests/verify/test_block_cells.py`).
    synth="synth_gowin -noiopads -nodsp -nolutram -no-rw-check",
    libraries=("read_verilog -lib +/gowin/cells_sim.v", "blackbox =A:whitebox"),
    pads=("iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O",),
    cells=CellNames(lut=("LUT",), ff=("DFF",), carry=("ALU",), bram=("SP", "SDP", "DP")),
    kinds={
        "LUT4": LOGIC,
        "LUT1": LOGIC,
        "LUT2": LOGIC,
        "LUT3": LOGIC,
        "ALU": LOGIC,
        "DFF": "flip-flop",
        "BSRAM": "block RAM",
        "IOB": "pin",
        "IBUF": "pin",
        "OBUF": "pin",
        "BUFG": "global buffer",
        "rPLL": "PLL",
    },
    together=("LUT4", "DFF"),
    site=r"X(?P<x>\d+)Y(?P<y>\d+)/\D*(?P<z>\d*)",
    placer="nextpnr-himbaechel-gowin",
    packer="gowin_pack",
    configuration="placed.json",
    packer_arguments=("-o", "{bitstream}", "{configuration}"),
    suffix=".fs",
    constraints="cst",
    constraint_arguments=("--vopt", "cst={file}"),
    models=("gowin_cells.v",),
    library="gowin",
    extra="gowin",
)

_EXPERIMENTAL = "experimental: built and simulated, never tried on silicon; "
_NO_MEMORY = "locgen has no simulation model of this family's block RAM and leaves it alone"

MACHXO2 = Family(
    name="machxo2",
    title="Lattice MachXO2",
    synth="synth_lattice -family xo2 -abc9 -nodsp -nolutram -nobram",
    cells=CellNames(lut=("LUT4",), ff=("TRELLIS_FF",), carry=("CCU2D",), bram=("DP8KC",)),
    kinds={
        "TRELLIS_COMB": LOGIC,
        "TRELLIS_FF": "flip-flop",
        "DP8KC": "block RAM",
        "TRELLIS_IO": "pin",
        "DCCA": "global buffer",
        "EHXPLLJ": "PLL",
    },
    together=("TRELLIS_COMB", "TRELLIS_FF"),
    site=r"X(?P<x>\d+)/Y(?P<y>\d+)/(SLICE(?P<slice>[A-D]))?\D*(?P<z>\d*)",
    placer="nextpnr-machxo2",
    packer="xo2pack",
    configuration="{name}.config",
    configuration_option="--textcfg",
    packer_arguments=("--compress", "{configuration}", "{bitstream}"),
    suffix=".bit",
    constraints="lpf",
    constraint_arguments=("--lpf", "{file}"),
    free_arguments=("--lpf-allow-unconstrained",),
    models=("trellis_cells.v", "machxo2_cells.v"),
    library="machxo2",
    extra="machxo2",
    experimental=_EXPERIMENTAL + "no serial link, no engines",
    no_memory=_NO_MEMORY,
)

NEXUS = Family(
    name="nexus",
    title="Lattice Nexus (CrossLink-NX)",
    # Carry chains: Yosys ties the unused input of a chain's first cell to a constant, which
    # nextpnr-nexus refuses ("CIN net driven by non-CCU2 cell"). A small core was smaller without.
    synth="synth_lattice -family lifcl -noiopad -abc9 -nodsp -nolutram -nobram -noccu2",
    libraries=("read_verilog -lib +/lattice/cells_sim_nexus.v", "blackbox =A:whitebox"),
    pads=("iopadmap -bits -inpad IB O:I -outpad OB I:O",),
    cells=CellNames(lut=("LUT4", "WIDEFN9"), ff=("FD1P3",), carry=("CCU2",), bram=("PDP", "DP16")),
    kinds={
        "OXIDE_COMB": LOGIC,
        "OXIDE_FF": "flip-flop",
        "OXIDE_EBR": "block RAM",
        "SEIO33_CORE": "pin",
        "SEIO18_CORE": "pin",
        "DCC": "global buffer",
        "PLL_CORE": "PLL",
    },
    together=("OXIDE_COMB", "OXIDE_FF"),
    site=r"X(?P<x>\d+)/Y(?P<y>\d+)/(SLICE(?P<slice>[A-D]))?\D*(?P<z>\d*)",
    placer="nextpnr-nexus",
    packer="prjoxide",
    configuration="{name}.fasm",
    configuration_option="--fasm",
    packer_arguments=("pack", "{configuration}", "{bitstream}"),
    suffix=".bit",
    constraints="pdc",
    constraint_arguments=("--pdc", "{file}"),
    models=("nexus_cells.v",),
    library="nexus",
    extra="nexus",
    experimental=_EXPERIMENTAL + "no serial link, no engines",
    no_memory=_NO_MEMORY,
)

FAMILIES: Mapping[str, Family] = {
    family.name: family for family in (ICE40, ECP5, GOWIN, MACHXO2, NEXUS)
}
"""By name, in the order of lists."""

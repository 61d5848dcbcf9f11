"""The families that open tools place and route."""

from collections.abc import Mapping

from locgen.targets.family import LOGIC, CellNames, Family

__all__ = ["FAMILIES", "ICE40"]

ICE40 = Family(
    name="ice40",
    title="Lattice iCE40",
    synth="synth_ice40 -abc9",
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
    core_options="-no-rw-check",
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
    models=("ecp5_cells.v",),
    library="ecp5",
    extra="ecp5",
)

GOWIN = Family(
    name="gowin",
    title="Gowin LittleBee and Arora",
    synth="synth_gowin -noiopads -nodsp -nolutram",
    core_options="-no-rw-check",
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

FAMILIES: Mapping[str, Family] = {family.name: family for family in (ICE40, ECP5, GOWIN)}
"""By name."""

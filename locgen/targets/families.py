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

FAMILIES: Mapping[str, Family] = {family.name: family for family in (ICE40,)}
"""By name."""

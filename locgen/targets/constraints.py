"""Pin constraints in the formats of the place and route tools."""

from collections.abc import Callable, Mapping

from locgen.devices.pins import Constraints

__all__ = ["FORMATS"]


def _pcf(wanted: Constraints) -> str:
    """For nextpnr-ice40."""
    lines = [
        f"set_io {'-pullup yes ' if pin.pull_up else ''}{pin.port} {pin.pin}" for pin in wanted.pins
    ]
    return "\n".join([*lines, f"set_frequency clk {wanted.clock_hz / 1e6:g}", ""])


def _lpf(wanted: Constraints) -> str:
    """For nextpnr-ecp5 and nextpnr-machxo2."""
    lines = []
    for pin in wanted.pins:
        pull = " PULLMODE=UP" if pin.pull_up else ""
        lines.append(f'LOCATE COMP "{pin.port}" SITE "{pin.pin}";')
        lines.append(f'IOBUF PORT "{pin.port}" IO_TYPE={wanted.standard}{pull};')
    return "\n".join([*lines, f'FREQUENCY PORT "clk" {wanted.clock_hz / 1e6:g} MHZ;', ""])


def _cst(wanted: Constraints) -> str:
    """For nextpnr-himbaechel with Gowin devices; the clock's frequency is told otherwise."""
    lines = []
    for pin in wanted.pins:
        pull = " PULL_MODE=UP" if pin.pull_up else ""
        lines.append(f'IO_LOC "{pin.port}" {pin.pin};')
        lines.append(f'IO_PORT "{pin.port}" IO_TYPE={wanted.standard}{pull};')
    return "\n".join([*lines, ""])


def _pdc(wanted: Constraints) -> str:
    """For nextpnr-nexus."""
    lines = []
    for pin in wanted.pins:
        pull = " PULLMODE=UP" if pin.pull_up else ""
        lines.append(f"ldc_set_location -site {{{pin.pin}}} [get_ports {{{pin.port}}}]")
        lines.append(
            f"ldc_set_port -iobuf {{IO_TYPE={wanted.standard}{pull}}} [get_ports {{{pin.port}}}]"
        )
    period = 1e9 / wanted.clock_hz
    lines.append(f"create_clock -period {period:.3f} -name {{clk}} [get_ports {{clk}}]")
    return "\n".join([*lines, ""])


FORMATS: Mapping[str, Callable[[Constraints], str]] = {
    "cst": _cst,
    "lpf": _lpf,
    "pcf": _pcf,
    "pdc": _pdc,
}

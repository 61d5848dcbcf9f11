"""From Amaranth components to RTLIL, what Yosys reads fastest."""

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Const, Value
from amaranth.lib import wiring

__all__ = ["emit_rtlil"]


def emit_rtlil(component: wiring.Component, name: str, *, reset: bool) -> str:
    """Return `component` as RTLIL with top module `name`, without source paths.

    Members that are constant by contract, such as the `ready` of an always ready stream, are no
    ports. Without `reset` there is no port ``rst``: registers start from their initial values.
    """
    ports = {}
    for path, _, value in component.signature.flatten(component):
        signal = Value.cast(value)
        if not isinstance(signal, Const):
            ports["__".join(str(part) for part in path)] = (signal, None)
    return rtlil.convert(
        component,
        name=name,
        ports=ports,
        emit_src=False,
        missing_domain=lambda domain: ClockDomain(domain, reset_less=not reset),
    )

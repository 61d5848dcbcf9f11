"""Conversion of Amaranth components to RTLIL, which Yosys reads fastest."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Const, Value
from amaranth.lib import wiring

__all__ = ["emit_rtlil", "ports_of"]

_PORT = re.compile(r"^  wire (?:width (\d+) )?(input|output) \d+ .*\\(\S+)$", re.MULTILINE)


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
    with _without_collection():
        return rtlil.convert(
            component,
            name=name,
            ports=ports,
            emit_src=False,
            missing_domain=lambda domain: ClockDomain(domain, reset_less=not reset),
        )


@contextmanager
def _without_collection() -> Iterator[None]:
    """Leave cycles of garbage alone for a while.

    Elaboration makes millions of objects that all live to its end: looking through them again and
    again took 40 % of the time on 4,450 splits.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def ports_of(text: str, name: str) -> list[tuple[str, str, int]]:
    """Return the ports of module `name` in RTLIL text: name, ``input`` or ``output``, width.

    The clock is not among them.
    """
    module = text.partition(f"module \\{name}\n")[2].partition("\nend\n")[0]
    ports = [(port, way, int(width or 1)) for width, way, port in _PORT.findall(module)]
    return [port for port in ports if port[0] != "clk"]

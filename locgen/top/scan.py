"""Shift registers around a core whose ports are wider than a package has pins.

For timing and area out of context. The registers are measuring equipment: their cells are
reported apart and never counted as the model's.
"""

from collections.abc import Mapping

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ScanTop"]

_FED = ("memory__load__payload", "memory__load__valid", "memory__check")
_SHOWN = (
    "memory__checking",
    "memory__loaded",
    "memory__digest",
    "evidence__payload",
    "evidence__valid",
)


class ScanTop(wiring.Component):
    """The module ``core``, a black box, between two shift registers.

    Data go in and out least significant bit first. Shift the features in with `shift` at 1, give
    one cycle of `start`, wait for `done`, shift the result out. `shift` is ignored while a
    transfer waits to be accepted, so that the payload stays frozen as the stream rules ask.

    Parameters
    ----------
    ports : mapping of str to int
        The core's ports by name, with their widths in bits: ``i__payload``, ``o__payload``,
        ``i__valid``, ``o__valid`` and, where the core has them, ``clk``, ``rst``, ``i__ready``,
        ``o__ready``, memory ports and evidence, which are shifted through registers of their own.

    Members
    -------
    clk : In(1)
        The clock of everything.
    shift : In(1)
        Moves both registers by one bit.
    scan_in : In(1)
        Enters the feature register at its top.
    start : In(1)
        Offers the features to the core.
    scan_out : Out(1)
        The lowest bit of the result register.
    done : Out(1)
        A result has arrived since `start`.
    other_out : Out(1)
        What the core's other outputs say, bit by bit; 0 for a core without such.

    Latency: a result is captured in the cycle in which ``o.valid`` is 1 and stands at `scan_out`
    one cycle later. One inference at a time.
    """

    clk: In(1)
    shift: In(1)
    scan_in: In(1)
    start: In(1)
    scan_out: Out(1)
    done: Out(1)
    other_out: Out(1)

    def __init__(self, ports: Mapping[str, int]) -> None:
        missing = {"i__payload", "i__valid", "o__payload", "o__valid"} - set(ports)
        if missing:
            raise ValueError(f"Ports of the core must include {', '.join(sorted(missing))}")
        self.ports = dict(ports)
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Build both shift registers and the black box between them."""
        m = Module()
        m.domains.sync = sync = ClockDomain("sync", reset_less=True)
        features, result = Signal(self.ports["i__payload"]), Signal(self.ports["o__payload"])
        payload = Signal.like(result)
        valid, ready, arrived = Signal(), Signal(), Signal()
        connections: dict[str, tuple[str, Value]] = {
            "clk": ("i", ClockSignal()),
            "rst": ("i", Const(0)),
            "i__payload": ("i", features),
            "i__valid": ("i", valid),
            "i__ready": ("o", ready),
            "o__payload": ("o", payload),
            "o__valid": ("o", arrived),
            "o__ready": ("i", Const(1)),
            **self._others(m, features[0]),
        }
        m.submodules.core = Instance(
            "core",
            *(
                (way, name, value)
                for name, (way, value) in connections.items()
                if name in self.ports
            ),
        )
        m.d.comb += [sync.clk.eq(self.clk), self.scan_out.eq(result[0])]
        if "i__ready" not in self.ports:
            m.d.comb += ready.eq(1)
        m.d.sync += valid.eq(self.start | (valid & ~ready))
        with m.If(self.shift & ~valid):
            m.d.sync += features.eq(Cat(features[1:], self.scan_in))
        with m.If(arrived):
            m.d.sync += [result.eq(payload), self.done.eq(1)]
        with m.Elif(self.shift):
            m.d.sync += result.eq(Cat(result[1:], Const(0, 1)))
        with m.If(self.start):
            m.d.sync += self.done.eq(0)
        return m

    def _others(self, m: Module, bit: Value) -> dict[str, tuple[str, Value]]:
        """Return the connections of memory ports and evidence.

        Inputs are fed from `bit`, shifted in beside the features; outputs are shown bit by bit.
        """
        fed, shown = (
            data.StructLayout({name: self.ports[name] for name in names if name in self.ports})
            for names in (_FED, _SHOWN)
        )
        connections: dict[str, tuple[str, Value]] = {}
        if fed.size:
            feed = Signal(fed)
            with m.If(self.shift):
                m.d.sync += feed.eq(Cat(bit, feed.as_value())[: fed.size])
            connections |= {name: ("i", feed[name]) for name in fed.members}
        if shown.size:
            show, value = Signal(shown.size), Signal(shown)
            m.d.sync += show.eq(value)
            with m.If(self.shift):
                m.d.sync += show.eq(show >> 1)
            m.d.comb += self.other_out.eq(show[0])
            connections |= {name: ("o", value[name]) for name in shown.members}
        return connections

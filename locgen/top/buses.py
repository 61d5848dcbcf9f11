"""Tops for a system on chip: a core as a Wishbone, AXI4-Lite or AXI4-Stream peripheral."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from .payload import response_layout
from .protocol import LinkParams
from .registers import ADDRESS_WIDTH, RegisterFile

__all__ = ["AxiLiteTop", "AxiStreamTop", "WishboneTop", "bus_top"]

_DATA = 32


def _connect_core(m: Module, core: wiring.Component, registers: RegisterFile) -> None:
    """Join a core and its registers."""
    m.submodules.core, m.submodules.registers = core, registers
    wiring.connect(m, registers.request, core.i)
    wiring.connect(m, core.o, registers.response)
    if registers.params.has_memories:
        wiring.connect(m, registers.memory, core.memory)


class WishboneTop(wiring.Component):
    """A core behind the registers of docs/buses.md, on a Wishbone B4 bus, classic cycles.

    Parameters
    ----------
    core : as for `BoardTop`, without evidence
    params : the design's widths and digest

    Members
    -------
    cyc, stb, we : In(1); adr : In(12), of a word; dat_w : In(32); sel : In(4)
    dat_r : Out(32); ack, err : Out(1), one clock after `stb`, for one clock

    A write of less than a word, or one that the registers refuse, ends with `err`.
    """

    def __init__(self, core: wiring.Component, params: LinkParams) -> None:
        self.core = core
        self.registers = RegisterFile(params)
        super().__init__(
            {
                "cyc": In(1),
                "stb": In(1),
                "we": In(1),
                "adr": In(ADDRESS_WIDTH - 2),
                "dat_w": In(_DATA),
                "sel": In(_DATA // 8),
                "dat_r": Out(_DATA),
                "ack": Out(1),
                "err": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Answer each bus cycle from the registers."""
        m = Module()
        registers = self.registers
        _connect_core(m, self.core, registers)
        asked, whole = Signal(), Signal()
        m.d.comb += [
            asked.eq(self.cyc & self.stb & ~self.ack & ~self.err),
            whole.eq(self.sel.all()),
            registers.address.eq(self.adr),
            registers.data.eq(self.dat_w),
            registers.write.eq(asked & self.we & whole),
        ]
        refused = Signal()
        m.d.comb += refused.eq(self.we & (registers.refused | ~whole))
        m.d.sync += [
            self.dat_r.eq(registers.read),
            self.ack.eq(asked & ~refused),
            self.err.eq(asked & refused),
        ]
        return m


class AxiLiteTop(wiring.Component):
    """A core behind the registers of docs/buses.md, on AXI4-Lite.

    Parameters
    ----------
    core, params : as for `WishboneTop`

    Members
    -------
    s_axi_* : the five channels with addresses of 14 bits and data of 32; `awprot` and `arprot` are
        ignored

    One transaction at a time; reads wait for a write that has come in the same clock. A write of
    less than a word, or one that the registers refuse, is answered with SLVERR.
    """

    OKAY, SLVERR = 0, 2

    def __init__(self, core: wiring.Component, params: LinkParams) -> None:
        self.core = core
        self.registers = RegisterFile(params)
        inputs = {
            "awaddr": ADDRESS_WIDTH, "awprot": 3, "awvalid": 1, "wdata": _DATA,
            "wstrb": _DATA // 8, "wvalid": 1, "bready": 1, "araddr": ADDRESS_WIDTH, "arprot": 3,
            "arvalid": 1, "rready": 1,
        }  # fmt: skip
        outputs = {
            "awready": 1, "wready": 1, "bresp": 2, "bvalid": 1, "arready": 1, "rdata": _DATA,
            "rresp": 2, "rvalid": 1,
        }  # fmt: skip
        members = {f"s_axi_{name}": In(width) for name, width in inputs.items()}
        members |= {f"s_axi_{name}": Out(width) for name, width in outputs.items()}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Answer each transaction from the registers."""
        m = Module()
        registers = self.registers
        _connect_core(m, self.core, registers)
        writes, reads, whole = Signal(), Signal(), Signal()
        m.d.comb += [
            whole.eq(self.s_axi_wstrb.all()),
            writes.eq(self.s_axi_awvalid & self.s_axi_wvalid & ~self.s_axi_bvalid),
            reads.eq(self.s_axi_arvalid & ~self.s_axi_rvalid & ~writes),
            self.s_axi_awready.eq(writes),
            self.s_axi_wready.eq(writes),
            self.s_axi_arready.eq(reads),
            registers.address.eq(Mux(writes, self.s_axi_awaddr[2:], self.s_axi_araddr[2:])),
            registers.data.eq(self.s_axi_wdata),
            registers.write.eq(writes & whole),
            self.s_axi_rresp.eq(self.OKAY),
        ]
        with m.If(self.s_axi_bvalid & self.s_axi_bready):
            m.d.sync += self.s_axi_bvalid.eq(0)
        with m.If(writes):
            refused = registers.refused | ~whole
            m.d.sync += [
                self.s_axi_bvalid.eq(1),
                self.s_axi_bresp.eq(Mux(refused, self.SLVERR, self.OKAY)),
            ]
        with m.If(self.s_axi_rvalid & self.s_axi_rready):
            m.d.sync += self.s_axi_rvalid.eq(0)
        with m.If(reads):
            m.d.sync += [self.s_axi_rvalid.eq(1), self.s_axi_rdata.eq(registers.read)]
        return m


class AxiStreamTop(wiring.Component):
    """A core between two AXI4-Streams: a row a beat in, an answer a beat out, in order.

    Parameters
    ----------
    core : as for `BoardTop`, without evidence and memories that must be loaded
    params : the design's widths
    depth : answers that are kept for a receiver that is slow, at least 1: as many rows are in the
        core or waiting at most, so `depth` above the latency keeps a pipeline full

    Members
    -------
    s_axis_tdata : In, the payload of a predict request (docs/protocol.md), in whole bytes
    s_axis_tvalid, s_axis_tlast : In(1); s_axis_tready : Out(1)
    m_axis_tdata : Out, the payload of a predict response
    m_axis_tvalid, m_axis_tlast : Out(1); m_axis_tready : In(1)

    `tlast` of a row comes back with its answer. Bits above the features are ignored. An answer is
    offered two clocks after the core gives it.
    """

    def __init__(self, core: wiring.Component, params: LinkParams, depth: int) -> None:
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth!r}")
        self.core, self.params, self.depth = core, params, depth
        super().__init__(
            {
                "s_axis_tdata": In(8 * params.feature_bytes),
                "s_axis_tvalid": In(1),
                "s_axis_tlast": In(1),
                "s_axis_tready": Out(1),
                "m_axis_tdata": Out(8 * params.response_bytes),
                "m_axis_tvalid": Out(1),
                "m_axis_tlast": Out(1),
                "m_axis_tready": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the queues of answers and the count of rows on their way."""
        m = Module()
        params, core = self.params, self.core
        m.submodules.core = core
        width = len(core.o.payload.as_value())
        m.submodules.answers = answers = SyncFIFOBuffered(width=width, depth=self.depth)
        m.submodules.lasts = lasts = SyncFIFOBuffered(width=1, depth=self.depth)
        room = Signal(range(self.depth + 1), init=self.depth)  # rows that may still come in
        taken, given = Signal(), Signal()
        m.d.comb += [
            core.i.payload.eq(self.s_axis_tdata),
            core.i.valid.eq(self.s_axis_tvalid & (room != 0)),
            self.s_axis_tready.eq(core.i.ready & (room != 0)),
            taken.eq(core.i.valid & core.i.ready),
            lasts.w_data.eq(self.s_axis_tlast),
            lasts.w_en.eq(taken),
            answers.w_data.eq(core.o.payload.as_value()),
            answers.w_en.eq(core.o.valid),
            given.eq(self.m_axis_tvalid & self.m_axis_tready),
            self.m_axis_tvalid.eq(answers.r_rdy & lasts.r_rdy),
            self.m_axis_tlast.eq(lasts.r_data),
            answers.r_en.eq(given),
            lasts.r_en.eq(given),
        ]
        m.d.sync += room.eq(room + given - taken)
        fields = response_layout(params)(answers.r_data)
        parts = []
        if params.decision_bits:
            decision = Signal(8 * params.decision_bytes)
            m.d.comb += decision.eq(fields.decision)
            parts.append(decision)
        for number in range(params.outputs):
            score = Signal(signed(8 * params.score_bytes), name=f"score_{number}")
            m.d.comb += score.eq(fields.scores[number])
            parts.append(score.as_unsigned())
        m.d.comb += self.m_axis_tdata.eq(Cat(parts))
        return m


def bus_top(
    kind: str, core: wiring.Component, params: LinkParams, latency_cycles: int
) -> wiring.Component:
    """Return the top of that kind, one of `kinds.BUS_TOPS`, around `core`."""
    if kind == "axistream":
        return AxiStreamTop(core, params, latency_cycles + 4)
    return {"wishbone": WishboneTop, "axilite": AxiLiteTop}[kind](core, params)

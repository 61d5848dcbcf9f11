"""The scan wrapper: what is shifted in reaches the core, what it answers is shifted out."""

import gc

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from locgen.top import scan
from locgen.top.scan import ScanTop


class Busy(wiring.Component):
    """A core that accepts three cycles late and answers its features plus one."""

    i__payload: In(8)
    i__valid: In(1)
    i__ready: Out(1)
    o__payload: Out(8)
    o__valid: Out(1)

    def elaborate(self, platform):
        m = Module()
        count = Signal(2)
        m.d.comb += self.i__ready.eq(count == 3)
        m.d.sync += self.o__valid.eq(0)
        with m.If(self.i__valid):
            m.d.sync += count.eq(count + 1)
            with m.If(self.i__ready):
                m.d.sync += [self.o__valid.eq(1), self.o__payload.eq(self.i__payload + 1)]
        return m


def instance_of(core):
    """Stand in for `Instance`: the real core, connected as the instance would be."""

    def build(name, *connections):
        assert name == "core"
        m = Module()
        m.submodules.inner = core
        for direction, port, value in connections:
            if port in ("clk", "rst"):
                continue
            if direction == "i":
                m.d.comb += getattr(core, port).eq(value)
            else:
                m.d.comb += value.eq(getattr(core, port))
        return m

    return build


def test_round_trip(monkeypatch):
    monkeypatch.setattr(scan, "Instance", instance_of(Busy()))
    ports = {"i__payload": 8, "i__valid": 1, "i__ready": 1, "o__payload": 8, "o__valid": 1}
    dut = ScanTop(ports)
    answers = []

    async def clock(ctx):
        while True:
            await ctx.delay(5e-7)
            ctx.set(dut.clk, not ctx.get(dut.clk))

    async def bench(ctx):
        for word in (0, 1, 0x5A, 0xA5, 254, 255):
            ctx.set(dut.shift, 1)
            for position in range(8):
                ctx.set(dut.scan_in, (word >> position) & 1)
                await ctx.tick()
            ctx.set(dut.shift, 0)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.shift, 1)  # must not disturb the payload while it waits
            ctx.set(dut.scan_in, 1)
            await ctx.tick().repeat(2)
            ctx.set(dut.shift, 0)
            await ctx.tick().until(dut.done)
            answer = 0
            ctx.set(dut.shift, 1)
            for position in range(8):
                answer |= ctx.get(dut.scan_out) << position
                await ctx.tick()
            answers.append((word, answer))

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.add_testbench(clock, background=True)
    simulator.run()
    assert answers == [(w, (w + 1) % 256) for w in (0, 1, 0x5A, 0xA5, 254, 255)]


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_ports_of_a_stream_core_are_needed():
    with pytest.raises(ValueError, match="must include i__valid, o__payload, o__valid"):
        ScanTop({"i__payload": 3})
    gc.collect()  # while the warning about the half-made component is still ignored

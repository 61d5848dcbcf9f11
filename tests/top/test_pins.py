"""A core behind pins: rows in byte by byte, answers out byte by byte."""

import random

import pytest
from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from locgen.top.pins import PinsParams, PinsTop
from locgen.top.tinytapeout import UIO_DIRECTIONS, TinyTapeoutTop


class Echo(wiring.Component):
    """Decision: the row's low bits; scores: slices of the row. Answers after `latency` cycles."""

    def __init__(self, params, latency, busy=0):
        self.params, self.latency, self.busy = params, latency, busy
        members = {"decision": unsigned(params.decision_bits)} if params.decision_bits else {}
        members["scores"] = data.ArrayLayout(signed(params.score_bits), params.outputs)
        self.answer = data.StructLayout(members)
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(params.feature_bits))),
                "o": Out(stream.Signature(self.answer, always_ready=True)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        waited = Signal(8)
        m.d.comb += self.i.ready.eq(waited == self.busy)
        with m.If(self.i.valid & (waited != self.busy)):
            m.d.sync += waited.eq(waited + 1)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += waited.eq(0)
        valid, payload = self.i.valid & self.i.ready, self.i.payload
        for _ in range(self.latency):
            held_valid, held = Signal(), Signal.like(payload)
            m.d.sync += [held_valid.eq(valid), held.eq(payload)]
            valid, payload = held_valid, held
        m.d.comb += [self.o.valid.eq(valid), self.o.payload.as_value().eq(payload)]
        return m


def expected(params, row):
    """Return the bytes of the answer."""
    word = int.from_bytes(row, "little") & (1 << params.feature_bits) - 1
    found = b""
    if params.decision_bits:
        decision = word & (1 << params.decision_bits) - 1
        found += decision.to_bytes(params.decision_bytes, "little")
    word >>= params.decision_bits
    for _ in range(params.outputs):
        score = word & (1 << params.score_bits) - 1
        score -= (score >> params.score_bits - 1) << params.score_bits
        found += score.to_bytes(params.score_bytes, "little", signed=True)
        word >>= params.score_bits
    return found or b"\x00"


class Host:
    """Drives the pins as docs/pins.md says."""

    def __init__(self, ctx, pins, gap):
        self.ctx, self.pins, self.gap = ctx, pins, gap

    async def strobe(self, name):
        self.ctx.set(self.pins[name], 1)
        await self.ctx.tick().repeat(self.gap)
        self.ctx.set(self.pins[name], 0)
        await self.ctx.tick().repeat(self.gap)

    async def write(self, byte):
        self.ctx.set(self.pins["data_in"], byte)
        await self.strobe("write")

    async def answer(self, row, size):
        for byte in row:
            assert self.ctx.get(self.pins["ready"])
            await self.write(byte)
        for _ in range(100):
            await self.ctx.tick()
            if self.ctx.get(self.pins["done"]):
                break
        else:
            raise AssertionError("no answer")
        found = bytearray()
        for _ in range(size):
            found.append(self.ctx.get(self.pins["data_out"]))
            await self.strobe("read")
        return bytes(found)


def simulate(top, process):
    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()


def pins_of(top):
    names = ("data_in", "write", "read", "restart", "data_out", "ready", "done")
    return {name: getattr(top, name) for name in names}


SHAPES = [
    PinsParams(1, 1, 1, 0),
    PinsParams(8, 1, 4, 1),
    PinsParams(9, 0, 8, 1),
    PinsParams(21, 3, 9, 2),
    PinsParams(40, 9, 10, 3),
    PinsParams(5, 0, 1, 0),
]


@pytest.mark.parametrize("params", SHAPES, ids=str)
@pytest.mark.parametrize(("latency", "busy", "gap"), [(0, 0, 3), (1, 0, 3), (7, 5, 4)])
def test_rows_come_back_as_answers(params, latency, busy, gap):
    width = max(params.feature_bits, params.decision_bits + params.outputs * params.score_bits)
    params = PinsParams(width, params.decision_bits, params.score_bits, params.outputs)
    top = PinsTop(Echo(params, latency, busy), params)
    dice = random.Random(7)

    async def process(ctx):
        host = Host(ctx, pins_of(top), gap)
        for _ in range(6):
            row = dice.randbytes(params.row_bytes)
            assert await host.answer(row, params.answer_bytes) == expected(params, row)

    simulate(top, process)


def test_restart_forgets_half_a_row_and_reading_goes_round():
    params = PinsParams(24, 3, 9, 1)
    top = PinsTop(Echo(params, 2), params)

    async def process(ctx):
        host = Host(ctx, pins_of(top), 3)
        await host.write(0xFF)
        await host.strobe("restart")
        row = bytes([0x5A, 0x81, 0x33])
        twice = await host.answer(row, 2 * params.answer_bytes)
        assert twice == 2 * expected(params, row)
        await host.strobe("restart")
        assert ctx.get(top.done) == 0
        assert await host.answer(row[::-1], 3) == expected(params, row[::-1])

    simulate(top, process)


def test_strobes_while_busy_change_nothing():
    params = PinsParams(16, 8, 8, 1)
    top = PinsTop(Echo(params, 30), params)

    async def process(ctx):
        host = Host(ctx, pins_of(top), 3)
        await host.write(0x12)
        await host.write(0x34)
        assert ctx.get(top.ready) == 0
        for name in ("write", "read"):
            await host.strobe(name)
        await ctx.tick().repeat(30)
        assert (ctx.get(top.done), ctx.get(top.data_out)) == (1, 0x12)

    simulate(top, process)


def test_a_tile_has_its_pins_and_answers_after_its_reset():
    params = PinsParams(12, 4, 8, 1)
    tile = TinyTapeoutTop(PinsTop(Echo(params, 1), params))
    members = tile.signature.members
    assert {name: (members[name].flow, members[name].shape) for name in members} == {
        **dict.fromkeys(("ui_in", "uio_in"), (In, 8)),
        **dict.fromkeys(("uo_out", "uio_out", "uio_oe"), (Out, 8)),
        **dict.fromkeys(("ena", "clk", "rst_n"), (In, 1)),
    }

    async def cycle(ctx, count=1):
        for _ in range(count):
            for level in (1, 0):
                ctx.set(tile.clk, level)
                await ctx.delay(1e-6)

    async def process(ctx):
        await cycle(ctx, 4)
        ctx.set(tile.rst_n, 1)
        await cycle(ctx, 4)
        assert ctx.get(tile.uio_oe) == UIO_DIRECTIONS
        row = bytes([0xA7, 0x0C])
        for byte in row:
            ctx.set(tile.ui_in, byte)
            for level in (1, 0):
                ctx.set(tile.uio_in, level)
                await cycle(ctx, 3)
        await cycle(ctx, 4)
        assert ctx.get(tile.uio_out) == 0b0011_0000
        found = []
        for _ in range(params.answer_bytes):
            found.append(ctx.get(tile.uo_out))
            for level in (2, 0):
                ctx.set(tile.uio_in, level)
                await cycle(ctx, 3)
        assert bytes(found) == expected(params, row)
        ctx.set(tile.rst_n, 0)
        await cycle(ctx, 4)
        assert ctx.get(tile.uio_out) == 0b0001_0000

    simulator = Simulator(tile)
    simulator.add_testbench(process)
    simulator.run()

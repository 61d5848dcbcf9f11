# amaranth: UnusedElaboratable=no
"""Registers and streams of the bus tops, with a core that folds its payload."""

import random
from dataclasses import replace

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.sim import Simulator
from linkkit import SMALL, FakeCore, expected_result

from locgen.top.buses import AxiLiteTop, AxiStreamTop, WishboneTop
from locgen.top.protocol import LinkParams
from locgen.top.registers import REGISTERS, register_map, score_words

WIDE = LinkParams(70, 40, 48, 3, 0xFEDCBA9876543210)


class Pipeline(wiring.Component):
    """`FakeCore` with a register for each clock of latency: many rows under way at once."""

    def __init__(self, params, ready_delay, latency):
        self.inner, self.latency = FakeCore(params, ready_delay=ready_delay, latency=0), latency
        super().__init__(self.inner.signature)

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = self.inner
        wiring.connect(m, wiring.flipped(self.i), inner.i)
        payload, valid = inner.o.payload.as_value(), inner.o.valid
        for _ in range(self.latency):
            earlier, payload = payload, Signal(len(payload))
            m.d.sync += payload.eq(earlier)
            earlier, valid = valid, Signal()
            m.d.sync += valid.eq(earlier)
        m.d.comb += [self.o.payload.as_value().eq(payload), self.o.valid.eq(valid)]
        return m


class Refused(Exception):
    """The bus answered with an error."""


class Wishbone:
    def __init__(self, core, params):
        self.top = WishboneTop(core, params)

    async def access(self, ctx, address, value=None, select=15):
        top = self.top
        ctx.set(top.adr, address // 4)
        ctx.set(top.we, value is not None)
        ctx.set(top.dat_w, value or 0)
        ctx.set(top.sel, select)
        ctx.set(top.cyc, 1)
        ctx.set(top.stb, 1)
        ack = err = 0
        while not (ack or err):
            _, _, ack, err, data = await ctx.tick().sample(top.ack, top.err, top.dat_r)
        ctx.set(top.stb, 0)
        ctx.set(top.cyc, 0)
        await ctx.tick()
        assert not (ctx.get(top.ack) or ctx.get(top.err))
        if err:
            raise Refused
        return data


class AxiLite:
    def __init__(self, core, params):
        self.top = AxiLiteTop(core, params)

    async def access(self, ctx, address, value=None, select=15):
        top = self.top
        if value is None:
            ctx.set(top.s_axi_araddr, address)
            ctx.set(top.s_axi_arvalid, 1)
            await self.until(ctx, top.s_axi_arready)
            ctx.set(top.s_axi_arvalid, 0)
            await ctx.tick().repeat(2)
            ctx.set(top.s_axi_rready, 1)
            data = await self.until(ctx, top.s_axi_rvalid, top.s_axi_rdata)
            ctx.set(top.s_axi_rready, 0)
            return data
        ctx.set(top.s_axi_awaddr, address)
        ctx.set(top.s_axi_wdata, value)
        ctx.set(top.s_axi_wstrb, select)
        ctx.set(top.s_axi_awvalid, 1)
        await ctx.tick()
        ctx.set(top.s_axi_wvalid, 1)
        await self.until(ctx, top.s_axi_awready)
        ctx.set(top.s_axi_awvalid, 0)
        ctx.set(top.s_axi_wvalid, 0)
        await ctx.tick().repeat(2)
        ctx.set(top.s_axi_bready, 1)
        response = await self.until(ctx, top.s_axi_bvalid, top.s_axi_bresp)
        ctx.set(top.s_axi_bready, 0)
        if response:
            raise Refused
        return None

    async def until(self, ctx, signal, value=None):
        while True:
            _, _, level, got = await ctx.tick().sample(signal, signal if value is None else value)
            if level:
                return got


def run(top, test):
    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(test)
    simulator.run()


async def refuses(ctx, bus, *access):
    try:
        await bus.access(ctx, *access)
    except Refused:
        return True
    return False


@pytest.mark.parametrize("bus_type", [Wishbone, AxiLite])
@pytest.mark.parametrize(("params", "latency"), [
    (SMALL, 1), (SMALL, 40), (WIDE, 0), (replace(SMALL, decision_bits=0, outputs=1), 3),
])  # fmt: skip
def test_rows_through_registers(bus_type, params, latency):
    core = FakeCore(params, ready_delay=latency // 2, latency=latency)
    bus, source = bus_type(core, params), random.Random(latency)
    at, each = REGISTERS, score_words(params)

    async def test(ctx):
        assert await bus.access(ctx, at["STATUS"]) == 0b100
        low, high = [await bus.access(ctx, at[f"DIGEST_{half}"]) for half in ("LOW", "HIGH")]
        assert low | high << 32 == params.digest
        assert await bus.access(ctx, at["SHAPE"]) == params.outputs | params.capabilities << 16
        for _ in range(12):
            row = source.getrandbits(params.feature_bits)
            for word in range(register_map(params)["FEATURES"]):
                await bus.access(ctx, at["FEATURES"] + 4 * word, row >> 32 * word & 0xFFFFFFFF)
            assert await refuses(ctx, bus, at["FEATURES"], 0, 7)
            await bus.access(ctx, at["CONTROL"], 1)
            if latency == 40:  # the core holds the row: nothing moves it
                assert await bus.access(ctx, at["STATUS"]) & 1
                assert await refuses(ctx, bus, at["FEATURES"], 0)
                assert await refuses(ctx, bus, at["CONTROL"], 1)
            while not await bus.access(ctx, at["STATUS"]) & 2:
                pass
            decision, scores = expected_result(row, params)
            got = await bus.access(ctx, at["DECISION"])
            got |= await bus.access(ctx, at["DECISION_HIGH"]) << 32
            assert got == (decision or 0)
            for number, score in enumerate(scores):
                first = at["SCORES"] + 4 * number * each
                words = [await bus.access(ctx, first + 4 * k) for k in range(each)]
                value = sum(word << 32 * k for k, word in enumerate(words))
                assert value == score % (1 << 32 * each)
        for address in (at["MAGIC"], at["STATUS"], at["SCORES"], at["LOAD_DATA"], 0x0FFC, 0x3FFC):
            assert await refuses(ctx, bus, address, 1), hex(address)
        assert await refuses(ctx, bus, at["CONTROL"], 2)  # no memories to check
        assert not ctx.get(core.disturbed)

    run(bus.top, test)


@pytest.mark.parametrize(
    ("latency", "depth", "delay"), [(0, 1, 0), (1, 1, 0), (6, 3, 0), (6, 10, 2)]
)
def test_rows_through_streams(latency, depth, delay):
    """Whatever the receiver's pauses and however few answers fit, none is lost and all in order."""
    params, source = SMALL, random.Random(latency)
    core = Pipeline(params, delay, latency)
    top = AxiStreamTop(core, params, depth)
    rows = [(source.getrandbits(params.feature_bits), source.randrange(2)) for _ in range(60)]
    got = []

    async def send(ctx):
        spare = 8 * params.feature_bytes - params.feature_bits
        for row, last in rows:
            for _ in range(source.choice([0, 0, 3])):
                await ctx.tick()
            ctx.set(top.s_axis_tdata, row | source.getrandbits(spare) << params.feature_bits)
            ctx.set(top.s_axis_tlast, last)
            ctx.set(top.s_axis_tvalid, 1)
            ready = 0
            while not ready:
                _, _, ready = await ctx.tick().sample(top.s_axis_tready)
            ctx.set(top.s_axis_tvalid, 0)

    async def receive(ctx):
        held = None
        while len(got) < len(rows):
            ready = source.randrange(20) == 0 if len(got) < 20 else source.randrange(2)
            ctx.set(top.m_axis_tready, ready)
            _, _, valid, data, last = await ctx.tick().sample(
                top.m_axis_tvalid, top.m_axis_tdata, top.m_axis_tlast
            )
            assert held is None or (valid, data, last) == held  # valid stays, with its payload
            held = (valid, data, last) if valid and not ready else None
            if valid and ready:
                got.append((data.to_bytes(params.response_bytes, "little"), last))

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.add_testbench(receive)
    simulator.run()
    for (row, last), answer in zip(rows, got, strict=True):
        decision, scores = expected_result(row, params)
        said = decision.to_bytes(params.decision_bytes, "little")
        said += b"".join(s.to_bytes(params.score_bytes, "little", signed=True) for s in scores)
        assert answer == (said, last)


def test_what_the_map_cannot_hold():
    for changes, what in (
        ({"feature_bits": 32769}, "FEATURES must have at most 1024 words, not 1025"),
        ({"outputs": 1025}, "SCORES must have"),
        ({"score_bits": 65}, "score_bits must be at most 64, not 65"),
    ):
        with pytest.raises(ValueError, match=what):
            register_map(replace(SMALL, **changes))
    with pytest.raises(ValueError, match="depth must be at least 1"):
        AxiStreamTop(FakeCore(SMALL), SMALL, 0)

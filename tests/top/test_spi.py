# amaranth: UnusedElaboratable=no
"""The SPI peripheral: every byte both ways, at the fastest clock allowed and at odd phases."""

import random

import pytest
from amaranth.sim import Simulator

from locgen.top.spi import CLOCKS_PER_SPI_BIT, SpiPeripheral


class Bus:
    """A controller against a peripheral; `period` clocks a bit, `skew` of a clock between them."""

    def __init__(self, period, skew, seed):
        self.dut, self.period, self.skew = SpiPeripheral(), period, skew
        self.dice = random.Random(seed)
        self.to_send, self.heard, self.received, self.answers = [], [], [], []

    def run(self, test):
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)

        async def offer(ctx):
            """Offer bytes, with pauses; take note of those that were taken."""
            # No `repeat` or `until`: they would not survive the end of the simulation.
            while True:
                wanted = bool(self.to_send) and self.dice.randrange(4) > 0
                ctx.set(self.dut.i.valid, wanted)
                if wanted:
                    ctx.set(self.dut.i.payload, self.to_send[0])
                for _ in range(1 if wanted else self.dice.randrange(1, 40)):
                    _, _, ready = await ctx.tick().sample(self.dut.i.ready)
                while wanted and not ready:
                    _, _, ready = await ctx.tick().sample(self.dut.i.ready)
                if wanted:
                    self.answers.append(self.to_send.pop(0))

        async def take(ctx):
            while True:
                _, _, valid, item = await ctx.tick().sample(self.dut.o.valid, self.dut.o.payload)
                if valid:
                    assert not item.error
                    self.received.append(item.data)

        async def main(ctx):
            ctx.set(self.dut.spi.cs, 1)
            await ctx.delay(self.skew * 1e-6)
            await test(ctx, self)
            await ctx.delay(20e-6)

        simulator.add_testbench(main)
        for agent in (offer, take):
            simulator.add_testbench(agent, background=True)
        simulator.run()

    async def select(self, ctx, level):
        ctx.set(self.dut.spi.cs, level)
        await ctx.delay(self.period * 1e-6)
        assert ctx.get(self.dut.spi.miso_enable) == (not level)

    async def bits(self, ctx, byte, count=8):
        got = 0
        for position in range(7, 7 - count, -1):
            ctx.set(self.dut.spi.mosi, byte >> position & 1)
            await ctx.delay(self.period / 2 * 1e-6)
            ctx.set(self.dut.spi.sck, 1)
            got = got << 1 | ctx.get(self.dut.spi.miso)
            await ctx.delay(self.period / 2 * 1e-6)
            ctx.set(self.dut.spi.sck, 0)
        return got


@pytest.mark.parametrize("period", [CLOCKS_PER_SPI_BIT, 11, 20])
@pytest.mark.parametrize("skew", [0.01, 0.3, 0.77])
def test_every_byte_both_ways(period, skew):
    bus = Bus(period, skew, seed=period)
    sent = []
    bus.to_send = [bus.dice.randrange(1, 256) for _ in range(30)]
    offered = list(bus.to_send)

    async def test(ctx, bus):
        while bus.to_send or len(sent) < 40:
            await bus.select(ctx, 0)
            for _ in range(bus.dice.randrange(1, 6)):
                byte = bus.dice.randrange(256)
                sent.append(byte)
                bus.heard.append(await bus.bits(ctx, byte))
            await bus.select(ctx, 1)
        await bus.select(ctx, 0)
        sent.append(7)
        bus.heard.append(await bus.bits(ctx, 7))
        await bus.select(ctx, 1)

    bus.run(test)
    assert bus.received == sent
    assert [byte for byte in bus.heard if byte] == offered == bus.answers


def test_a_selection_that_ends_early():
    """The unfinished byte is forgotten, the next one is whole."""
    bus = Bus(CLOCKS_PER_SPI_BIT, 0.4, seed=1)

    async def test(ctx, bus):
        for count in range(8):
            await bus.select(ctx, 0)
            await bus.bits(ctx, 0xFF, count)
            await bus.select(ctx, 1)
            await bus.select(ctx, 0)
            await bus.bits(ctx, 0xA0 + count)
            await bus.select(ctx, 1)

    bus.run(test)
    assert bus.received == [0xA0 + count for count in range(8)]

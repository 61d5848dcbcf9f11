# amaranth: UnusedElaboratable=no
"""The 8N1 receiver and transmitter against a line driven and sampled in continuous time."""

import random

import pytest
from amaranth.sim import Simulator

from locgen.top.crc import SerialCrc32
from locgen.top.uart import UartReceiver, UartTransmitter, clocks_per_bit

CLOCK = 1e-6
DIVISORS = [4, 5, 7, 12, 16]


async def send_byte(ctx, line, byte, bit_time, stop=1):
    for bit in [0, *((byte >> index) & 1 for index in range(8)), stop]:
        ctx.set(line, bit)
        await ctx.delay(bit_time)


def receive(divisor, drive):
    """Run `drive(ctx, rx, bit_time)`; return the receiver's items as (data, error)."""
    dut = UartReceiver(1e6, 1e6 / divisor)
    items = []
    simulator = Simulator(dut)
    simulator.add_clock(CLOCK)

    async def collect(ctx):
        while True:
            _, _, valid, item = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                items.append((item.data, item.error))

    async def main(ctx):
        ctx.set(dut.rx, 1)
        await ctx.delay(15.2 * CLOCK)
        await drive(ctx, dut.rx, divisor * CLOCK)
        ctx.set(dut.rx, 1)
        await ctx.delay(11 * divisor * CLOCK)

    simulator.add_testbench(main)
    simulator.add_testbench(collect, background=True)
    simulator.run()
    return items


@pytest.mark.parametrize("divisor", DIVISORS)
@pytest.mark.parametrize("mismatch", [-0.02, 0.0, 0.02])
def test_receiver_takes_bytes_back_to_back(divisor, mismatch):
    source = random.Random(divisor)
    sent = [0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, *source.randbytes(20)]

    async def drive(ctx, rx, bit_time):
        for byte in sent:
            await send_byte(ctx, rx, byte, bit_time * (1 + mismatch))
            if source.randrange(2):  # otherwise the next start bit follows at once
                ctx.set(rx, 1)
                await ctx.delay(source.random() * 3 * bit_time)

    assert receive(divisor, drive) == [(byte, 0) for byte in sent]


@pytest.mark.parametrize("divisor", [12, 16])
def test_receiver_takes_four_percent_from_twelve_clocks_per_bit(divisor):
    async def drive(ctx, rx, bit_time):
        for factor in (0.96, 1.04):
            for byte in (0x00, 0xFF, 0x3C):
                await send_byte(ctx, rx, byte, bit_time * factor)

    assert receive(divisor, drive) == [(0, 0), (0xFF, 0), (0x3C, 0)] * 2


@pytest.mark.parametrize("divisor", DIVISORS)
def test_receiver_forgets_glitches(divisor):
    async def drive(ctx, rx, bit_time):
        for part in (0.1, 0.2, 0.24):
            ctx.set(rx, 0)
            await ctx.delay(part * bit_time)
            ctx.set(rx, 1)
            await ctx.delay(1.3 * bit_time)
        await send_byte(ctx, rx, 0xC3, bit_time)

    assert receive(divisor, drive) == [(0xC3, 0)]


@pytest.mark.parametrize("divisor", DIVISORS)
def test_receiver_reports_framing_errors_and_a_break_once(divisor):
    async def drive(ctx, rx, bit_time):
        await send_byte(ctx, rx, 0x5A, bit_time, stop=0)
        ctx.set(rx, 1)
        await ctx.delay(2 * bit_time)
        await send_byte(ctx, rx, 0x96, bit_time)
        ctx.set(rx, 0)
        await ctx.delay(37 * bit_time)
        ctx.set(rx, 1)
        await ctx.delay(2 * bit_time)
        await send_byte(ctx, rx, 0x69, bit_time)

    assert receive(divisor, drive) == [(0x5A, 1), (0x96, 0), (0x00, 1), (0x69, 0)]


@pytest.mark.parametrize("divisor", DIVISORS)
def test_transmitter_times_every_bit(divisor):
    dut = UartTransmitter(1e6, 1e6 / divisor)
    sent = [0x00, 0xFF, 0x55, 0x81]
    levels = []

    async def sample(ctx):
        assert ctx.get(dut.tx) == 1
        while True:
            _, _, level = await ctx.tick().sample(dut.tx)
            levels.append(level)

    async def main(ctx):
        await ctx.tick().repeat(7)
        for index, byte in enumerate(sent):
            ctx.set(dut.i.payload, byte)
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            if index == 2:
                await ctx.tick().repeat(10 * divisor + 3)
        await ctx.tick().repeat(11 * divisor)

    simulator = Simulator(dut)
    simulator.add_clock(CLOCK)
    simulator.add_testbench(main)
    simulator.add_testbench(sample, background=True)
    simulator.run()

    expected = [1] * 8
    for index, byte in enumerate(sent):
        for bit in [0, *((byte >> k) & 1 for k in range(8)), 1]:
            expected += [bit] * divisor
        expected += [1] * (4 if index == 2 else 0)
    assert levels[: len(expected)] == expected
    assert set(levels[len(expected) :]) == {1}


def test_divisors():
    assert clocks_per_bit(12e6, 1e6) == 12
    assert clocks_per_bit(12_000_000, 115200) == 104
    assert clocks_per_bit(12e6, 3e6) == 4
    assert clocks_per_bit(12.2e6, 3e6) == 4
    for baud, message in [
        (4e6, "at least 4 times baud, not 3.00 times; the highest baud at 1.2e.07 Hz is 3e.06"),
        (2.8e6, "within 2 %"),
        (921600 * 2, "within 2 %"),
        (0, "positive"),
    ]:
        with pytest.raises(ValueError, match=message):
            clocks_per_bit(12e6, baud)
    for component in (UartReceiver, UartTransmitter):
        with pytest.raises(ValueError, match="at least 4 times"):
            component(12e6, 4e6)


def test_crc_is_that_of_zlib_in_both_directions():
    dut = SerialCrc32()
    check = 0xCBF43926  # of b"123456789", as every table of CRCs gives it

    async def main(ctx):
        async def take(message):
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            ctx.set(dut.step, 1)
            for bit in (byte >> k & 1 for byte in message for k in range(8)):
                ctx.set(dut.bit, bit)
                await ctx.tick()
            ctx.set(dut.step, 0)

        await take(b"123456789")
        assert not ctx.get(dut.good)
        ctx.set(dut.step, 1)
        ctx.set(dut.emit, 1)
        emitted = 0
        for index in range(32):
            ctx.set(dut.bit, ctx.get(dut.crc_bit))
            emitted |= ctx.get(dut.crc_bit) << index
            await ctx.tick()
        assert emitted == check
        ctx.set(dut.emit, 0)
        await take(b"123456789" + check.to_bytes(4, "little"))
        assert ctx.get(dut.good)
        await take(b"123456789" + (check ^ 1).to_bytes(4, "little"))
        assert not ctx.get(dut.good)

    simulator = Simulator(dut)
    simulator.add_clock(CLOCK)
    simulator.add_testbench(main)
    simulator.run()

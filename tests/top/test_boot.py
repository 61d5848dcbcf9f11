# amaranth: UnusedElaboratable=no
"""Boot from a simulated SPI flash: the whole way from its pins to predictions over the link."""

import importlib
import random
from dataclasses import replace

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from amaranth.sim import Simulator
from linkkit import Bench, random_request
from memorykit import (
    CAPACITY,
    MEMORY,
    FakeMemoryCore,
    MemoryBench,
    MemoryHost,
    digest_of,
    make_image,
    prediction_with,
    random_image,
)

from locgen.host.frames import FrameReader, encode_frame
from locgen.host.messages import check_request, write_request
from locgen.resources import resource
from locgen.top.board import BoardTop
from locgen.top.boot import FlashLoader, FlashParams, flash_signature
from locgen.top.emit import emit_rtlil
from locgen.top.protocol import Capability, ErrorCode, LinkParams

OFFSET = 0x20000
CLOCK_NS = 1000  # of `Host`'s simulator
WAKE = FlashParams(OFFSET, CAPACITY, 35)


@pytest.fixture
def flash_model(monkeypatch):
    monkeypatch.syspath_prepend(resource("sim").parent)
    return importlib.import_module("sim").FlashModel


def image_bytes(words) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


class BootBench(MemoryBench):
    """A link, a loader and a fake core with a memory, with bytes and flash pins outside."""

    def __init__(self, flash: FlashParams = WAKE, params: LinkParams = MEMORY, **core):
        Bench.__init__(self, params, **core)
        self.loader = FlashLoader(flash)
        self.flash = self.loader.flash

    def join_memory(self, m: Module) -> None:
        m.submodules.loader = self.loader
        wiring.connect(m, self.link.memory, self.loader.link)
        wiring.connect(m, self.loader.memory, self.core.memory)


def held_to(model, pins, at_once: bool = True):
    """Return a process that holds a flash to `pins`: at once, or a whole clock late."""
    clocks = [0]

    async def flash(ctx):
        while True:
            if at_once:
                await ctx.changed(pins.cs, pins.sck)
                cs, sck, mosi = ctx.get(pins.cs), ctx.get(pins.sck), ctx.get(pins.mosi)
            else:
                _, _, cs, sck, mosi = await ctx.tick().sample(pins.cs, pins.sck, pins.mosi)
            ctx.set(pins.miso, model.pins(cs, sck, mosi, clocks[0] * CLOCK_NS))

    async def count(ctx):
        while True:
            await ctx.tick()
            clocks[0] += 1

    return flash, count


async def booted(ctx, bench, limit: int = 100 + 64 * (CAPACITY + 2) + 100) -> int:
    """Wait until the loader stands aside; return the clocks."""
    for clock in range(limit):
        if not ctx.get(bench.loader.link.checking):
            return clock
        await ctx.tick()
    raise AssertionError("the loader never ends")


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("words", [CAPACITY, 5])
def test_right_image(flash_model, words, at_once):
    bench = BootBench()

    async def test(ctx, host):
        image = random_image(host.random, words)
        model.contents = {OFFSET: image_bytes(image) + b"\x12\x34"}
        await booted(ctx, bench)
        assert (await host.hello(ctx)).digest == digest_of(image)
        for _ in range(3):
            await host.predicts(ctx, image)
        assert [ctx.get(word) for word in bench.core.words][:words] == image
        assert model.commands == [0xAB, 0x03]
        assert model.ignored == []
        assert model.read_bytes == 4 * words
        await ctx.tick().repeat(50)
        assert (ctx.get(bench.flash.cs), ctx.get(bench.flash.sck)) == (1, 0)

    model = flash_model({})
    MemoryHost(bench).run(test, *held_to(model, bench.flash, at_once))


def test_timing_is_the_documented_one(flash_model):
    bench = BootBench()
    image = make_image(1, 2, [3, 4])
    loads, checks = [], []

    async def test(ctx, host):
        await booted(ctx, bench)

    async def watch(ctx):
        clock, ports = 0, bench.core.memory
        while True:
            _, _, load, check = await ctx.tick().sample(ports.load.valid, ports.check)
            loads.extend([clock] * load)
            checks.extend([clock] * check)
            clock += 1

    model = flash_model({OFFSET: image_bytes(image)})
    MemoryHost(bench).run(test, watch, *held_to(model, bench.flash))
    assert loads[-1] == 64 * len(image) + 83 + WAKE.wake_cycles
    assert checks == [loads[-1] + 2]
    assert loads == [loads[-1] - 64 * k for k in reversed(range(len(image)))]


@pytest.mark.parametrize(
    "contents",
    [
        {},  # erased
        {OFFSET: bytes(64)},  # a count of 0
        {OFFSET: image_bytes([CAPACITY + 1, *range(20)])},
        {OFFSET: image_bytes([2**17 + CAPACITY, *range(20)])},
        {OFFSET: image_bytes([2**31 + CAPACITY, *range(20)])},
        {OFFSET: image_bytes([2**16, *range(20)])},
        {OFFSET - 4: image_bytes(make_image(0, 2))},  # one word before: a count of 0
        {0: bytes(range(256)) * 600},  # a bitstream that goes on over the image's place
    ],
)
def test_no_image_leaves_the_design_not_ready_until_it_is_updated(flash_model, contents):
    bench = BootBench()

    async def test(ctx, host):
        before = [ctx.get(word) for word in bench.core.words]
        await booted(ctx, bench)
        assert [ctx.get(word) for word in bench.core.words] == before
        await host.not_ready(ctx)
        assert not await host.check(ctx)
        image = random_image(host.random)
        await host.write_all(ctx, image)
        assert await host.check(ctx)
        await host.predicts(ctx, image)

    model = flash_model(contents)
    MemoryHost(bench).run(test, *held_to(model, bench.flash))
    assert model.read_bytes <= 8


@pytest.mark.parametrize("broken", [0, 1, 3, 7, CAPACITY - 1])
def test_a_wrong_word_is_found_by_the_check(flash_model, broken):
    bench = BootBench()

    async def test(ctx, host):
        image = random_image(host.random)
        wrong = list(image)
        wrong[broken] ^= 1 << (broken * 5 % 32) if broken else 1 ^ 2  # a smaller count
        model.contents = {OFFSET: image_bytes(wrong)}
        await booted(ctx, bench)
        await host.not_ready(ctx)
        await host.write_all(ctx, image)
        assert await host.check(ctx)
        await host.predicts(ctx, image)

    model = flash_model({})
    MemoryHost(bench).run(test, *held_to(model, bench.flash))


@pytest.mark.parametrize(
    ("asleep", "wake_ns", "boots"), [(True, 35_000, True), (True, 36_000, False), (False, 0, True)]
)
def test_a_sleeping_flash_is_woken_and_waited_for(flash_model, asleep, wake_ns, boots):
    bench = BootBench()
    image = make_image(0xFEDCBA9876543210, 0x5A5A)

    async def test(ctx, host):
        await booted(ctx, bench)
        assert (await host.hello(ctx)).digest == (digest_of(image) if boots else None)

    model = flash_model({OFFSET: image_bytes(image)}, asleep=asleep, wake_ns=wake_ns)
    MemoryHost(bench).run(test, *held_to(model, bench.flash))
    assert model.ignored == ([] if boots else [0x03])


def test_requests_during_boot_are_refused(flash_model):
    """Slow enough that several requests come before the end; none of them disturbs the loading."""
    flash = replace(WAKE, wake_cycles=6000)
    bench = BootBench(flash)

    async def test(ctx, host):
        image = random_image(host.random)
        model.contents = {OFFSET: image_bytes(image)}
        refused = []
        for frame in (
            random_request(MEMORY, host.number(), host.random),
            write_request(host.number(), 3, [1, 2, 3]),
            check_request(host.number()),
        ):
            assert await host.refused(ctx, frame) is ErrorCode.NOT_READY
        assert (await host.hello(ctx)).digest is None
        while ctx.get(bench.loader.link.checking):  # and while the words themselves come
            frame, at = write_request(host.number(), 3, [1, 2, 3]), model.read_bytes
            assert await host.refused(ctx, frame) is ErrorCode.NOT_READY
            refused.append(at)
        assert len(refused) > 5 and any(0 < at < 4 * CAPACITY for at in refused)
        await booted(ctx, bench, 8000)
        assert (await host.hello(ctx)).digest == digest_of(image)
        await host.predicts(ctx, image)
        for _ in range(2):
            image = random_image(host.random)
            await host.write_all(ctx, image)
            await host.not_ready(ctx)
            assert await host.check(ctx)
            await host.predicts(ctx, image)

    model = flash_model({})
    MemoryHost(bench).run(test, *held_to(model, bench.flash))
    assert model.commands == [0xAB, 0x03]


def test_a_core_that_was_loaded_by_the_bitstream_rests_while_the_loader_works():
    dut = FlashLoader(replace(WAKE, wake_cycles=1))
    waited = []

    async def test(ctx):
        ctx.set(dut.memory.loaded, 1)
        ctx.set(dut.flash.miso, 1)
        for clock in range(400):
            _, _, loaded, checking = await ctx.tick().sample(dut.link.loaded, dut.link.checking)
            assert loaded == (not checking)
            waited.extend([clock] * checking)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(test)
    simulator.run()
    assert waited == list(range(len(waited)))
    assert 2 * (8 + 32 + 32) < len(waited) < 200


def test_parameters_are_checked_and_made_for_a_clock():
    params = FlashParams(0, 2**16, 1)
    for bad in ({"offset": 2**24}, {"offset": -1}, {"words": 0}, {"words": 2**16 + 1}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            replace(params, **bad)
    with pytest.raises(ValueError, match="wake_cycles"):
        FlashParams(0, 1, 0)
    assert FlashParams.at_clock(5, 6, 12e6) == FlashParams(5, 6, 420)


def test_board_boots_and_answers_on_its_serial_line(flash_model):
    clock_hz = 4_000_000
    image = make_image(0x1122334455667788, 0x0F0F)
    dut = BoardTop(FakeMemoryCore(MEMORY), MEMORY, clock_hz, 1_000_000, OFFSET)
    assert dut.signature.members["flash"] == Out(flash_signature())
    simulator = Simulator(dut)
    simulator.add_clock(1 / clock_hz)
    reader, received, bit = FrameReader(), [], 1e-6
    model = flash_model({OFFSET: image_bytes(image)})

    async def listen(ctx):
        while True:
            await ctx.negedge(dut.tx)
            await ctx.delay(bit / 2)
            byte = 0
            for index in range(8):
                await ctx.delay(bit)
                byte |= ctx.get(dut.tx) << index
            await ctx.delay(bit)
            received.extend(reader.feed(bytes([byte])))

    async def talk(ctx):
        ctx.set(dut.rx, 1)
        await ctx.delay(2 * 400 * bit)
        frame = random_request(MEMORY, 1, random.Random(1))
        for line in (encode_frame(check_request(3)), encode_frame(frame)):
            for byte in line:
                for level in [0, *((byte >> index) & 1 for index in range(8)), 1]:
                    ctx.set(dut.rx, level)
                    await ctx.delay(bit)
            await ctx.delay(300 * bit)
        assert [answer.payload for answer in received[:1]] == [b"\1"]
        assert received[1:] == [prediction_with(image, frame, MEMORY)]

    simulator.add_testbench(talk)
    for watcher in (listen, *held_to(model, dut.flash)):
        simulator.add_testbench(watcher, background=True)
    simulator.run()


def test_board_refuses_a_flash_without_memories():
    plain = LinkParams(13, 2, 10, 3, 1, Capability.PREDICT)
    with pytest.raises(ValueError, match="without memories"):
        BoardTop(FakeMemoryCore(MEMORY), plain, 12_000_000, 1_000_000, OFFSET)


def test_ports_of_board_tops_with_memories():
    def ports(offset):
        top = BoardTop(FakeMemoryCore(MEMORY), MEMORY, 12_000_000, 1_000_000, offset)
        text = emit_rtlil(top, "top", reset=False)
        module = text[text.index("\nmodule \\top\n") :].split("\nend\n")[0]
        wires = [line.split() for line in module.splitlines() if line.startswith("  wire ")]
        return {wire[-1][1:] for wire in wires if "input" in wire or "output" in wire}

    assert ports(None) == {"clk", "rx", "tx"}
    flash = {"flash__sck", "flash__cs", "flash__mosi", "flash__miso"}
    assert ports(OFFSET) == {"clk", "rx", "tx"} | flash

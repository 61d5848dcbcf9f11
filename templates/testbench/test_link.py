"""Test of module `top`: request frames over its UART or SPI, answered byte for byte, or not at all.

`run.py` starts it.
"""

import json
import os
from pathlib import Path

import cocotb

from sim import (
    ClockDomain,
    FlashModel,
    Scoreboard,
    SpiController,
    SpiFlash,
    UartReceiver,
    UartTransmitter,
)

HERE = Path(__file__).resolve().parent
# How long to listen for an answer that must not come, in bit times: two bytes.
SILENCE_BITS = 20


async def boot(facts: dict, domain, dut) -> None:
    """Hold a flash to the pins and wait until the device has read and checked all of it."""
    words = json.loads((HERE / "flash.json").read_text())
    image = b"".join(word.to_bytes(4, "little") for word in words)
    pins = (getattr(dut, f"top_flash__{name}") for name in ("sck", "cs", "mosi", "miso"))
    # A short wake-up, so that it is over in the time that any clock gives.
    SpiFlash(FlashModel({facts["boot_offset"]: image}, wake_ns=10 * domain.period_ns), *pins)
    domain.start()
    # Two clocks a bit, a check of one clock a word, and what the flash is given to wake.
    await domain.cycles(66 * len(words) + facts["clock_hz"] // 20_000 + 1000)


@cocotb.test()
async def link_answers(dut):
    """Every request frame gets the expected answer; damaged ones none, and do no lasting harm."""
    facts = json.loads((HERE / "facts.json").read_text())
    frames = json.loads((HERE / "frames.json").read_text())
    board = Scoreboard()
    domain = ClockDomain(dut.top_clk)
    bit_ns = domain.period_ns * facts["clock_hz"] / facts["baud"]
    busy = facts["latency_cycles"] + facts["interval_cycles"]
    if facts["memory"]:  # a check reads all words
        busy += len(json.loads((HERE / "memory.json").read_text()))
    core_bits = busy * domain.period_ns / bit_ns
    if facts["top"] == "spi":
        pins = (getattr(dut, f"top_spi__{name}") for name in ("sck", "cs", "mosi", "miso"))
        transmitter = receiver = SpiController(*pins, bit_ns)
    else:
        transmitter = UartTransmitter(dut.top_rx, bit_ns)
    if facts["boot_offset"] is None:
        domain.start()
    else:
        await boot(facts, domain, dut)
    if facts["top"] == "uart":
        receiver = UartReceiver(dut.top_tx, bit_ns)
    await transmitter.idle(2)

    for number, frame in enumerate(frames):
        request, expected = bytes.fromhex(frame["request"]), bytes.fromhex(frame["response"])
        await transmitter.send(request)
        if expected:
            # Time for the answer's bytes, the core, and as much again.
            limit = 2 * (10 * (len(expected) + len(request)) + core_bits) + 100
            got = await receiver.read(len(expected), limit)
        else:
            got = b""
        await transmitter.idle(2 if expected else SILENCE_BITS + core_bits)
        got += await receiver.read(len(receiver.data), 0)
        board.check(number, frame["label"], "response", expected.hex(), got.hex())
        if receiver.framing_errors:
            board.check(number, frame["label"], "stop bits", 0, receiver.framing_errors)
            receiver.framing_errors = 0

    result = {
        "frames": len(frames),
        "mismatches": board.mismatches,
        "first_mismatch": board.first,
        "kept_mismatches": board.kept,
    }
    Path(os.environ["TESTBENCH_RESULTS"], "link.json").write_text(json.dumps(result))
    assert not board.mismatches, f"{board.mismatches} mismatches, the first: {board.first}"

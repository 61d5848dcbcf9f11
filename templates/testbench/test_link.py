"""Test of module `top`: request frames over its UART, answered byte for byte, or not at all.

`run.py` starts it.
"""

import json
import os
from pathlib import Path

import cocotb

from sim import ClockDomain, Scoreboard, UartReceiver, UartTransmitter

HERE = Path(__file__).resolve().parent
# How long to listen for an answer that must not come, in bit times: two bytes.
SILENCE_BITS = 20


@cocotb.test()
async def link_answers(dut):
    """Every request frame gets the expected answer; damaged ones none, and do no lasting harm."""
    facts = json.loads((HERE / "facts.json").read_text())
    frames = json.loads((HERE / "frames.json").read_text())
    board = Scoreboard()
    domain = ClockDomain(dut.top_clk)
    bit_ns = domain.period_ns * facts["clock_hz"] / facts["baud"]
    core_bits = (facts["latency_cycles"] + facts["interval_cycles"]) * domain.period_ns / bit_ns
    transmitter = UartTransmitter(dut.top_rx, bit_ns)
    domain.start()
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

"""Test of module `top` behind pins: rows byte by byte, every answer compared.

`run.py` starts it.
"""

import json
import os
from pathlib import Path

import cocotb

from sim import ClockDomain, PinsHost, Scoreboard

HERE = Path(__file__).resolve().parent


@cocotb.test()
async def pins_answer(dut):
    """Every row gets the expected answer, also after half a row that was given up."""
    facts = json.loads((HERE / "facts.json").read_text())
    rows = json.loads((HERE / "frames.json").read_text())
    board = Scoreboard()
    domain = ClockDomain(dut.top_clk, dut.top_rst)
    domain.start()
    host = PinsHost(dut.top_clk, dut, "top_")
    await domain.reset(4)
    await domain.cycles(4)
    patience = 2 * (facts["latency_cycles"] + facts["interval_cycles"]) + 20
    for number, row in enumerate(rows):
        request, expected = bytes.fromhex(row["request"]), bytes.fromhex(row["response"])
        if number % 4 == 1 and len(request) > 1:
            await host.write(request[0] ^ 0xFF)
            await host.strobe("restart")
        got = await host.answer(request, len(expected), patience)
        shown = got.hex() if isinstance(got, bytes) else str(got)
        board.check(number, row["label"], "answer", expected.hex(), shown)
    result = {
        "frames": len(rows),
        "mismatches": board.mismatches,
        "first_mismatch": board.first,
        "kept_mismatches": board.kept,
    }
    Path(os.environ["TESTBENCH_RESULTS"], "link.json").write_text(json.dumps(result))
    assert not board.mismatches, f"{board.mismatches} mismatches, the first: {board.first}"

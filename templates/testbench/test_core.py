"""Test of module `core`: every vector's result, its latency and the interval, to the cycle.

First all vectors back to back, then some of them with random pauses. `run.py` starts it.
"""

import json
import os
import random
from pathlib import Path

import cocotb

from sim import ClockDomain, Field, MemoryPort, Scoreboard, StreamMonitor, StreamSource

HERE = Path(__file__).resolve().parent
STALLED_VECTORS = 200
STALL_SEED = 1


def result_fields(facts: dict) -> list:
    """Fields of o__payload: the decision, if there is one, then the scores."""
    fields = [Field("decision", facts["decision_bits"])] if facts["decision_bits"] else []
    scores = range(facts["outputs"])
    return fields + [Field(f"score {k}", facts["score_bits"], signed=True) for k in scores]


def check_evidence(
    facts: dict, vectors: dict, board: Scoreboard, expected: list, digits: list
) -> None:
    """Compare the digits that came, one run of them a vector, with golden's evidence."""
    beats, width = facts["evidence_beats"], facts["evidence_width"]
    board.check(0, "all vectors", "digits of evidence", beats * len(expected), len(digits))
    for k, word in enumerate(expected):
        run = digits[k * beats : (k + 1) * beats]
        if len(run) < beats:
            break
        got = sum(digit << n * width for n, digit in enumerate(run))
        board.check(k, vectors["labels"][k], "evidence", f"{word:x}", f"{got:x}")


class Pass:
    """Vectors sent through the core once, and what came back."""

    def __init__(self, facts: dict, vectors: dict, board: Scoreboard, domain, dut, core: str):
        self.facts, self.vectors, self.board = facts, vectors, board
        self.domain = domain
        self.source = StreamSource(domain, dut, f"{core}_i")
        self.monitor = StreamMonitor(domain, dut, f"{core}_o")
        self.sent = []

    async def run(self, count: int, stalls: list | None) -> None:
        """Send the first `count` vectors; wait for the answers, and a while for surplus ones."""
        latency, interval = self.facts["latency_cycles"], self.facts["interval_cycles"]
        payloads = [int(text, 16) for text in self.vectors["inputs"][:count]]
        sending = cocotb.start_soon(self.source.send_all(payloads, stalls, self.sent))
        budget = 2 * (count * interval + latency + sum(stalls or [])) + 100
        await self.monitor.wait(count, budget)
        sending.cancel()
        self.source.idle()
        await self.domain.cycles(latency + interval + 2)
        self.monitor.stop()
        self.check(count)

    def check(self, count: int) -> None:
        """Compare what came with what should have come, and when."""
        latency, interval = self.facts["latency_cycles"], self.facts["interval_cycles"]
        fields = result_fields(self.facts)
        seen, board, start = self.monitor.transfers, self.board, None
        for k in range(count):
            label = self.vectors["labels"][k]
            if k >= len(seen) or k >= len(self.sent):
                board.check(k, label, "o__valid", 1, "no result in time")
                break
            expected = int(self.vectors["outputs"][k], 16)
            # The core is free again `interval` cycles after it last began.
            earliest = self.sent[k].raised
            held_up = start is not None and start + interval > earliest
            start = start + interval if held_up else earliest
            if not board.check_payload(k, label, fields, expected, seen[k].payload):
                pass
            elif held_up:
                board.check(
                    k, label, "interval_cycles", interval, seen[k].cycle - seen[k - 1].cycle
                )
            else:
                board.check(k, label, "latency_cycles", latency, seen[k].cycle - start)
            start = seen[k].cycle - latency
        if len(seen) > count:
            board.check(count - 1, "after the last vector", "results", count, len(seen))


async def load_model(facts: dict, words: list, board: Scoreboard, domain, port) -> None:
    """Load the engines' memories; on the way, see that half a model is not taken for one."""
    found = {}
    if facts["memory"] == "spram":
        found["loaded after power-up"] = (0, port.loaded())
    damaged = [*words]
    # Between the images of several engines lie zeros, which no checksum covers.
    covered = [place for place, word in enumerate(words) if word and place]
    damaged[random.Random(STALL_SEED).choice(covered)] ^= 1
    for label, chosen, loaded in (("one bit changed", damaged, 0), ("all words", words, 1)):
        await port.load(enumerate(chosen))
        found[f"loaded with {label}, before the check"] = (0, port.loaded())
        await port.check(2 * len(words) + 1000)
        found[f"loaded with {label}"] = (loaded, port.loaded())
    found["digest"] = (facts["digest"], f"{port.digest():016x}")
    for label, (expected, got) in found.items():
        board.check(0, label, "memory", expected, got)


async def check_core(dut, folder: Path, core: str) -> dict:
    """Simulate the core behind the bench's ports `core`_* on the vectors in `folder`."""
    facts, vectors = (json.loads((folder / f"{n}.json").read_text()) for n in ("facts", "vectors"))
    count = len(vectors["inputs"])
    board = Scoreboard()
    domain = ClockDomain(getattr(dut, f"{core}_clk"), getattr(dut, f"{core}_rst"))
    domain.start()

    first = Pass(facts, vectors, board, domain, dut, core)
    await domain.reset()
    if facts["memory"]:
        words = json.loads((folder / "memory.json").read_text())
        await load_model(facts, words, board, domain, MemoryPort(domain, dut, f"{core}_memory"))
    gathered = StreamMonitor(domain, dut, f"{core}_evidence") if facts["evidence_beats"] else None
    await first.run(count, None)
    if gathered is not None:
        gathered.stop()
        expected = json.loads((folder / "evidence.json").read_text())
        check_evidence(facts, vectors, board, expected, [t.payload for t in gathered.transfers])

    dice = random.Random(STALL_SEED)
    longest = 2 * facts["interval_cycles"] + 4
    stalls = [
        dice.choice([0, 0, dice.randrange(4), dice.randrange(longest)])
        for _ in range(min(count, STALLED_VECTORS))
    ]
    second = Pass(facts, vectors, board, domain, dut, core)
    await second.run(len(stalls), stalls)
    domain.stop()

    seen = first.monitor.transfers
    return {
        "vectors": count,
        "mismatches": board.mismatches,
        "latency_cycles": seen[0].cycle - first.sent[0].raised if seen and first.sent else None,
        "interval_cycles": seen[1].cycle - seen[0].cycle if len(seen) > 1 else None,
        "first_mismatch": board.first,
        "kept_mismatches": board.kept,
    }


@cocotb.test()
async def core_equals_golden(dut):
    """Every result equals golden's, in the cycle that the plan says."""
    result = await check_core(dut, HERE, "core")
    Path(os.environ["TESTBENCH_RESULTS"], "core.json").write_text(json.dumps(result))
    assert not result["mismatches"], "{mismatches} mismatches: {first_mismatch}".format_map(result)

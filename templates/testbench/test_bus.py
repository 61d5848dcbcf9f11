"""Test of module `top` behind a bus: rows in, golden's answers out, refusals where they belong.

`run.py` starts it.
"""

import json
import os
import random
from pathlib import Path

import cocotb

from sim import (
    AxiLiteMaster,
    AxiStreamSink,
    AxiStreamSource,
    BusError,
    ClockDomain,
    Scoreboard,
    WishboneMaster,
)

HERE = Path(__file__).resolve().parent
ROWS = 200
SEED = 1
MASK = 0xFFFFFFFF
BUSY, DONE, LOADED, CHECKING = 1, 2, 4, 8
START, CHECK = 1, 2


def bytes_of(bits: int) -> int:
    """Return the whole bytes that so many bits take."""
    return -(-bits // 8)


class Registers:
    """The registers of docs/buses.md, through a master."""

    def __init__(self, facts: dict, master):
        self.facts, self.master, self.at = facts, master, facts["registers"]

    async def refuses(self, address: int, value: int, *select: int) -> bool:
        """Return whether a write is answered with an error."""
        try:
            await self.master.write(address, value, *select)
        except BusError:
            return True
        return False

    async def read(self, name: str) -> int:
        """Return a register."""
        return await self.master.read(self.at[name])

    async def load(self, words: list) -> int:
        """Fill the memories and check them; return the status after it."""
        await self.master.write(self.at["LOAD_ADDRESS"], 0)
        for word in words:
            await self.master.write(self.at["LOAD_DATA"], word)
        await self.master.write(self.at["CONTROL"], CHECK)
        for _ in range(2 * len(words) + 1000):
            status = await self.read("STATUS")
            if not status & CHECKING:
                return status
        return status

    async def ask(self, row: int) -> tuple:
        """Return decision and scores for a row's payload."""
        facts = self.facts
        for word in range(-(-facts["feature_bits_total"] // 32)):
            await self.master.write(self.at["FEATURES"] + 4 * word, row >> 32 * word & MASK)
        await self.master.write(self.at["CONTROL"], START)
        for _ in range(2 * facts["latency_cycles"] + 2 * facts["interval_cycles"] + 100):
            if await self.read("STATUS") & DONE:
                break
        decision = await self.read("DECISION")
        if facts["decision_bits"] > 32:
            decision |= await self.read("DECISION_HIGH") << 32
        words = 1 if facts["score_bits"] <= 32 else 2
        scores = []
        for number in range(facts["outputs"]):
            score = 0
            for part in range(words):
                at = self.at["SCORES"] + 4 * (number * words + part)
                score |= await self.master.read(at) << 32 * part
            scores.append(score - (1 << 32 * words) if score >> 32 * words - 1 else score)
        return decision, scores


async def over_registers(facts: dict, vectors: dict, chosen: list, board, domain, dut) -> int:
    """Ask for the chosen rows one by one; return how many were asked."""
    kind = WishboneMaster if facts["top"] == "wishbone" else AxiLiteMaster
    prefix = "top_" if facts["top"] == "wishbone" else "top_s_axi_"
    registers = Registers(facts, kind(domain, dut, prefix))
    at = facts["registers"]
    await domain.reset()
    found = {"MAGIC": (0x314E474C, await registers.read("MAGIC"))}
    if facts["memory"]:
        words = json.loads((HERE / "memory.json").read_text())
        damaged = [*words]
        damaged[max(place for place, word in enumerate(words) if word)] ^= 1
        status = await registers.load(damaged)
        found["loaded with one bit changed"] = (0, status & LOADED)
        found["START without a model refused"] = (True, await registers.refuses(at["CONTROL"], 1))
        status = await registers.load(words)
        found["loaded"] = (LOADED, status & LOADED)
    digest = await registers.read("DIGEST_LOW") | await registers.read("DIGEST_HIGH") << 32
    found["digest"] = (facts["digest"], f"{digest:016x}")
    widths = facts["feature_bits_total"] | facts["decision_bits"] << 16 | facts["score_bits"] << 24
    found["WIDTHS"] = (widths, await registers.read("WIDTHS"))
    found["a write to MAGIC refused"] = (True, await registers.refuses(at["MAGIC"], 0))
    found["half a word refused"] = (True, await registers.refuses(at["FEATURES"], 0, 0b0011))
    found["a place without register refused"] = (True, await registers.refuses(0x0FFC, 0))
    found["a place without register"] = (0, await registers.master.read(0x0FFC))
    for label, (expected, got) in found.items():
        board.check(0, label, "registers", expected, got)
    for k in chosen:
        decision, scores = await registers.ask(int(vectors["inputs"][k], 16))
        expected = vectors["decision"][k] if facts["decision_bits"] else 0
        label = vectors["labels"][k]
        board.check(k, label, "decision", expected, decision)
        board.check(k, label, "scores", vectors["scores"][k], scores)
    return len(chosen)


def answer_of(facts: dict, vectors: dict, k: int) -> int:
    """Return the beat that answers a row: each field in whole bytes."""
    beat = at = 0
    if facts["decision_bits"]:
        beat, at = vectors["decision"][k], 8 * bytes_of(facts["decision_bits"])
    width = 8 * bytes_of(facts["score_bits"])
    for score in vectors["scores"][k]:
        beat |= (score & (1 << width) - 1) << at
        at += width
    return beat


async def over_stream(facts: dict, vectors: dict, chosen: list, board, domain, dut) -> int:
    """Send all rows at once, then the chosen ones with pauses on both sides."""
    source = AxiStreamSource(domain, dut, "top_s_axis_")
    sink = AxiStreamSink(domain, dut, "top_m_axis_")
    await domain.reset()
    dice, asked = random.Random(SEED), 0
    spare = 8 * bytes_of(facts["feature_bits_total"]) - facts["feature_bits_total"]
    everything = list(range(len(vectors["inputs"])))
    for rows, pause in ((everything, 1), (chosen, 2 * facts["interval_cycles"] + 4)):
        lasts = [dice.randrange(2) for _ in rows]
        beats = []
        for k, last in zip(rows, lasts, strict=True):
            garbage = dice.getrandbits(spare) << facts["feature_bits_total"] if spare else 0
            beats.append((int(vectors["inputs"][k], 16) | garbage, last))
        stalls = [dice.choice([0, 0, dice.randrange(pause)]) for _ in rows]
        slow = [dice.choice([0, 0, dice.randrange(pause)]) for _ in rows]
        budget = (len(rows) + 2) * (facts["interval_cycles"] + 2 * pause + 4)
        budget += 10 * facts["latency_cycles"]
        sending = cocotb.start_soon(source.send_all(beats, stalls))
        got = await sink.receive(len(rows), slow, budget)
        sending.cancel()
        board.check(0, "all rows", "answers", len(rows), len(got))
        for k, last, beat in zip(rows, lasts, got, strict=False):
            expected = (answer_of(facts, vectors, k), last)
            board.check(k, vectors["labels"][k], "beat and last", expected, beat)
        asked += len(rows)
        await domain.cycles(4)
    return asked


@cocotb.test()
async def bus_answers(dut):
    """Rows over the bus get golden's answers."""
    facts = json.loads((HERE / "facts.json").read_text())
    vectors = json.loads((HERE / "vectors.json").read_text())
    board = Scoreboard()
    domain = ClockDomain(dut.top_clk, dut.top_rst)
    domain.start()
    count = len(vectors["inputs"])
    chosen = sorted({k * (count - 1) // max(ROWS - 1, 1) for k in range(ROWS)})
    over = over_stream if facts["top"] == "axistream" else over_registers
    asked = await over(facts, vectors, chosen, board, domain, dut)
    result = {
        "frames": asked,
        "mismatches": board.mismatches,
        "first_mismatch": board.first,
        "kept_mismatches": board.kept,
    }
    Path(os.environ["TESTBENCH_RESULTS"], "link.json").write_text(json.dumps(result))
    assert not board.mismatches, f"{board.mismatches} mismatches, the first: {board.first}"

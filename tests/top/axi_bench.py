"""Replaces ``test_bus.py`` of a test bench: cocotbext-axi as the other side of module `top`."""

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

HERE = Path(__file__).resolve().parent


def size(bits):
    return -(-bits // 8)


def answer(facts, vectors, k):
    said = b""
    if facts["decision_bits"]:
        said += vectors["decision"][k].to_bytes(size(facts["decision_bits"]), "little")
    for score in vectors["scores"][k]:
        said += score.to_bytes(size(facts["score_bits"]), "little", signed=True)
    return said


def pauses(seed):
    dice = random.Random(seed)
    while True:
        yield dice.randrange(3) == 0


async def lite(dut, facts, vectors, rows):
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "top_s_axi"), dut.top_clk, dut.top_rst)
    for channel in (
        master.write_if.aw_channel,
        master.write_if.w_channel,
        master.write_if.b_channel,
        master.read_if.ar_channel,
        master.read_if.r_channel,
    ):
        channel.set_pause_generator(pauses(facts["registers"]["STATUS"]))
    at, got = facts["registers"], []
    payload_bytes = 4 * -(-facts["feature_bits_total"] // 32)
    refused = await master.write(at["MAGIC"], bytes(4))
    assert refused.resp == AxiResp.SLVERR
    assert (await master.read(at["MAGIC"], 4)).data == b"LGN1"
    digest = (await master.read(at["DIGEST_LOW"], 8)).data
    assert int.from_bytes(digest, "little") == int(facts["digest"], 16)
    for k in rows:
        payload = int(vectors["inputs"][k], 16).to_bytes(payload_bytes, "little")
        await master.write(at["FEATURES"], payload)
        await master.write(at["CONTROL"], b"\1\0\0\0")
        while not (await master.read(at["STATUS"], 4)).data[0] & 2:
            pass
        decision = (await master.read(at["DECISION"], 4)).data if facts["decision_bits"] else b""
        scores = (await master.read(at["SCORES"], 4 * facts["outputs"])).data
        said = decision[: size(facts["decision_bits"])]
        for n in range(facts["outputs"]):
            value = int.from_bytes(scores[4 * n : 4 * n + 4], "little", signed=True)
            said += value.to_bytes(size(facts["score_bits"]), "little", signed=True)
        got.append(said)
    return got


async def streams(dut, facts, vectors, rows):
    source = AxiStreamSource(
        AxiStreamBus.from_prefix(dut, "top_s_axis"), dut.top_clk, dut.top_rst,
        byte_lanes=1,
    )  # fmt: skip
    sink = AxiStreamSink(
        AxiStreamBus.from_prefix(dut, "top_m_axis"), dut.top_clk, dut.top_rst,
        byte_lanes=1,
    )  # fmt: skip
    source.set_pause_generator(pauses(1))
    sink.set_pause_generator(pauses(2))
    inputs = [int(vectors["inputs"][k], 16) for k in rows]
    # Frames of 7 rows, each ended by tlast.
    for start in range(0, len(rows), 7):
        await source.send(AxiStreamFrame(inputs[start : start + 7]))
    got = []
    for start in range(0, len(rows), 7):
        frame = await sink.recv()
        assert len(frame.tdata) == len(rows[start : start + 7])
        width = size(facts["decision_bits"]) + facts["outputs"] * size(facts["score_bits"])
        got += [beat.to_bytes(width, "little") for beat in frame.tdata]
    return got


@cocotb.test()
async def bus_answers(dut):
    """Every row gets golden's answer."""
    facts = json.loads((HERE / "facts.json").read_text())
    vectors = json.loads((HERE / "vectors.json").read_text())
    cocotb.start_soon(Clock(dut.top_clk, 10, unit="ns").start())
    dut.top_rst.value = 1
    for _ in range(3):
        await RisingEdge(dut.top_clk)
    dut.top_rst.value = 0
    for _ in range(3):
        await RisingEdge(dut.top_clk)
    rows = range(len(vectors["inputs"]))
    got = await (streams if facts["top"] == "axistream" else lite)(dut, facts, vectors, rows)
    expected = [answer(facts, vectors, k) for k in rows]
    wrong = [k for k in rows if got[k] != expected[k]]
    first = None
    if wrong:
        k = wrong[0]
        first = {
            "vector": k, "label": vectors["labels"][k], "field": "answer",
            "expected": expected[k].hex(), "got": got[k].hex(),
        }  # fmt: skip
    result = {"frames": len(rows), "mismatches": len(wrong), "first_mismatch": first}
    Path(os.environ["TESTBENCH_RESULTS"], "link.json").write_text(
        json.dumps(result | {"kept_mismatches": []})
    )

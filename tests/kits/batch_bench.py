"""Test of several cores in one model, one after another; `batchkit.verify_together` starts it."""

import json
import os
from pathlib import Path

import cocotb
from check import check_core

HERE = Path(__file__).resolve().parent


@cocotb.test()
async def cores_equal_golden(dut):
    """Every core equals its golden; what was found of each lies beside its vectors."""
    mismatches, first = 0, None
    for number in range(json.loads((HERE / "facts.json").read_text())["cores"]):
        folder = HERE / f"core_{number}"
        result = await check_core(dut, folder, folder.name)
        (folder / "result.json").write_text(json.dumps(result))
        mismatches += result["mismatches"]
        first = first or result["first_mismatch"]
    joined = {
        "vectors": 0,
        "mismatches": mismatches,
        "latency_cycles": 0,
        "interval_cycles": 0,
        "first_mismatch": first,
        "kept_mismatches": [],
    }
    Path(os.environ["TESTBENCH_RESULTS"], "core.json").write_text(json.dumps(joined))

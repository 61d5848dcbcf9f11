"""A fabric of 1,024 sites as emitted Verilog, under the test bench that every build gets."""

import pytest
from modelkit import random_model

from locgen.plan import plan_tree
from locgen.targets.verilog import write_verilog
from locgen.top.emit import emit_rtlil
from locgen.top.tree import TreeFabric
from locgen.verify.simulate import run_testbench
from locgen.verify.testbench import write_testbench
from locgen.verify.vectors import make_vectors


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, "full"])
def test_1024_sites_equal_golden(tmp_path, width):
    model = random_model(4, features=4, nodes=1024, splits=2)
    plan = plan_tree(model, width, None)
    thresholds = [{} for _ in model.features]
    for number, node in enumerate(model.nodes):
        for feature, threshold, _ in node.comparisons:
            thresholds[feature].setdefault(threshold, f"node {number}")
    vectors = make_vectors(model.feature_bits, thresholds, model.evaluate)
    facts = {
        "name": "wide", "digest": "0" * 16, "fabric": "tree",
        "feature_bits_total": sum(model.feature_bits), "feature_bits": list(model.feature_bits),
        "decision_bits": model.decision.bits, "score_bits": model.score_bits,
        "outputs": model.outputs, "latency_cycles": plan.latency_cycles,
        "interval_cycles": plan.interval_cycles, "top": "stream", "clock_hz": 12_000_000,
        "baud": 1_000_000, "memory": None, "boot": False,
    }  # fmt: skip
    rtlil = emit_rtlil(TreeFabric(model, plan), "core", reset=True)
    verilog = write_verilog({"core": rtlil}, tmp_path, tmp_path / "logs", use_cache=False)
    write_testbench(tmp_path / "testbench", facts, vectors, None, {"core.v": verilog["core"]})
    result = run_testbench(tmp_path / "testbench", "rtl")
    assert result.vectors == len(vectors) and result.mismatches == 0
    assert result.latency_cycles == plan.latency_cycles
    assert result.interval_cycles == plan.interval_cycles

"""Ensembles over members of any family as hardware: fabrics and emitted Verilog equal golden."""

import metakit
import numpy as np
import pytest
from modelkit import simulate_fabric

import locgen
from locgen.flow.build import verify_rtl
from locgen.passes import prepare
from locgen.plan import plan_direct, plan_tree
from locgen.top.direct import DirectFabric
from locgen.top.tree import TreeFabric

OTHERS = [case for case in metakit.CASES if case not in metakit.QUICK]


def in_gates(case, fabric_of):
    estimator, arrays = metakit.fitted(case)
    model = locgen.compile(estimator, data=arrays).model
    largest = np.array([(1 << bits) - 1 for bits in model.feature_bits])
    q = np.concatenate([model.quantise(arrays[1][:8]), [0 * largest, largest]])
    decisions, scores = model.evaluate(q)
    for row, (decision, score, _, _) in enumerate(simulate_fabric(fabric_of(model), model, q, 0)):
        assert score == list(scores[row])
        assert decisions is None or decision == decisions[row]


def tree(model):
    return TreeFabric(prepare(model, "tree"), plan_tree(prepare(model, "tree"), 4, None))


def direct(model):
    return DirectFabric(prepare(model, "direct"), plan_direct(model, None, fast=False))


@pytest.mark.parametrize("case", metakit.QUICK)
def test_every_kind_in_gates(case):
    in_gates(case, tree)


@pytest.mark.parametrize("case", ["pairs-forest", "calibrated", "stack-boosted"])
def test_all_at_once(case):
    in_gates(case, direct)


def designed(case, fabric="tree"):
    estimator, arrays = metakit.fitted(case)
    return locgen.compile(estimator, "ice40", data=arrays, fabric=fabric)


def alternating(case):
    odd = metakit.VERILOG.index(case) % 2 and "svc" not in case
    return designed(case, "direct" if odd else "tree")


@pytest.mark.slow
@pytest.mark.parametrize("case", OTHERS)
def test_every_case_in_gates(case):
    assert verify_rtl(designed(case)).mismatches == 0


@pytest.mark.slow
@pytest.mark.parametrize("case", metakit.VERILOG)
def test_every_kind_in_verilog(case):
    assert verify_rtl(alternating(case)).mismatches == 0


@pytest.mark.slow
@pytest.mark.parametrize("case", ["vote-soft", "pairs-linear"])
def test_the_netlist_equals_golden(case, tmp_path):
    """A cascade with tables behind scores, and one that counts votes."""
    estimator, arrays = metakit.fitted(case)
    design = locgen.compile(estimator, "ice40", data=arrays, pnr=False, effort="low")
    built = design.build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]

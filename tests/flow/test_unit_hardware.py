"""Families that compute with sizes as hardware: fabrics and emitted Verilog equal golden."""

import numpy as np
import pytest
import unitkit
from modelkit import simulate_fabric

import locgen
from locgen.flow.build import verify_rtl
from locgen.passes import prepare
from locgen.plan import plan_direct, plan_tree
from locgen.top.direct import DirectFabric
from locgen.top.tree import TreeFabric


@pytest.mark.parametrize("number, case", unitkit.PARAMETERS)
def test_every_family_in_gates(number, case):
    """Amaranth's simulation of one of the fabrics, on test rows and the ends of all codes."""
    estimator, arrays = unitkit.fitted(case)
    model = locgen.compile(estimator, data=arrays).model
    largest = np.array([(1 << bits) - 1 for bits in model.feature_bits])
    few = 2 if "neighbours" in case else 12  # a row takes hundreds of cycles there
    q = np.concatenate([model.quantise(arrays[1][:few]), [0 * largest, largest]])
    decisions, scores = model.evaluate(q)
    if number % 2 or "neighbours" in case:  # all rows at once are far too many gates
        fabric = TreeFabric(model, plan_tree(model, 4, None))
    else:
        fabric = DirectFabric(prepare(model, "direct"), plan_direct(model, None, fast=False))
    answers = simulate_fabric(fabric, model, q, 0)
    for row, (decision, score, _, _) in enumerate(answers):
        assert score == list(scores[row])
        assert decisions is None or decision == decisions[row]


def designed(case):
    estimator, arrays = unitkit.fitted(case)
    number = list(unitkit.VERILOG).index(case)
    fabric = "tree" if "neighbours" in case else ("direct", "tree")[number % 2]
    return locgen.compile(estimator, "ice40", data=arrays, fabric=fabric)


@pytest.mark.slow
@pytest.mark.parametrize("case", unitkit.VERILOG)
def test_every_kind_in_verilog(case):
    design = designed(case)
    result = verify_rtl(design)
    assert result.mismatches == 0
    assert result.vectors >= min(1000, 2 ** sum(design.model.feature_bits))
    evidence = design.explain(unitkit.fitted(case)[1][1])
    assert (evidence.scores == evidence.bias + evidence.contributions.sum(axis=1)).all()

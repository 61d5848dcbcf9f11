"""Both fabrics equal golden for random models, with the latency and interval of the plan."""

import pytest
from modelkit import random_codes, random_model, simulate_fabric

from locgen.ir import Argmax, Identity, Threshold
from locgen.plan import plan_direct, plan_tree
from locgen.top.direct import DirectFabric
from locgen.top.tree import TreeFabric

SHAPES = [
    {"outputs": 1, "nodes": 1, "decision": Threshold(">=")},
    {"outputs": 1, "nodes": 7},
    {"outputs": 3, "nodes": 6, "splits": 9},
    {"outputs": 5, "nodes": 5},
    {"outputs": 1, "nodes": 3, "decision": Argmax(1)},
    {"outputs": 2, "nodes": 4, "decision": Identity()},
    {"outputs": 2, "nodes": 3, "missing": True, "splits": 12},
    {"outputs": 1, "nodes": 2, "splits": 0},
]


def check(fabric, plan, model, rows, gap=0):
    """Compare every answer and every cycle count."""
    codes = random_codes(model, rows)
    decisions, scores = model.evaluate(codes)
    answers = simulate_fabric(fabric, model, codes, gap)
    for number, (decision, score, start, end) in enumerate(answers):
        assert score == list(scores[number]), number
        if decisions is not None:
            assert decision == decisions[number], number
        if gap >= plan.interval_cycles or number == 0:
            assert end - start == plan.latency_cycles
    if not gap:
        ends = [answer[3] for answer in answers]
        steps = {after - before for before, after in zip(ends, ends[1:], strict=False)}
        assert steps == {plan.interval_cycles}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stages", [1, None])
def test_direct_fabric_equals_golden(shape, stages):
    model = random_model(1, **shape)
    plan = plan_direct(model, stages, fast=False)
    check(DirectFabric(model, plan), plan, model, 40)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("width", [1, 2, 4, 8, "full"])
def test_tree_fabric_equals_golden(shape, width):
    model = random_model(2, **shape)
    plan = plan_tree(model, width, None)
    check(TreeFabric(model, plan), plan, model, 12)


@pytest.mark.parametrize("gap", [1, 150])
def test_tree_fabric_with_pauses(gap):
    model = random_model(3, outputs=3, nodes=6)
    plan = plan_tree(model, 1, 2)
    check(TreeFabric(model, plan), plan, model, 8, gap)


def test_many_sites_and_two_broadcast_levels():
    model = random_model(4, features=3, nodes=70, splits=1)
    plan = plan_tree(model, 1, None)
    assert plan.broadcast_levels == 2
    check(TreeFabric(model, plan), plan, model, 4)

"""Where the registers of the direct fabric go, against all placements there are."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_model

from locgen.errors import ConfigurationError
from locgen.ir import Argmax, Identity, Threshold
from locgen.plan import estimate_plan, plan_direct
from locgen.plan.direct import _SLACK, _balance

DELAYS = st.lists(st.integers(1, 40).map(lambda n: n / 4), min_size=1, max_size=8)


def slowest(delays, registers):
    """Return the largest sum of delays between registers."""
    worst = run = 0.0
    for delay, register in zip(delays, registers, strict=True):
        run += delay
        worst = max(worst, run)
        run = 0.0 if register else run
    return worst


@settings(deadline=None, max_examples=150, derandomize=True)
@given(DELAYS)
def test_balance_is_the_best_of_all_placements(delays):
    count = len(delays)
    for stages in range(1, count + 1):
        found, registers = _balance(delays, stages)
        assert len(registers) == count and sum(registers) == stages and registers[-1]
        assert found == slowest(delays, registers)
        assert found == min(
            slowest(delays, [n in chosen for n in range(count - 1)] + [True])
            for chosen in combinations(range(count - 1), stages - 1)
        )


@pytest.mark.parametrize(
    "shape, add, decide",
    [
        ({"outputs": 1, "nodes": 1}, 0, 0),
        ({"outputs": 1, "nodes": 2}, 1, 0),
        ({"outputs": 1, "nodes": 5, "decision": Identity()}, 3, 0),
        ({"outputs": 1, "nodes": 8, "decision": Threshold(">=")}, 3, 0),
        ({"outputs": 1, "nodes": 9, "decision": Argmax(1)}, 4, 0),
        ({"outputs": 12, "nodes": 3}, 2, 4),
    ],
)
def test_units(shape, add, decide):
    model = random_model(1, **shape)
    plan = plan_direct(model, None, fast=False)
    assert (plan.add_levels, plan.decide_levels) == (add, decide)
    assert len(plan.registers) == 2 + add + decide
    for stages in range(1, len(plan.registers) + 1):
        for fast in (False, True):
            assert plan_direct(model, stages, fast).latency_cycles == stages
    for stages in (0, -1, len(plan.registers) + 1):
        with pytest.raises(ConfigurationError, match=f"--stages {stages} is outside 1 to"):
            plan_direct(model, stages, fast=False)


@pytest.mark.parametrize("nodes, outputs", [(1, 1), (7, 1), (12, 3), (40, 1)])
def test_automatic_stages(nodes, outputs):
    model = random_model(3, nodes=nodes, outputs=outputs, splits=9)
    every = [plan_direct(model, n, False) for n in range(1, 30) if n <= units(model)]
    clock = plan_direct(model, None, fast=False)
    goal = _SLACK * min(p.slowest_levels for p in every)
    assert clock.slowest_levels <= goal
    assert all(p.slowest_levels > goal for p in every[: clock.latency_cycles - 1])
    quick = plan_direct(model, None, fast=True)
    times = [p.latency_cycles * (p.slowest_levels + 1) for p in every]
    assert quick.latency_cycles * (quick.slowest_levels + 1) == min(times)


def units(model):
    return len(plan_direct(model, 1, False).registers)


def test_bits_per_inference_by_hand():
    model = random_model(5, nodes=3, outputs=2)
    bits = 0
    for node in model.nodes:
        bits += sum(model.features[f].bits for f in {c.feature for c in node.comparisons})
        bits += sum((max(column) - min(column)).bit_length()
                    for column in zip(*node.leaf_scores, strict=True))  # fmt: skip
    assert plan_direct(model, None, False).bits_per_inference == bits


@pytest.mark.parametrize("nodes", [1, 4, 20])
def test_estimates_grow_with_the_model(nodes):
    small = random_model(2, nodes=nodes, splits=3)
    large = random_model(2, nodes=2 * nodes, splits=8)
    cells = [estimate_plan(m, plan_direct(m, None, False)).logic_cells for m in (small, large)]
    assert 0 <= cells[0] < cells[1]

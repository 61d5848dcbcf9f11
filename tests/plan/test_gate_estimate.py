"""The estimate counts gate, header and masks."""

from dataclasses import replace

import numpy as np
import pytest
from gatekit import random_gate, random_mixture, random_node_mixture
from modelkit import random_model

from locgen.passes import prepare
from locgen.plan import estimate_plan, plan_direct, plan_tree
from locgen.plan.estimate import gate_cells
from locgen.plan.gatecost import gate_terms_of, rank_cells

KINDS = ["tree", "linear", "table", "l1", "l2"]


def plans(model):
    return plan_direct(model, None, False), plan_tree(prepare(model, "tree"), 1, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_larger_gate_costs_more_in_either_fabric(kind):
    small = random_node_mixture(1, ("linear",), kind, experts=2)
    large = random_node_mixture(1, ("linear",), kind, experts=8)
    for less, more in zip(plans(small), plans(large), strict=True):
        assert gate_cells(small, less) < gate_cells(large, more)
        assert gate_cells(large) < gate_cells(large, more)  # without what opens the experts
        whole = estimate_plan(large, more).logic_cells
        assert gate_cells(large, more) < whole


def test_a_model_without_a_gate_has_none():
    model = random_model(0)
    for plan in plans(model):
        assert gate_terms_of(model, plan) == {} and gate_cells(model, plan) == 0


def test_a_mask_needs_no_ranking_and_shared_comparisons_count_once():
    model = random_mixture(3, experts=4, gate="mask")
    assert rank_cells(model.gate) == 0
    assert rank_cells(random_mixture(3, experts=4, gate="scores").gate) > 0
    every = random_mixture(3, experts=4, top_k=4, gate="scores")
    assert rank_cells(every.gate) == 0
    direct, tree = plans(model)
    shared = gate_terms_of(model, direct)["comparison"]
    assert shared <= gate_terms_of(model, tree)["comparison"]


def test_a_slow_gate_is_seen_in_the_clock():
    model = random_node_mixture(2, ("table",), "tree", experts=8, top_k=1)
    random = np.random.default_rng(0)
    gate = random_gate(random, "linear", model.feature_bits, 8, 1)
    while len(gate.nodes[0].features) < 2:
        gate = random_gate(random, "linear", model.feature_bits, 8, 1)
    slow = replace(model, gate=gate)
    assert slow.gate.levels > model.gate.levels
    for fast_plan, slow_plan in zip(plans(model), plans(slow), strict=True):
        assert slow_plan.slowest_levels >= fast_plan.slowest_levels

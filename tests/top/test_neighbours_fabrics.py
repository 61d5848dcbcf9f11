"""Neighbours in both fabrics equal golden for every input, with the plan's cycles."""

import itertools

import numpy as np
import pytest
from modelkit import simulate_fabric
from neighbourkit import neighbours_model, random_neighbours
from nodekit import node_model, random_node
from test_fabrics import check

from locgen.ir import Argmax
from locgen.passes import prepare
from locgen.plan import plan_direct, plan_tree
from locgen.top.direct import DirectFabric
from locgen.top.tree import TreeFabric

SHAPES = [
    {"nearest": 1, "rows": 4},
    {"nearest": 2, "rows": 5},
    {"nearest": 3, "rows": 3},
    {"nearest": 3, "rows": 7, "metric": "l1"},
    {"nearest": 4, "rows": 6, "metric": "linf"},
    {"nearest": 3, "rows": 5, "outputs": 2, "regression": True},
    {"nearest": 1, "rows": 1},
    {"radius": 6, "rows": 6},
    {"radius": 0, "rows": 4, "metric": "l1"},
    {"radius": 2, "rows": 5, "metric": "linf", "outputs": 2, "regression": True},
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fabric", ["direct", "tree"])
def test_every_input(shape, fabric):
    """All codes of 3 and 2 bits: ties, the stored rows themselves, and both ends."""
    model = neighbours_model(1, **shape)
    q = np.array(list(itertools.product(range(8), range(4))))
    decisions, scores = model.evaluate(q)
    if fabric == "direct":
        gates = DirectFabric(prepare(model, "direct"), plan_direct(model, None, fast=False))
    else:
        plan = plan_tree(model, 2, None)
        assert plan.compute_beats == model.nodes[0].compute_cycles
        gates = TreeFabric(model, plan)
    for row, (decision, score, _, _) in enumerate(simulate_fabric(gates, model, q)):
        assert score == list(scores[row])
        assert decisions is None or decision == decisions[row]


@pytest.mark.parametrize("width", [1, 3, "full"])
def test_cycles_are_those_of_the_plan(width):
    model = neighbours_model(2, widths=(5, 0, 7), rows=9, nearest=3)
    plan = plan_tree(model, width, None, explain=width == 3)
    check(TreeFabric(model, plan), plan, model, 10)


@pytest.mark.parametrize("explain", [False, True])
def test_beside_other_kinds(explain):
    random = np.random.default_rng(3)
    widths = (3, 4, 2)
    nodes = [
        random_neighbours(random, widths, range(3)),
        random_node(random, "linear", widths, range(3)),
        random_node(random, "table", widths, range(3)),
    ]
    model = node_model(nodes, widths, 3, Argmax(3))
    plan = plan_tree(model, 2, 2, explain)
    check(TreeFabric(model, plan), plan, model, 10)
    plan = plan_direct(model, None, False, explain)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 10)

"""Both fabrics equal golden for models of every kind of node, mixed with trees as well."""

import pytest
from nodekit import random_nodes_model
from test_fabrics import check

from locgen.passes import prepare
from locgen.plan import plan_direct, plan_tree
from locgen.top.direct import DirectFabric
from locgen.top.tree import TreeFabric

KINDS = [
    ("table",),
    ("linear",),
    ("l1",),
    ("l2",),
    ("linf",),
    ("hamming",),
    ("tree", "table", "linear", "distance"),
]


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_direct_fabric_equals_golden(kinds, outputs, seed):
    model = random_nodes_model(seed, kinds, outputs)
    plan = plan_direct(model, None, fast=False)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 40)


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
@pytest.mark.parametrize("width", [1, 3, "full"])
@pytest.mark.parametrize("seed", range(3))
def test_tree_fabric_equals_golden(kinds, width, seed):
    model = random_nodes_model(10 + seed, kinds, outputs=1 + 2 * (seed > 0))
    plan = plan_tree(model, width, 1 + seed)
    check(TreeFabric(model, plan), plan, model, 10)

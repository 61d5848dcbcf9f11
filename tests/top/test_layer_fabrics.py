"""Both fabrics equal golden for models of two-layer nodes, with the plan's cycles."""

from dataclasses import replace

import pytest
from layerkit import SHAPES, random_layers_model
from nodekit import node_model, random_nodes_model
from test_fabrics import check

from locgen.ir import Argmax
from locgen.passes import prepare
from locgen.plan import plan_direct, plan_tree
from locgen.top.direct import DirectFabric
from locgen.top.tree import TreeFabric


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_direct_fabric_equals_golden(shape, outputs):
    model = random_layers_model(1, shape, outputs)
    plan = plan_direct(model, None, fast=False)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 40)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("width", [1, 3, "full"])
@pytest.mark.parametrize("outputs, nodes", [(1, 1), (3, 2)])
def test_tree_fabric_equals_golden(shape, width, outputs, nodes):
    model = random_layers_model(2, shape, outputs, nodes)
    plan = plan_tree(model, width, nodes)
    assert plan.compute_beats == max(node.compute_cycles for node in model.nodes)
    check(TreeFabric(model, plan), plan, model, 10)


@pytest.mark.parametrize("explain", [False, True])
def test_beside_nodes_of_every_other_kind(explain):
    other = random_nodes_model(4, ("tree", "table", "linear", "l2"), outputs=3)
    widths = tuple(f.bits for f in other.features)
    layered = random_layers_model(2, "l2", 3).nodes[0]
    used = tuple(f for f, bits in enumerate(widths) if bits)[: len(layered.features)]
    assert len(used) == len(layered.features)
    mine = replace(layered, features=used, feature_bits=tuple(widths[f] for f in used))
    model = node_model((*other.nodes, mine), widths, 3, Argmax(3))
    plan = plan_tree(model, 2, 2, explain)
    check(TreeFabric(model, plan), plan, model, 10)
    plan = plan_direct(model, None, False, explain)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 10)

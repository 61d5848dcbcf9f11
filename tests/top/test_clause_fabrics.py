"""Both fabrics equal golden for models of clauses, with evidence as well."""

import pytest
from clausekit import random_clause_model
from test_fabrics import check

from locgen.passes import prepare
from locgen.plan import plan_direct, plan_tree
from locgen.top.direct import DirectFabric
from locgen.top.tree import TreeFabric


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("stages", [1, None])
def test_direct_fabric_equals_golden(first, outputs, stages):
    model = random_clause_model(1, first, outputs)
    plan = plan_direct(model, stages, fast=False, explain=stages is None)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 60)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("width", [1, 3, "full"])
@pytest.mark.parametrize("outputs, nodes", [(1, 1), (3, 2)])
def test_tree_fabric_equals_golden(first, width, outputs, nodes):
    model = random_clause_model(2, first, outputs, nodes)
    plan = plan_tree(model, width, nodes, explain=width == 3)
    check(TreeFabric(model, plan), plan, model, 12)

"""Each kind of node, decision and feature stands in every table."""

import inspect
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest
from clausekit import random_clause_model
from layerkit import random_layers_model
from modelkit import random_codes, random_model
from neighbourkit import neighbours_model
from nodekit import random_nodes_model

from locgen.cores import CORES
from locgen.ir import Feature
from locgen.ir.decisions import (
    DECISIONS,
    STEPS,
    Argmax,
    Decision,
    Decisions,
    Group,
    Identity,
    Median,
    MultiOutput,
    Threshold,
    Votes,
)
from locgen.ir.float import FLOAT_NODES, FloatNodes
from locgen.ir.integer import NODES, Node, Nodes, SecondStageNode, trees_of
from locgen.resources import resource


def members(union):
    """Return the classes of a union, annotated or not, those of unions inside it too."""
    if get_origin(union) is Annotated:
        return members(get_args(union)[0])
    parts = get_args(union)
    return {cls for part in parts for cls in members(part)} if parts else {union}


def kinds(cls):
    """Return the names in JSON of a class."""
    return set(get_args(get_type_hints(cls)["kind"]))


@pytest.mark.parametrize(
    ("union", "table"),
    [(Nodes, NODES), (Decisions, DECISIONS), (Decision, DECISIONS), (FloatNodes, FLOAT_NODES)],
    ids=["integer nodes", "decisions", "decisions in JSON", "float nodes"],
)
def test_union_and_table_hold_the_same_kinds(union, table):
    assert members(union) == set(table.values())
    for name, cls in table.items():
        assert name in kinds(cls)
    assert set(table) == {name for cls in members(union) for name in kinds(cls)}


def test_nodes_in_json_are_all_nodes():
    assert members(Node) | members(SecondStageNode) == members(Nodes)


def test_every_node_has_a_core():
    assert set(CORES) == members(Nodes)
    serial = {cls for cls, forms in CORES.items() if forms.serial is not None}
    assert serial == members(Node)


@pytest.mark.parametrize(
    "cls", sorted(members(Nodes) | members(Decisions) | members(Feature), key=str)
)
def test_every_kind_keeps_its_contract(cls):
    assert not inspect.isabstract(cls)


def test_every_feature_has_a_quantiser_in_c():
    template = (resource("templates/host") / "locgen_model.h.j2").read_text()
    names = {cls.c_kind for cls in members(Feature)}
    assert len(names) == len(members(Feature)) and all(name in template for name in names)


GROUPS = (Group((0, 1, 2), Argmax(3)), Group((3,), Threshold(">")))
SIMPLE = (
    Argmax(7),
    Threshold(">="),
    Identity(),
    Votes(GROUPS, ((2, 0, 1), (1, 2)), (3, 2), 3),
    MultiOutput(GROUPS),
    Median((1, 2), 4),
)
"""All kinds but the cascade, which has tests of its own."""


@pytest.mark.parametrize("decision", SIMPLE, ids=lambda decision: decision.kind)
def test_a_decision_describes_itself(decision):
    assert decision.description and decision.root_cycles in (2, 3)
    assert all(type(step) in STEPS for step in decision.steps(8))
    assert len(decision.step_levels(True)) >= len(decision.step_levels(False))
    assert bool(decision.bits) == bool(decision.steps(8))
    outputs = decision.outputs or 4
    assert decision.targets(outputs) == (outputs if decision.scores_answer else decision.targets(1))
    assert len(decision.label_groups(range(decision.answers))) == decision.targets(1)


MODELS = (
    random_nodes_model(1, ("tree", "table", "linear", "l2", "linf", "hamming"), 2, count=6),
    random_model(2, outputs=3),
    random_clause_model(3, False, outputs=2),
    random_clause_model(3, True),
    random_layers_model(4, "l2", outputs=2),
    random_layers_model(4, "dot"),
    neighbours_model(5),
    neighbours_model(5, radius=3),
)


@pytest.mark.parametrize("model", MODELS, ids=range(len(MODELS)))
def test_a_node_describes_itself(model):
    q = random_codes(model, 5)
    for node in model.nodes:
        assert node.evidence_words and node.cells >= 0 and node.cost().luts >= 0
        assert (node.memory_blocks > 0) == bool(node.kept.units)
        account = node.account(q, model.missing_codes)
        for row in range(len(q)):
            own = {name: values[row] for name, values in account.items()}
            assert node.describe(own, q[row], model.wording) or not node.features


def test_trees_alone_are_trees():
    model = random_nodes_model(1, ("tree", "table"))
    assert trees_of(model.nodes[::2]) == model.nodes[::2]
    with pytest.raises(ValueError, match="trees alone"):
        trees_of(model.nodes)

"""The tables of cores hold every kind of node and every step of a decision."""

from typing import get_args

from locgen.cores import CORES, DECISION_STEPS
from locgen.ir.decisions import STEPS
from locgen.ir.integer import Node, Nodes


def test_every_kind_of_node_has_its_cores():
    assert set(CORES) == set(get_args(Nodes))
    of_a_model = get_args(get_args(Node)[0])
    assert all(CORES[kind].serial is not None for kind in of_a_model)


def test_every_step_of_a_decision_has_a_component():
    assert set(DECISION_STEPS) == set(STEPS)

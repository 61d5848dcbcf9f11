"""The scoreboard's own arithmetic, outside a simulator."""

import importlib

import pytest

from locgen.resources import resource


@pytest.fixture
def sim(monkeypatch):
    monkeypatch.syspath_prepend(resource("sim").parent)
    return importlib.import_module("sim")


def test_unpack_is_lsb_first_and_knows_signs(sim):
    fields = [sim.Field("decision", 2), sim.Field("a", 4, True), sim.Field("b", 4, True)]
    assert sim.unpack(fields, 0b0011_1110_10) == {"decision": 2, "a": -2, "b": 3}


def test_a_mismatch_names_the_first_field_that_differs(sim):
    board = sim.Scoreboard()
    fields = [sim.Field("decision", 1), sim.Field("score", 3, True)]
    assert board.check_payload(0, "first", fields, 0b1111, 0b1111)
    assert not board.check_payload(1, "second", fields, 0b1110, 0b1010)
    assert (board.compared, board.mismatches) == (2, 1)
    assert board.first == {
        "vector": 1,
        "label": "second",
        "field": "score",
        "expected": -1,
        "got": -3,
    }


@pytest.mark.parametrize("got", ["1", "XX", None, True])
def test_only_an_equal_integer_is_equal(sim, got):
    board = sim.Scoreboard()
    assert not board.check(0, "label", "field", 1, got)
    assert board.mismatches == 1


def test_a_vector_counts_once_and_only_the_first_are_kept(sim):
    board = sim.Scoreboard(keep=2)
    for vector in (4, 4, 5, 6):
        board.check(vector, "label", "field", 0, 1)
    assert board.mismatches == 3
    assert [kept["vector"] for kept in board.kept] == [4, 4]

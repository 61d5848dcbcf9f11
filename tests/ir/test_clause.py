"""Clause nodes: the integer reference against plain arithmetic."""

import json
from dataclasses import replace

import numpy as np
import pytest
from clausekit import by_hand, random_clause_model, random_clauses

from locgen.ir import ClauseNode, from_json, to_json

WIDTHS = (1, 3, 0, 2, 4)
ROWS = np.stack(
    [grid.ravel() for grid in np.meshgrid(*(np.arange(1 << w) for w in WIDTHS), indexing="ij")], 1
)
NO_MISSING = np.full(len(WIDTHS), -1)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_scores_ranges_terms_shifts_and_evidence(first, seed):
    node = random_clauses(np.random.default_rng(seed), first, WIDTHS, (2, 0))
    expected = [by_hand(node, row) for row in ROWS.tolist()]
    scores = node.evaluate(ROWS, NO_MISSING)
    assert scores.tolist() == [total for total, _ in expected]
    evidence = node.evidence(ROWS, NO_MISSING)
    assert evidence.tolist() == [fired for _, fired in expected]
    assert np.array_equal(node.recombine(evidence), scores)
    assert np.array_equal(node.total(node.account(ROWS, NO_MISSING)), scores)
    for column, (low, high) in zip(scores.T, node.ranges, strict=True):
        assert low <= column.min() and column.max() <= high
    parts = sum(term.evaluate(ROWS, NO_MISSING) for term in node.terms)
    assert np.array_equal(parts, scores)
    assert np.array_equal(node.shifted((4, -7)).evaluate(ROWS, NO_MISSING), scores + [4, -7])
    part = node.part_index(ROWS, NO_MISSING)
    assert {node.part_name(int(p)) for p in part} <= {
        *(f"clause {n}" for n in node.clause_ids),
        "no clause",
    }


def test_impossible_evidence_is_refused():
    node = random_clauses(np.random.default_rng(0), True, WIDTHS, (0,))
    with pytest.raises(ValueError, match="evidence"):
        node.recombine(np.array([[1, 1, 0, 0, 0]]))
    with pytest.raises(ValueError, match="evidence"):
        node.recombine(np.array([[2, 0, 0, 0, 0]]))


def test_kept_in_json():
    model = random_clause_model(3, True, outputs=2)
    assert from_json(to_json(model)) == model
    assert json.loads(to_json(model))["nodes"][0]["kind"] == "clause"


def test_nodes_that_do_not_fit_together():
    node = ClauseNode((((0, 1, True),),), ((3,),), (0,), (7,), False, (0,))
    for change, match in (
        ({"bias": (1, 2)}, "a bias for each output"),
        ({"clause_ids": ()}, "a number for each"),
        ({"clauses": (((0, -1, True),),)}, "must not be negative"),
    ):
        with pytest.raises(ValueError, match=match):
            replace(node, **change)
    model = random_clause_model(3, True)
    with pytest.raises(ValueError, match="tell codes of its feature apart"):
        replace(model, nodes=(replace(node, clauses=(((0, 1, True),),)),))

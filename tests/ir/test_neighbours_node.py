"""The neighbours node against a plain sort, its accounts, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neighbourkit import neighbours_model

from locgen.ir import from_json, to_json


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from(["l1", "l2", "linf"]),
    st.integers(1, 6),
    st.booleans(),
)
def test_against_a_plain_sort(seed, metric, nearest, regression):
    model = neighbours_model(
        seed, (3, 1, 4), 2, rows=6, nearest=nearest, metric=metric, regression=regression
    )
    (node,) = model.nodes
    q = np.random.default_rng(seed).integers(0, [8, 2, 16], (20, 3))
    found = node.evaluate(q, np.full(3, -1))
    for row, scores in zip(q.tolist(), found.tolist(), strict=True):
        sizes = [[abs(a - b) for a, b in zip(row, stored, strict=True)] for stored in node.stored]
        order = {"l1": sum, "linf": max, "l2": lambda each: sum(s * s for s in each)}[metric]
        first = sorted(range(6), key=lambda n: (order(sizes[n]), n))[:nearest]
        votes = np.array(node.votes)[first].sum(axis=0) + node.bias
        assert votes.tolist() == scores
        assert all(low <= s <= high for s, (low, high) in zip(scores, node.ranges, strict=True))
    account = node.account(q, np.full(3, -1))
    assert np.array_equal(node.total(account), found)
    assert (np.diff(account["distance"], axis=1) >= 0).all()
    assert account["distance"].max() < 1 << node.distance_bits
    assert np.array_equal(node.shifted((3, -2)).evaluate(q, np.full(3, -1)), found + [3, -2])
    assert from_json(to_json(model)) == model


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from(["l1", "l2", "linf"]),
    st.integers(0, 40),
    st.booleans(),
)
def test_all_rows_within_a_radius_vote(seed, metric, radius, regression):
    model = neighbours_model(
        seed, (3, 1, 4), 2, rows=6, metric=metric, regression=regression, radius=radius
    )
    (node,) = model.nodes
    q = np.random.default_rng(seed).integers(0, [8, 2, 16], (20, 3))
    found = node.evaluate(q, np.full(3, -1))
    within = node.distances(q) <= radius
    expected = within @ np.array(node.votes) + np.array(node.bias)
    assert np.array_equal(found, expected)
    low, high = np.array(node.ranges).T
    assert (low <= found).all() and (found <= high).all()
    account = node.account(q, np.full(3, -1))
    assert np.array_equal(node.total(account), found)
    assert ((account["share"] != 0).any(axis=2) <= (account["distance"] <= radius)).all()
    assert from_json(to_json(model)) == model
    with pytest.raises(ValueError, match="all stored rows may vote"):
        replace(node, nearest=2)


def test_wrong_nodes_are_refused():
    (node,) = neighbours_model(0).nodes
    for changes, words in (
        ({"nearest": 6}, "as many rows as vote"),
        ({"stored": ((9, 0),) * 5}, "made of codes"),
        ({"stored": ((1,),) * 5}, "a code for each feature"),
        ({"votes": ((1,),) * 5}, "a vote and a bias for each output"),
        ({"row_ids": (1,)}, "votes and a number for each"),
        ({"features": (1, 0)}, "must rise"),
        ({"feature_bits": (3, 0)}, "at least one bit"),
        ({"outputs": (0, 0, 1)}, "distinct"),
    ):
        with pytest.raises(ValueError, match=words):
            replace(node, **changes)

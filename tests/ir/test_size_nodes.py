"""Table, linear and distance nodes: the integer reference itself, against plain arithmetic."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from nodekit import METRICS, node_model, random_node, random_nodes_model

from locgen.errors import ModelFileError
from locgen.ir import (
    DistanceNode,
    IdentityFeature,
    LinearNode,
    TableNode,
    digest_of,
    from_json,
    to_json,
)
from locgen.ir.integer.cost import signed_digits

WIDTHS = (2, 3, 1, 2)
ROWS = np.array(list(itertools.product(*(range(1 << w) for w in WIDTHS))))
NO_MISSING = np.full(len(WIDTHS), -1)
KINDS = ("table", "linear", *METRICS)


def by_hand(node, row):
    """Return the scores of one row, as plainly as they can be written."""
    if isinstance(node, TableNode):
        return list(node.scores[row[node.feature]])
    if isinstance(node, LinearNode):
        pairs = list(zip(node.features, node.weights, strict=True))
        return [
            bias + sum(int(row[feature]) * weights[o] for feature, weights in pairs)
            for o, bias in enumerate(node.bias)
        ]
    sizes = [0]
    for feature, stored, weight in zip(node.features, node.prototype, node.weights, strict=True):
        d = abs(int(row[feature]) * 2**node.fraction - stored)
        sizes.append(weight * {"l1": d, "linf": d, "l2": d**2, "hamming": d != 0}[node.metric])
    return [node.bias - (max(sizes) if node.metric == "linf" else sum(sizes))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_scores_ranges_terms_and_shifts(kind, seed):
    node = random_node(np.random.default_rng(seed), kind, WIDTHS, (3, 0))
    scores = node.evaluate(ROWS, NO_MISSING)
    assert scores.dtype == np.int64 and scores.shape == (len(ROWS), len(node.outputs))
    assert scores.tolist() == [by_hand(node, row) for row in ROWS]
    for column, (low, high) in zip(scores.T, node.ranges, strict=True):
        assert low == column.min() and column.max() <= high
        if not getattr(node, "fraction", 0):
            assert high == column.max()
    parts = [term.evaluate(ROWS, NO_MISSING) for term in node.terms]
    assert np.array_equal(sum(parts), scores)
    assert all(len(term.features) <= 1 for term in node.terms) or kind == "linf"
    amounts = tuple(range(5, 5 + len(node.outputs)))
    assert np.array_equal(node.shifted(amounts).evaluate(ROWS, NO_MISSING), scores + amounts)
    assert node.load >= 1 and node.levels > 0 and node.stream_levels > 0
    assert node.comparisons == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_evidence_recombines(kind, seed):
    node = random_node(np.random.default_rng(seed), kind, WIDTHS, (1, 0))
    sent, scores = node.evidence(ROWS, NO_MISSING), node.evaluate(ROWS, NO_MISSING)
    assert sent.shape == (len(ROWS), len(node.evidence_bits)) and sent.min(initial=0) >= 0
    assert (sent < 1 << np.array(node.evidence_bits)).all()
    assert np.array_equal(node.recombine(sent), scores)
    moved = node.shifted(tuple(range(7, 7 + len(node.outputs))))
    assert moved.evidence_bits == node.evidence_bits
    assert np.array_equal(moved.evidence(ROWS, NO_MISSING), sent)
    with pytest.raises(ValueError, match="one that the node can give"):
        node.recombine(sent + (1 << max(node.evidence_bits)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_accounts_amount_to_the_scores(kind, seed):
    node = random_node(np.random.default_rng(seed), kind, WIDTHS, (1, 0))
    said, scores = node.account(ROWS, NO_MISSING), node.evaluate(ROWS, NO_MISSING)
    assert np.array_equal(node.total(said), scores)
    assert said["terms"].shape[::2] == (len(ROWS), len(node.outputs))
    assert node.adds_up == (kind != "linf")
    if node.adds_up:
        assert np.array_equal(said["terms"].sum(axis=1) + node.constant, scores)
    if kind == "table":
        assert node.part_name(int(node.part_index(ROWS, NO_MISSING)[-1])).startswith("code ")
    elif kind != "linear":
        assert np.array_equal(node.bias - said["distance"], scores[:, 0])
        assert set(said["prototype"]) == {node.prototype_id}
        assert node.part_name(0) == ""


def test_edges_are_codes_where_something_changes():
    table = TableNode(1, ((0,), (0,), (5,), (5,)), (0,))
    assert list(table.edges()) == [(1, 2)]
    long = TableNode(0, tuple((k,) for k in range(1 << 9)), (0,))
    assert 32 <= len(list(long.edges())) <= 64
    distance = DistanceNode((0, 2), (2, 1), (6, 1), (1, 1), "l1", 1, 0, 0, (0,))
    assert list(distance.edges()) == [(0, 3), (2, 0)]


def test_wrong_nodes_are_refused():
    table = TableNode(0, ((1,), (2,)), (0,))
    linear = LinearNode((0, 1), (2, 3), ((1,), (2,)), (0,), (0,))
    distance = DistanceNode((0, 1), (2, 3), (1, 5), (1, 1), "l2", 0, 0, 7, (0,))
    for node, changes, words in (
        (table, {"scores": ((1,), (2,), (3,))}, "one row for each code"),
        (table, {"scores": ((1, 2), (3, 4))}, "one score for each output"),
        (table, {"outputs": ()}, "at least one output"),
        (table, {"feature": -1}, "must not be negative"),
        (linear, {"features": (1, 0)}, "must rise"),
        (linear, {"feature_bits": (2,)}, "a width and weights for each"),
        (linear, {"feature_bits": (2, 0)}, "at least one bit"),
        (linear, {"bias": (0, 0)}, "a weight and a bias for each output"),
        (linear, {"outputs": (0, 0)}, "distinct"),
        (distance, {"prototype": (4, 5)}, "must be made of codes"),
        (distance, {"weights": (1, -1)}, "no negatives"),
        (distance, {"outputs": (0, 1)}, "exactly one output"),
        (distance, {"prototype": (1,)}, "a code and a weight for each"),
    ):
        with pytest.raises(ValueError, match=words):
            replace(node, **changes)
    for node in (table, linear, distance):
        with pytest.raises(ValueError, match="width of its features"):
            node_model([node], (4, 4), 1)
        with pytest.raises(ValueError, match="features of the model"):
            node_model([node], (), 1)
    accepting = (IdentityFeature("x0", 0, 0, True),)
    with pytest.raises(ValueError, match="no missing values"):
        replace(linear, features=(0,), feature_bits=(1,), weights=((1,),)).check(accepting)
    table.check(accepting)  # its last row is that of missing values


@pytest.mark.parametrize("seed", range(4))
def test_files_of_mixed_models(seed):
    model = random_nodes_model(seed, ("tree", "table", "linear", "distance"), outputs=2, count=5)
    text = to_json(model)
    assert from_json(text) == model
    assert digest_of(model) == digest_of(from_json(text))
    keys = json.loads(text)
    keys["nodes"][1]["colour"] = "red"
    with pytest.raises(ModelFileError, match="colour"):
        from_json(json.dumps(keys))
    keys = json.loads(text)
    keys["nodes"][1]["kind"] = "kernel"
    with pytest.raises(ModelFileError, match="kernel"):
        from_json(json.dumps(keys))


def test_signed_digits():
    for number in range(-600, 601):
        digits = signed_digits(number)
        assert sum(sign << shift for shift, sign in digits) == number
        assert all(b[0] - a[0] >= 2 for a, b in itertools.pairwise(digits))

"""QuantisedModel: golden against a slow second evaluation, widths of scores, what it refuses."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_codes, random_model

from locgen.ir import (
    AffineFeature,
    Argmax,
    Identity,
    IdentityFeature,
    RankFeature,
    SplitRule,
    Threshold,
    TreeNode,
)

SEEDS = st.integers(0, 10_000)
SHAPES = [
    {"outputs": 1, "nodes": 4, "decision": Threshold(">=")},
    {"outputs": 1, "nodes": 4, "decision": Threshold(">")},
    {"outputs": 4, "nodes": 5, "missing": True},
    {"outputs": 3, "nodes": 6},
    {"outputs": 2, "nodes": 3, "decision": Identity(), "missing": True},
    {"outputs": 1, "nodes": 1, "decision": Argmax(1)},
]


def slow_scores(model, row):
    """Return the scores of one row: recursion over plain integers, no NumPy."""

    def descend(node, position):
        if position < 0:
            return node.leaf_scores[~position]
        feature = node.feature[position]
        quantiser, value = model.features[feature], row[feature]
        if quantiser.missing and value == 2**quantiser.bits - 1:
            left = node.missing_left[position]
        else:
            left = value <= node.threshold[position]
        return descend(node, (node.left if left else node.right)[position])

    total = list(model.bias)
    for node in model.nodes:
        for output, score in zip(
            node.outputs, descend(node, 0 if node.feature else ~0), strict=True
        ):
            total[output] += score
    return total


def slow_decision(decision, scores):
    if isinstance(decision, Argmax):
        return min(range(len(scores)), key=lambda i: (-scores[i], i))
    return int(scores[0] > 0 or (scores[0] == 0 and decision.operator == ">="))


@pytest.mark.parametrize("shape", SHAPES)
@settings(deadline=None, max_examples=25, derandomize=True)
@given(seed=SEEDS)
def test_golden_equals_slow_evaluation(shape, seed):
    model = random_model(seed, **shape)
    codes = random_codes(model, 25, seed)
    decisions, scores = model.evaluate(codes)
    for number, row in enumerate(codes.tolist()):
        expected = slow_scores(model, row)
        assert scores[number].tolist() == expected
        if decisions is not None:
            assert decisions[number] == slow_decision(model.decision, expected)
    assert (decisions is None) == isinstance(model.decision, Identity)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(seed=SEEDS, shift=st.integers(-300, 300))
def test_score_bits_hold_the_ends_and_one_less_does_not(seed, shift):
    model = random_model(seed, outputs=2, nodes=3, splits=3)
    model = replace(model, bias=tuple(b + shift for b in model.bias))
    ends = [end for ends in model.score_ranges for end in ends]
    half = 1 << (model.score_bits - 1)
    assert all(-half <= end < half for end in ends)
    assert not all(-(half // 2) <= end < half // 2 for end in ends) or model.score_bits == 1


@pytest.mark.parametrize(
    "low, high, bits",
    [(0, 0, 1), (-1, -1, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-8, -8, 4), (-8, 7, 4), (0, 8, 5),
     (-9, 0, 5), (127, 127, 8), (-128, 5, 8)],
)  # fmt: skip
def test_score_bits_by_hand(low, high, bits):
    assert with_scores(low, high).score_bits == bits


@settings(deadline=None, max_examples=25, derandomize=True)
@given(seed=SEEDS)
def test_score_ranges_are_reached_by_lone_nodes_and_never_left(seed):
    model = random_model(seed, outputs=2, nodes=3)
    scores = model.scores(random_codes(model, 300, seed))
    for output, (low, high) in enumerate(model.score_ranges):
        assert low <= scores[:, output].min() and scores[:, output].max() <= high
    node = replace(model.nodes[0], outputs=tuple(range(len(model.nodes[0].outputs))))
    for column, (low, high) in enumerate(node.ranges):
        values = [row[column] for row in node.leaf_scores]
        assert (min(values), max(values)) == (low, high)


def with_scores(low, high):
    """Return a model with one stump of these two scores."""
    stump = TreeNode((0,), (0,), (False,), (~0,), (~1,), ((low,), (high,)), (1, 2), (0,))
    model = random_model(0, features=1, nodes=1)
    return replace(model, features=(RankFeature("x", (0.5,)),), nodes=(stump,), bias=(0,))


def test_argmax_takes_the_lowest_of_equal_scores():
    scores = np.array([[5, 5, 5], [1, 7, 7], [-3, -4, -3], [0, 0, 1]])
    assert Argmax(3).evaluate(scores).tolist() == [0, 1, 0, 2]


def test_threshold_at_zero():
    scores = np.array([[-1], [0], [1]])
    assert Threshold(">=").evaluate(scores).tolist() == [0, 1, 1]
    assert Threshold(">").evaluate(scores).tolist() == [0, 0, 1]
    assert Identity().evaluate(scores) is None


@pytest.mark.parametrize("outputs, bits", [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (12, 4)])
def test_argmax_bits(outputs, bits):
    assert Argmax(outputs).bits == bits


MODEL = random_model(11, outputs=2, nodes=2, features=3, missing=True)
LONE = with_scores(0, 1)
SPLIT = LONE.nodes[0]


@pytest.mark.parametrize(
    "model, change, message",
    [
        (MODEL, {"bias": ()}, "one entry an output"),
        (MODEL, {"score_offset": (0.0,)}, "one entry an output"),
        (MODEL, {"score_scale": (1.0,)}, "one entry an output"),
        (MODEL, {"score_scale": (1.0, 2.0)}, "one score_scale"),
        (LONE, {"score_scale": (0.0,)}, "score_scale must be finite"),
        (LONE, {"score_scale": (math.inf,)}, "score_scale must be finite"),
        (LONE, {"score_scale": (math.nan,)}, "score_scale must be finite"),
        (LONE, {"score_offset": (math.nan,)}, "score_offset must be finite"),
        (MODEL, {"decision": Argmax(3)}, "decision must be over"),
        (MODEL, {"decision": Threshold(">")}, "decision must be over"),
        (MODEL, {"task": "regression"}, "values as answer"),
        (LONE, {"decision": Identity()}, "values as answer"),
        (MODEL, {"classes": (0,)}, "label for each decision"),
        (LONE, {"classes": (0,)}, "label for each decision"),
        (LONE, {"nodes": ()}, "every output"),
        (LONE, {"nodes": (replace(SPLIT, outputs=(1,)),)}, "every output"),
        (LONE, {"nodes": (SPLIT, replace(SPLIT, outputs=(1,)))}, "no other"),
        (LONE, {"nodes": (replace(SPLIT, feature=(1,)),)}, "features of the model"),
        (LONE, {"nodes": (replace(SPLIT, threshold=(1,)),)}, "must split"),
        (LONE, {"nodes": (replace(SPLIT, threshold=(-1,)),)}, "must split"),
        (LONE, {"nodes": (replace(SPLIT, missing_left=(True,)),)}, "missing_left must be false"),
        (LONE, {"features": (RankFeature("x", ()),)}, "must split"),
        (LONE, {"features": (AffineFeature("x", 0.0, 1.0, 0, True),)}, "must split"),
        (LONE, {"features": (RankFeature("x", (), True),),
                "nodes": (replace(SPLIT, threshold=(1,)),)}, "must split"),
        (LONE, {"features": (RankFeature("x", (), True),),
                "nodes": (replace(SPLIT, threshold=(-2,)),)}, "must split"),
        (LONE, {"features": (IdentityFeature("x", 4, 4),)}, "must split"),
        (LONE, {"bias": (1 << 50,)}, "fit 48 bits"),
    ],
)  # fmt: skip
def test_refused(model, change, message):
    with pytest.raises(ValueError, match=message):
        replace(model, **change)


def test_thresholds_that_only_missing_values_meet_are_fine():
    features = (RankFeature("x", (0.5,), True),)
    for threshold in (-1, 0, 1):
        replace(LONE, features=features, nodes=(replace(SPLIT, threshold=(threshold,)),))


def test_raw_and_predict():
    model = replace(
        with_scores(-2, 3), classes=("no", "yes"), score_scale=(0.25,), score_offset=(1.0,)
    )
    x = np.array([[0.5], [np.nextafter(0.5, 1)]])
    assert model.raw(model.scores(model.quantise(x))).tolist() == [[0.5], [1.75]]
    assert model.predict(x).tolist() == ["no", "yes"]
    regression = replace(model, task="regression", decision=Identity(), classes=())
    assert regression.predict(x).tolist() == [0.5, 1.75]


def test_predict_of_several_outputs_keeps_a_column_each():
    model = random_model(2, outputs=2, nodes=2, decision=Identity())
    model = replace(model, score_scale=(0.5, 2.0), score_offset=(1.0, -1.0))
    x = np.zeros((3, 5))
    scores = model.scores(model.quantise(x))
    assert model.predict(x).tolist() == (scores * [0.5, 2.0] + [1.0, -1.0]).tolist()


def test_no_features_at_all():
    model = replace(random_model(1, features=1, splits=0, nodes=1), features=())
    codes = model.quantise(np.zeros((4, 0)))
    assert codes.shape == (4, 0)
    assert model.scores(codes).shape == (4, 1)


def test_split_rule_travels():
    assert MODEL.rule == SplitRule("<=", "float64", True)

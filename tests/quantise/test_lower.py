"""From float trees to integers: exact splits, decisions and rounding bounds by brute force."""

import math
from fractions import Fraction

import numpy as np
import pytest
from modelkit import random_float_model, random_rows

from locgen.ir import AffineFeature, Argmax, FloatTree, Identity, IdentityFeature, Threshold
from locgen.passes import Context, merge
from locgen.quantise.features import choose_features
from locgen.quantise.partialtrees import partial_trees
from locgen.quantise.widths.base import Widths

SEEDS = range(12)


def lowered(model, bits=8, kind="rank", feature_bits=None):
    """Return (skeleton, integer model) of `model`."""
    merged = merge.run(model, Context()).model
    skeleton = partial_trees(merged, choose_features(model, feature_bits, kind, None))
    return skeleton, skeleton.of_widths(Widths(bits), "m")


def leaf_table(skeleton, x):
    """Return the float tree's leaf of each row and tree."""
    leaves = skeleton.leaves_at(skeleton.columns(x))
    names = [np.array(node.leaf_scores)[:, 0] for node in skeleton.splits]
    return np.stack([of[own] for of, own in zip(names, leaves, strict=True)], axis=1)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_rank_codes_reach_the_leaf_of_the_float_tree(seed, missing):
    model = random_float_model(seed, infinite=True, missing=missing)
    skeleton, _ = lowered(model)
    x = random_rows(model, 200, seed)
    expected = np.stack([tree.leaf_index(x) for tree in model.trees], axis=1)
    assert np.array_equal(leaf_table(skeleton, x), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_leaf_ids_are_the_librarys(seed):
    model = random_float_model(seed, infinite=True, missing=True)
    _skeleton, quantised = lowered(model)
    x = random_rows(model, 100, seed)
    q = quantised.quantise(x)
    for tree, node in zip(model.trees, quantised.nodes, strict=True):
        leaves = node.leaf_index(q, quantised.missing_codes)
        assert np.array_equal(np.array(node.leaf_ids)[leaves], tree.leaf_ids[tree.leaf_index(x)])


def test_constant_comparisons_are_cut_out():
    tree = FloatTree(
        feature=np.array([0, 1, 0, 0]),
        cut=np.array([math.inf, 2.5, -math.inf, 1.0]),
        missing_left=np.array([False] * 4),
        left=np.array([1, 2, ~0, ~1]),
        right=np.array([~2, ~3, 3, ~4]),
        leaf_values=np.arange(5.0)[:, None],
        leaf_ids=np.arange(5) + 10,
        outputs=(0,),
    )
    model = random_float_model(0, trees=(tree,), features=2)
    skeleton, quantised = lowered(model)
    node = quantised.nodes[0]
    assert [c[:2] for c in node.comparisons] == [(0, 0), (1, 0)]
    assert sorted(node.leaf_ids) == [11, 13, 14]
    x = np.array([[0.0, 2.5], [1.0, 0.0], [1.5, 0.0], [0.0, 2.6]])
    assert leaf_table(skeleton, x)[:, 0].tolist() == [1, 1, 4, 3]


def test_missing_keeps_comparisons_that_numbers_alone_make_constant():
    tree = FloatTree(
        feature=np.array([0, 1]),
        cut=np.array([math.inf, -math.inf]),
        missing_left=np.array([False, True]),
        left=np.array([1, ~0]),
        right=np.array([~2, ~1]),
        leaf_values=np.arange(3.0)[:, None],
        leaf_ids=np.arange(3),
        outputs=(0,),
    )
    model = random_float_model(0, trees=(tree,), features=2, missing=True)
    skeleton, quantised = lowered(model)
    assert len(quantised.nodes[0].comparisons) == 2
    x = np.array([[0.0, 0.0], [0.0, np.nan], [np.nan, 0.0], [np.nan, np.nan]])
    assert leaf_table(skeleton, x)[:, 0].tolist() == [1, 0, 2, 2]


@pytest.mark.parametrize("direction", [math.inf, -math.inf])
def test_a_tree_of_constant_comparisons_is_a_leaf(direction):
    tree = FloatTree(
        np.array([0]), np.array([direction]), np.array([True]), np.array([~0]), np.array([~1]),
        np.array([[3.0], [5.0]]), np.array([1, 2]), (0,),
    )  # fmt: skip
    model = random_float_model(0, trees=(tree,), features=1)
    _, quantised = lowered(model)
    assert quantised.nodes[0].feature == ()
    assert quantised.nodes[0].leaf_ids == ((1,) if direction > 0 else (2,))
    assert quantised.feature_bits == (0,)


@pytest.mark.parametrize("seed", SEEDS)
def test_affine_codes_decide_as_their_threshold_says(seed):
    """Row by row, down the float tree with integer comparisons at each split."""
    model = random_float_model(seed, infinite=True, missing=seed % 2 == 1)
    skeleton, _ = lowered(model, kind="affine", feature_bits=4)
    x = random_rows(model, 120, seed)
    codes = [f.quantise(x[:, i]) for i, f in enumerate(skeleton.features)]
    table = leaf_table(skeleton, x)
    for number, tree in enumerate(model.trees):
        for row in range(len(x)):
            position = 0 if len(tree.feature) else ~0
            while position >= 0:
                f, cut = tree.feature[position], tree.cut[position]
                if np.isnan(x[row, f]):
                    left = tree.missing_left[position]
                elif np.isinf(cut):
                    left = cut > 0
                else:
                    left = codes[f][row] <= skeleton.features[f].threshold_of(cut)
                position = (tree.left if left else tree.right)[position]
            assert table[row, number] == ~position


@pytest.mark.parametrize("seed", SEEDS)
def test_identity_features_are_exact_on_integers(seed):
    model = random_float_model(seed)
    x = np.random.default_rng(seed).integers(-3, 8, size=(150, len(model.feature_names)))
    features = choose_features(model, None, "identity", x.astype(float))
    assert all(isinstance(f, IdentityFeature) for f in features)
    skeleton = partial_trees(model, features)
    expected = np.stack([tree.leaf_index(x.astype(float)) for tree in model.trees], axis=1)
    assert np.array_equal(leaf_table(skeleton, x), expected)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_merged_scores_decide_as_two_do_ties_included(seed, shared):
    """Leaves in halves: sums are exact, ties are common."""
    model = random_float_model(seed, outputs=2, halves=True, shared=shared)
    merged = merge.run(model, Context()).model
    assert merged.outputs == 1 and merged.decision == ">"
    x = random_rows(model, 300, seed)
    scores = model.scores(x)
    assert np.array_equal(merged.decide(merged.scores(x)), model.decide(scores))
    assert np.array_equal(merged.scores(x)[:, 0], scores[:, 1] - scores[:, 0])
    exact = exact_in_halves(merged)
    assert np.array_equal(exact.evaluate(exact.quantise(x))[0], model.decide(scores))


def test_ties_occur_in_the_test_above():
    ties = 0
    for seed in SEEDS:
        model = random_float_model(seed, outputs=2, halves=True)
        scores = model.scores(random_rows(model, 300, seed))
        ties += int((scores[:, 0] == scores[:, 1]).sum())
    assert ties > 20


def exact_in_halves(model):
    """Return the integer model whose step is a half."""
    _, quantised = lowered(model, 6)
    assert set(quantised.score_scale) == {0.5}
    return quantised


@pytest.mark.parametrize("operator", [">", ">="])
@pytest.mark.parametrize("seed", SEEDS)
def test_single_scores_decide_at_zero_as_floats_do(seed, operator):
    model = random_float_model(seed, outputs=1, halves=True, decision=operator)
    assert merge.run(model, Context()).model is model
    quantised = exact_in_halves(model)
    assert quantised.decision == Threshold(operator)
    x = random_rows(model, 300, seed)
    assert np.array_equal(
        quantised.evaluate(quantised.quantise(x))[0], model.decide(model.scores(x))
    )


@pytest.mark.parametrize("outputs", [3, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_argmax_decides_as_floats_do_ties_included(seed, outputs):
    model = random_float_model(seed, outputs=outputs, halves=True)
    assert merge.run(model, Context()).model is model
    quantised = exact_in_halves(model)
    assert quantised.decision == Argmax(outputs)
    assert min(quantised.bias) == 0
    x = random_rows(model, 300, seed)
    assert np.array_equal(
        quantised.evaluate(quantised.quantise(x))[0], model.decide(model.scores(x))
    )


@pytest.mark.parametrize("bits", [1, 3, 8, 16])
@pytest.mark.parametrize(
    "outputs, decision", [(1, "identity"), (3, "identity"), (1, ">"), (4, "argmax")]
)
@pytest.mark.parametrize("seed", range(6))
def test_raw_scores_stay_within_half_a_step_a_rounding(seed, outputs, decision, bits):
    """One rounding for each node of the output, and one for the bias unless it stays real."""
    model = random_float_model(seed, outputs=outputs, decision=decision)
    _, quantised = lowered(model, bits)
    x = random_rows(model, 100, seed)
    raw, scores = quantised.raw(quantised.scores(quantised.quantise(x))), model.scores(x)
    for output in range(outputs):
        roundings = sum(output in tree.outputs for tree in model.trees)
        roundings += decision != "identity"
        step = Fraction(quantised.score_scale[output])
        bound = Fraction(roundings, 2) * step * Fraction(1 + 2**-40) + Fraction(2**-40)
        worst = max(
            abs(Fraction(a) - Fraction(b))
            for a, b in zip(raw[:, output], scores[:, output], strict=True)
        )
        assert worst <= bound


@pytest.mark.parametrize("bits", [1, 2, 7, 16])
@pytest.mark.parametrize("outputs, decision", [(2, "identity"), (1, ">"), (3, "argmax")])
def test_widest_leaf_range_takes_all_steps(outputs, decision, bits):
    model = random_float_model(5, outputs=outputs, decision=decision)
    _, quantised = lowered(model, bits)
    spans = [[0] * outputs]
    for node in quantised.nodes:
        for output, (low, high) in zip(node.outputs, node.ranges, strict=True):
            assert low == 0  # scores count from the lowest of their tree
            spans.append([high if o == output else 0 for o in range(outputs)])
    widest = np.max(spans, axis=0)
    if decision == "identity":  # a scale for each output
        assert widest.tolist() == [(1 << bits) - 1] * outputs
        assert quantised.bias == (0,) * outputs
    else:
        assert widest.max() == (1 << bits) - 1
        assert len(set(quantised.score_scale)) == 1


def leaf(value, outputs=(0,)):
    empty = np.array([], dtype=int)
    return FloatTree(
        empty, np.array([]), np.array([], dtype=bool), empty, empty,
        np.array([np.broadcast_to(value, len(outputs))], dtype=float), np.array([0]), outputs,
    )  # fmt: skip


@pytest.mark.parametrize("decision", [">", ">=", "identity"])
@pytest.mark.parametrize("value", [0.0, -0.25, 3.0, 1e-300, -1e300])
def test_single_leaves(decision, value):
    model = random_float_model(0, trees=(leaf(value), leaf(0.0)), decision=decision, base=0.0)
    _, quantised = lowered(model, 4)
    x = np.zeros((1, len(model.feature_names)))
    decided, scores = quantised.evaluate(quantised.quantise(x))
    assert sum(quantised.feature_bits) == 0
    if decision == "identity":
        assert isinstance(quantised.decision, Identity)
        assert quantised.raw(scores).tolist() == [[value]]
    else:
        assert decided.tolist() == model.decide(model.scores(x)).tolist()


def test_single_leaves_of_an_argmax():
    model = random_float_model(0, trees=(leaf((0.25, 0.5, 0.5), (0, 1, 2)),), outputs=3, base=0.0)
    _, quantised = lowered(model, 4)
    decided, _scores = quantised.evaluate(np.zeros((1, 5), dtype=int))
    assert decided.tolist() == [1]
    assert quantised.bias == (0, 15, 15)


@pytest.mark.parametrize("decision", [">", "argmax", "identity"])
def test_priors_that_outweigh_the_leaves_do_not_overflow(decision):
    outputs = 3 if decision == "argmax" else 1
    base = (1.0, 2.0, 1.5)[:outputs] if outputs > 1 else (-1.0,)
    model = random_float_model(4, outputs=outputs, decision=decision, base=base, scale=1e-30)
    _, quantised = lowered(model, 16)
    x = random_rows(model, 20, 0)
    decided, scores = quantised.evaluate(quantised.quantise(x))
    if decision == "identity":
        assert np.array_equal(quantised.raw(scores), model.scores(x))
    else:
        assert np.array_equal(decided, model.decide(model.scores(x)))
        assert quantised.score_bits <= 48


def test_large_priors_common_to_all_classes_cost_nothing():
    model = random_float_model(4, outputs=3, base=(1e6 + 1, 1e6, 1e6 + 2))
    _, near = lowered(random_float_model(4, outputs=3, base=(1.0, 0.0, 2.0)), 6)
    _, far = lowered(model, 6)
    assert far.bias == near.bias and far.nodes == near.nodes


def test_affine_cut_outside_the_codes_is_constant():
    model = random_float_model(2)
    features = tuple(AffineFeature(n, 100.0, 1.0, 3) for n in model.feature_names)
    skeleton = partial_trees(model, features)
    assert all(node.feature == () for node in skeleton.splits)
    x = np.full((1, len(features)), -50.0) + 200
    for node, tree in zip(skeleton.splits, model.trees, strict=True):
        assert node.leaf_scores[0][0] == tree.leaf_index(x)[0]  # all cuts lie below every code

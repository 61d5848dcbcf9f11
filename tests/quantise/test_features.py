"""Feature quantisers against brute force: what a code says about a float, and back."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from locgen.errors import ConfigurationError
from locgen.ir import AffineFeature, FloatTree, IdentityFeature, Model, RankFeature, SplitRule
from locgen.quantise.features import choose_features

FINITE = st.floats(allow_nan=False, allow_infinity=False)
CUTS = st.lists(FINITE, min_size=1, max_size=9, unique_by=lambda c: c + 0.0).map(
    lambda c: tuple(sorted(c))
)
EVERYDAY = st.floats(-1e6, 1e6)
quickly = settings(deadline=None, max_examples=120, derandomize=True)


def neighbours(values):
    """Return `values`, and the floats one and two steps above and below, as far as finite."""
    values = np.array(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        near = [values]
        for towards in (-np.inf, np.inf):
            once = np.nextafter(values, towards)
            near += [once, np.nextafter(once, towards)]
    near = np.concatenate(near)
    return near[np.isfinite(near)]


@quickly
@given(cuts=CUTS, more=st.lists(FINITE, max_size=9), missing=st.booleans())
def test_rank_decides_every_cut_exactly(cuts, more, missing):
    feature = RankFeature("x", cuts, missing)
    x = neighbours([*cuts, *more, 0.0, -0.0])
    q = feature.quantise(x)
    assert q.dtype == np.int64
    assert q.min() >= 0 and q.max() <= feature.largest
    for cut in cuts:
        assert ((q <= feature.threshold_of(cut)) == (x <= cut)).all()
    codes = [feature.threshold_of(cut) for cut in cuts]
    assert codes == list(range(len(cuts)))


@quickly
@given(cuts=CUTS)
def test_missing_gets_a_code_that_no_number_gets(cuts):
    feature = RankFeature("x", cuts, True)
    q = feature.quantise(np.array([*cuts, np.nan, 1.797e308, -1.797e308]))
    assert q[len(cuts)] == feature.missing_code == (1 << feature.bits) - 1
    assert (np.delete(q, len(cuts)) < feature.missing_code).all()


ANY = [
    RankFeature("x", (0.5,)),
    AffineFeature("x", 0.0, 1.0, 4),
    IdentityFeature("x", 0, 9),
]


@pytest.mark.parametrize("feature", ANY, ids=lambda f: f.kind)
def test_missing_is_refused_where_there_is_no_code(feature):
    assert feature.missing_code is None
    with pytest.raises(ValueError, match="must not hold NaN"):
        feature.quantise(np.array([0.0, np.nan]))


@pytest.mark.parametrize(
    "feature",
    [RankFeature("x", (), True), RankFeature("x", (0.5, 1.5), True),
     AffineFeature("x", 0.0, 1.0, 1, True), AffineFeature("x", 0.0, 1.0, 4, True),
     IdentityFeature("x", 0, 0, True), IdentityFeature("x", 0, 6, True),
     IdentityFeature("x", 0, 7, True)],
    ids=repr,
)  # fmt: skip
def test_missing_code_is_the_highest_of_the_range(feature):
    q = feature.quantise(np.array([np.nan, -1e9, 1e9]))
    assert q.tolist() == [(1 << feature.bits) - 1, 0, feature.largest]
    assert feature.largest < feature.missing_code < 1 << feature.bits


@pytest.mark.parametrize(
    "feature",
    [RankFeature("x", ()), AffineFeature("x", 3.0, 2.0, 0), AffineFeature("x", 3.0, 2.0, 0, True),
     IdentityFeature("x", 7, 7)],
    ids=repr,
)  # fmt: skip
def test_unused_features_take_no_bits_and_any_value(feature):
    assert feature.bits == 0 and feature.missing_code is None
    assert feature.quantise(np.array([np.nan, -1e300, 0.0, 1e300])).tolist() == [0] * 4
    assert feature.quantise(np.array([])).tolist() == []


AFFINE = st.builds(
    AffineFeature,
    st.just("x"),
    EVERYDAY,
    st.sampled_from([1e-5, 0.01, 0.3, 1.0, 7.0, 255 / 4, 1e6]),
    st.integers(1, 7),
    st.booleans(),
)


def codes_left_of(feature, cut):
    """Return how many codes have a value ``low + q / scale`` of at most `cut`, minus one."""
    return sum(feature.low + q / feature.scale <= cut for q in range(feature.largest + 1)) - 1


@quickly
@given(feature=AFFINE, data=st.data())
def test_affine_threshold_is_a_count_of_codes(feature, data):
    position = data.draw(st.floats(-3, feature.largest + 3))
    cuts = [feature.low + position / feature.scale]
    cuts += [feature.low + q / feature.scale for q in range(feature.largest + 1)]
    for cut in neighbours([*cuts, -1e300, 1e300]):
        assert feature.threshold_of(float(cut)) == codes_left_of(feature, cut)


@quickly
@given(feature=AFFINE, data=st.data())
def test_affine_moves_a_boundary_by_half_a_step_at_most(feature, data):
    """In exact arithmetic on the grid: floats add an error of a few units in the last place."""
    inside = st.floats(0, max(feature.largest, 1))
    cut = feature.low + data.draw(inside) / feature.scale
    threshold = feature.threshold_of(cut)
    x = np.sort(np.array([feature.low + data.draw(inside) / feature.scale for _ in range(9)]))
    left = feature.quantise(x) <= threshold
    slack = Fraction(1, 2) / Fraction(feature.scale)
    slack += 8 * Fraction(math.ulp(abs(feature.low) + feature.largest / feature.scale))
    slack += Fraction(8 * (feature.largest + 1) * 2**-52) / Fraction(feature.scale)
    assert (np.diff(left.astype(int)) <= 0).all()  # monotone: left, then right
    if not 0 <= threshold < feature.largest:
        return  # cut at or outside the last code: constant, see below
    for value, goes_left in zip(x, left, strict=True):
        if goes_left != (value <= cut):
            assert abs(Fraction(value) - Fraction(cut)) <= slack


@quickly
@given(feature=AFFINE, x=st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=20))
def test_affine_is_monotone_and_clips(feature, x):
    x = np.sort(np.array([*x, -1e300, 1e300]))
    with np.errstate(over="ignore"):
        q = feature.quantise(x)
    assert (np.diff(q) >= 0).all()
    assert (q[0], q[-1]) == (0, feature.largest)


@quickly
@given(feature=AFFINE, x=st.lists(EVERYDAY, min_size=1, max_size=9))
def test_affine_is_its_formula(feature, x):
    for value, code in zip(x, feature.quantise(np.array(x)).tolist(), strict=True):
        step = math.floor((value - feature.low) * feature.scale + 0.5)
        assert code == min(max(step, 0), feature.largest)


@pytest.mark.parametrize("scale", [1e-280, 1e-30, 1.0, 1e30, 1e280])
@pytest.mark.parametrize("low", [0.0, -1e-290, 1e20, -1e20])
def test_affine_of_any_magnitude(low, scale):
    feature = AffineFeature("x", low, scale, 4)
    assert feature.quantise(np.array([-1.7e308, 1.7e308])).tolist() == [0, feature.largest]
    if 1 / scale < 4 * math.ulp(low):
        return  # codes share their values: any threshold between is as good
    assert (feature.threshold_of(-1.7e308), feature.threshold_of(1.7e308)) == (-1, feature.largest)
    for cut in (low, low + 8 / scale):
        assert feature.threshold_of(cut) == codes_left_of(feature, cut)


@quickly
@given(low=st.integers(-(2**53), 2**53 - 300), span=st.integers(0, 300), missing=st.booleans())
def test_identity_is_exact_on_integers(low, span, missing):
    feature = IdentityFeature("x", low, low + span, missing)
    x = np.arange(low, low + span + 1).astype(np.float64)
    if feature.bits:
        assert feature.quantise(x).tolist() == list(range(span + 1))
        assert feature.quantise(np.array([low - 5.0, low + span + 5.0])).tolist() == [0, span]


@quickly
@given(cut=st.floats(-40, 40), low=st.integers(-20, 0), high=st.integers(1, 20))
def test_identity_decides_integers_exactly(cut, low, high):
    feature = IdentityFeature("x", low, high)
    x = np.arange(low, high + 1).astype(np.float64)
    for one in (cut, math.floor(cut), *neighbours([round(cut)])):
        assert ((feature.quantise(x) <= feature.threshold_of(one)) == (x <= one)).all()
    assert feature.threshold_of(high + 0.0) == feature.threshold_of(math.inf) == feature.largest
    assert feature.threshold_of(np.nextafter(float(low), -99)) == feature.threshold_of(-1e300) == -1


def test_identity_rounds_half_up():
    feature = IdentityFeature("x", -2, 2)
    x = np.array([-1.5, -0.5, 0.5, 1.4999999999999998, 1.5, 0.49999999999999994, -9.0, 9.0])
    assert (feature.quantise(x) - 2).tolist() == [-1, 0, 1, 1, 2, 0, -2, 2]


def stumps(cuts, missing=False):
    """Return a model with a stump for each (feature, cut)."""
    trees = tuple(
        FloatTree(
            np.array([f]), np.array([c]), np.array([False]), np.array([-1]), np.array([-2]),
            np.array([[0.0], [1.0]]), np.array([1, 2]), (0,),
        )
        for f, c in cuts
    )  # fmt: skip
    rule = SplitRule("<=", "float64", missing)
    names = ("a", "b", "c")
    return Model("f", "l", "classification", names, (0, 1), trees, (0.0,), ">", rule)


INTEGERS = np.array([[0.0, -3.0, 9.0], [3.0, 4.0, 9.0], [1.0, 0.0, 7.0]])


def kinds(features):
    return [(f.kind, f.bits) for f in features]


def test_integers_are_ranks_unless_they_are_declared():
    """What the training rows happen to hold says nothing about rows between them."""
    model = stumps([(0, 0.5), (0, 1.5), (1, 0.5)])
    for rows in (None, INTEGERS, INTEGERS + 0.5, INTEGERS[:0]):
        for kind in ("auto", "rank"):
            assert kinds(choose_features(model, None, kind, rows)) == [
                ("rank", 2), ("rank", 1), ("rank", 0)
            ]  # fmt: skip
    assert kinds(choose_features(model, None, "identity", INTEGERS)) == [
        ("identity", 2), ("identity", 3), ("identity", 0)
    ]  # fmt: skip


def test_bits_choose_affine():
    model = stumps([(0, 0.5), (1, 0.5)])
    for bits in (3, 2):
        assert kinds(choose_features(model, bits, "auto", INTEGERS)) == [
            ("affine", bits), ("affine", bits), ("affine", 0)
        ]  # fmt: skip
    assert kinds(choose_features(model, None, "affine", None))[0] == ("affine", 8)


def test_identity_that_cannot_be():
    model = stumps([(0, 0.5)])
    for rows in (None, INTEGERS + 0.25, INTEGERS * 40000):
        with pytest.raises(ConfigurationError, match="identity features need --data"):
            choose_features(model, None, "identity", rows)


def test_affine_with_missing_needs_two_bits():
    with pytest.raises(ConfigurationError, match="too small"):
        choose_features(stumps([(0, 0.5)], missing=True), 1, "affine", None)


def test_missing_takes_a_code_of_used_features_alone():
    model = stumps([(0, 0.5), (1, math.inf)], missing=True)
    for kind in ("rank", "affine", "identity"):
        features = choose_features(model, 4, kind, INTEGERS)
        assert [f.missing_code is not None for f in features] == [True, True, False], kind
        assert features[2].bits == 0
    assert choose_features(model, None, "rank", None)[1] == RankFeature("b", (), True)


@pytest.mark.parametrize(
    "cuts", [(0.0, 5e-324), (-1.7e308, 1.7e308), (1e-310, 1.5e-310, 2e-310), (1e300, 1.1e300)]
)
@pytest.mark.parametrize("bits", [1, 2, 8])
def test_affine_of_cuts_at_the_ends_of_the_line(cuts, bits):
    feature = choose_features(stumps([(0, c) for c in cuts]), bits, "affine", None)[0]
    assert feature.bits == bits
    assert (np.diff(feature.quantise(np.array([-1.79e308, *cuts, 1.79e308]))) >= 0).all()


@quickly
@given(cuts=st.lists(EVERYDAY, min_size=1, max_size=8, unique=True), bits=st.integers(1, 9))
def test_affine_grid_lies_around_the_cuts(cuts, bits):
    assume(min(np.diff(sorted(cuts)), default=1) > 1e-6)
    feature = choose_features(stumps([(0, c) for c in cuts]), bits, "affine", None)[0]
    assert feature.bits == bits
    # outermost cuts sit between codes: rows on either side get different codes
    x = np.array([min(cuts), max(cuts)])
    step = 1 / feature.scale
    assert feature.quantise(x - step)[0] == 0
    assert feature.quantise(x + step)[1] > feature.threshold_of(max(cuts))
    for cut in cuts:
        assert 0 <= feature.threshold_of(cut) < feature.largest
        assert abs(feature.low + (feature.threshold_of(cut) + 0.5) * step - cut) <= 0.501 * step

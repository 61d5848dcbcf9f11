"""Votes, several decisions and the median against their definitions written out."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locgen.ir import Argmax, Group, Median, MultiOutput, Threshold, Votes
from locgen.ir.decisions.weights import integer_weights

VOTES = Votes(
    (Group((0, 1, 2), Argmax(3)), Group((3,), Threshold(">")), Group((4,), Threshold(">="))),
    ((2, 0, 1), (1, 2), (0, 1)),
    (3, 2, 2),
    3,
)
SCORES = np.array(list(itertools.product(range(-1, 2), repeat=5)))


def test_votes_are_counted_one_by_one():
    for row, decided in zip(SCORES, VOTES.evaluate(SCORES), strict=True):
        tally = [0, 0, 0]
        tally[(2, 0, 1)[max(range(3), key=lambda n: (row[n], -n))]] += 3
        tally[2 if row[3] > 0 else 1] += 2
        tally[1 if row[4] >= 0 else 0] += 2
        assert decided == tally.index(max(tally))


def test_votes_between_pairs_of_classes():
    votes = Votes.between_pairs(3)
    scores = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    for (first, second, third), decided in zip(scores, votes.evaluate(scores), strict=True):
        tally = [0, 0, 0]
        tally[0 if first > 0 else 1] += 1
        tally[0 if second > 0 else 2] += 1
        tally[1 if third > 0 else 2] += 1
        assert decided == tally.index(max(tally))


def test_several_decisions_lie_side_by_side():
    several = MultiOutput(VOTES.groups)
    assert several.bits == 4 and several.outputs == 5 and several.answers == 7
    apart = several.apart(several.evaluate(SCORES))
    for column, group in enumerate(several.groups):
        assert np.array_equal(apart[:, column], group.evaluate(SCORES))
    classes = ("a", "b", "c", 5, 6, False, True)
    assert several.label_groups(classes) == [("a", "b", "c"), (5, 6), (False, True)]
    labels = several.labels(("a", "b", "c", "d", "e", "f", "g"), several.evaluate(SCORES))
    assert labels.shape == (len(SCORES), 3) and set(labels[:, 1]) == {"d", "e"}


@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), min_size=1, max_size=9).filter(
        lambda pairs: any(weight for _, weight in pairs)
    )
)
def test_the_median_has_half_of_the_weights(pairs):
    values, weights = zip(*pairs, strict=True)
    found = Median(weights, 3).evaluate(np.array([values]))[0]
    below = [v for v in sorted(values) if 2 * sum(w for x, w in pairs if x <= v) >= sum(weights)]
    assert found == below[0]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any), st.integers(1, 8))
def test_weights_in_proportion_stay_exact(weights, divisor):
    found = integer_weights([weight / divisor for weight in weights])
    assert all(isinstance(weight, int) for weight in found)
    assert all(
        a * y == b * x
        for (a, x), (b, y) in itertools.combinations(zip(found, weights, strict=True), 2)
    )


def test_other_weights_are_rounded():
    found = integer_weights([np.pi, 1.0, np.sqrt(2)])
    assert found == (1023, round(1023 / np.pi), round(1023 * np.sqrt(2) / np.pi))


@pytest.mark.parametrize(
    "change",
    [
        {"choices": ((2, 0), (1, 2), (0, 1))},
        {"choices": ((2, 0, 3), (1, 2), (0, 1))},
        {"weights": (1, 2)},
        {"groups": (VOTES.groups[0], Group((4,), Threshold(">")), VOTES.groups[2])},
    ],
)
def test_votes_that_do_not_belong_together_are_refused(change):
    with pytest.raises(ValueError, match=r"choices|weight|every score"):
        replace(VOTES, **change)


def test_groups_and_medians_are_checked():
    with pytest.raises(ValueError, match="scores that its decision takes"):
        Group((0, 1), Threshold(">"))
    with pytest.raises(ValueError, match="weight above 0"):
        Median((0, 0), 3)

"""largest_true finds the exact edge of any monotone predicate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locgen.quantise.bisect import largest_true

TINY = math.nextafter(0.0, 1.0)
LARGEST = float(np.finfo(np.float64).max)
EDGES = [
    0.0, TINY, -TINY, 2.2250738585072014e-308, -2.2250738585072014e-308, 1.0, -1.0, 0.1,
    LARGEST, -LARGEST, math.inf, -math.inf, math.nextafter(1.0, 2.0), 2.0**53,
]  # fmt: skip


def test_edge_of_less_or_equal_is_the_number_itself():
    edges = np.array(EDGES)
    found = largest_true(lambda x: x <= edges, len(edges))
    assert found.tolist() == EDGES


def test_edge_of_less_is_the_neighbour_below():
    edges = np.array(EDGES)
    found = largest_true(lambda x: x < edges, len(edges))
    assert found.tolist() == [math.nextafter(edge, -math.inf) for edge in EDGES]


@given(st.lists(st.floats(allow_nan=False), max_size=20))
def test_any_edge(edges):
    edges = np.array(edges, dtype=np.float64)
    assert np.array_equal(largest_true(lambda x: x <= edges, len(edges)), edges)


@given(st.floats(allow_nan=False, width=32))
def test_edge_behind_a_cast_is_the_last_float64_that_rounds_down(threshold):
    def left(x):
        with np.errstate(over="ignore"):
            return x.astype(np.float32) <= threshold

    found = largest_true(left, 1)
    assert found[0] == math.inf or not left(np.nextafter(found, np.inf))[0]
    assert found[0] == -math.inf or left(found)[0]


def test_always_and_never():
    assert largest_true(lambda x: np.ones(2, bool), 2).tolist() == [math.inf] * 2
    assert largest_true(lambda x: np.zeros(2, bool), 2).tolist() == [-math.inf] * 2


def test_zero_predicate_keeps_the_sign_of_the_edge():
    found = largest_true(lambda x: x <= 0.0, 1)
    assert found[0] == 0.0 and not np.signbit(found[0])
    found = largest_true(np.signbit, 1)
    assert found[0] == 0.0 and np.signbit(found[0])
    assert largest_true(lambda x: x < 0.0, 1)[0] == -TINY


def test_predicates_are_independent_and_few_calls_suffice():
    calls = []

    def left(x):
        calls.append(x.copy())
        return x <= np.linspace(-5, 5, 1000)

    assert np.array_equal(largest_true(left, 1000), np.linspace(-5, 5, 1000))
    assert len(calls) <= 65
    assert not np.isnan(calls).any()


def test_no_predicates():
    assert largest_true(lambda x: np.zeros(0, bool), 0).shape == (0,)


def test_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"predicate must return shape \(3,\), not \(2,\)"):
        largest_true(lambda x: np.zeros(2, bool), 3)

"""Reductions against plain Python, and candidates: best key, then lowest index, in any order."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locgen.ir.reduction import Candidate, Reduction

OPERATIONS = ["add", "or", "min", "max"]
PLAIN = {"add": sum, "min": min, "max": max}


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 99), min_size=3, max_size=3), min_size=1, max_size=9))
def test_evaluate(rows):
    for operation in OPERATIONS:
        found = Reduction(operation, 12).evaluate(np.array(rows)).tolist()
        if operation == "or":
            assert found == [a | b | c for a, b, c in rows]
        else:
            assert found == [PLAIN[operation](row) for row in rows]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("bits", [1, 5])
def test_identity_changes_nothing(operation, bits):
    reduction = Reduction(operation, bits)
    every = np.arange(1 << bits)
    for other in range(3):
        rows = np.full((len(every), 3), reduction.identity)
        rows[:, other] = every
        assert (reduction.evaluate(rows) == every).all()


@pytest.mark.parametrize("width", [1, 2, 3, 8])
def test_digits(width):
    numbers = np.arange(1 << 6)
    for operation in OPERATIONS:
        digits = Reduction(operation, 6).digits(numbers, width)
        if operation in ("min", "max"):
            digits = digits[:, ::-1]
        assert digits.shape == (64, -(-6 // width)) and digits.max() < 1 << width
        assert (sum(digits[:, k] << k * width for k in range(digits.shape[1])) == numbers).all()


@pytest.mark.parametrize("operation", ["min", "max"])
def test_candidates(operation):
    """All keys of three competitors in every order of arrival: ties go to the lowest index."""
    candidate = Candidate(operation, 2, 3)
    assert candidate.bits == 5
    for keys in itertools.product(range(4), repeat=3):
        for order in itertools.permutations([0, 3, 7]):
            numbers = candidate.number(np.array(keys), np.array(order))
            assert candidate.key(numbers).tolist() == list(keys)
            assert candidate.index(numbers).tolist() == list(order)
            best = candidate.reduction.evaluate(numbers[None, :])
            key = PLAIN[operation](keys)
            assert candidate.key(best) == key
            assert candidate.index(best) == min(
                i for k, i in zip(keys, order, strict=True) if k == key
            )
    identity = candidate.reduction.identity
    assert PLAIN[operation]([identity, candidate.number(1, 2)]) == candidate.number(1, 2)


def test_refusals():
    message = "operation must be one of add, or, min, max, not 'sub'"
    with pytest.raises(ValueError, match=re.escape(message)):
        Reduction("sub", 4)
    with pytest.raises(ValueError, match="bits must be 1 to 63, not 0"):
        Reduction("add", 0)
    with pytest.raises(ValueError, match="sums must fit 3 bits, not be 8"):
        Reduction("add", 3).evaluate(np.array([[4, 4]]))

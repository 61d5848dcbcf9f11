"""TreeNode: what it refuses, and its own figures."""

from dataclasses import replace

import numpy as np
import pytest

from locgen.ir import Comparison, TreeNode

NODE = TreeNode(
    feature=(1, 0, 1),
    threshold=(3, 0, 3),
    missing_left=(False, True, False),
    left=(1, ~0, ~2),
    right=(2, ~1, ~3),
    leaf_scores=((1, -4), (2, 0), (-3, 7), (4, 4)),
    leaf_ids=(2, 3, 5, 6),
    outputs=(2, 0),
)
LEAF = TreeNode((), (), (), (), (), ((7,),), (0,), (0,))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"threshold": (3, 0)}, "one more leaf than splits"),
        ({"missing_left": (False, True, False, False)}, "one more leaf than splits"),
        ({"left": (1, ~0)}, "one more leaf than splits"),
        ({"right": (2, ~1)}, "one more leaf than splits"),
        ({"leaf_scores": NODE.leaf_scores[:3]}, "one more leaf than splits"),
        ({"leaf_ids": (2, 3, 5)}, "one more leaf than splits"),
        ({"left": (1, ~0, ~1)}, "exactly one parent"),  # a leaf twice
        ({"left": (2, ~0, ~2)}, "exactly one parent"),  # a split twice
        ({"left": (0, ~0, ~2)}, "exactly one parent"),  # the root as its own child
        ({"left": (3, ~0, ~2)}, "exactly one parent"),  # no such split
        ({"left": (1, ~4, ~2)}, "exactly one parent"),  # no such leaf
        ({"left": (~0, 1, ~2), "right": (2, ~1, ~3)}, "parents first"),  # split 1 below itself
        ({"left": (~0, 2, 1), "right": (~1, ~2, ~3)}, "parents first"),  # a cycle beside the root
        ({"leaf_scores": ((1, -4), (2, 0), (-3,), (4, 4))}, "one score for each output"),
        ({"leaf_scores": ((), (), (), ()), "outputs": ()}, "at least one output"),
        ({"outputs": (2, 2)}, "distinct and not negative"),
        ({"outputs": (2, -1)}, "distinct and not negative"),
        ({"feature": (1, -1, 1)}, "distinct and not negative"),
    ],
)
def test_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(NODE, **change)


def test_parents_come_first_even_in_a_proper_tree():
    with pytest.raises(ValueError, match="parents first"):
        replace(NODE, left=(2, ~0, 1), right=(~1, ~2, ~3))
    replace(NODE, left=(1, 2, ~1), right=(~0, ~2, ~3))


def test_comparisons_are_distinct_and_sorted():
    assert NODE.comparisons == (Comparison(0, 0, True), Comparison(1, 3, False))
    assert NODE.split_comparison == (1, 0, 1)
    assert LEAF.comparisons == ()


def test_missing_direction_makes_another_comparison():
    node = replace(NODE, missing_left=(False, True, True))
    assert len(node.comparisons) == 3


def test_ranges_and_depth():
    assert NODE.ranges == ((-3, 4), (-4, 7))
    assert NODE.depth == 2
    assert LEAF.depth == 0 and LEAF.ranges == ((7, 7),)
    chain = replace(NODE, left=(1, 2, ~0), right=(~1, ~2, ~3))
    assert chain.depth == 3


def test_evaluate_by_hand():
    codes = np.array([3, -1])
    rows = np.array([[0, 3], [1, 3], [3, 3], [0, 4], [3, 0], [2, 0]])
    assert NODE.leaf_index(rows, codes).tolist() == [0, 1, 0, 3, 0, 1]
    assert NODE.evaluate(rows, codes)[0].tolist() == [1, -4]
    assert LEAF.evaluate(rows, codes).tolist() == [[7]] * 6
    assert NODE.leaf_index(rows[:0], codes).tolist() == []


def test_missing_goes_left_only_where_it_should():
    split = TreeNode((0,), (1,), (False,), (~0,), (~1,), ((0,), (1,)), (0, 1), (0,))
    rows, codes = np.array([[0], [1], [2], [3]]), np.array([3])
    assert split.leaf_index(rows, codes).tolist() == [0, 0, 1, 1]
    left = replace(split, missing_left=(True,))
    assert left.leaf_index(rows, codes).tolist() == [0, 0, 1, 0]
    only_missing = replace(left, threshold=(-1,))
    assert only_missing.leaf_index(rows, codes).tolist() == [1, 1, 1, 0]

"""The vector set: complete at thresholds, deterministic, labelled, packed as the core has it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locgen.verify.vectors import make_vectors, pack_features, pack_results

BITS = [3, 5, 8, 1]
THRESHOLDS = [[2, 5], {7: "node 4", 31: "node 9"}, [0, 100, 255], []]


def golden(q):
    """Three scores that tie often."""
    scores = np.stack([q[:, 0] - 3, q[:, 1] // 8, q[:, 2] // 64], axis=1)
    return np.argmax(scores, axis=1), scores


def test_every_threshold_comes_with_its_neighbours():
    vectors = make_vectors(BITS, THRESHOLDS, golden)
    for feature, thresholds in enumerate(THRESHOLDS):
        for threshold in thresholds:
            for value in (threshold - 1, threshold, threshold + 1):
                if 0 <= value < 1 << BITS[feature]:
                    assert (vectors.q[:, feature] == value).any()
    assert "feature 1 threshold 7 +1 (node 4)" in vectors.labels
    assert "feature 2 threshold 255 -1" in vectors.labels


def test_all_zeros_all_ones_ties_and_enough_rows():
    vectors = make_vectors(BITS, THRESHOLDS, golden)
    assert vectors.labels[:2] == ("all zeros", "all ones")
    assert not vectors.q[0].any() and vectors.q[1].tolist() == [7, 31, 255, 1]
    assert len(vectors) == 1000 == len(np.unique(vectors.q, axis=0))
    ties = [k for k, label in enumerate(vectors.labels) if label == "tie"]
    best = np.sort(vectors.scores[ties], axis=1)
    assert len(ties) > 10 and (best[:, -1] == best[:, -2]).all()


def test_expected_results_are_goldens():
    vectors = make_vectors(BITS, THRESHOLDS, golden)
    decision, scores = golden(vectors.q)
    assert (vectors.decision == decision).all() and (vectors.scores == scores).all()


def test_same_arguments_give_the_same_vectors():
    first, second = (make_vectors(BITS, THRESHOLDS, golden) for _ in range(2))
    assert first.labels == second.labels and (first.q == second.q).all()
    other = make_vectors(BITS, THRESHOLDS, golden, seed=2)
    assert (first.q[: len(other)] != other.q).any()


def test_data_rows_are_used_and_limited():
    data = np.random.default_rng(3).integers(0, 2, size=(5000, 4)) + [[2, 9, 70, 0]]
    data[:, 2] = np.arange(5000) % 250
    vectors = make_vectors(BITS, THRESHOLDS, golden, data)
    rows = {tuple(row) for row in vectors.q.tolist()}
    assert all(tuple(row) in rows for row in data[:1000].tolist())
    assert sum(label.startswith("data row") for label in vectors.labels) <= 1000
    assert any(label.startswith("data row") for label in vectors.labels)


def test_limit_never_drops_thresholds():
    vectors = make_vectors(BITS, THRESHOLDS, golden, limit=10)
    full = make_vectors(BITS, THRESHOLDS, golden)
    wanted = [label for label in full.labels if "threshold" in label]
    assert [label for label in vectors.labels if "threshold" in label] == wanted
    assert not any("random row" in label for label in vectors.labels)


def test_small_input_space_is_complete():
    vectors = make_vectors([2, 0, 3], [[1], [], [4]], lambda q: (None, q[:, :1] - 1))
    assert sorted(map(tuple, vectors.q.tolist())) == [(a, 0, b) for a in range(4) for b in range(8)]
    assert vectors.decision is None


def test_one_score_has_rows_on_both_sides_of_the_decisions_edge():
    def threshold_at_zero(q):
        score = q[:, 2] - 128
        return (score >= 0).astype(int), score[:, None]

    vectors = make_vectors(BITS, THRESHOLDS, threshold_at_zero)
    near = [k for k, label in enumerate(vectors.labels) if "decision's edge" in label]
    assert set(vectors.decision[near]) == {0, 1}


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="one entry for each of 4 features, not 1"):
        make_vectors(BITS, [[]], golden)
    with pytest.raises(ValueError, match=r"shape \(rows, 4\), not \(2, 3\)"):
        make_vectors(BITS, THRESHOLDS, golden, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="within its feature's width"):
        make_vectors(BITS, THRESHOLDS, golden, np.array([[8, 0, 0, 0]]))


def test_payloads_are_packed_lsb_first():
    q = np.array([[0b101, 0b00011, 0xA5, 1]])
    assert pack_features(q, BITS) == [0b1_10100101_00011_101]
    assert pack_results(np.array([2]), np.array([[-1, 3]]), 2, 4) == [0b0011_1111_10]
    assert pack_results(None, np.array([[-8]]), 0, 4) == [0b1000]


@pytest.mark.parametrize("score", [8, -9])
def test_a_score_beyond_its_width_is_refused(score):
    with pytest.raises(ValueError, match="fit 4 bits"):
        pack_results(None, np.array([[score]]), 0, 4)


def test_decision_and_width_must_agree():
    with pytest.raises(ValueError, match="0 for regression alone"):
        pack_results(None, np.array([[1]]), 1, 4)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_packing_keeps_every_bit(data):
    width = data.draw(st.integers(1, 70))
    count = data.draw(st.integers(1, 5))
    half = 1 << (min(width, 63) - 1)
    values = data.draw(st.lists(st.integers(-half, half - 1), min_size=count, max_size=count))
    (word,) = pack_results(None, np.array([values]), 0, width)
    for value in values:
        assert word & ((1 << width) - 1) == value % (1 << width)
        word >>= width
    assert word == 0

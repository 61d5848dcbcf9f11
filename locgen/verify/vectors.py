"""The set of vectors that every level of verification shares.

It holds the values at which hardware goes wrong: each threshold with its neighbours, extremes,
ties, rows of the user's data, and random rows to fill up; all of the input space where that is
small. Same arguments, same vectors, in the same order.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Vectors", "make_vectors", "pack_features", "pack_results"]

_EXHAUSTIVE_BITS = 12
_DATA_ROWS = 1000
_TIES = 50
_TIE_CANDIDATES = 4096

Evaluate = Callable[[np.ndarray], tuple[np.ndarray | None, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Vectors:
    """Inputs with what golden makes of them.

    Attributes
    ----------
    q : ndarray of int64, shape (rows, features)
        Quantised inputs, each unsigned and within its feature's width.
    labels : tuple of str, length rows
        Where each vector came from, such as ``"feature 2 threshold 5 +1 (node 3)"``.
    decision : ndarray of int64, shape (rows,), or None
        Golden's decision; None for regression.
    scores : ndarray of int64, shape (rows, outputs)
        Golden's scores.
    """

    q: np.ndarray
    labels: tuple[str, ...]
    decision: np.ndarray | None
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


class _Rows:
    """Rows collected so far: each kept once, under its first label."""

    def __init__(self, features: int) -> None:
        self.features = features
        self.labels: dict[bytes, str] = {}

    def add(self, row: np.ndarray, label: str) -> None:
        self.labels.setdefault(np.ascontiguousarray(row, dtype=np.int64).tobytes(), label)

    def add_all(self, labelled: Iterable[tuple[np.ndarray, str]]) -> None:
        for row, label in labelled:
            self.add(row, label)

    def matrix(self) -> np.ndarray:
        flat = np.frombuffer(b"".join(self.labels), dtype=np.int64)
        return flat.reshape(len(self.labels), self.features).copy()


def make_vectors(
    feature_bits: Sequence[int],
    thresholds: Sequence[Iterable[int] | Mapping[int, str]],
    evaluate: Evaluate,
    data: np.ndarray | None = None,
    *,
    minimum: int = 1000,
    limit: int = 4000,
    seed: int = 1,
) -> Vectors:
    """Build the vector set of a model.

    Parameters
    ----------
    feature_bits : width of each feature
    thresholds : for each feature the integers that it is compared with, or a mapping from each to
        the name of a node that does so
    evaluate : golden: takes q (rows, features), returns decision (rows,) or None, and scores
        (rows, outputs)
    data : quantised rows (rows, features) of the user; the first 1,000 different ones are used
    minimum, limit : fewest and most vectors. Thresholds and extremes are kept beyond `limit`, and
        so is a whole input space of at most 12 bits, which may also be smaller than `minimum`.
    seed : of the random rows

    Raises
    ------
    ValueError
        If the arguments do not agree in their number of features or a data value is out of range.
    """
    bits = np.asarray(feature_bits, dtype=np.int64)
    features = len(bits)
    top = (np.int64(1) << bits) - 1
    if features == 0 or len(thresholds) != features:
        raise ValueError(
            f"thresholds must have one entry for each of {features} features, not {len(thresholds)}"
        )
    known = _checked(data, top)
    dice = np.random.default_rng(seed)
    base = known if len(known) else dice.integers(0, top + 1, size=(256, features))

    rows = _Rows(features)
    rows.add_all([(np.zeros(features), "all zeros"), (top, "all ones")])
    rows.add_all(_edges(thresholds, top, base))
    rows.add_all(_ties(evaluate, known, top, dice))
    kept = len(rows.labels)
    rows.add_all((row, f"data row {index}") for index, row in enumerate(known[:_DATA_ROWS]))
    if int(bits.sum()) <= _EXHAUSTIVE_BITS:
        rows.add_all((row, f"input {n} of all") for n, row in enumerate(_whole_space(bits)))
        kept = len(rows.labels)
    else:
        index = 0
        while len(rows.labels) < minimum:
            rows.add(dice.integers(0, top + 1), f"random row {index}")
            index += 1

    count = min(len(rows.labels), max(limit, kept))
    q, labels = rows.matrix()[:count], tuple(rows.labels.values())[:count]
    decision, scores = evaluate(q)
    decided = None if decision is None else np.asarray(decision, dtype=np.int64)
    return Vectors(q, labels, decided, np.asarray(scores, dtype=np.int64))


def pack_features(q: np.ndarray, feature_bits: Sequence[int]) -> list[int]:
    """Pack each row of q, shape (rows, features), LSB first in feature order: ``i__payload``."""
    return _pack([(q[:, k], int(width), False) for k, width in enumerate(feature_bits)])


def pack_results(
    decision: np.ndarray | None, scores: np.ndarray, decision_bits: int, score_bits: int
) -> list[int]:
    """Pack decision, then scores as two's complement, LSB first: ``o__payload``.

    Raises
    ------
    ValueError
        If a value does not fit its width, or a decision is missing or left over.
    """
    if (decision is None) != (decision_bits == 0):
        raise ValueError(f"decision_bits must be 0 for regression alone, not {decision_bits}")
    parts = [] if decision is None else [(decision, decision_bits, False)]
    return _pack([*parts, *((column, score_bits, True) for column in scores.T)])


def _pack(parts: list[tuple[np.ndarray, int, bool]]) -> list[int]:
    words = [0] * len(parts[0][0])
    offset = 0
    for column, width, signed in parts:
        low, high = (-(1 << width) // 2, (1 << width) // 2) if signed else (0, 1 << width)
        for index, value in enumerate(column.tolist()):
            if not low <= value < high:
                raise ValueError(f"Value must fit {width} bits, not {value!r}")
            words[index] |= (value & ((1 << width) - 1)) << offset
        offset += width
    return words


def _checked(data: np.ndarray | None, top: np.ndarray) -> np.ndarray:
    if data is None:
        return np.zeros((0, len(top)), dtype=np.int64)
    rows = np.asarray(data)
    if rows.ndim != 2 or rows.shape[1] != len(top):
        raise ValueError(f"data must have shape (rows, {len(top)}), not {rows.shape}")
    rows = rows.astype(np.int64)
    if ((rows < 0) | (rows > top)).any():
        raise ValueError("data must be quantised: every value within its feature's width")
    return rows


def _edges(
    thresholds: Sequence[Iterable[int] | Mapping[int, str]], top: np.ndarray, base: np.ndarray
) -> Iterator[tuple[np.ndarray, str]]:
    """Yield every threshold, its neighbours and each feature's extremes, on base rows in turn."""
    turn = 0
    for feature, entry in enumerate(thresholds):
        names = dict(entry) if isinstance(entry, Mapping) else dict.fromkeys(entry)
        seen = set()
        wanted = [
            (t + step, f"threshold {t}{_SIGN[step]}" + (f" ({names[t]})" if names[t] else ""))
            for t in sorted(names)
            for step in (-1, 0, 1)
        ]
        for value, label in [*wanted, (0, "lowest"), (int(top[feature]), "highest")]:
            if 0 <= value <= top[feature] and value not in seen:
                seen.add(value)
                row = base[turn % len(base)].copy()
                row[feature] = value
                turn += 1
                yield row, f"feature {feature} {label}"


_SIGN = {-1: " -1", 0: "", 1: " +1"}


def _ties(
    evaluate: Evaluate, known: np.ndarray, top: np.ndarray, dice: np.random.Generator
) -> Iterator[tuple[np.ndarray, str]]:
    """Yield rows whose best scores are equal; with one score, those beside a decision's edge."""
    candidates = np.vstack([known, dice.integers(0, top + 1, size=(_TIE_CANDIDATES, len(top)))])
    decision, scores = evaluate(candidates)
    if decision is None:
        return
    if scores.shape[1] > 1:
        best = np.sort(scores, axis=1)
        for index in np.flatnonzero(best[:, -1] == best[:, -2])[:_TIES]:
            yield candidates[index], "tie"
        return
    order = np.argsort(scores[:, 0], kind="stable")
    for here in np.flatnonzero(np.diff(decision[order]))[:_TIES]:
        for index in order[here : here + 2]:
            yield candidates[index], "tie: beside the decision's edge"


def _whole_space(bits: np.ndarray) -> np.ndarray:
    total = int(bits.sum())
    words = np.arange(1 << total, dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(bits)[:-1]])
    return (words[:, None] >> offsets) & ((np.int64(1) << bits) - 1)

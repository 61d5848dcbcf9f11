"""What every node of the integer IR offers, so that nothing has to ask for its kind.

Each kind is a frozen dataclass with the members `outputs` (outputs of the model that its scores are
added to) and `kind`, and with these methods; those that have a body here hold for nodes that
compare nothing and come in one part.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np

from locgen.ir.features import Feature

__all__ = [
    "Comparison",
    "NodeBase",
    "check_features",
    "check_outputs",
    "leaves_of",
    "require_evidence",
]


_FEW_LEAVES = 256
"""Leaves whose number fits in a byte."""


class Comparison(NamedTuple):
    """``q[feature] <= threshold``, true for the missing code as well if `missing_left`."""

    feature: int
    threshold: int
    missing_left: bool


def leaves_of(
    left: Sequence[int],
    right: Sequence[int],
    goes_left: Callable[[int, np.ndarray | slice], np.ndarray],
    rows: int,
) -> np.ndarray:
    """Return the leaf of each of many rows (rows,), small unsigned integers; see `TreeNode`.

    Parameters
    ----------
    goes_left : for a split and rows, which of these go left, booleans
    """
    if not len(left):
        return np.zeros(rows, dtype=np.uint8)
    by = _leaves_by_choice if len(left) < _FEW_LEAVES else _leaves_by_parts
    return by(left, right, goes_left, rows)


def _leaves_by_choice(
    left: Sequence[int],
    right: Sequence[int],
    goes_left: Callable[[int, slice], np.ndarray],
    rows: int,
) -> np.ndarray:
    """Find leaves as gates do, by a multiplexer for each split.

    Every split looks at every row, in bytes and without a jump: six times as fast as parting rows
    on trees of 32 leaves.
    """
    every = slice(None)
    found: list[np.ndarray | np.uint8] = [np.uint8(0)] * len(left)
    for split in reversed(range(len(left))):
        first, second = (
            np.uint8(~child) if child < 0 else found[child] for child in (left[split], right[split])
        )
        chosen = np.negative(goes_left(split, every).view(np.int8)).view(np.uint8)
        chosen &= first ^ second
        chosen ^= second
        found[split] = chosen
        for child in (left[split], right[split]):
            if child >= 0:
                found[child] = np.uint8(0)  # its memory serves the next split
    return found[0]


def _leaves_by_parts(
    left: Sequence[int],
    right: Sequence[int],
    goes_left: Callable[[int, np.ndarray], np.ndarray],
    rows: int,
) -> np.ndarray:
    """Part rows split by split, so that each split looks at one column of its own rows.

    With many rows a split that is several times as fast as following each row.
    """
    leaf = np.zeros(rows, dtype=np.uint32)
    waiting = [(0, np.arange(rows))]
    while waiting:
        split, members = waiting.pop()
        if split < 0:
            leaf[members] = ~split
        elif len(members):
            side = goes_left(split, members)
            waiting.append((left[split], members[side]))
            waiting.append((right[split], members[~side]))
    return leaf


class NodeBase(ABC):
    """The contract of a node, with defaults.

    Members
    -------
    outputs : outputs of the model that the scores are added to
    features : features that it reads, rising
    ranges : (lowest, highest) score, for each output
    comparisons : distinct comparisons with constants, sorted; only trees have any
    levels, stream_levels : levels of LUT4 of its slowest path, behind its comparisons: all at once,
        and digit by digit
    load : about how much of a site it takes, to spread nodes over sites by
    """

    outputs: tuple[int, ...]
    features: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]
    levels: float
    stream_levels: float
    load: int

    @property
    def compares(self) -> bool:
        """Whether it is made of comparisons with constants, and nothing else of its features."""
        return False

    @property
    def compute_cycles(self) -> int:
        """Cycles that its serial core takes between the last feature and the first score."""
        return 0

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """None: the node computes with its features' codes."""
        return ()

    @property
    def terms(self) -> tuple[Self, ...]:
        """Nodes whose scores add up to this one's, as small as they come."""
        return (self,)

    @abstractmethod
    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""

    @abstractmethod
    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows (rows, features).

        `missing_codes` (features,) holds NaN's code of each feature, -1 where there is none.
        """

    @property
    def evidence_bits(self) -> tuple[int, ...]:
        """Width of each integer that the hardware sends as evidence; none needs a sign.

        By default these are the node's scores, each counted from its lowest. No evidence changes
        with `shifted`.
        """
        return tuple((high - low).bit_length() for low, high in self.ranges)

    def evidence(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the integers that the hardware sends, shape (rows, len(evidence_bits))."""
        lows = np.array([low for low, _ in self.ranges], dtype=np.int64)
        return self.evaluate(q, missing_codes) - lows

    def recombine(self, evidence: np.ndarray) -> np.ndarray:
        """Return the scores (rows, len(outputs)) that `evidence` (rows, ...) leaves no choice of.

        ``recombine(evidence(q, codes)) == evaluate(q, codes)``, bit for bit.

        Raises
        ------
        ValueError
            If no row has such evidence.
        """
        spans = np.array([high - low for low, high in self.ranges], dtype=np.int64)
        require_evidence(bool((evidence <= spans).all()))
        return evidence + np.array([low for low, _ in self.ranges], dtype=np.int64)

    @abstractmethod
    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return why each row got its scores, for a reader: integers by name, rows first.

        Where there is `terms` (rows, features, outputs), it says what each of `features` does to
        each score.
        """

    def total(self, account: dict[str, np.ndarray]) -> np.ndarray:
        """Return the scores (rows, len(outputs)) that an `account` amounts to."""
        return account["terms"].sum(axis=1) + np.array(self.constant, dtype=np.int64)

    @property
    def adds_up(self) -> bool:
        """Whether the scores are `constant` plus the sum of the account's `terms`."""
        return True

    @property
    def constant(self) -> tuple[int, ...]:
        """What each score is besides the features' terms."""
        return (0,) * len(self.outputs)

    @abstractmethod
    def shifted(self, amounts: tuple[int, ...]) -> Self:
        """Return the node with `amounts` added to its scores, one for each output."""

    def widened(self, output: int, constant: int) -> Self | None:
        """Return the node with `constant` as its score of one more output; None if it has one."""
        return None

    def edges(self) -> Iterable[tuple[int, int]]:
        """Yield (feature, code) at which hardware is most likely to go wrong."""
        return ()

    def part_index(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the number of the part of the node that answers each row, shape (rows,)."""
        return np.zeros(len(q), dtype=np.int64)

    def part_name(self, part: int) -> str:
        """Return what a reader calls that part; empty if the node is of one piece."""
        return ""


def check_outputs(outputs: tuple[int, ...], what: str) -> None:
    """Raise ValueError unless `outputs` of `what` are distinct, present and not negative."""
    if not outputs:
        raise ValueError(f"{what} must have at least one output")
    if len(set(outputs)) != len(outputs) or min(outputs) < 0:
        raise ValueError(f"outputs of {what} must be distinct and not negative")


def require_evidence(possible: bool) -> None:
    """Raise ValueError unless evidence is one that a row can have."""
    if not possible:
        raise ValueError("evidence must be one that the node can give")


def check_features(
    used: tuple[int, ...],
    bits: tuple[int, ...],
    features: tuple[Feature, ...],
    missing: bool = False,
) -> None:
    """Raise ValueError unless the features `used` exist and have these widths.

    Without `missing` none may have a code for missing values.
    """
    for feature, width in zip(used, bits, strict=True):
        if feature >= len(features):
            raise ValueError("a node's features must be features of the model")
        if features[feature].bits != width:
            raise ValueError("a node must be made for the width of its features")
        if not missing and features[feature].missing_code is not None:
            raise ValueError("a node that computes with codes must have no missing values")

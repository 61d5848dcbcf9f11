"""The contract of a node of the integer IR, so that nothing has to ask for its kind."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import numpy as np

from locgen.ir.features import Feature
from locgen.ir.integer.checks import require_evidence
from locgen.ir.integer.cost import Cost, Links, memory_blocks
from locgen.ir.wording import Account, Wording, plain

__all__ = [
    "Comparison",
    "Kept",
    "NodeBase",
    "TreeShape",
]

_HEAVIEST = 3
"""Terms that a reader is told of, of a node that adds them up."""


class Comparison(NamedTuple):
    """``q[feature] <= threshold``, true for the missing code as well if `missing_left`."""

    feature: int
    threshold: int
    missing_left: bool

    def luts(self, bits: int) -> float:
        """Return its LUT4, for a feature of `bits` bits: low ones of the threshold are free."""
        threshold = max(self.threshold, 0)
        low_ones = ((threshold + 1) & ~threshold).bit_length() - 1
        inputs = max(bits - low_ones, 1)
        extra = max(-(-(bits - 1) // 3), 1) if self.missing_left else 0
        return max(-(-(inputs - 1) // 3), 0) + extra


class TreeShape(NamedTuple):
    """Size of a decision tree: nothing for nodes of other kinds."""

    depth: int = 0
    splits: int = 0
    leaves: int = 0


class Kept(NamedTuple):
    """What a node keeps in memories.

    Members
    -------
    units, what : how many of which kind
    slack : how far the estimate of its block RAMs may lie above what there is
    remedy : another way to keep `{fewer}` of them, behind that number
    condensable : whether `--condense` leaves some out
    """

    units: int = 0
    what: str = ""
    slack: float = 1.0
    remedy: str = ""
    condensable: bool = False


class NodeBase(ABC):
    """A node of the integer IR, with defaults for nodes that compare nothing, in one part.

    Each kind is a frozen dataclass.

    Members
    -------
    levels, stream_levels : levels of LUT4 of its slowest path, behind its comparisons: all at once,
        and digit by digit
    compares : whether it is made of comparisons with constants, and nothing else of its features
    walkable : whether an engine walks it as it is, from a root to a leaf
    """

    compares = False
    walkable = False
    _summands = "terms"

    if TYPE_CHECKING:  # fields of some kinds, properties of others

        @property
        @abstractmethod
        def kind(self) -> str:
            """Name in JSON."""

        @property
        @abstractmethod
        def outputs(self) -> tuple[int, ...]:
            """Outputs of the model that the scores are added to."""

        @property
        @abstractmethod
        def features(self) -> tuple[int, ...]:
            """Features that it reads, rising."""

        @property
        @abstractmethod
        def ranges(self) -> tuple[tuple[int, int], ...]:
            """(lowest, highest) score, for each output."""

        @property
        def feature_bits(self) -> tuple[int, ...]: ...  # of nodes that compute with codes

        @property
        @abstractmethod
        def levels(self) -> float:
            """Levels of LUT4 of its slowest path behind its comparisons, all at once."""

        @property
        @abstractmethod
        def stream_levels(self) -> float:
            """The same, digit by digit."""

        @property
        @abstractmethod
        def load(self) -> int:
            """How much of a site it takes, about, to spread nodes over sites by."""

    @property
    def adds_up(self) -> bool:
        """Whether the scores are `constant` plus the sum of the account's `terms`."""
        return True

    @property
    def evidence_words(self) -> str:
        """What its evidence says, for a reader."""
        return "what every feature adds to each score"

    @property
    def compute_cycles(self) -> int:
        """Cycles that its serial core takes between the last feature and the first score."""
        return 0

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Distinct comparisons with constants, sorted: the core's input bits in this order."""
        return ()

    @property
    def terms(self) -> tuple["NodeBase", ...]:
        """Nodes whose scores add up to this one's, as small as they come."""
        return (self,)

    @property
    def anonymous(self) -> "NodeBase | None":
        """The node as any output would have it; None where nodes of no two outputs are alike."""
        return None

    def identity(self, output: int) -> Hashable:
        """Return what two terms have in common of which synthesis makes one, for an output."""
        return self.anonymous or (self, output)

    @abstractmethod
    def cost(self) -> Cost:
        """Return the counts of the node, as one of its own terms, where all works at once."""

    def evidence_cost(self) -> Cost:
        """Return the counts of what the direct fabric takes more to show its evidence."""
        return Cost()

    @abstractmethod
    def stream_cost(self, links: Links, evidence_beats: int) -> Cost:
        """Return the counts of the node at a site of the tree fabric, comparisons left out.

        Parameters
        ----------
        evidence_beats : beats of its evidence, 0 where none is gathered
        """

    def digit_cost(self, evidence_beats: int) -> Cost:
        """Return the bits of scores, and of evidence if it takes beats, that a digit is one of."""
        bits = self.score_bits + (sum(self.evidence_bits) if evidence_beats else 0)
        return Cost(digit=bits)

    @property
    def score_bits(self) -> int:
        """Bits of all scores, each counted from its lowest."""
        return sum((high - low).bit_length() for low, high in self.ranges)

    @property
    def cells(self) -> float:
        """Logic cells of the node and its adders, about, where all works at once.

        Good enough to choose widths by; `plan.estimate` has the weights.
        """
        return sum(term.cost().luts + term.score_bits for term in self.terms)

    @property
    def memories(self) -> dict[str, tuple[int, int]]:
        """(words, bits) of each memory of the serial core."""
        return {}

    @property
    def memory_blocks(self) -> int:
        """Block RAMs of 4 kbit that the serial core takes, about."""
        return memory_blocks(self.memories)

    @property
    def kept(self) -> Kept:
        """What stands in its memories; nothing without any."""
        return Kept()

    @property
    def shape(self) -> TreeShape:
        """Depth, splits and leaves of a tree."""
        return TreeShape()

    @property
    def layer_units(self) -> tuple[int, ...]:
        """Units of each layer."""
        return ()

    @property
    def functions(self) -> tuple[str, ...]:
        """What each table stands for and how well, in words."""
        return ()

    @abstractmethod
    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""

    @abstractmethod
    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows.

        Parameters
        ----------
        q : (rows, features) unsigned integer codes
        missing_codes : (features,) NaN's code of each feature, -1 where there is none
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
        return cast(np.ndarray, self.evaluate(q, missing_codes) - self._lows)

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
        return cast(np.ndarray, evidence + self._lows)

    @property
    def _lows(self) -> np.ndarray:
        return np.array([low for low, _ in self.ranges], dtype=np.int64)

    @abstractmethod
    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return why each row got its scores, for a reader: integers by name, rows first.

        Where there is `terms` (rows, features, outputs), it says what each of `features` does to
        each score.
        """

    def describe(self, account: Account, codes: np.ndarray, wording: Wording) -> str:
        """Return an `account` of one row in words.

        Parameters
        ----------
        account : integers by name, without the rows' axis
        codes : (features,) the row's codes
        wording : of the model's features
        """
        terms = np.asarray(account["terms"])
        heaviest = np.argsort(-np.abs(terms).max(axis=1), kind="stable")[:_HEAVIEST]
        return ", ".join(
            f"{wording.name(self.features[place])} {plain(terms[place].tolist())}"
            for place in heaviest
        )

    def total(self, account: Account) -> np.ndarray:
        """Return the scores (rows, len(outputs)) that an `account` of many rows amounts to."""
        summed = account[self._summands].sum(axis=1)
        return cast(np.ndarray, summed + np.array(self.constant, dtype=np.int64))

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

    def is_mask(self, count: int) -> bool:
        """Return whether the scores are always 1 for `count` outputs and 0 for all others."""
        return False

    def edges(self) -> Iterable[tuple[int, int]]:
        """Return (feature, code) at which hardware is most likely to go wrong."""
        return [(comparison.feature, comparison.threshold) for comparison in self.comparisons]

    def part_index(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the number of the part of the node that answers each row, shape (rows,)."""
        return np.zeros(len(q), dtype=np.int64)

    def part_name(self, part: int) -> str:
        """Return what a reader calls that part; empty if the node is of one piece."""
        return ""

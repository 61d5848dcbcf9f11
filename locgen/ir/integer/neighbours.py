"""The neighbours node: the stored rows nearest to a row, and what they say."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal, cast

import numpy as np
from pydantic import ConfigDict

from locgen.ir.features import Feature
from locgen.ir.integer.arithmetic import BiasedNode
from locgen.ir.integer.checks import check_columns, check_features
from locgen.ir.integer.cost import Cost, Links
from locgen.ir.integer.node import Kept
from locgen.ir.rules import refuse_if
from locgen.ir.wording import Account, Wording

__all__ = ["NeighboursNode"]

_CELLS = 1 << 22  # of one matrix of distances: 32 MB
_DRAIN = 6
"""Cycles from the last difference to the list of the nearest, see `cores.neighbours`."""


@dataclass(frozen=True)
class NeighboursNode(BiasedNode):
    """Sum of the votes of the `nearest` stored rows; equal distances go to the lower number.

    With a radius all stored rows vote that are not farther away.

    The distance is the sum of the differences' sizes (l1), of their squares (l2, no root is drawn)
    or the largest size (linf).

    Members
    -------
    features : indices of the features, rising
    feature_bits : the width of each of them
    stored : for each stored row its codes, one a feature
    votes : for each stored row one integer for each entry of `outputs`
    bias : one integer for each entry of `outputs`
    nearest : how many rows vote; all that are stored, with a radius
    metric : how differences become a distance
    row_ids : the library's number of each stored row
    outputs : outputs of the model that the scores are added to
    radius : the largest distance that votes, None where the nearest do
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    features: tuple[int, ...]
    feature_bits: tuple[int, ...]
    stored: tuple[tuple[int, ...], ...]
    votes: tuple[tuple[int, ...], ...]
    bias: tuple[int, ...]
    nearest: int
    metric: Literal["l1", "l2", "linf"]
    row_ids: tuple[int, ...]
    outputs: tuple[int, ...]
    radius: int | None = None
    kind: Literal["neighbours"] = "neighbours"

    adds_up = False
    evidence_words = "the nearest stored rows: the library's number, distance, what each adds"
    _summands = "share"

    def __post_init__(self) -> None:
        """Check that lengths agree and stored rows are ones of codes."""
        check_columns(self.features, self.outputs, "a neighbours node")
        refuse_if(
            not self.features or len(self.feature_bits) != len(self.features),
            "a neighbours node must have features, and a width for each",
        )
        refuse_if(
            min(self.feature_bits) < 1, "features of a neighbours node must have at least one bit"
        )
        refuse_if(
            not 1 <= self.nearest <= len(self.stored),
            "a neighbours node must store as many rows as vote",
        )
        refuse_if(
            self.radius is not None and (self.radius < 0 or self.nearest < len(self.stored)),
            "with a radius, 0 or more, all stored rows may vote",
        )
        refuse_if(
            {len(self.votes), len(self.row_ids)} != {len(self.stored)},
            "a neighbours node must have votes and a number for each stored row",
        )
        refuse_if(
            {len(row) for row in self.stored} != {len(self.features)},
            "a stored row must have a code for each feature",
        )
        refuse_if(
            {len(row) for row in (*self.votes, self.bias)} != {len(self.outputs)},
            "a neighbours node must have a vote and a bias for each output",
        )
        largest = np.array([(1 << bits) - 1 for bits in self.feature_bits])
        refuse_if(
            (self._stored < 0).any() or (self._stored > largest).any(),
            "stored rows must be made of codes",
        )

    @cached_property
    def _stored(self) -> np.ndarray:
        return np.array(self.stored, dtype=np.int64)

    @cached_property
    def _votes(self) -> np.ndarray:
        return np.array(self.votes, dtype=np.int64)

    @property
    def listed(self) -> int:
        """How many rows the list of the nearest holds: with a radius there is none."""
        return self.nearest if self.radius is None else 0

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score for any `nearest` of the stored rows, for each output."""
        ordered = np.sort(self._votes, axis=0)
        if self.radius is not None:
            ends = np.minimum(ordered, 0).sum(axis=0), np.maximum(ordered, 0).sum(axis=0)
            pairs = zip(*ends, self.bias, strict=True)
            return tuple((int(low) + bias, int(high) + bias) for low, high, bias in pairs)
        low, high = ordered[: self.nearest].sum(axis=0), ordered[-self.nearest :].sum(axis=0)
        return tuple(
            (int(least) + bias, int(most) + bias)
            for least, most, bias in zip(low, high, self.bias, strict=True)
        )

    @cached_property
    def distance_bits(self) -> int:
        """Width of the largest distance that there is."""
        largest = np.array([(1 << bits) - 1 for bits in self.feature_bits], dtype=np.int64)
        far = np.maximum(self._stored, largest - self._stored)
        parts = far**2 if self.metric == "l2" else far
        most = parts.max(axis=1) if self.metric == "linf" else parts.sum(axis=1)
        return max(int(most.max()).bit_length(), 1)

    def distances(self, q: np.ndarray) -> np.ndarray:
        """Return the distance (rows, stored) of quantised rows (rows, features)."""
        return self._distances(q[:, list(self.features)].astype(np.int64))

    def _distances(self, own: np.ndarray) -> np.ndarray:
        total = np.zeros((len(own), len(self.stored)), dtype=np.int64)
        for column in range(own.shape[1]):
            size = np.abs(own[:, [column]] - self._stored[:, column])
            if self.metric == "linf":
                np.maximum(total, size, out=total)
            else:
                total += size * size if self.metric == "l2" else size
        return total

    def neighbours(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return places in `stored` and distances (rows, nearest), the nearest first."""
        own = np.ascontiguousarray(q[:, list(self.features)], dtype=np.int64)
        alike = replace(self, votes=((0,),) * len(self.stored), bias=(0,), outputs=(0,))
        return _nearest(alike, own.tobytes())

    def _nearest(self, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what `neighbours` does, of the node's own codes (rows, features)."""
        at_once = max(1, _CELLS // len(self.stored))
        places, distances = [], []
        for start in range(0, max(len(own), 1), at_once):
            part = self._distances(own[start : start + at_once])
            order = np.argsort(part, axis=1, kind="stable")[:, : self.nearest]
            places.append(order)
            distances.append(np.take_along_axis(part, order, axis=1))
        return np.concatenate(places), np.concatenate(distances)

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows (rows, features)."""
        bias = np.array(self.bias, dtype=np.int64)
        if self.radius is not None:
            own = q[:, list(self.features)].astype(np.int64)
            at_once = max(1, _CELLS // len(self.stored))
            parts = [
                (self._distances(own[start : start + at_once]) <= self.radius) @ self._votes
                for start in range(0, max(len(own), 1), at_once)
            ]
            return np.concatenate(parts) + bias
        places, _ = self.neighbours(q)
        return cast(np.ndarray, self._votes[places].sum(axis=1) + bias)

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `neighbour` and `distance` (rows, nearest), the nearest first, and `share`.

        `neighbour` is the library's number; `share` (rows, nearest, outputs) is what each adds to
        each score: nothing beyond the radius.
        """
        places, distance = self.neighbours(q)
        share = self._votes[places]
        if self.radius is not None:
            share = share * (distance <= self.radius)[:, :, None]
        return {
            "neighbour": np.array(self.row_ids, dtype=np.int64)[places],
            "distance": distance,
            "share": share,
        }

    def describe(self, account: Account, codes: np.ndarray, wording: Wording) -> str:
        """Return the nearest stored row and its distance."""
        return f"stored row {account['neighbour'][0]} is nearest, {account['distance'][0]} away"

    @property
    def memories(self) -> dict[str, tuple[int, int]]:
        """(words, bits) of each memory of the serial core."""
        ends = zip(self._votes.min(axis=0), self._votes.max(axis=0), strict=True)
        vote = sum(int(high - low).bit_length() for low, high in ends)
        widest = max(self.feature_bits)
        return {
            "values": (len(self.features), widest),
            "stored": (len(self.stored) * len(self.features), widest),
            "votes": (len(self.stored), max(vote, 1)),
        }

    @property
    def kept(self) -> Kept:
        """The stored rows."""
        return Kept(len(self.stored), "rows", condensable=True)

    @property
    def compute_cycles(self) -> int:
        """Cycles that the serial core takes behind the last feature."""
        return len(self.stored) * len(self.features) + self.listed + _DRAIN

    @property
    def levels(self) -> float:
        """Where all works at once: a distance, then a list that every stored row goes through."""
        return 5.0 + 2.0 * len(self.features).bit_length() + 4.0 * len(self.stored)

    @property
    def stream_levels(self) -> float:
        """The product of the serial core, or a comparison with the list and a shift."""
        return 8.0

    @property
    def load(self) -> int:
        """A core of its own."""
        return 1000 + len(self.stored) * len(self.features)

    def cost(self) -> Cost:
        """Return the LUT4 of all distances at once, and of a list that every row goes through."""
        sizes = sum(2 * b + (b * b if self.metric == "l2" else 0) for b in self.feature_bits)
        adders = len(self.features) * self.distance_bits
        entry = 3 * self.distance_bits + 2 * len(self.stored).bit_length()
        return Cost(product=len(self.stored) * (sizes + adders + self.listed * entry))

    def stream_cost(self, links: Links, evidence_beats: int) -> Cost:
        """Return the arithmetic of one difference, and the list of the nearest."""
        widest, rows = max(self.feature_bits), len(self.stored).bit_length()
        entry = 2 * self.distance_bits + 2 * rows
        return self.digit_cost(evidence_beats) + Cost(
            multiplier=widest * widest if self.metric == "l2" else 2 * widest,
            pipeline=self.listed * entry + 2 * self.distance_bits + 6 * rows + 6 * widest,
        )

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""
        check_features(self.features, self.feature_bits, features)

    def edges(self) -> list[tuple[int, int]]:
        """Return the codes of the first stored rows: there differences change their sign."""
        return [
            (feature, code)
            for row in self.stored[:16]
            for feature, code in zip(self.features, row, strict=True)
        ]


@lru_cache(maxsize=4)
def _nearest(node: NeighboursNode, own: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return `NeighboursNode.neighbours`: candidates whose votes alone differ ask the same."""
    return node._nearest(np.frombuffer(own, dtype=np.int64).reshape(-1, len(node.features)))

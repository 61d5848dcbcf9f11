"""The tree node of the integer IR: parameters, integer reference and cost in one place."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal, cast

import numpy as np
from pydantic import ConfigDict

from locgen.ir.features import Feature
from locgen.ir.integer.checks import check_outputs, require_evidence
from locgen.ir.integer.cost import Cost, Links
from locgen.ir.integer.diagram import digit_functions, multiplexers, score_bits
from locgen.ir.integer.node import Comparison, NodeBase, TreeShape
from locgen.ir.rules import refuse_if
from locgen.ir.wording import Account, Wording

__all__ = ["TreeNode", "stream_cost"]


@dataclass(frozen=True)
class TreeNode(NodeBase):
    """One decision tree over quantised features, with an integer score vector in each leaf.

    Splits are numbered from 0 (the root), parents before children; a child below zero is leaf
    ``~child``. Without splits, the tree is leaf 0. Scores are signed integers.

    Members
    -------
    feature, threshold, missing_left, left, right : one entry a split
    leaf_scores : one tuple a leaf, one integer for each entry of `outputs`
    leaf_ids : the library's number of each leaf
    outputs : outputs of the model that the scores are added to
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    feature: tuple[int, ...]
    threshold: tuple[int, ...]
    missing_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    leaf_scores: tuple[tuple[int, ...], ...]
    leaf_ids: tuple[int, ...]
    outputs: tuple[int, ...]
    kind: Literal["tree"] = "tree"

    compares = True
    walkable = True
    adds_up = False
    evidence_words = "leaf id of every tree, and what it adds to each score"

    def __post_init__(self) -> None:
        """Check that this is one tree: every split and leaf but the root has one parent."""
        splits, leaves = len(self.feature), len(self.leaf_scores)
        lengths = {len(m) for m in (self.threshold, self.missing_left, self.left, self.right)}
        refuse_if(
            lengths != {splits} or leaves != splits + 1 or len(self.leaf_ids) != leaves,
            "a tree node must have one more leaf than splits",
        )
        children = sorted(self.left + self.right)
        refuse_if(
            splits and children != list(range(-leaves, 0)) + list(range(1, splits)),
            "every split and leaf of a tree node must have exactly one parent",
        )
        refuse_if(
            any(0 <= c <= i for side in (self.left, self.right) for i, c in enumerate(side)),
            "splits of a tree node must be numbered parents first",
        )
        refuse_if(
            any(len(row) != len(self.outputs) for row in self.leaf_scores),
            "every leaf must have one score for each output",
        )
        check_outputs(self.outputs, "a tree node")
        refuse_if(
            min(self.feature, default=0) < 0,
            "features of a tree node must be distinct and not negative",
        )

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Distinct comparisons, sorted: the core's input bits in this order."""
        return tuple(
            Comparison(*c)
            for c in sorted(set(zip(self.feature, self.threshold, self.missing_left, strict=True)))
        )

    @cached_property
    def features(self) -> tuple[int, ...]:
        """Features that any split compares, rising."""
        return tuple(sorted(set(self.feature)))

    @cached_property
    def split_comparison(self) -> tuple[int, ...]:
        """Index into `comparisons` of each split."""
        index = {c: i for i, c in enumerate(self.comparisons)}
        splits = zip(self.feature, self.threshold, self.missing_left, strict=True)
        return tuple(index[Comparison(*split)] for split in splits)

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score over the leaves, for each output."""
        return tuple((min(column), max(column)) for column in zip(*self.leaf_scores, strict=True))

    @cached_property
    def depth(self) -> int:
        """Most comparisons on any way from the root to a leaf."""
        depth = [0] * len(self.feature)
        for i in range(len(self.feature)):
            for child in (self.left[i], self.right[i]):
                if child >= 0:
                    depth[child] = depth[i] + 1
        return max(depth) + 1 if depth else 0

    @property
    def terms(self) -> tuple["TreeNode", ...]:
        """The tree without the splits that make no difference to its scores."""
        return (self.reduced,)

    @cached_property
    def reduced(self) -> "TreeNode":
        """The tree without splits whose two sides score the same; it keeps the first leaf's id."""
        place: list[object] = [None] * len(self.feature)  # a leaf's number, or what a split tells

        def side(child: int) -> object:
            return self.leaf_scores[~child] if child < 0 else place[child]

        kept = [False] * len(self.feature)
        first = [0] * len(self.feature)
        for split in reversed(range(len(self.feature))):
            left, right = self.left[split], self.right[split]
            kept[split] = side(left) != side(right)
            place[split] = (split, side(left), side(right)) if kept[split] else side(left)
            first[split] = left
        if all(kept):
            return self

        def end(child: int) -> int:
            while child >= 0 and not kept[child]:
                child = first[child]
            return child

        order: list[int] = []
        leaves: list[int] = []
        waiting = [end(0)]
        while waiting:
            child = waiting.pop()
            if child < 0:
                leaves.append(~child)
                continue
            order.append(child)
            waiting += [end(self.right[child]), end(self.left[child])]
        number = {split: index for index, split in enumerate(order)}
        number |= {~leaf: ~index for index, leaf in enumerate(leaves)}
        return replace(
            self,
            feature=tuple(self.feature[split] for split in order),
            threshold=tuple(self.threshold[split] for split in order),
            missing_left=tuple(self.missing_left[split] for split in order),
            left=tuple(number[end(self.left[split])] for split in order),
            right=tuple(number[end(self.right[split])] for split in order),
            leaf_scores=tuple(self.leaf_scores[leaf] for leaf in leaves),
            leaf_ids=tuple(self.leaf_ids[leaf] for leaf in leaves),
        )

    @property
    def levels(self) -> float:
        """A multiplexer for every split on the longest way, less what shares a LUT."""
        return max(0.8 * self.depth, 0.5)

    @property
    def stream_levels(self) -> float:
        """The same; the functions of the beat come before the multiplexers are needed."""
        return 0.8 * self.depth

    @property
    def load(self) -> int:
        """Comparisons and leaves."""
        return len(self.comparisons) + len(self.leaf_scores)

    @property
    def shape(self) -> TreeShape:
        """Depth, splits and leaves."""
        return TreeShape(self.depth, len(self.feature), len(self.leaf_scores))

    @cached_property
    def multiplexers(self) -> int:
        """Multiplexers of its reduced decision diagram, where all scores leave at once."""
        columns = score_bits(self.leaf_scores, self.ranges)
        return multiplexers(self._children, self.split_comparison, columns)

    def cost(self) -> Cost:
        """Return its multiplexers."""
        return Cost(tree=self.multiplexers)

    def evidence_cost(self) -> Cost:
        """Return the multiplexers of the number of its leaf."""
        return self.numbered().cost()

    def stream_cost(self, links: Links, evidence_beats: int) -> Cost:
        """Return its multiplexers, and the functions of the beat number at its leaves."""
        return stream_cost(self, links.digits, links.up_width, evidence_beats)

    @property
    def cells(self) -> float:
        """Multiplexers: comparisons that share gates are counted apart."""
        return float(self.multiplexers)

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""
        for feature, threshold, missing_left in zip(
            self.feature, self.threshold, self.missing_left, strict=True
        ):
            refuse_if(feature >= len(features), "a node's features must be features of the model")
            quantiser = features[feature]
            spare = quantiser.missing_code is not None
            refuse_if(
                missing_left and not spare,
                "missing_left must be false where a feature has no missing code",
            )
            refuse_if(
                not -spare <= threshold < quantiser.largest + spare,
                "a threshold must split its feature's codes",
            )

    def leaf_index(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the leaf of each row, shape (rows,).

        Parameters
        ----------
        q : (rows, features) unsigned integer features
        missing_codes : (features,) code of NaN, -1 where there is none
        """
        position = np.zeros(len(q), dtype=np.int64)
        if not self.feature:
            return position
        feature, threshold, missing_left, left, right = self._arrays
        active = np.arange(len(q))
        while len(active):
            at = position[active]
            value = q[active, feature[at]]
            is_missing = value == missing_codes[feature[at]]
            goes_left = np.where(is_missing & missing_left[at], True, value <= threshold[at])
            position[active] = np.where(goes_left, left[at], right[at])
            active = active[position[active] >= 0]
        return ~position

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows; see `leaf_index`."""
        return cast(
            np.ndarray,
            np.array(self.leaf_scores, dtype=np.int64)[self.leaf_index(q, missing_codes)],
        )

    @property
    def evidence_bits(self) -> tuple[int, ...]:
        """Width of the number of a leaf."""
        return ((len(self.leaf_scores) - 1).bit_length(),)

    def evidence(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the number of the leaf that each row reaches, shape (rows, 1)."""
        return self.leaf_index(q, missing_codes)[:, None]

    def recombine(self, evidence: np.ndarray) -> np.ndarray:
        """Return the scores of these leaves."""
        require_evidence(bool((evidence < len(self.leaf_scores)).all()))
        return cast(np.ndarray, np.array(self.leaf_scores, dtype=np.int64)[evidence[:, 0]])

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `leaf_id` (rows,): the library's number of the leaf."""
        return {"leaf_id": np.array(self.leaf_ids)[self.leaf_index(q, missing_codes)]}

    def describe(self, account: Account, codes: np.ndarray, wording: Wording) -> str:
        """Return the leaf and the conditions on the way to it, one for each feature."""
        path, leaf = self._path(codes, wording), f"leaf {account['leaf_id']}"
        return f"{leaf}: {' and '.join(path)}" if path else f"{leaf}, its only one"

    def _path(self, codes: np.ndarray, wording: Wording) -> list[str]:
        below: dict[int, int] = {}  # lowest threshold that the feature lies below or on
        above: dict[int, int] = {}  # highest one that it lies above
        absent: dict[int, bool] = {}  # in the order in which features are met
        split = 0 if self.feature else -1
        while split >= 0:
            feature, threshold = self.feature[split], self.threshold[split]
            code = int(codes[feature])
            absent[feature] = code == wording.features[feature].missing_code
            left = self.missing_left[split] if absent[feature] else code <= threshold
            if left and not absent[feature]:
                below[feature] = min(threshold, below.get(feature, threshold))
            elif not absent[feature]:
                above[feature] = max(threshold, above.get(feature, threshold))
            split = self.left[split] if left else self.right[split]
        return [wording.condition(f, above.get(f), below.get(f), absent[f]) for f in absent]

    def total(self, account: Account) -> np.ndarray:
        """Return the scores of the leaves with these numbers of the library."""
        number = {name: leaf for leaf, name in enumerate(self.leaf_ids)}
        leaves = [number[name] for name in account["leaf_id"].tolist()]
        return np.array(self.leaf_scores, dtype=np.int64)[leaves]

    def widened(self, output: int, constant: int) -> "TreeNode":
        """Return the node with `constant` as its score of one more output."""
        rows = tuple((*row, constant) for row in self.leaf_scores)
        return replace(self, leaf_scores=rows, outputs=(*self.outputs, output))

    def shifted(self, amounts: tuple[int, ...]) -> "TreeNode":
        """Return the node with `amounts` added to its scores, one for each output."""
        rows = np.array(self.leaf_scores, dtype=np.int64) + np.array(amounts, dtype=np.int64)
        return replace(self, leaf_scores=tuple(map(tuple, rows.tolist())))

    def numbered(self) -> "TreeNode":
        """Return the tree whose one score is the number of the leaf."""
        rows = tuple((leaf,) for leaf in range(len(self.leaf_scores)))
        return replace(self, leaf_scores=rows, outputs=(0,))

    def is_mask(self, count: int) -> bool:
        """Return whether every leaf scores 1 for `count` outputs and 0 for all others."""
        return all(set(row) <= {0, 1} and sum(row) == count for row in self.leaf_scores)

    def part_index(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the leaf of each row, shape (rows,)."""
        return self.leaf_index(q, missing_codes)

    def part_name(self, part: int) -> str:
        """Return the library's number of the leaf in words."""
        return f"leaf {self.leaf_ids[part]}"

    @property
    def _children(self) -> tuple[tuple[int, int], ...]:
        return tuple(zip(self.left, self.right, strict=True))

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        members = (self.feature, self.threshold, self.missing_left, self.left, self.right)
        return tuple(np.array(m) for m in members)


@lru_cache(maxsize=4096)
def stream_cost(node: TreeNode, digits: int, width: int, evidence_digits: int) -> Cost:
    """Return the cost of a tree that sends its scores in digits.

    At the leaves of each bit of a digit stand functions of the beat number, counted once each
    unless they are constant. Scores count from the lowest of their output; the number of the leaf
    may follow them as evidence.
    """
    mask = (1 << width) - 1
    words = [
        [
            (score - low) >> digit * width & mask
            for score, (low, _) in zip(row, node.ranges, strict=True)
            for digit in range(digits)
        ]
        + [leaf >> digit * width & mask for digit in range(evidence_digits)]
        for leaf, row in enumerate(node.leaf_scores)
    ]
    columns, functions = digit_functions(words, width)
    count = multiplexers(node._children, node.split_comparison, columns)
    return Cost(tree=count, function=functions)

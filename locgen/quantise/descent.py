"""Coordinate descent over what a tree's leaves and thresholds round to.

One output of one tree changes at a time, all others stand still: then the loss is a sum over the
tree's leaves, and the cheapest rounding of all of them together follows exactly, from the leaves
up. What a row loses is a smooth function of its margin, so that rows which have not changed yet
count as well: log(1 + exp(-margin)), as boosting has it.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from locgen.ir import Comparison, Feature, QuantisedModel, TreeNode
from locgen.ir.integer import trees_of
from locgen.ir.integer.leaves import leaves_of
from locgen.passes.cells import comparison_cells
from locgen.quantise.folding import cheapest, telling_splits
from locgen.quantise.margins import Margins, Rivalry
from locgen.quantise.splits import routed, sent_left

__all__ = ["Descent", "coarser"]

_ADDER_BIT = 2.0
"""Cells for a bit of a tree's range: what adds it, and what selects it."""
_COARSEST = 3
"""A threshold may forget so many of its feature's lowest bits."""


@lru_cache(maxsize=1 << 16)
def coarser(threshold: int, largest: int) -> tuple[int, ...]:
    """Return what `threshold` may round to, itself included: both neighbours on coarser grids.

    Whoever forgets the lowest n bits of a code can tell apart multiples of 2**n alone.
    """
    found = {threshold}
    if not 0 <= threshold < largest:  # tells missing values apart, or nothing
        return (threshold,)
    for bits in range(1, _COARSEST + 1):
        below = (threshold + 1 >> bits << bits) - 1
        found |= {below, below + (1 << bits)}
    return tuple(sorted(t for t in found if t == threshold or 0 <= t < largest))


@lru_cache(maxsize=1 << 16)
def elsewhere(
    here: Comparison, first: int, largest: int, bits: int
) -> tuple[tuple[Comparison, float], ...]:
    """Return what may take the place of `here`, and its cost; at the start that was at `first`."""
    others = (here._replace(threshold=t) for t in coarser(first, largest) if t != here.threshold)
    return tuple((there, comparison_cells(there, bits)) for there in others)


class Descent:
    """Roundings of one scale, on fixed rows.

    Members
    -------
    rounded : for each tree integers (leaves, outputs)
    thresholds : for each tree the threshold of each split
    scores : (outputs, rows) what they add up to

    Parameters
    ----------
    model : the integer model of that scale; its leaves are not looked at
    values : for each tree its leaves (leaves, outputs) in steps, not rounded
    codes : (features, rows); decided : for each group of the decision what the float model decides
    moves : whether thresholds of a feature may move
    """

    def __init__(
        self,
        model: QuantisedModel,
        values: Sequence[np.ndarray],
        codes: np.ndarray,
        decided: Sequence[Rivalry],
        moves: Sequence[bool],
    ) -> None:
        self.splits = trees_of(model.nodes)
        self.codes = codes
        self.decided = decided
        self.features: tuple[Feature, ...] = model.features
        self.moves = moves
        self.missing = [int(code) for code in model.missing_codes]
        self.rounded = [np.rint(value).astype(np.int32) for value in values]
        self._low = [np.floor(value + 1e-9).astype(np.int32) for value in values]
        self._high = [np.ceil(value - 1e-9).astype(np.int32) for value in values]
        self.thresholds = [list(node.threshold) for node in self.splits]
        self._made = [
            [Comparison(*c) for c in zip(n.feature, n.threshold, n.missing_left, strict=True)]
            for n in self.splits
        ]
        self._leaf = [routed(node, node.threshold, codes, self.missing) for node in self.splits]
        self.scores = np.tile(np.array(model.bias, dtype=np.int32)[:, None], (1, codes.shape[1]))
        self._trees: dict[int, list[tuple[int, int]]] = {o: [] for o in range(len(self.scores))}
        self._telling: dict[tuple[int, int], set[int]] = {}
        for number, node in enumerate(self.splits):
            for column, output in enumerate(node.outputs):
                self._trees[output].append((number, column))
                leaves = self.rounded[number][:, column]
                self.scores[output] += leaves[self._leaf[number]]
                self._telling[number, column] = telling_splits(node, leaves.tolist())

    def changed(self) -> np.ndarray:
        """Return for each row whether any group decides otherwise, booleans (rows,)."""
        differs = np.zeros(self.codes.shape[1], dtype=bool)
        for group, decision, decided in self.decided:
            differs |= decision.evaluate(self.scores[list(group)].T) != decided
        return differs

    def used(self) -> Counter[Comparison]:
        """Return the comparisons that splits make which tell leaves apart, with their number."""
        found: Counter[Comparison] = Counter()
        for number, node in enumerate(self.splits):
            told = set().union(*(self._telling[number, c] for c in range(len(node.outputs))))
            found.update(self._made[number][split] for split in sorted(told))
        return found

    def cost(self) -> float:
        """Return about the cells: splits, comparisons, bits of the trees' ranges."""
        cells = sum(self._price(comparison) for comparison in self.used())
        for (number, column), told in self._telling.items():
            cells += len(told)
            cells += _ADDER_BIT * int(np.ptp(self.rounded[number][:, column])).bit_length()
        return cells

    def _price(self, comparison: Comparison) -> float:
        return comparison_cells(comparison, self.features[comparison.feature].bits)

    def round_leaves(self, price: float) -> None:
        """Round every tree's leaves for the least of loss and `price` times cells."""
        used = self.used()
        share = {c: price * (1 + self._price(c) / count) for c, count in used.items()}
        for output, trees in self._trees.items():  # the others stand still for many trees
            margins = Margins(output, self.scores, self.decided)
            for number, column in trees:
                prices = [
                    share[c] if c in share else price * (1 + self._price(c))
                    for c in self._made[number]
                ]
                self._round_tree(output, number, column, price, prices, margins)

    def _round_tree(
        self,
        output: int,
        number: int,
        column: int,
        price: float,
        prices: list[float],
        margins: Margins,
    ) -> None:
        """Round the leaves of one output of one tree; `prices` are those of its splits."""
        node, leaf = self.splits[number], self._leaf[number]
        leaves = self.rounded[number][:, column]
        ends = (self._low[number][:, column], self._high[number][:, column])
        own = leaf.astype(np.intp)
        losses = [
            np.bincount(own, margins.lost((end - leaves)[own]), len(leaves)).tolist()
            for end in ends
        ]
        pairs = [
            {low: less, high: more}
            for low, high, less, more in zip(*(end.tolist() for end in ends), *losses, strict=True)
        ]
        best: tuple[float, list[int]] | None = None
        highest = {int(end.max()).bit_length(): int(end.max()) for end in ends}
        for bits, most in highest.items():
            choices = pairs
            if most < ends[1].max():
                choices = [{v: lost for v, lost in own.items() if v <= most} for own in pairs]
            cost, found = cheapest(node, choices, prices)
            cost += price * _ADDER_BIT * bits
            if best is None or cost < best[0]:
                best = cost, found
        assert best is not None
        _, found = best
        change = np.array(found, dtype=np.int32) - leaves
        if change.any():
            margins.move(change[own])
            self.scores[output] += change[own]
            self.rounded[number][:, column] = found
            self._telling[number, column] = telling_splits(node, found)

    def round_thresholds(self, price: float) -> int:
        """Move thresholds to coarser codes, or back, where that pays; return how many."""
        used = self.used()
        moved = 0
        for output, trees in self._trees.items():
            margins = Margins(output, self.scores, self.decided)
            for number, _ in trees:
                if len(self.splits[number].outputs) == 1:  # else all outputs would move at once
                    moved += self._round_splits(output, number, price, used, margins)
        return moved

    def _round_splits(
        self, output: int, number: int, price: float, used: Counter[Comparison], margins: Margins
    ) -> int:
        """Move thresholds of one tree one by one; return how many."""
        node, made = self.splits[number], self._made[number]
        moved, subtrees = 0, None
        leaves = self.rounded[number][:, 0]
        for split in sorted(self._telling[number, 0]):
            here, first = made[split], node.threshold[split]
            if not self.moves[here.feature]:
                continue
            feature = self.features[here.feature]
            saved = self._price(here) if used[here] == 1 else 0.0
            gains = {}
            for there, price_there in elsewhere(here, first, feature.largest, feature.bits):
                gain = saved - (0.0 if used.get(there) else price_there)
                if gain > 0 or there.threshold == first:
                    gains[there] = gain
            if not gains:
                continue
            if subtrees is None:
                thresholds = self.thresholds[number]
                subtrees = _Subtrees(node, leaves, thresholds, self.codes, self.missing)
            found = subtrees.try_split(split, here, gains, price, margins)
            if found is not None:
                moved += 1
                made[split] = found
                used[here] -= 1
                used[found] += 1
                subtrees.move(split, found.threshold)
        if moved:
            assert subtrees is not None
            leaf = subtrees.leaf()
            self.scores[output] += leaves[leaf] - leaves[self._leaf[number]]
            self._leaf[number] = leaf
        return moved


class _Subtrees:
    """What each subtree of a tree comes to, for each row.

    Parameters
    ----------
    leaves : integers (leaves,); thresholds : of each split, changed by `move`
    codes : (features, rows); missing : NaN's code of each feature
    """

    def __init__(
        self,
        node: TreeNode,
        leaves: np.ndarray,
        thresholds: list[int],
        codes: np.ndarray,
        missing: list[int],
    ) -> None:
        self.node, self.thresholds, self.codes, self.missing = node, thresholds, codes, missing
        self._left: dict[int, np.ndarray] = {}
        self._above = _above(node)
        signed = np.min_scalar_type(-int(leaves.max()) - 1)  # -1 is a mask of ones
        self._constants = leaves.astype(signed)
        self._values: list[np.ndarray] = [self._constants[0]] * len(node.feature)
        for split in reversed(range(len(node.feature))):
            self._choose(split)

    def _choose(self, split: int) -> None:
        """Find what comes out of a split, one integer or (rows,)."""
        left, right = self._sides(split)
        if left.ndim == right.ndim == 0 and left == right:
            self._values[split] = left
            return
        chosen = np.negative(self._goes_left(split).view(np.int8), dtype=self._constants.dtype)
        chosen &= left ^ right
        chosen ^= right
        self._values[split] = chosen

    def _sides(self, split: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what the two sides of a split come to, one integer each or (rows,)."""
        left, right = (
            self._constants[~child] if child < 0 else self._values[child]
            for child in (self.node.left[split], self.node.right[split])
        )
        return left, right

    def _goes_left(self, split: int) -> np.ndarray:
        """Return which rows a split sends left, booleans (rows,)."""
        if split not in self._left:
            value = self.codes[self.node.feature[split]]
            threshold = self.thresholds[split]
            self._left[split] = sent_left(self.node, split, threshold, value, self.missing)
        return self._left[split]

    def leaf(self) -> np.ndarray:
        """Return the leaf of each row (rows,)."""
        node = self.node
        return leaves_of(
            node.left, node.right, lambda s, rows: self._goes_left(s)[rows], self.codes.shape[1]
        )

    def move(self, split: int, threshold: int) -> None:
        """Give a split another threshold."""
        self.thresholds[split] = threshold
        del self._left[split]
        self._choose(split)
        for ancestor, _ in self._above[split]:
            self._choose(ancestor)

    def try_split(
        self,
        split: int,
        here: Comparison,
        gains: dict[Comparison, float],
        price: float,
        margins: Margins,
    ) -> Comparison | None:
        """Return the comparison in place of `here` that pays most, None if none pays.

        If one does, `margins` are moved.

        Parameters
        ----------
        gains : what each comparison saves in cells
        """
        ends = [here.threshold, *(there.threshold for there in gains)]
        low, high = min(ends), max(ends)
        value = self.codes[self.node.feature[split]]
        reached = value <= high
        if low >= 0:
            reached &= value > low
        for ancestor, from_left in self._above[split]:
            way = self._goes_left(ancestor)
            reached &= way if from_left else ~way
        members = np.flatnonzero(reached)
        value = value[members].astype(np.intp) - low
        left, right = (side[members] if side.ndim else side for side in self._sides(split))
        other = np.subtract(right, left, dtype=np.int32)
        change = np.where(self._goes_left(split)[members], other, -other)
        lost = margins.more(change, members)
        # Losses of all rows up to each code, from `low` on.
        total = np.bincount(value, lost, high - low + 1).cumsum().tolist()
        best, found = -1e-9, None
        for there, gain in gains.items():
            away = total[there.threshold - low] - total[here.threshold - low]
            away = (away if there.threshold > here.threshold else -away) - price * gain
            if away < best:
                best, found = away, there
        if found is not None:
            ends = sorted((here.threshold - low, found.threshold - low))
            moved = (value > ends[0]) & (value <= ends[1])
            margins.move(change[moved], members[moved])
        return found


def _above(node: TreeNode) -> list[tuple[tuple[int, bool], ...]]:
    """Return for each split those above it, the nearest first, and whether it lies to the left."""
    above: list[tuple[tuple[int, bool], ...]] = [()] * len(node.feature)
    for split in range(len(node.feature)):
        for child, left in ((node.left[split], True), (node.right[split], False)):
            if child >= 0:
                above[child] = ((split, left), *above[split])
    return above

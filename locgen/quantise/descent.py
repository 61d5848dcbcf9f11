"""Coordinate descent over what a tree's leaves and thresholds round to.

One output of one tree changes at a time, all others stand still: then the loss is a sum over the
tree's leaves, and the cheapest rounding of all of them together follows exactly, from the leaves
up. What a row loses is a smooth function of its margin, so that rows which have not changed yet
count as well: log(1 + exp(-margin)), as boosting has it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from locgen.ir import Argmax, Comparison, Feature, QuantisedModel, TreeNode
from locgen.ir.cost import comparison_luts
from locgen.quantise.splits import routed

__all__ = ["Descent", "coarser", "comparison_cost", "telling_splits"]

_FAR = 1 << 20
"""A margin beyond any other."""
_CLIP = 63
"""Margins beyond this lose nothing, or as much as this one."""
_SOFTNESS = 2.0
"""Steps over which the loss falls by about e: 1 fits the training rows closer, 3 blurs."""
_ADDER_BIT = 2.0
"""Cells for a bit of a tree's range: what adds it, and what selects it."""
_COARSEST = 3
"""A threshold may forget so many of its feature's lowest bits."""


def comparison_cost(comparison: Comparison, bits: int) -> float:
    """Return about the LUT4 of a comparison; one of two bits often joins the LUT behind it."""
    low_ones = (~comparison.threshold & comparison.threshold + 1).bit_length() - 1
    inputs = bits - low_ones
    if comparison.missing_left or inputs > 2:
        return comparison_luts(comparison, bits)
    return 0.6 if inputs == 2 else 0.0


def coarser(threshold: int, largest: int) -> list[int]:
    """Return what `threshold` may round to, itself included: both neighbours on coarser grids.

    Whoever forgets the lowest n bits of a code can tell apart multiples of 2**n alone.
    """
    found = {threshold}
    if not 0 <= threshold < largest:  # tells missing values apart, or nothing
        return [threshold]
    for bits in range(1, _COARSEST + 1):
        below = (threshold + 1 >> bits << bits) - 1
        found |= {below, below + (1 << bits)}
    return sorted(t for t in found if t == threshold or 0 <= t < largest)


@dataclass(frozen=True)
class _Rivals:
    """What an output's score is compared with, so that a row's margin follows from that score.

    Where the row is this output's `own`, it leads by ``score - above``; elsewhere the row's output
    leads by the least of `beside` (over the others) and ``before - score``. A margin below 0 is
    another decision.
    """

    own: np.ndarray
    above: np.ndarray
    beside: np.ndarray
    before: np.ndarray

    def margin(self, score: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        other = np.minimum(self.beside[rows], self.before[rows] - score)
        return np.where(self.own[rows], score - self.above[rows], other)


class Descent:
    """Roundings of one scale, on fixed rows.

    Members
    -------
    rounded : for each tree integers (leaves, outputs)
    thresholds : for each tree the threshold of each split

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
        decided: Sequence[tuple[tuple[int, ...], object, np.ndarray]],
        moves: Sequence[bool],
    ) -> None:
        self.splits = model.nodes
        self.values = values
        self.codes = codes
        self.decided = decided
        self.features: tuple[Feature, ...] = model.features
        self.moves = moves
        self.missing = [int(code) for code in model.missing_codes]
        self.rounded = [np.rint(value).astype(np.int32) for value in values]
        self.thresholds = [list(node.threshold) for node in self.splits]
        self._below = [_leaves_below(node) for node in self.splits]
        every = np.arange(codes.shape[1])
        self._leaf = [
            routed(node, node.threshold, codes, self.missing, every) for node in self.splits
        ]
        self._loss = np.log1p(np.exp(-(np.arange(-_CLIP, _CLIP + 1) + 0.5) / _SOFTNESS))
        self.scores = np.tile(np.array(model.bias, dtype=np.int32)[:, None], (1, len(every)))
        for number, output, column in self._columns():
            self.scores[output] += self.rounded[number][:, column][self._leaf[number]]

    def _columns(self) -> Iterator[tuple[int, int, int]]:
        """Yield (tree, output, column) in order of outputs: rivals are the same for many."""
        found = [
            (output, number, column)
            for number, node in enumerate(self.splits)
            for column, output in enumerate(node.outputs)
        ]
        for output, number, column in sorted(found):
            yield number, output, column

    def changed(self) -> np.ndarray:
        """Return for each row whether any group decides otherwise, booleans (rows,)."""
        differs = np.zeros(self.codes.shape[1], dtype=bool)
        for group, decision, decided in self.decided:
            differs |= decision.evaluate(self.scores[list(group)].T) != decided
        return differs

    def _rivals(self, output: int) -> list[_Rivals]:
        """Return the rivals of `output` in each group that it is part of."""
        found = []
        for group, decision, decided in self.decided:
            if output not in group:
                continue
            rows = np.arange(len(decided))
            if not isinstance(decision, Argmax):
                least = np.full(len(rows), 0 if decision.operator == ">=" else 1)
                far = np.full(len(rows), _FAR)
                found.append(_Rivals(decided == 1, least, far, least - 1))
                continue
            place = group.index(output)
            scores = self.scores[list(group)]
            lead = scores[decided, rows]
            # Ties go to the lower index: a rival before the row's own wins with as much.
            scores = scores + (np.arange(len(group))[:, None] < decided)
            scores[decided, rows] = -_FAR
            before = lead - (place < decided)
            scores[place] = -_FAR
            above = scores.max(axis=0)
            found.append(_Rivals(decided == place, above, lead - above, before))
        return found

    def _lost(
        self, rivals: list[_Rivals], score: np.ndarray, rows: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """Return the loss (rows,) with these scores of an output."""
        margins = (r.margin(score, rows) for r in rivals)
        return sum(self._loss[np.clip(margin, -_CLIP, _CLIP) + _CLIP] for margin in margins)

    def used(self) -> Counter[Comparison]:
        """Return the comparisons that splits make which tell leaves apart, with their number."""
        found: Counter[Comparison] = Counter()
        for number, node in enumerate(self.splits):
            made = set()
            for column in range(len(node.outputs)):
                made |= telling_splits(node, self.rounded[number][:, column].tolist())
            found.update(self._comparison(number, split) for split in made)
        return found

    def cost(self) -> float:
        """Return about the cells: splits, comparisons, bits of the trees' ranges."""
        cells = sum(self._price(comparison) for comparison in self.used())
        for number, _, column in self._columns():
            leaves = self.rounded[number][:, column]
            cells += len(telling_splits(self.splits[number], leaves.tolist()))
            cells += _ADDER_BIT * int(np.ptp(leaves)).bit_length()
        return cells

    def _comparison(self, number: int, split: int) -> Comparison:
        node = self.splits[number]
        threshold = self.thresholds[number][split]
        return Comparison(node.feature[split], int(threshold), node.missing_left[split])

    def _price(self, comparison: Comparison) -> float:
        return comparison_cost(comparison, self.features[comparison.feature].bits)

    def round_leaves(self, price: float) -> None:
        """Round every tree's leaves for the least of loss and `price` times cells."""
        used = self.used()
        known: tuple[int, list[_Rivals]] = (-1, [])
        for number, output, column in self._columns():
            if known[0] != output:
                known = (output, self._rivals(output))
            node, leaf = self.splits[number], self._leaf[number]
            comparisons = [self._comparison(number, split) for split in range(len(node.feature))]
            prices = [price * (1 + self._price(c) / max(used[c], 1)) for c in comparisons]
            low = np.floor(self.values[number][:, column] + 1e-9).astype(np.int32)
            high = np.ceil(self.values[number][:, column] - 1e-9).astype(np.int32)
            rest = self.scores[output] - self.rounded[number][:, column][leaf]
            losses = [
                np.bincount(leaf, self._lost(known[1], rest + ends[leaf]), len(low))
                for ends in (low, high)
            ]
            best = None
            for most in {int(low.max()), int(high.max())}:
                choices = [
                    {int(v): lost[k] for v, lost in zip(ends, losses, strict=True) if v <= most}
                    for k, ends in enumerate(zip(low, high, strict=True))
                ]
                cost, leaves = _cheapest(node, choices, prices)
                cost += price * _ADDER_BIT * most.bit_length()
                if best is None or cost < best[0]:
                    best = cost, leaves
            self.rounded[number][:, column] = best[1]
            self.scores[output] = rest + self.rounded[number][:, column][leaf]

    def round_thresholds(self, price: float) -> int:
        """Move thresholds to coarser codes, or back, where that pays; return how many."""
        used = self.used()
        moved = 0
        known: tuple[int, list[_Rivals]] = (-1, [])
        for number, output, column in self._columns():
            node = self.splits[number]
            if len(node.outputs) > 1:  # all outputs would move at once
                continue
            if known[0] != output:
                known = (output, self._rivals(output))
            for split in sorted(telling_splits(node, self.rounded[number][:, column].tolist())):
                if self.moves[node.feature[split]]:
                    moved += self._move(number, output, split, price, used, known[1])
        return moved

    def _move(
        self,
        number: int,
        output: int,
        split: int,
        price: float,
        used: Counter[Comparison],
        rivals: list[_Rivals],
    ) -> bool:
        """Move one threshold to where it pays most, if anywhere."""
        node, here = self.splits[number], self._comparison(number, split)
        first = node.threshold[split]
        saved = self._price(here) if used[here] == 1 else 0.0
        leaves = self.rounded[number][:, 0]
        reach: np.ndarray | None = None
        best: tuple[float, Comparison, np.ndarray, np.ndarray] | None = None
        for threshold in coarser(first, self.features[here.feature].largest):
            there = here._replace(threshold=threshold)
            gain = saved - (0.0 if used[there] else self._price(there))
            if there == here or (gain <= 0 and threshold != first):
                continue
            if reach is None:
                below = np.zeros(len(leaves), dtype=bool)
                below[self._below[number][split]] = True
                reach = np.flatnonzero(below[self._leaf[number]])
                value = self.codes[here.feature][reach]
            ends = sorted((here.threshold, threshold))
            rows = reach[(value > ends[0]) & (value <= ends[1])]
            trial = [*self.thresholds[number]]
            trial[split] = threshold
            leaf = routed(node, trial, self.codes, self.missing, rows, split)
            score = self.scores[output][rows]
            after = score + leaves[leaf] - leaves[self._leaf[number][rows]]
            lost = self._lost(rivals, after, rows).sum() - self._lost(rivals, score, rows).sum()
            if lost - price * gain < (best[0] if best else -1e-9):
                best = lost - price * gain, there, rows, leaf
        if best is None:
            return False
        _, there, rows, leaf = best
        self.scores[output][rows] += leaves[leaf] - leaves[self._leaf[number][rows]]
        self._leaf[number][rows] = leaf
        self.thresholds[number][split] = there.threshold
        used[here] -= 1
        used[there] += 1
        return True


def _leaves_below(node: TreeNode) -> list[list[int]]:
    """Return the leaves below each split."""
    below: list[list[int]] = [[] for _ in node.feature]
    for split in reversed(range(len(node.feature))):
        for child in (node.left[split], node.right[split]):
            below[split] += [~child] if child < 0 else below[child]
    return below


def telling_splits(node: TreeNode, leaves: Sequence[int]) -> set[int]:
    """Return the splits of `node` that are reached and tell different `leaves` apart."""
    kept: list[object] = [None] * len(node.feature)
    own = [False] * len(node.feature)
    for split in reversed(range(len(node.feature))):
        left, right = (
            leaves[~child] if child < 0 else kept[child]
            for child in (node.left[split], node.right[split])
        )
        own[split] = left != right
        kept[split] = (split, left, right) if own[split] else left
    found = set()
    waiting = [0] if node.feature else []
    while waiting:
        split = waiting.pop()
        if split < 0:
            continue
        waiting.append(node.left[split])
        if own[split]:
            found.add(split)
            waiting.append(node.right[split])
    return found


def _cheapest(
    node: TreeNode, choices: list[dict[int, float]], prices: list[float]
) -> tuple[float, list[int]]:
    """Return the least cost, and the integers of the leaves that come to it.

    Parameters
    ----------
    choices : for each leaf the loss of each integer that it may become
    prices : of each split, paid unless all leaves below it become the same
    """
    splits = len(node.feature)
    same: list[dict[int, float]] = [{}] * splits
    cost = [0.0] * splits
    common: list[int | None] = [None] * splits

    def of(child: int) -> tuple[dict[int, float], float]:
        if child < 0:
            return choices[~child], min(choices[~child].values())
        return same[child], cost[child]

    for split in reversed(range(splits)):
        (left, left_cost), (right, right_cost) = of(node.left[split]), of(node.right[split])
        same[split] = {value: left[value] + right[value] for value in left if value in right}
        cost[split] = left_cost + right_cost + prices[split]
        for value, lost in same[split].items():
            if lost <= cost[split]:
                cost[split], common[split] = lost, value
    leaves = [0] * len(choices)
    waiting: list[tuple[int, int | None]] = [(0 if splits else -1, None)]
    while waiting:
        child, value = waiting.pop()
        if child < 0:
            own = choices[~child]
            leaves[~child] = min(own, key=lambda v: own[v]) if value is None else value
            continue
        value = common[child] if value is None else value
        waiting += [(node.left[child], value), (node.right[child], value)]
    return (cost[0] if splits else min(choices[0].values())), leaves

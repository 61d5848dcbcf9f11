"""Leaves rounded up or down, whichever leaves fewer gates, inside the same budget.

The nearest integers keep the sum closest to the float model's, but nothing asks for that: decisions
are what must stay. Rounding a leaf to its other neighbour often makes it equal to the leaf beside
it, and then the split between the two, its comparison and its multiplexers are gone. Values never
move by a whole step, no value is trained anew, no tree is left out.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import QuantisedModel, TreeNode
from locgen.quantise.judge import Judge, Quantisation, QuantiseOptions, Trial, no_width
from locgen.quantise.lower import Skeleton

__all__ = ["collapses", "free_rounding", "splits_left"]

log = logging.getLogger(__name__)

_LEVELS = tuple(np.concatenate([np.arange(4, 32) / 4, np.arange(8, 32), 2.0 ** np.arange(5, 17)]))
"""Score steps over the widest tree that are tried, from few to many."""
_FINER = (1.0, 1.25, 1.5, 2.0)
"""More steps than nearest rounding needs leave more freedom; the cheapest of these is kept."""
_OFFSETS = tuple(o / 20 for o in range(-9, 10) if o)
_SWEEPS = 3
_ROWS = 1 << 14
"""Rows on which moves are tried; the result is judged on all."""


def splits_left(node: TreeNode, leaves: Sequence[tuple[int, ...]]) -> int:
    """Return how many splits of `node` tell different leaves apart, if these are its `leaves`."""
    value: list[object] = [None] * len(node.feature)
    size = [0] * len(node.feature)
    for split in reversed(range(len(node.feature))):
        children = (node.left[split], node.right[split])
        left, right = (leaves[~c] if c < 0 else value[c] for c in children)
        below = sum(size[c] for c in children if c >= 0)
        if left == right:
            value[split], size[split] = left, size[children[0]] if children[0] >= 0 else 0
        else:
            value[split], size[split] = (split, left, right), below + 1
    return size[0] if size else 0


def collapses(node: TreeNode, values: np.ndarray) -> list[tuple[list[int], int]]:
    """Return every (leaves below one split, integer) that all of them can be rounded to.

    Parameters
    ----------
    values : (leaves,) not rounded; each may become the integer below or above it
    """
    below: list[list[int]] = [[] for _ in node.feature]
    found = []
    for split in reversed(range(len(node.feature))):
        for child in (node.left[split], node.right[split]):
            below[split] += [~child] if child < 0 else below[child]
        lowest = int(np.floor(values[below[split]]).max())
        highest = int(np.ceil(values[below[split]]).min())
        found += [(below[split], common) for common in range(lowest, highest + 1)]
    return found


def _cost(node: TreeNode, leaves: np.ndarray) -> int:
    """Return about what a tree costs: for each output the splits that matter, and its bits."""
    cost = 0
    for column in leaves.astype(int).T:
        cost += splits_left(node, [(value,) for value in column.tolist()])
        cost += int(np.ptp(column)).bit_length()
    return cost


@dataclass
class _Search:
    """Rounded leaves of one scale, and what they come to on the rows.

    Members
    -------
    values : for each tree its leaves (leaves, outputs) in steps, not rounded
    outputs : for each tree the model's outputs
    table : (rows, trees) position of the leaf among the tree's `values`
    bias : (outputs,) integers; decided : (rows,) what the float model answers
    labelled : leading rows that are training rows
    """

    splits: Sequence[TreeNode]
    values: Sequence[np.ndarray]
    outputs: Sequence[tuple[int, ...]]
    table: np.ndarray
    decided: np.ndarray
    candidate: QuantisedModel
    labelled: int

    def __post_init__(self) -> None:
        self.rounded = [np.rint(value) for value in self.values]
        self.costs = [_cost(n, r) for n, r in zip(self.splits, self.rounded, strict=True)]
        self.scores = np.tile(np.array(self.candidate.bias, dtype=np.float64), (len(self.table), 1))
        for number in range(len(self.values)):
            self._add(number, self.rounded[number])

    def _add(self, number: int, change: np.ndarray) -> None:
        for column, output in enumerate(self.outputs[number]):
            self.scores[:, output] += change[self.table[:, number], column]

    def changed(self) -> tuple[float, float]:
        """Return the share of decisions that differ: of all rows, and of the training rows."""
        differs = self.candidate.decision.evaluate(self.scores) != self.decided
        return float(differs.mean()), float(differs[: self.labelled].mean() if self.labelled else 0)

    def sweep(self, allowed: float, allowed_train: float) -> int:
        """Try every cheaper rounding, the least harmful first; return how many were kept."""
        before, _ = self.changed()
        moves = []
        for number, cost, value in self._cheaper():
            step = value - self.rounded[number]
            self._add(number, step)
            harm = (self.changed()[0] - before) / (self.costs[number] - cost)
            self._add(number, -step)
            moves.append((harm, number, cost, value))
        moves.sort(key=lambda move: move[0])
        done: set[int] = set()
        for _, number, cost, value in moves:
            if number in done:
                continue
            step = value - self.rounded[number]
            self._add(number, step)
            every, train = self.changed()
            if every > allowed or train > allowed_train:
                self._add(number, -step)
                continue
            self.rounded[number], self.costs[number] = value, cost
            done.add(number)
        return len(done)

    def _cheaper(self) -> list[tuple[int, int, np.ndarray]]:
        """Return (tree, cost, leaves) of all offsets of one tree's output that cost less."""
        found = []
        for number, (node, value) in enumerate(zip(self.splits, self.values, strict=True)):
            seen = {self.rounded[number].tobytes()}
            for column in range(value.shape[1]):
                for offset in _OFFSETS:
                    moved = self.rounded[number].copy()
                    moved[:, column] = np.rint(value[:, column] + offset).clip(0)
                    if moved.tobytes() in seen:
                        continue
                    seen.add(moved.tobytes())
                    cost = _cost(node, moved)
                    if cost < self.costs[number]:
                        found.append((number, cost, moved))
                for leaves, common in collapses(node, value[:, column]):
                    moved = self.rounded[number].copy()
                    moved[leaves, column] = common
                    if moved.tobytes() in seen:
                        continue
                    seen.add(moved.tobytes())
                    cost = _cost(node, moved)
                    if cost < self.costs[number]:
                        found.append((number, cost, moved))
        return found


def free_rounding(
    skeleton: Skeleton, judge: Judge, name: str, options: QuantiseOptions, allowed: float
) -> Quantisation:
    """Return the cheapest integer model whose leaves are rounded up or down inside the budget.

    Parameters
    ----------
    allowed : percent of decisions that may change on training and blended rows together

    Raises
    ------
    BudgetError
        If no scale stays inside.
    ConfigurationError
        For regression, mixtures, and widths that are given.
    """
    model = skeleton.model
    if model.task == "regression" or model.gate is not None or options.score_bits is not None:
        raise ConfigurationError(
            "--rounding free searches the scores of classifiers without a gate: leave it out, and "
            "--score-bits where it is given"
        )
    leaves = skeleton.leaf_table(judge.x)
    place = np.zeros_like(leaves)
    for number, split in enumerate(skeleton.splits):
        index = np.zeros(max(leaf for (leaf,) in split.leaf_scores) + 1, dtype=np.int64)
        index[[leaf for (leaf,) in split.leaf_scores]] = np.arange(len(split.leaf_scores))
        place[:, number] = index[leaves[:, number]]
    trials: list[Trial] = []

    def judged(levels: float, rounded: Sequence[np.ndarray]) -> tuple[QuantisedModel, Trial]:
        candidate = skeleton.integer_model(levels, name, rounded)
        scores = np.tile(np.array(candidate.bias, dtype=np.int64), (len(place), 1))
        for number, node in enumerate(candidate.nodes):
            part = np.array(node.leaf_scores, dtype=np.int64)[place[:, number]]
            scores[:, list(node.outputs)] += part
        drop, changed = judge.verdict(candidate, scores)
        kept = (drop is None or drop <= options.max_accuracy_drop) and changed <= allowed
        bits = max(int(r.max(initial=0)).bit_length() for r in rounded)
        trials.append(Trial(bits, drop, changed, kept))
        return candidate, trials[-1]

    first = None
    for levels in _LEVELS:
        _, trial = judged(levels, [np.rint(v) for v in skeleton.leaf_values(levels)])
        if trial.kept:
            first = float(levels)
            break
    if first is None:
        raise no_width(options.max_accuracy_drop, trials)
    best: tuple[int, QuantisedModel] | None = None
    for finer in _FINER:
        found = _searched(skeleton, judge, place, first * finer, allowed)
        candidate, trial = judged(first * finer, found.rounded)
        cost = sum(found.costs)
        log.debug("%.2f levels: %d splits and bits, %.3f %%", first * finer, cost, trial.changed)
        if trial.kept and (best is None or cost < best[0]):
            best = cost, candidate
    if best is None:  # moves that suited a part of the rows did not suit all: the nearest does
        best = 0, judged(first, [np.rint(v) for v in skeleton.leaf_values(first)])[0]
    return Quantisation(best[1], tuple(trials), len(judge.x))


def _searched(
    skeleton: Skeleton, judge: Judge, place: np.ndarray, levels: float, allowed: float
) -> _Search:
    """Return the search at one scale, after its sweeps."""
    rows = np.arange(len(place))
    if len(rows) > _ROWS:
        rows = np.sort(np.random.default_rng(0).choice(len(rows), _ROWS, replace=False))
    search = _Search(
        skeleton.splits,
        skeleton.leaf_values(levels),
        [tree.outputs for tree in skeleton.model.trees],
        place[rows],
        skeleton.model.decide(judge.float_scores[rows]),
        skeleton.integer_model(levels, "m"),
        int(np.searchsorted(rows, judge.labelled)),
    )
    _, train = search.changed()
    for _ in range(_SWEEPS):
        if not search.sweep(allowed / 100, max(train, allowed / 100 / 2)):
            break
    return search

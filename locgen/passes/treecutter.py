"""Cost-complexity pruning of all trees of an ensemble at one price of a cell."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from locgen.ir import Comparison, Feature, FloatTree, Model
from locgen.passes.cells import comparison_cells
from locgen.passes.context import Evaluator
from locgen.passes.cutting import cut_back, leaf_spans
from locgen.passes.losses import DecisionLoss, Loss, ValueLoss

__all__ = ["TreeCutter"]


class TreeCutter:
    """Cuts trees back, one after the other.

    Members
    -------
    trees : as they are now; scores : (rows, outputs) that they give the evaluator's rows
    """

    def __init__(self, model: Model, features: tuple[Feature, ...], evaluator: Evaluator) -> None:
        self.model, self.features, self.labelled = model, features, evaluator.labelled
        self.trees = [*model.trees]
        self.scores = evaluator.float_scores.copy()
        x = model.expand(evaluator.x)
        self.leaf = [tree.leaf_index(x).astype(np.int32) for tree in model.trees]
        self.loss: Loss = ValueLoss(self.scores)
        if model.task == "classification":
            self.loss = DecisionLoss(model, self.scores)
        self.used = Counter(
            self._comparison(tree, split)
            for tree in model.trees
            for split in range(len(tree.feature))
        )

    def cut(self, price: float) -> int:
        """Cut every tree back where a cell is worth less than `price`; return how many cuts."""
        return sum(self._cut_tree(number, price) for number in range(len(self.trees)))

    def _cut_tree(self, number: int, price: float) -> int:
        tree, leaf = self.trees[number], self.leaf[number]
        if not len(tree.feature):
            return 0
        outputs = list(tree.outputs)
        rows = self.loss.rows
        rest = self.scores[rows]
        rest[:, outputs] -= tree.leaf_values[leaf[rows]]
        order, spans = leaf_spans(tree)
        rank = np.empty(len(order), dtype=np.int32)
        rank[order] = np.arange(len(order))
        place = rank[leaf[rows]]
        sort = np.argsort(place, kind="stable")
        ends = np.searchsorted(place[sort], np.arange(len(order) + 1))
        lost = self.loss.of(self.scores[rows], np.arange(len(rows)))[sort]
        below = np.concatenate([[0.0], np.cumsum(lost)])
        weights = np.bincount(leaf[: self.labelled], minlength=len(order))[order]
        values = tree.leaf_values[order]

        best = {~int(o): below[ends[r + 1]] - below[ends[r]] for r, o in enumerate(order)}
        mean: dict[int, NDArray[np.float64]] = {}
        for split, (low, high) in reversed(spans.items()):
            weight = weights[low:high] if weights[low:high].any() else None
            value = np.average(values[low:high], axis=0, weights=weight)
            members = sort[ends[low] : ends[high]]
            trial = rest[members]
            trial[:, outputs] += value
            whole = float(self.loss.of(trial, members).sum())
            left, right = int(tree.left[split]), int(tree.right[split])
            both = best[left] + best[right] + price * self._cells(tree, split)
            best[split] = min(whole, both)
            if whole <= both + 1e-12:
                mean[split] = value
        cuts: dict[int, NDArray[np.float64]] = {}
        waiting = [0]
        while waiting:
            split = waiting.pop()
            if split in mean:
                cuts[split] = mean[split]
            elif split >= 0:
                waiting += [int(tree.left[split]), int(tree.right[split])]
        if cuts:
            self._apply(number, cuts)
        return len(cuts)

    def _apply(self, number: int, cuts: Mapping[int, NDArray[np.float64]]) -> None:
        """Replace subtrees by leaves, and all that follows from it."""
        tree, leaf = self.trees[number], self.leaf[number]
        made, of = cut_back(tree, cuts)
        after = of[leaf]
        change = made.leaf_values[after] - tree.leaf_values[leaf]
        self.scores[:, list(tree.outputs)] += change
        self.used.subtract(self._comparison(tree, s) for s in range(len(tree.feature)))
        self.used.update(self._comparison(made, s) for s in range(len(made.feature)))
        self.trees[number], self.leaf[number] = made, after

    def _comparison(self, tree: FloatTree, split: int) -> Comparison:
        index = int(tree.feature[split])
        feature = self.features[index]
        cut = float(tree.cut[split])
        code = feature.threshold_of(cut) if np.isfinite(cut) else feature.largest
        code = int(np.clip(code, -1, feature.largest))
        return Comparison(index, code, bool(tree.missing_left[split]) and feature.missing)

    def _cells(self, tree: FloatTree, split: int) -> float:
        """Return about the cells of a split: multiplexers, and its part of the comparison."""
        comparison = self._comparison(tree, split)
        cells = comparison_cells(comparison, self.features[comparison.feature].bits)
        return len(tree.outputs) + cells / max(self.used[comparison], 1)

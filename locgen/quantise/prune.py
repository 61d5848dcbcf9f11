"""Fewer leaves for tree ensembles, by what their cells are worth, before anything is rounded.

Cost-complexity pruning (Breiman, Friedman, Olshen and Stone, Classification and Regression Trees,
1984) of all trees together: one tree at a time is cut back where what the model loses is less than
the price of the cells that go, from the leaves up, while all other trees stand as they are. The
price rises until the training rows have lost their share of the budget. Trained trees know their
training rows by heart, so that these alone would let far too much go: of decisions on them and on
blends of them no more percent may change than the budget has points. A subtree becomes one leaf,
the mean of its leaves over the training rows that reach them; a split between two leaves is the
smallest subtree, so that leaves merge as well.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import Comparison, Feature, FloatCascade, FloatTree, Model
from locgen.quantise.dataset import Dataset
from locgen.quantise.descent import comparison_cost
from locgen.quantise.features import choose_features
from locgen.quantise.judge import Judge, Pruning, QuantiseOptions

__all__ = ["PRUNED_SHARE", "cut_back", "prune"]

log = logging.getLogger(__name__)

PRUNED_SHARE = 0.5
"""Of what the user allows; the rest is left to rounding."""
_PRICES = (0.0, *np.geomspace(0.004, 128, 31))
"""What a cell may cost in loss, rising until the share is spent."""
_SOFTNESS = 1 / 8
"""The loss falls by e over this part of the usual margin."""
_ROWS = 1 << 13
"""Rows that the loss is summed over, those with the least margin; the budget is judged on all."""


def prune(model: Model, options: QuantiseOptions, data: Dataset | None) -> tuple[Model, Pruning]:
    """Return `model` with fewer leaves, inside half of the accuracy budget on the training rows.

    Of decisions on training rows and blends (for regression see `Trial.changed`) at most half of
    `max_changed` percent change, by default as many as the budget has points.

    Raises
    ------
    ConfigurationError
        Without training rows, and for models that are not made of trees alone.
    """
    behind = isinstance(model.decision, FloatCascade)
    if not model.trees or model.arithmetic_nodes or model.gate is not None or behind:
        raise ConfigurationError(
            f"--prune cuts back the trees of an ensemble, and {model.family} is not made of trees "
            "alone: leave --prune out"
        )
    if data is None or not len(data.x_train):
        raise ConfigurationError(
            "--prune weighs cells against accuracy on training rows: give them with --data, or "
            "leave --prune out"
        )
    judge = Judge(model, data)
    features = choose_features(
        model, options.feature_bits, options.feature_kind, model.expand(data.x_train)
    )
    shears = _Shears(model, features, judge)
    budget, kept = options.max_accuracy_drop, model.trees
    most = budget if options.max_changed is None else PRUNED_SHARE * options.max_changed
    for price in _PRICES:
        cut = shears.cut(price)
        answers = model.decide(shears.scores)
        drop, changed = judge.drop(answers[: judge.labelled]) or 0.0, judge.changed(answers)
        log.debug("price %.3f: %d cuts, drop %.3f, changed %.3f", price, cut, drop, changed)
        if drop > PRUNED_SHARE * budget + 1e-9 or changed > most + 1e-9:
            break
        kept = tuple(shears.trees)
    fewer = replace(model, trees=kept)

    def worth(of: Model, x: np.ndarray, y: np.ndarray) -> float | None:
        return judge.worth(of.decide(of.scores(x)), y) if len(x) else None

    rows = ((data.x_train, data.y_train), (data.x_test, data.y_test))
    shares = [worth(of, *part) for part in rows for of in (model, fewer)]
    return fewer, Pruning(_leaves(model.trees), _leaves(kept), *shares)


def _leaves(trees: tuple[FloatTree, ...]) -> int:
    return sum(len(tree.leaf_values) for tree in trees)


class _Shears:
    """Cuts trees back, one after the other.

    Members
    -------
    trees : as they are now; scores : (rows, outputs) that they give the judge's rows
    """

    def __init__(self, model: Model, features: tuple[Feature, ...], judge: Judge) -> None:
        self.model, self.features, self.labelled = model, features, judge.labelled
        self.trees = [*model.trees]
        self.scores = judge.float_scores.copy()
        x = model.expand(judge.x)
        self.leaf = [tree.leaf_index(x).astype(np.int32) for tree in model.trees]
        self.loss = _Regressed(self.scores)
        if model.task == "classification":
            self.loss = _Decided(model, self.scores)
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
        order, spans = _spans(tree)
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
        mean: dict[int, np.ndarray] = {}
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
        cuts: dict[int, np.ndarray] = {}
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

    def _apply(self, number: int, cuts: Mapping[int, np.ndarray]) -> None:
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
        cost = comparison_cost(comparison, self.features[comparison.feature].bits)
        return len(tree.outputs) + cost / max(self.used[comparison], 1)


def _spans(tree: FloatTree) -> tuple[np.ndarray, dict[int, tuple[int, int]]]:
    """Return the leaves from left to right, and which of these are below each split, root first."""
    order: list[int] = []
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    waiting: list[tuple[int, bool]] = [(_root(tree), False)]
    while waiting:
        node, done = waiting.pop()
        if node < 0:
            order.append(~node)
        elif done:
            last[node] = len(order)
        else:
            first[node] = len(order)
            waiting.append((node, True))
            waiting += [(int(tree.right[node]), False), (int(tree.left[node]), False)]
    return np.array(order), {split: (low, last[split]) for split, low in first.items()}


def _root(tree: FloatTree) -> int:
    return 0 if len(tree.feature) else ~0


def cut_back(tree: FloatTree, cuts: Mapping[int, np.ndarray]) -> tuple[FloatTree, np.ndarray]:
    """Return `tree` with a leaf in place of each split in `cuts`, and the new leaf of each old one.

    A new leaf has the library's number of the first leaf that it stands for.

    Parameters
    ----------
    cuts : for each split the values (len(outputs),) of its leaf; none lies below another
    """
    order, spans = _spans(tree)
    splits: list[int] = []
    values: list[np.ndarray] = []
    ids: list[int] = []
    number: dict[int, int] = {}
    of = np.zeros(len(order), dtype=np.int32)
    waiting = [_root(tree)]
    while waiting:
        node = waiting.pop()
        if node >= 0 and node not in cuts:
            number[node] = len(splits)
            splits.append(node)
            waiting += [int(tree.right[node]), int(tree.left[node])]
            continue
        low, high = spans[node] if node >= 0 else (0, 0)
        old = order[low:high] if node >= 0 else np.array([~node])
        number[node] = ~len(values)
        of[old] = len(values)
        values.append(cuts[node] if node >= 0 else tree.leaf_values[~node])
        ids.append(int(tree.leaf_ids[old[0]]))
    made = replace(
        tree,
        feature=tree.feature[splits],
        cut=tree.cut[splits],
        missing_left=tree.missing_left[splits],
        left=np.array([number[int(tree.left[s])] for s in splits], dtype=tree.left.dtype),
        right=np.array([number[int(tree.right[s])] for s in splits], dtype=tree.right.dtype),
        leaf_values=np.stack(values),
        leaf_ids=np.array(ids, dtype=tree.leaf_ids.dtype),
    )
    return made, of


class _Decided:
    """What rows lose while their decisions hold or no longer do: log(1 + exp(-margin)), summed.

    Members
    -------
    rows : those that are looked at
    """

    def __init__(self, model: Model, scores: np.ndarray) -> None:
        decision = model.rule_of_decision
        self.groups = [list(range(model.outputs))]
        own = [decision.evaluate(scores)]
        if hasattr(decision, "groups"):
            self.groups = [list(group.scores) for group in decision.groups]
            own = [
                group.decision.evaluate(scores[:, list(group.scores)]) for group in decision.groups
            ]
        self.own = own
        every = np.arange(len(scores))
        least = np.min(self._margins(scores, every), axis=0)
        self.rows = np.sort(np.argsort(least, kind="stable")[:_ROWS])
        self.own = [decided[self.rows] for decided in own]
        self.scale = max(_SOFTNESS * float(np.median(np.abs(least))), 1e-12)

    def _margins(self, scores: np.ndarray, members: np.ndarray) -> list[np.ndarray]:
        """Return for each group by how much each row decides as it did."""
        found = []
        for outputs, own in zip(self.groups, self.own, strict=True):
            mine, decided = scores[:, outputs], own[members]
            if len(outputs) == 1:
                found.append(np.where(decided == 1, mine[:, 0], -mine[:, 0]))
                continue
            every = np.arange(len(mine))
            lead = mine[every, decided]
            others = mine.copy()
            others[every, decided] = -np.inf
            found.append(lead - others.max(axis=1))
        return found

    def of(self, scores: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Return the loss (members,) of `scores` (members, outputs), members counted in `rows`."""
        return sum(np.logaddexp(0, -m / self.scale) for m in self._margins(scores, members))


class _Regressed:
    """How far values move, in squares of their own spread; see `_Decided`."""

    def __init__(self, scores: np.ndarray) -> None:
        self.rows = np.arange(min(len(scores), _ROWS))
        self.own = scores[self.rows].copy()
        spread = scores.std(axis=0)
        self.scale = np.where(spread > 0, spread, 1.0)

    def of(self, scores: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Return the loss (members,) of `scores` (members, outputs), members counted in `rows`."""
        return (((scores - self.own[members]) / self.scale) ** 2).sum(axis=1)

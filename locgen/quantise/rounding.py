"""Free rounding: leaves and thresholds go up or down, whichever leaves fewer gates.

The nearest integers keep the sum closest to the float model's, but nothing asks for that: decisions
are what must stay. Rounding a leaf to its other neighbour often makes it equal to the leaf beside
it, and then the split between the two, its comparison and its multiplexers are gone. A threshold
that forgets the lowest bits of its feature takes a smaller comparison, or one that is there
already. Leaves never move by a whole step, no value is trained anew, no tree is left out.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import Model, QuantisedModel, Votes
from locgen.ir.integer import trees_of
from locgen.quantise.descent import Descent
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.margins import Rivalry
from locgen.quantise.options import QuantiseOptions
from locgen.quantise.partialtrees import PartialTrees
from locgen.quantise.trials import Quantisation, Trial, no_width

__all__ = ["free_rounding"]

log = logging.getLogger(__name__)

_LEVELS = (
    *(n / 4 for n in range(4, 32)),
    *map(float, range(8, 32)),
    *(2.0**n for n in range(5, 17)),
)
"""Score steps over the widest tree that are tried, from few to many."""
_STRIDE = 4
"""Every so many of them are looked at first, then those between."""
_HOPE = 3.0
"""Descent changes about a third of what the nearest integers change, before it saves a gate."""
_FINER = (1.0, 1.5)
"""More steps than need be leave more freedom: what is tried where the first keeps no budget."""
_PRICES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)
"""What a cell may cost in loss, rising until the budget is spent."""
_PASSES = 2
_MANY = 1 << 12
"""Splits beyond which one pass for each price is enough: on MNIST's 7,673 the second took as long
again and saved 0.4 % of the cells."""
_ROWS = 1 << 14
"""Rows that descent looks at, those with the least margin; the result is evaluated on all."""


@dataclass(frozen=True)
class _Rounded:
    """A result of descent: see `Descent` for `leaves` and `thresholds`."""

    levels: float
    cost: float
    leaves: tuple[np.ndarray, ...]
    thresholds: tuple[tuple[int, ...], ...]


class _Search:
    """The rows of an evaluator in codes, and scores of integer models on them."""

    def __init__(
        self, partial: PartialTrees, evaluator: Evaluator, name: str, allowed: float
    ) -> None:
        self.partial, self.evaluator, self.name, self.allowed = partial, evaluator, name, allowed
        self.codes = partial.columns(evaluator.x)
        self.leaves = partial.leaves_at(self.codes)
        self.thresholds = tuple(node.threshold for node in partial.splits)
        self.moves = [feature.kind != "rank" for feature in partial.features]
        decision = partial.model.rule_of_decision
        scores = evaluator.float_scores
        self.groups: list[Rivalry] = []
        for outputs, rule in decision.parts:
            decided = rule.evaluate(scores[:, list(outputs)])
            assert decided is not None  # classification
            self.groups.append((outputs, rule, decided))
        margin = decision.margin(scores)
        self.rows = np.sort(np.argsort(margin, kind="stable")[:_ROWS])

    def integer_model(self, rounded: _Rounded) -> QuantisedModel:
        """Return the model with these leaves and thresholds."""
        leaves, thresholds = rounded.leaves, rounded.thresholds
        return self.partial.integer_model(rounded.levels, self.name, leaves, thresholds)

    def nearest(self, levels: float) -> _Rounded:
        """Return the nearest integers."""
        leaves = tuple(np.rint(value) for value in self.partial.leaf_values(levels))
        return _Rounded(levels, 0.0, leaves, self.thresholds)

    def score(self, model: QuantisedModel, moved: bool) -> tuple[float | None, float]:
        """Return (drop or None, changed) of `model` on all rows.

        Parameters
        ----------
        moved : whether thresholds are not where they were
        """
        leaves = self.leaves
        if moved:
            thresholds = [node.threshold for node in trees_of(model.nodes)]
            leaves = self.partial.leaves_at(self.codes, thresholds)
        return self.evaluator.score(model, self.partial.integer_scores(model, leaves, None))

    def descend(self, levels: float) -> Iterator[_Rounded]:
        """Yield ever cheaper roundings while their rows keep the budget."""
        model = self.partial.integer_model(levels, self.name)
        values = self.partial.leaf_values(levels)
        rows = self.rows
        decided = [(scores, decision, of[rows]) for scores, decision, of in self.groups]
        descent = Descent(model, values, self.codes.take(rows, axis=1), decided, self.moves)
        labelled = rows < self.evaluator.labelled
        most_training = max(
            descent.changed()[labelled].sum(), self._of(self.evaluator.labelled) / 2
        )
        splits = sum(len(node.feature) for node in trees_of(model.nodes))
        passes = _PASSES if splits <= _MANY else 1
        for price in _PRICES:
            for _ in range(passes):
                descent.round_leaves(price)
                descent.round_thresholds(price)
            changed = descent.changed()
            log.debug("%.2f levels, price %.2f: %d changed", levels, price, changed.sum())
            if changed.sum() > self._of(self.codes.shape[1]):
                return
            if changed[labelled].sum() > most_training:
                return
            yield _Rounded(
                levels,
                descent.cost(),
                tuple(leaves.copy() for leaves in descent.rounded),
                tuple(tuple(thresholds) for thresholds in descent.thresholds),
            )

    def _of(self, rows: int) -> float:
        return self.allowed / 100 * rows


def _check(model: Model, options: QuantiseOptions) -> None:
    """Raise ConfigurationError for regression, mixtures, and widths that are given."""
    regression = model.task == "regression" or model.decision == "identity"
    nested = any(isinstance(g.decision, Votes) for g in getattr(model.decision, "groups", ()))
    if regression or nested or model.gate is not None or options.score_bits is not None:
        raise ConfigurationError(
            "--rounding free searches the scores of classifiers without a gate or votes over "
            "votes: leave it out, and --score-bits where it is given"
        )


def free_rounding(
    partial: PartialTrees,
    evaluator: Evaluator,
    name: str,
    options: QuantiseOptions,
    allowed: float,
) -> Quantisation:
    """Return the cheapest integer model whose leaves are rounded up or down inside the budget.

    Thresholds round as well, to codes whose lowest bits count no more, but those of rank codes,
    which are no sizes.

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
    _check(partial.model, options)
    search = _Search(partial, evaluator, name, allowed)
    trials: list[Trial] = []

    def evaluated(rounded: _Rounded, share: float) -> tuple[QuantisedModel, bool]:
        candidate = search.integer_model(rounded)
        drop, changed = search.score(candidate, rounded.thresholds != search.thresholds)
        kept = (drop is None or drop <= options.max_accuracy_drop) and changed <= share
        bits = max(int(leaves.max(initial=0)).bit_length() for leaves in rounded.leaves)
        trials.append(Trial(bits, drop, changed, kept and changed <= allowed))
        return candidate, kept

    @cache
    def nearest(levels: float) -> tuple[QuantisedModel, bool, bool]:
        """Return the model of the nearest integers, whether there is hope, and if it is kept."""
        candidate, hopeful = evaluated(search.nearest(levels), _HOPE * allowed)
        return candidate, hopeful, trials[-1].kept

    strides = range(_STRIDE - 1, len(_LEVELS), _STRIDE)
    first = next((place for place in strides if nearest(_LEVELS[place])[1]), len(_LEVELS))
    for levels in _LEVELS[max(first + 1 - _STRIDE, 0) :]:
        candidate, hopeful, nearest_kept = nearest(levels)
        if not hopeful:
            continue
        for finer in _FINER:
            steps = list(search.descend(levels * finer))
            for step in sorted(steps, key=lambda step: step.cost):
                rounded, kept = evaluated(step, allowed)
                if kept:
                    return Quantisation(rounded, tuple(trials), len(evaluator.x))
        if nearest_kept:
            return Quantisation(candidate, tuple(trials), len(evaluator.x))
    regression = evaluator.model.task == "regression"
    raise no_width(options.max_accuracy_drop, allowed, trials, regression)

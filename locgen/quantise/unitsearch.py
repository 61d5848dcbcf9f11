"""The search for widths of models that compute with sizes: of features and of scores."""

import logging
from dataclasses import dataclass

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import FloatLinear, FloatPrototype, FloatQuadratic, Model, QuantisedModel
from locgen.ir.cost import node_cells
from locgen.quantise.dataset import Dataset
from locgen.quantise.judge import Judge, Quantisation, QuantiseOptions, Trial, no_width
from locgen.quantise.unitfeatures import check_ranges, unit_features
from locgen.quantise.units import UnitSkeleton

__all__ = ["quantise_units"]

log = logging.getLogger(__name__)

_WIDEST_FEATURE = 12
_WIDEST_SCORE = 16
_WIDEST_WEIGHT = 12
_FINEST_PROTOTYPE = 8
"""Binary places of a prototype's codes behind those of its features."""
_WIDER = 2
"""Feature widths tried beyond the first that keeps the budget: scores may get narrower."""
_HOPELESS = 2.0
"""Percent of decisions that the widest scores change: narrower ones are not tried then. Below it
one of them may by chance be exact."""
_LIMITS = 96
"""Cuts of a table's range that are tried, each by the square root of 2 further in."""


def quantise_units(
    model: Model, name: str, options: QuantiseOptions, data: Dataset | None
) -> Quantisation:
    """Return `model` (merged) in integers, by the cheapest widths inside the budget.

    For each feature width, from 1 bit up, the smallest score width inside the budget is sought, as
    `quantise` defines it, but with a quarter of the budget for changed decisions, since features
    are rounded as well as scores. Among the first feature widths that have one, the pair with the
    fewest logic cells by count is taken. Then the features of tables, which halve with every bit,
    lose one bit after the other as long as the budget is kept.

    Raises
    ------
    BudgetError
        If no pair of widths, or not the one asked for, stays inside the budget.
    ConfigurationError
        If a feature's range is not known, or an option has no meaning for this model.
    """
    if model.trees:
        raise ConfigurationError(f"{model.family} mixes trees and units: build them one by one")
    distances = any(isinstance(unit, FloatPrototype) for unit in model.units)
    if distances and options.score_bits is not None:
        raise ConfigurationError(
            f"the scores of a {model.family} are distances, as wide as its features make them: "
            "leave --score-bits out"
        )
    x_train = None if data is None else data.x_train
    check_ranges(model, x_train)
    search = _Search(name, options, Judge(model, data), distances)
    asked = options.feature_bits
    widths = range(1, _WIDEST_FEATURE + 1) if asked is None else (asked,)
    known = None
    found: list[tuple[float, _Found]] = []
    failed: list[Trial] = []
    for bits in widths:
        features = unit_features(model, bits, options.feature_kind, x_train, search.judge.x)
        if features == known:
            break
        known = features
        entry = search.scores_of(_limit(UnitSkeleton(model, features), search.judge, options))
        if not entry.trials[-1].kept:
            failed += entry.trials
            continue
        cells = sum(node_cells(node) for node in entry.model.nodes)
        log.debug("%d feature bits, %d score bits: %.0f", bits, entry.score_bits, cells)
        found.append((cells, entry))
        if len(found) > _WIDER:
            break
    if not found:
        raise no_width(options.max_accuracy_drop, failed)
    best = min(found, key=lambda pair: pair[0])[1]
    if asked is None and any(isinstance(unit, FloatQuadratic) for unit in model.units):
        best = search.narrowed(best)
    return Quantisation(best.model, tuple(best.trials), len(search.judge.x))


@dataclass(frozen=True)
class _Found:
    """Features, the score width for them, the model they make, and the widths tried for it."""

    skeleton: UnitSkeleton
    score_bits: int
    model: QuantisedModel
    trials: list[Trial]


@dataclass(frozen=True)
class _Search:
    """What stays the same over all widths."""

    name: str
    options: QuantiseOptions
    judge: Judge
    distances: bool

    def attempt(self, skeleton: UnitSkeleton, score_bits: int) -> tuple[QuantisedModel, Trial]:
        """Return the model of these widths, and how it does."""
        candidate = skeleton.integer_model(score_bits, self.name)
        drop, changed = self.judge.verdict(
            candidate, candidate.scores(_codes(skeleton, self.judge))
        )
        budget, fixed = self.options.max_accuracy_drop, self.options.score_bits is not None
        kept = (drop is None or drop <= budget) and (fixed or changed <= budget / 4)
        shown = candidate.score_bits if self.distances else score_bits
        return candidate, Trial(shown, drop, changed, kept, max(candidate.feature_bits))

    def scores_of(self, skeleton: UnitSkeleton) -> _Found:
        """Return the smallest score width that is kept; if none is, the last trial says so."""
        first, last = 1, _WIDEST_SCORE
        if self.distances:
            first, last = 0, _FINEST_PROTOTYPE
        elif any(isinstance(unit, FloatLinear) for unit in skeleton.model.units):
            last = _WIDEST_WEIGHT + max(f.bits for f in skeleton.features)
        if self.options.score_bits is not None:
            first = last = self.options.score_bits
        candidate, widest = self.attempt(skeleton, last)
        if not widest.kept and widest.changed > _HOPELESS:
            return _Found(skeleton, last, candidate, [widest])
        trials = []
        for score_bits in range(first, last):
            smaller, trial = self.attempt(skeleton, score_bits)
            trials.append(trial)
            if trial.kept:
                return _Found(skeleton, score_bits, smaller, trials)
        return _Found(skeleton, last, candidate, [*trials, widest])

    def narrowed(self, found: _Found) -> _Found:
        """Return `found` with features as narrow as the budget allows, the widest tried first."""
        best, again = found, True
        while again:
            again = False
            features = best.skeleton.features
            for number in sorted(range(len(features)), key=lambda f: (-features[f].bits, f)):
                skeleton = best.skeleton.narrower(number)
                if skeleton is None:
                    continue
                candidate, trial = self.attempt(skeleton, best.score_bits)
                if trial.kept:
                    best = _Found(skeleton, best.score_bits, candidate, [*found.trials[:-1], trial])
                    again = True
        return best


def _codes(skeleton: UnitSkeleton, judge: Judge) -> np.ndarray:
    columns = [f.quantise(judge.x[:, i]) for i, f in enumerate(skeleton.features)]
    return np.stack(columns, axis=1)


def _limit(skeleton: UnitSkeleton, judge: Judge, options: QuantiseOptions) -> UnitSkeleton:
    """Return `skeleton` with its tables cut off as far in as an eighth of the budget allows."""
    shapes = [skeleton.shape(u) for u in skeleton.model.units if isinstance(u, FloatQuadratic)]
    largest = max((float(np.abs(shape).max()) for shape in shapes), default=0.0)
    if largest == 0.0:
        return skeleton
    q = _codes(skeleton, judge)
    decided = judge.model.decide(judge.float_scores)

    def changed(candidate: UnitSkeleton) -> float:
        return 100 * float(np.mean(judge.model.decide(candidate.shape_scores(q)) != decided))

    allowed = max(changed(skeleton), options.max_accuracy_drop / 8)
    limits = largest / 2 ** (np.arange(_LIMITS) / 2)
    inside, outside = 0, len(limits)  # a smaller limit changes more, nearly always
    while outside - inside > 1:
        middle = (inside + outside) // 2
        if changed(skeleton.limited(limits[middle])) <= allowed:
            inside = middle
        else:
            outside = middle
    return skeleton.limited(limits[inside])

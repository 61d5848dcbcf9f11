"""The search for widths of models that compute with sizes: of features and of scores."""

import logging
from dataclasses import dataclass, replace

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import (
    Feature,
    FloatLinear,
    FloatNeighbours,
    FloatPrototype,
    FloatQuadratic,
    FloatShape,
    Gate,
    Model,
    QuantisedModel,
)
from locgen.quantise.dataset import Dataset
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.gating import integer_gate
from locgen.quantise.lower import Skeleton, make_skeleton
from locgen.quantise.options import QuantiseOptions
from locgen.quantise.trials import Limit, Quantisation, Trial, limits_of, no_width
from locgen.quantise.unitfeatures import check_ranges, unit_features
from locgen.quantise.units import UnitSkeleton

__all__ = ["limited", "quantise_units"]

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
    are rounded as well as scores. A gate that computes with sizes gets the smallest width by which
    its new routes alone change at most half of that. Among the first feature widths that have a
    score width, the pair with the fewest logic cells by count is taken. Then the features of
    tables, which halve with every bit, lose one bit after the other as long as the budget is kept.

    Raises
    ------
    BudgetError
        If no pair of widths, or not the one asked for, stays inside the budget.
    ConfigurationError
        If a feature's range is not known, or an option has no meaning for this model.
    """
    if model.trees and model.units:
        raise ConfigurationError(f"{model.family} mixes trees and units: build them one by one")
    distances = any(isinstance(unit, FloatPrototype) for unit in model.units)
    if distances and options.score_bits is not None:
        raise ConfigurationError(
            f"the scores of a {model.family} are distances, as wide as its features make them: "
            "leave --score-bits out"
        )
    x_train = None if data is None else data.x_train
    check_ranges(model, x_train)
    evaluator, asked = Evaluator(model, data), options.feature_bits
    tabled = any(isinstance(unit, FloatQuadratic | FloatShape) for unit in model.arithmetic_nodes)
    for limit in limits_of(options, confident=not (tabled or options.tabled)):
        search = _Search(model, name, options, evaluator, distances, limit)
        found, failed = search.widths(x_train)
        if found:
            break
    else:
        regression = model.task == "regression"
        raise no_width(options.max_accuracy_drop, limit.changed, failed, regression)
    best = min(found, key=lambda pair: pair[0])[1]
    if asked is None and tabled:
        best = search.narrowed(best)
    return Quantisation(best.model, tuple(best.trials), len(search.evaluator.x))


@dataclass(frozen=True)
class _Found:
    """Features, gate and score widths, the model they make, and the widths tried for it."""

    skeleton: Skeleton | UnitSkeleton
    gate_bits: int
    score_bits: int
    model: QuantisedModel
    trials: list[Trial]


@dataclass(frozen=True)
class _Search:
    """What stays the same over all widths."""

    model: Model
    name: str
    options: QuantiseOptions
    evaluator: Evaluator
    distances: bool
    limit: Limit

    def widths(self, x_train: np.ndarray | None) -> tuple[list[tuple[float, _Found]], list[Trial]]:
        """Return the first feature widths that are kept, with their cells, and what was not."""
        asked = self.options.feature_bits
        known = None
        found: list[tuple[float, _Found]] = []
        failed: list[Trial] = []
        for bits in range(1, _WIDEST_FEATURE + 1) if asked is None else (asked,):
            features = unit_features(
                self.model, bits, self.options.feature_kind, x_train, self.evaluator.x
            )
            if features == known:
                continue
            known = features
            entry = self.scores_of(features)
            if not entry.trials[-1].kept:
                failed += entry.trials
                continue
            cells = sum(node.cells for node in (*entry.model.nodes, *entry.model.gate_nodes))
            log.debug("%d feature bits, %d score bits: %.0f", bits, entry.score_bits, cells)
            found.append((cells, entry))
            if len(found) > _WIDER:
                break
        return found, failed

    def gate_of(self, features: tuple[Feature, ...]) -> tuple[Gate | None, int]:
        """Return (gate, its width) for these features; the widest where none will do."""
        gate = self.model.gate
        if gate is None or not gate.model.units:
            return (None if gate is None else integer_gate(gate, features, 0)), 0
        first, last = _widths(gate.model, features)
        widest = integer_gate(gate, features, last)
        q = _codes(features, self.evaluator)

        def kept(candidate: Gate) -> bool:
            changed = self.evaluator.rerouted(candidate.evaluate(q, np.full(q.shape[1], -1)))
            return changed <= self.options.max_accuracy_drop / 8

        if kept(widest):
            for bits in range(first, last):
                candidate = integer_gate(gate, features, bits)
                if kept(candidate):
                    return candidate, bits
        return widest, last

    def attempt(
        self, skeleton: Skeleton | UnitSkeleton, score_bits: int
    ) -> tuple[QuantisedModel, Trial]:
        """Return the model of these widths, and how it does."""
        candidate = skeleton.of_width(score_bits, self.name)
        scores = candidate.scores(_codes(skeleton.features, self.evaluator))
        drop, changed = self.evaluator.score(candidate, scores)
        budget, fixed = self.options.max_accuracy_drop, self.options.score_bits is not None
        kept = (drop is None or drop <= budget) and (fixed or changed <= self.limit.changed)
        if kept and self.limit.confident and not fixed:
            kept = self.evaluator.confident(candidate, scores, budget)
        shown = candidate.score_bits if self.distances else score_bits
        return candidate, Trial(shown, drop, changed, kept, max(candidate.feature_bits))

    def scores_of(self, features: tuple[Feature, ...]) -> _Found:
        """Return the smallest score width that is kept; if none is, the last trial says so."""
        gate, gate_bits = self.gate_of(features)
        if self.model.trees:
            skeleton = make_skeleton(self.model, features, gate)
        else:
            skeleton = UnitSkeleton(self.model, features, gate=gate)
            skeleton = limited(
                skeleton, _codes(features, self.evaluator), self.evaluator, self.options
            )
        first, last = _widths(self.model, features)
        if self.options.score_bits is not None:
            first = last = self.options.score_bits
        candidate, widest = self.attempt(skeleton, last)
        if not widest.kept and widest.changed > _HOPELESS:
            return _Found(skeleton, gate_bits, last, candidate, [widest])
        trials = []
        for score_bits in range(first, last):
            smaller, trial = self.attempt(skeleton, score_bits)
            trials.append(trial)
            if trial.kept:
                return _Found(skeleton, gate_bits, score_bits, smaller, trials)
        return _Found(skeleton, gate_bits, last, candidate, [*trials, widest])

    def narrowed(self, found: _Found) -> _Found:
        """Return `found` with features as narrow as the budget allows, the widest tried first.

        Features whose steps prototypes compare stay as they are.
        """
        kinds = ((FloatQuadratic, FloatShape), FloatPrototype)
        shapes, steps = (
            {f for u in self.model.arithmetic_nodes if isinstance(u, kind) for f in u.features}
            for kind in kinds
        )
        best, again = found, True
        while again:
            again = False
            features = best.skeleton.features
            for number in sorted(shapes - steps, key=lambda f: (-features[f].bits, f)):
                narrow = best.skeleton.narrower(number)
                if narrow is None:
                    continue
                gate = self.model.gate and integer_gate(self.model.gate, narrow, best.gate_bits)
                skeleton = replace(best.skeleton, features=narrow, gate=gate)
                candidate, trial = self.attempt(skeleton, best.score_bits)
                if trial.kept:
                    trials = [*found.trials[:-1], trial]
                    best = replace(best, skeleton=skeleton, model=candidate, trials=trials)
                    again = True
        return best


def _widths(model: Model, features: tuple[Feature, ...]) -> tuple[int, int]:
    """Return the first and the last score width to try."""
    if any(isinstance(unit, FloatPrototype) for unit in model.units):
        return 0, _FINEST_PROTOTYPE
    if any(isinstance(u, FloatNeighbours) and u.radius is not None for u in model.units):
        return 2, 2  # no row at all is half a vote
    if any(isinstance(unit, FloatNeighbours) for unit in model.units):
        return 1, (1 if model.task == "classification" else _WIDEST_SCORE)  # votes are whole
    if any(isinstance(unit, FloatLinear) for unit in model.units):
        return 1, _WIDEST_WEIGHT + max(f.bits for f in features)
    return 1, _WIDEST_SCORE


def _codes(features: tuple[Feature, ...], evaluator: Evaluator) -> np.ndarray:
    columns = [f.quantise(evaluator.x[:, i]) for i, f in enumerate(features)]
    return np.stack(columns, axis=1)


def limited(
    skeleton: UnitSkeleton, q: np.ndarray, evaluator: Evaluator, options: QuantiseOptions
) -> UnitSkeleton:
    """Return `skeleton` with its tables cut off as far in as an eighth of the budget allows.

    Parameters
    ----------
    q : (rows, features) codes of the evaluator's rows
    """
    if skeleton.model.task == "regression":
        return skeleton  # every score counts
    shapes = [skeleton.shape(u) for u in skeleton.model.units if u.univariate]
    largest = max((float(np.abs(shape).max()) for shape in shapes), default=0.0)
    if largest == 0.0:
        return skeleton
    decided = evaluator.model.decide(evaluator.float_scores)

    def changed(candidate: UnitSkeleton) -> float:
        return 100 * float(np.mean(evaluator.model.decide(candidate.shape_scores(q)) != decided))

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

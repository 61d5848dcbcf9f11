"""The search for widths of models of several kinds of nodes, and of models behind scores."""

import logging
from dataclasses import dataclass, replace

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import (
    Feature,
    FloatCascade,
    FloatQuadratic,
    FloatShape,
    Model,
    QuantisedModel,
)
from locgen.quantise.dataset import Dataset
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.mixed import MixedSkeleton, Rows
from locgen.quantise.options import QuantiseOptions
from locgen.quantise.trials import Limit, Quantisation, Trial, limits_of, no_width
from locgen.quantise.unitfeatures import check_ranges, unit_features
from locgen.quantise.unitsearch import limited

__all__ = ["quantise_mixed"]

log = logging.getLogger(__name__)

_FEATURES = range(2, 13)
_NARROWEST, _WIDEST = 2, 14


def quantise_mixed(
    model: Model, name: str, options: QuantiseOptions, data: Dataset | None
) -> Quantisation:
    """Return `model` (merged) in integers, by the smallest widths inside the budget.

    The features get the fewest bits, from 2 up, with which the widest scores keep the budget, as
    `quantise` defines it, but where features are rounded as well as scores with a quarter of it for
    changed decisions. Then scores get the fewest, and then what stands behind them.
    `score_bits` fixes the width of leaves, tables and weights, before and behind the scores.

    Raises
    ------
    BudgetError
        If no widths, or not the ones asked for, stay inside the budget.
    ConfigurationError
        If a feature's range is not known, or an option has no meaning for this model.
    """
    if options.feature_kind == "rank" and model.range_features:
        raise ConfigurationError(
            f"{model.family} computes with its features' sizes, ranks do not tell them: use "
            "--feature-kind affine"
        )
    if options.rounding == "free":
        raise ConfigurationError(
            f"--rounding free searches the leaves of trees alone, {model.family} has more: leave "
            "it out"
        )
    x_train = None if data is None else data.x_train
    check_ranges(model, x_train)
    evaluator = Evaluator(model, data)
    tabled = any(isinstance(u, FloatQuadratic | FloatShape) for u in model.arithmetic_nodes)
    rows = Rows(model.expand(evaluator.x))
    sure = not (tabled or options.tabled) and options.score_bits is None
    for limit in limits_of(options, 1 / 4 if model.range_features else 1 / 2, sure):
        trials, found = _Search(model, name, options, evaluator, rows, limit).widths(x_train)
        if found is not None:
            return Quantisation(found, tuple(trials), len(evaluator.x))
    regression = model.task == "regression"
    raise no_width(options.max_accuracy_drop, limit.changed, trials, regression)


@dataclass(frozen=True)
class _Search:
    """What stays the same over all widths."""

    model: Model
    name: str
    options: QuantiseOptions
    evaluator: Evaluator
    rows: Rows
    limit: Limit

    def widths(self, x_train: np.ndarray | None) -> tuple[list[Trial], QuantisedModel | None]:
        """Return the trials of the fewest bits of features that are kept, and the model.

        None, and all trials, if none are.
        """
        asked, kind = self.options.feature_bits, self.options.feature_kind
        failed: list[Trial] = []
        known = None
        for bits in _FEATURES if asked is None else (asked,):
            features = unit_features(self.model, bits, kind, x_train, self.evaluator.x)
            if features == known:
                break
            known = features
            trials, found = self.narrowest(self.skeleton(features))
            if found is not None:
                return trials, found
            failed += trials
        return failed, None

    def skeleton(self, features: tuple[Feature, ...]) -> MixedSkeleton:
        """Return the model with these features, its tables cut off where that changes little."""
        x = self.rows.x
        codes = np.stack([f.quantise(x[:, n]) for n, f in enumerate(features)], axis=1)
        skeleton = MixedSkeleton(
            self.model, features, rows=self.rows, codes=codes, scores=self.evaluator.float_scores
        )
        return limited(skeleton, codes, self.evaluator, self.options)

    def narrowest(self, skeleton: MixedSkeleton) -> tuple[list[Trial], QuantisedModel | None]:
        """Return the trials of these features, and the narrowest model that is kept, if one is."""
        fixed = self.options.score_bits
        last = _WIDEST if fixed is None else fixed
        candidate, widest = self.attempt(skeleton, last)
        if not widest.kept:
            return [widest], None
        trials = []
        for width in range(_NARROWEST if fixed is None else last, last):
            smaller, trial = self.attempt(skeleton, width)
            trials.append(trial)
            if trial.kept:
                candidate = smaller
                break
        else:
            trials.append(widest)
        if isinstance(self.model.decision, FloatCascade) and fixed is None:
            return self.narrowed(skeleton, candidate, trials)
        return trials, candidate

    def attempt(self, skeleton: MixedSkeleton, width: int) -> tuple[QuantisedModel, Trial]:
        """Return the model of this width, and how it does."""
        if self.options.score_bits is not None:
            skeleton = replace(skeleton, behind=width)
        candidate = skeleton.of_width(width, self.name)
        return candidate, self.judged(candidate, candidate.scores(skeleton.codes), width)

    def judged(self, candidate: QuantisedModel, scores: np.ndarray, width: int) -> Trial:
        """Return how `candidate` does, whose integer `scores` of the rows are known."""
        drop, changed = self.evaluator.score(candidate, scores)
        budget, fixed = self.options.max_accuracy_drop, self.options.score_bits is not None
        kept = (drop is None or drop <= budget) and (fixed or changed <= self.limit.changed)
        if kept and self.limit.confident:
            kept = self.evaluator.confident(candidate, scores, budget)
        log.debug("width %d: drop %s, changed %.3f %%", width, drop, changed)
        return Trial(width, drop, changed, kept, max(candidate.feature_bits))

    def narrowed(
        self, skeleton: MixedSkeleton, found: QuantisedModel, trials: list[Trial]
    ) -> tuple[list[Trial], QuantisedModel]:
        """Return the model with what stands behind its scores as narrow as the budget allows."""
        width = trials[-1].score_bits
        scores = found.scores(skeleton.codes)
        for behind in range(_NARROWEST, skeleton.behind):
            candidate = replace(skeleton, behind=behind).of_width(width, self.name)
            trial = self.judged(candidate, scores, width)
            if trial.kept:
                return [*trials[:-1], trial], candidate
        return trials, found

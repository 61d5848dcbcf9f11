"""The search for the smallest widths that keep the accuracy inside the user's budget."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic

from locgen.errors import BudgetError
from locgen.ir import Feature, Model
from locgen.passes import FLOAT_PASSES, REDUCING_PASSES, Change, Context, run_passes
from locgen.passes.prune import PRUNED_SHARE, Pruning
from locgen.quantise.dataset import Dataset
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.features import choose_features
from locgen.quantise.options import QuantiseOptions
from locgen.quantise.samples import synthetic_rows
from locgen.quantise.trials import Quantisation, Trial, no_width
from locgen.quantise.widths import family_of
from locgen.quantise.widths.base import Found, ModelLowering, PartialT, Widths

__all__ = [
    "Quantisation",
    "QuantiseOptions",
    "Trial",
    "WidthSearch",
    "pass_context",
    "quantise",
    "synthetic_rows",
]

log = logging.getLogger(__name__)


def quantise(
    model: Model, name: str, options: QuantiseOptions, data: Dataset | None = None
) -> Quantisation:
    """Return `model` in integers, with the smallest score width inside the budget.

    A width must keep the accuracy on the training rows within the budget, and must not change more
    than half that share of decisions on the training rows plus as many as 4,096 blends of two
    training rows each: rows a forest has seen lie far from its decision borders, blends do not.
    (`max_changed` says how many may.)
    Without data, rows drawn evenly over the thresholds' intervals take their place. Where passes
    spend some of the budget, accuracy counts from the model as it was trained, changed decisions
    from the reduced one.

    Raises
    ------
    BudgetError
        If no width of at most 16 bits, or not the one asked for, stays inside the budget.
    """
    evaluator = evaluators(data)
    context = pass_context(options, data, evaluator)
    trained, before = run_passes(model, FLOAT_PASSES, context)
    fewer, changes = run_passes(trained, REDUCING_PASSES, context)
    found, changes = _search_reduced(trained, fewer, changes, name, options, data, evaluator)
    members: dict[str, Any] = {change.name: change for change in (*before, *changes)}
    return replace(found, **members)


def evaluators(data: Dataset | None) -> Callable[[Model], Evaluator]:
    """Return what gives each model its evaluator, which is made once."""
    known: dict[int, Evaluator] = {}

    def evaluator(model: Model) -> Evaluator:
        if id(model) not in known:
            known[id(model)] = Evaluator(model, data)
        return known[id(model)]

    return evaluator


def pass_context(
    options: QuantiseOptions,
    data: Dataset | None,
    evaluator: Callable[[Model], Evaluator] | None = None,
) -> Context:
    """Return options and services of the passes."""
    return Context(
        condense=options.condense,
        prune=options.prune,
        max_accuracy_drop=options.max_accuracy_drop,
        max_changed=options.max_changed,
        data=data,
        evaluator=evaluator or evaluators(data),
        features=lambda model: features_of(model, options, data),
    )


def _search_reduced(
    trained: Model,
    fewer: Model,
    changes: tuple[Change, ...],
    name: str,
    options: QuantiseOptions,
    data: Dataset | None,
    evaluator_of: Callable[[Model], Evaluator],
) -> tuple[Quantisation, tuple[Change, ...]]:
    """Return the integer model and what passes changed; the whole one if pruning left no budget."""
    if not changes:
        return _search_family(trained, name, options, data, evaluator_of(trained)), ()
    evaluator = Evaluator(fewer, data, trained)
    pruning = next((change for change in changes if isinstance(change, Pruning)), None)
    if pruning is None:
        return _search_family(fewer, name, options, data, evaluator), changes
    rest = options
    if options.max_changed is not None:
        rest = replace(options, max_changed=(1 - PRUNED_SHARE) * options.max_changed)
    if pruning.cut:
        try:
            return _search_family(fewer, name, rest, data, evaluator), changes
        except BudgetError as error:
            log.debug("pruned: %s", error)
    whole = _search_family(trained, name, options, data, evaluator_of(trained))
    return whole, (pruning.undone,)


def _search_family(
    model: Model, name: str, options: QuantiseOptions, data: Dataset | None, evaluator: Evaluator
) -> Quantisation:
    """Return a merged model in integers."""
    x_train = None if data is None else data.x_train
    lowering = family_of(model)(model, name, options, evaluator, x_train)
    lowering.check()
    return lowering.rounded_freely() or WidthSearch(lowering, evaluator, options).run()


def features_of(
    model: Model, options: QuantiseOptions, data: Dataset | None
) -> tuple[Feature, ...]:
    """Return the feature quantisers that the options ask for."""
    x_train = None if data is None else model.expand(data.x_train)
    return choose_features(model, options.feature_bits, options.feature_kind, x_train)


class WidthSearch(Generic[PartialT]):
    """The search for the smallest widths inside the budget.

    For each feature width the widest scores are tried, then scores from the narrowest up until one
    is kept, then what else the family may narrow. Of the first feature widths that are kept the
    cheapest is taken. Limits are tried from the strictest on until one lets something pass.

    Parameters
    ----------
    lowering : the family of the model, and the model
    evaluator : what candidates lose and change
    options : the budget, and what the user fixed
    """

    def __init__(
        self, lowering: ModelLowering[PartialT], evaluator: Evaluator, options: QuantiseOptions
    ) -> None:
        self.lowering, self.evaluator, self.options = lowering, evaluator, options

    def run(self) -> Quantisation:
        """Return the smallest widths.

        Raises
        ------
        BudgetError
            If none keep the budget.
        """
        lowering, evaluator = self.lowering, self.evaluator
        for self.limit in lowering.limits():
            found, failed = self._kept()
            if found:
                break
        else:
            regression = lowering.model.task == "regression"
            raise no_width(self.options.max_accuracy_drop, self.limit.changed, failed, regression)
        best = min(found, key=lambda entry: lowering.cost(entry.model))
        best = lowering.narrowed(best, self.attempt)
        return Quantisation(best.model, best.trials, len(evaluator.x))

    def _kept(self) -> tuple[list[Found[PartialT]], list[Trial]]:
        """Return the first feature widths that are kept, and the trials of what is not."""
        lowering, fixed = self.lowering, self.options.feature_bits
        found: list[Found[PartialT]] = []
        failed: list[Trial] = []
        known = None
        for bits in lowering.feature_widths if fixed is None else (fixed,):
            features = lowering.features(bits)
            if features == known:
                continue
            known = features
            entry = self._narrowest(lowering.partial(features))
            if not entry.kept:
                failed += entry.trials
                continue
            found.append(entry)
            if len(found) > lowering.more_features:
                break
        return found, failed

    def _narrowest(self, partial: PartialT) -> Found[PartialT]:
        """Return the narrowest that is kept; if none is, its last trial says so."""
        lowering = self.lowering
        trials: list[Trial] = []
        for widths in lowering.widest(partial):
            widest = self.attempt(partial, widths)
            if widest.kept or widest.trials[0].changed <= lowering.hopeless:
                break
            trials += widest.trials
        else:
            return widest._replace(trials=tuple(trials))
        for widths in lowering.narrower(partial, widest.widths):
            found = self.attempt(partial, widths)
            if found.kept:
                break
            trials += found.trials
        else:
            found = widest
        found = found._replace(trials=(*trials, *found.trials))
        return lowering.refined(found, self.attempt) if found.kept else found

    def attempt(self, partial: PartialT, widths: Widths) -> Found[PartialT]:
        """Return the model of these widths, and how it does."""
        lowering, evaluator = self.lowering, self.evaluator
        candidate = partial.of_widths(widths, lowering.name)
        scores = partial.scores(candidate)
        drop, changed = evaluator.score(candidate, scores)
        budget, fixed = self.options.max_accuracy_drop, self.options.score_bits is not None
        kept = (drop is None or drop <= budget) and (fixed or changed <= self.limit.changed)
        if kept and self.limit.confident and not fixed:
            kept = evaluator.confident(candidate, scores, budget)
        log.debug("%s: drop %s, changed %.3f %%", widths, drop, changed)
        score_bits, feature_bits = lowering.shown(candidate, widths)
        trial = Trial(score_bits, drop, changed, kept, feature_bits)
        return Found(partial, widths, candidate, (trial,))

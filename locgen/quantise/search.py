"""The search for the smallest widths that keep the accuracy inside the user's budget."""

import logging
from dataclasses import replace

from locgen.errors import BudgetError
from locgen.ir import Model
from locgen.quantise.clauses import clauses_of, quantise_clauses
from locgen.quantise.dataset import Dataset
from locgen.quantise.features import choose_features
from locgen.quantise.gating import integer_gate
from locgen.quantise.judge import (
    Judge,
    Quantisation,
    QuantiseOptions,
    Trial,
    no_width,
    synthetic_rows,
)
from locgen.quantise.layers import layered_unit
from locgen.quantise.layersearch import quantise_layers
from locgen.quantise.lower import make_skeleton, merge_binary
from locgen.quantise.mixed import is_mixed
from locgen.quantise.mixedsearch import quantise_mixed
from locgen.quantise.prune import PRUNED_SHARE, prune
from locgen.quantise.rebin import rebin
from locgen.quantise.rounding import free_rounding
from locgen.quantise.unitsearch import quantise_units

__all__ = ["Quantisation", "QuantiseOptions", "Trial", "quantise", "synthetic_rows"]

log = logging.getLogger(__name__)

_WIDEST_SCORE = 16


def quantise(
    model: Model, name: str, options: QuantiseOptions, data: Dataset | None = None
) -> Quantisation:
    """Return `model` in integers, with the smallest score width inside the budget.

    A width must keep the accuracy on the training rows within the budget, and must not change more
    than half that share of decisions on the training rows plus as many as 4,096 blends of two
    training rows each: rows a forest has seen lie far from its decision borders, blends do not.
    (`max_changed` says how many may.)
    Without data, rows drawn evenly over the thresholds' intervals take their place. With pruning,
    accuracy counts from the model as it was trained, changed decisions from the pruned one; so it
    does where large tables of pairs of features lose bins first, see `rebin`.

    Raises
    ------
    BudgetError
        If no width of at most 16 bits, or not the one asked for, stays inside the budget.
    """
    merged = merge_binary(model)
    if options.prune:
        return _quantise_pruned(merged, name, options, data)
    if clauses_of(merged) is not None:
        return quantise_clauses(merged, name, options, data)
    if is_mixed(merged):
        return quantise_mixed(merged, name, options, data)
    if layered_unit(merged) is not None:
        return quantise_layers(merged, name, options, data)
    if model.arithmetic_nodes:
        return quantise_units(merged, name, options, data)
    judge = Judge(merged, data)
    done = rebin(merged, judge, options)
    if done is None:
        return _quantise_trees(name, options, data, judge)
    fewer, rebinning = done
    found = _quantise_trees(name, options, data, Judge(fewer, data, merged))
    return replace(found, rebinning=rebinning)


def _quantise_pruned(
    model: Model, name: str, options: QuantiseOptions, data: Dataset | None
) -> Quantisation:
    """Return a model of trees in integers, cut back before unless that takes all of the budget."""
    fewer, done = prune(model, options, data)
    rest = options
    if options.max_changed is not None:
        rest = replace(options, max_changed=(1 - PRUNED_SHARE) * options.max_changed)
    if done.cut:
        try:
            found = _quantise_trees(name, rest, data, Judge(fewer, data, model))
        except BudgetError as error:
            log.debug("pruned: %s", error)
        else:
            return replace(found, pruning=done)
    return replace(_quantise_trees(name, options, data, Judge(model, data)), pruning=done.undone)


def _quantise_trees(
    name: str, options: QuantiseOptions, data: Dataset | None, judge: Judge
) -> Quantisation:
    """Return the judge's model, of trees, in integers."""
    model = judge.model
    x_train = None if data is None else model.expand(data.x_train)
    features = choose_features(model, options.feature_bits, options.feature_kind, x_train)
    gate = None if model.gate is None else integer_gate(model.gate, features, 0)
    skeleton = make_skeleton(model, features, gate)
    budget = options.max_accuracy_drop
    allowed = budget / 2 if options.max_changed is None else options.max_changed
    if options.rounding == "free":
        return free_rounding(skeleton, judge, name, options, allowed)
    columns = skeleton.columns(judge.x)
    leaves, counts = skeleton.leaves_at(columns), skeleton.open_table(columns)
    widths = range(1, _WIDEST_SCORE + 1) if options.score_bits is None else (options.score_bits,)
    fixed = options.score_bits is not None
    trials = []
    for bits in widths:
        candidate = skeleton.of_width(bits, name)
        drop, changed = judge.verdict(candidate, skeleton.integer_scores(candidate, leaves, counts))
        kept = (drop is None or drop <= budget) and (fixed or changed <= allowed)
        trials.append(Trial(bits, drop, changed, kept))
        log.debug("score bits %d: drop %s, changed %.3f %%", bits, drop, changed)
        if kept:
            return Quantisation(candidate, tuple(trials), len(judge.x))
    raise no_width(budget, allowed, trials, model.task == "regression")

"""The search for the smallest widths that keep the accuracy inside the user's budget."""

import logging
from dataclasses import replace

from locgen.errors import BudgetError
from locgen.ir import Feature, Model
from locgen.passes import FLOAT_PASSES, REDUCING_PASSES, Change, Context, run_passes
from locgen.passes.prune import PRUNED_SHARE, Pruning
from locgen.quantise.clauses import clauses_of, quantise_clauses
from locgen.quantise.dataset import Dataset
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.features import choose_features
from locgen.quantise.gating import integer_gate
from locgen.quantise.layers import layered_unit
from locgen.quantise.layersearch import quantise_layers
from locgen.quantise.lower import make_skeleton
from locgen.quantise.mixed import is_mixed
from locgen.quantise.mixedsearch import quantise_mixed
from locgen.quantise.options import QuantiseOptions
from locgen.quantise.rounding import free_rounding
from locgen.quantise.samples import synthetic_rows
from locgen.quantise.trials import Quantisation, Trial, no_width
from locgen.quantise.unitsearch import quantise_units

__all__ = ["Quantisation", "QuantiseOptions", "Trial", "pass_context", "quantise", "synthetic_rows"]

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
    Without data, rows drawn evenly over the thresholds' intervals take their place. Where passes
    spend some of the budget, accuracy counts from the model as it was trained, changed decisions
    from the reduced one.

    Raises
    ------
    BudgetError
        If no width of at most 16 bits, or not the one asked for, stays inside the budget.
    """
    context = pass_context(options, data)
    trained, before = run_passes(model, FLOAT_PASSES, context)
    fewer, changes = run_passes(trained, REDUCING_PASSES, context)
    found, changes = _search_reduced(trained, fewer, changes, name, options, context)
    return replace(found, **{change.name: change for change in (*before, *changes)})


def pass_context(options: QuantiseOptions, data: Dataset | None) -> Context:
    """Return options and services of the passes; an evaluator is made once for each model."""
    evaluators: dict[int, Evaluator] = {}

    def evaluator(model: Model) -> Evaluator:
        if id(model) not in evaluators:
            evaluators[id(model)] = Evaluator(model, data)
        return evaluators[id(model)]

    return Context(
        condense=options.condense,
        prune=options.prune,
        max_accuracy_drop=options.max_accuracy_drop,
        max_changed=options.max_changed,
        data=data,
        evaluator=evaluator,
        features=lambda model: features_of(model, options, data),
    )


def _search_reduced(
    trained: Model,
    fewer: Model,
    changes: tuple[Change, ...],
    name: str,
    options: QuantiseOptions,
    context: Context,
) -> tuple[Quantisation, tuple[Change, ...]]:
    """Return the integer model and what passes changed; the whole one if pruning left no budget."""
    data = context.data
    if not changes:
        return _search_family(trained, name, options, context), ()
    evaluator = Evaluator(fewer, data, trained)
    pruning = next((change for change in changes if isinstance(change, Pruning)), None)
    if pruning is None:
        return _quantise_trees(name, options, data, evaluator), changes
    rest = options
    if options.max_changed is not None:
        rest = replace(options, max_changed=(1 - PRUNED_SHARE) * options.max_changed)
    if pruning.cut:
        try:
            return _quantise_trees(name, rest, data, evaluator), changes
        except BudgetError as error:
            log.debug("pruned: %s", error)
    whole = _quantise_trees(name, options, data, context.evaluator(trained))
    return whole, (pruning.undone,)


def _search_family(
    model: Model, name: str, options: QuantiseOptions, context: Context
) -> Quantisation:
    """Return a merged model in integers."""
    data = context.data
    if clauses_of(model) is not None:
        return quantise_clauses(model, name, options, data)
    if is_mixed(model):
        return quantise_mixed(model, name, options, data)
    if layered_unit(model) is not None:
        return quantise_layers(model, name, options, data)
    if model.arithmetic_nodes:
        return quantise_units(model, name, options, data)
    return _quantise_trees(name, options, data, context.evaluator(model))


def features_of(
    model: Model, options: QuantiseOptions, data: Dataset | None
) -> tuple[Feature, ...]:
    """Return the feature quantisers that the options ask for."""
    x_train = None if data is None else model.expand(data.x_train)
    return choose_features(model, options.feature_bits, options.feature_kind, x_train)


def _quantise_trees(
    name: str, options: QuantiseOptions, data: Dataset | None, evaluator: Evaluator
) -> Quantisation:
    """Return the evaluator's model, of trees, in integers."""
    model = evaluator.model
    features = features_of(model, options, data)
    gate = None if model.gate is None else integer_gate(model.gate, features, 0)
    skeleton = make_skeleton(model, features, gate)
    budget = options.max_accuracy_drop
    allowed = budget / 2 if options.max_changed is None else options.max_changed
    if options.rounding == "free":
        return free_rounding(skeleton, evaluator, name, options, allowed)
    columns = skeleton.columns(evaluator.x)
    leaves, counts = skeleton.leaves_at(columns), skeleton.open_table(columns)
    widths = range(1, _WIDEST_SCORE + 1) if options.score_bits is None else (options.score_bits,)
    fixed = options.score_bits is not None
    trials = []
    for bits in widths:
        candidate = skeleton.of_width(bits, name)
        drop, changed = evaluator.score(
            candidate, skeleton.integer_scores(candidate, leaves, counts)
        )
        kept = (drop is None or drop <= budget) and (fixed or changed <= allowed)
        trials.append(Trial(bits, drop, changed, kept))
        log.debug("score bits %d: drop %s, changed %.3f %%", bits, drop, changed)
        if kept:
            return Quantisation(candidate, tuple(trials), len(evaluator.x))
    raise no_width(budget, allowed, trials, model.task == "regression")

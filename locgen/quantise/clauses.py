"""Turns float clauses into integer ones: cuts into codes; their weights are whole numbers."""

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import ClauseLiteral, ClauseNode, Feature, FloatClauses, Model
from locgen.quantise.dataset import Dataset
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.features import choose_features
from locgen.quantise.lower import assemble
from locgen.quantise.options import QuantiseOptions
from locgen.quantise.trials import Quantisation, Trial, no_width

__all__ = ["clauses_of", "quantise_clauses"]


def clauses_of(model: Model) -> FloatClauses | None:
    """Return the clauses of `model`, None if it has none."""
    found = [unit for unit in model.units if isinstance(unit, FloatClauses)]
    return found[0] if found else None


def quantise_clauses(
    model: Model, name: str, options: QuantiseOptions, data: Dataset | None
) -> Quantisation:
    """Return `model` (merged), of clauses alone, in integers.

    With ranks as features, the default, nothing changes for any row.

    Raises
    ------
    BudgetError
        If another kind of features that was asked for changes too much.
    ConfigurationError
        If the clauses are mixed with other nodes, or a width of scores is asked for.
    """
    clauses = clauses_of(model)
    if len(model.units) != 1 or model.trees or model.gate is not None:
        raise ConfigurationError(f"{model.family} mixes clauses with others: build them one by one")
    if options.score_bits is not None:
        raise ConfigurationError("clauses count in whole numbers already: leave --score-bits out")
    x_train = None if data is None else data.x_train
    features = choose_features(model, options.feature_bits, options.feature_kind, x_train)
    node = _lowered(clauses, features)
    base = np.array(model.base, dtype=np.float64)
    found = assemble(model, features, (node,), base, np.ones(model.outputs), name)
    evaluator = Evaluator(model, data)
    drop, changed = evaluator.score(found, found.scores(found.quantise(evaluator.x)))
    budget = options.max_accuracy_drop
    allowed = budget / 2 if options.max_changed is None else options.max_changed
    kept = (drop is None or drop <= budget) and changed <= allowed
    trial = Trial(found.score_bits, drop, changed, kept, max(found.feature_bits))
    if not kept:
        raise no_width(budget, allowed, [trial], model.task == "regression")
    return Quantisation(found, (trial,), len(evaluator.x))


def _lowered(unit: FloatClauses, features: tuple[Feature, ...]) -> ClauseNode:
    """Return the node; literals that always hold are left out, and clauses that never do."""
    clauses, kept = [], []
    for number, clause in enumerate(unit.clauses):
        literals: set[ClauseLiteral] | None = set()
        for index, cut, holds in clause:
            feature = features[index]
            threshold = feature.threshold_of(cut)
            if 0 <= threshold < feature.largest:
                literals.add((index, threshold, holds))
            elif (threshold >= 0) != holds:  # the codes never say otherwise
                literals = None
                break
        if literals is None or any((f, t, not holds) in literals for f, t, holds in literals):
            continue
        clauses.append(tuple(sorted(literals)))
        kept.append(number)
    if not kept:  # none ever holds: one that says nothing stands in
        clauses, rows = [()], [(0,) * len(unit.outputs)]
        ids = (0,)
    else:
        rows = [tuple(int(w) for w in unit.weights[number]) for number in kept]
        ids = tuple(unit.clause_ids[number] for number in kept)
    bias = (0,) * len(unit.outputs)
    return ClauseNode(tuple(clauses), tuple(rows), bias, ids, unit.first, unit.outputs)

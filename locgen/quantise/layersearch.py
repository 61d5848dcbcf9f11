"""The search for widths of two-layer nodes: of features, tables and weights."""

import logging
from collections.abc import Iterator

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import FloatLayers, Model, QuantisedModel
from locgen.quantise.dataset import Dataset
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.layers import LayerWidths, Skeleton, layer_features, layered_unit
from locgen.quantise.options import QuantiseOptions
from locgen.quantise.trials import Limit, Quantisation, Trial, limits_of, no_width
from locgen.quantise.unitfeatures import check_ranges

__all__ = ["quantise_layers"]

log = logging.getLogger(__name__)

_NARROWEST_FEATURE, _WIDEST_FEATURE = 2, 12
_NARROWEST, _WIDEST = 4, 18
"""Bits of values and weights: sums of squares that nearly cancel need the most."""
_SCORE_BITS = 46
"""Bits of a sum of products; what the scores count from takes two of the 48 that the IR admits."""
_LONGEST_TABLE = 10
"""Bits of a table's index. A line between entries leaves out f'' / 8 of their distance squared."""
_ROOT = 3
"""By how much more than half the bits of its values a table's index may have."""
_MORE = (4, 8)
"""Bits by which values are made wider than weights where no common width will do: powers of sums
span many orders, and their differences decide."""
_WIDER = 2
"""Feature widths tried beyond the first that keeps the budget."""


def quantise_layers(
    model: Model, name: str, options: QuantiseOptions, data: Dataset | None
) -> Quantisation:
    """Return `model` (merged), of one two-layer node, in integers, by the fewest bits of memory.

    For each width of the features, from 2 bits up, the smallest width of values and weights inside
    the budget is sought, as `quantise` defines it, but with a quarter of the budget for changed
    decisions, since features are rounded as well; a table's index, from a width at which values and
    not lines limit it, is narrowed as far as that allows. Among the first feature widths that have
    such a width, the one whose parameters, values and tables take the fewest bits is taken.
    `score_bits` fixes the width of values and weights.

    Raises
    ------
    BudgetError
        If no widths, or not the ones asked for, stay inside the budget.
    ConfigurationError
        If a feature's range is not known, or an option has no meaning for this model.
    """
    unit = layered_unit(model)
    if len(model.units) != 1 or model.trees or model.gate is not None:
        raise ConfigurationError(
            f"{model.family} mixes a node of two layers with others: build them one by one"
        )
    if options.feature_kind == "rank":
        raise ConfigurationError(
            f"{model.family} computes with its features' sizes, ranks do not tell them: use "
            "--feature-kind affine"
        )
    x_train = None if data is None else data.x_train
    check_ranges(model, x_train)
    evaluator = Evaluator(model, data)
    for limit in limits_of(options):
        found, failed = _widths(model, unit, name, options, x_train, evaluator, limit)
        if found:
            break
    else:
        regression = model.task == "regression"
        raise no_width(options.max_accuracy_drop, limit.changed, failed, regression)
    _, best, tried = min(found, key=lambda entry: entry[0])
    return Quantisation(best, tuple(tried), len(evaluator.x))


def _widths(
    model: Model,
    unit: FloatLayers,
    name: str,
    options: QuantiseOptions,
    x_train: np.ndarray | None,
    evaluator: Evaluator,
    limit: Limit,
) -> tuple[list[tuple[int, QuantisedModel, list[Trial]]], list[Trial]]:
    """Return what is kept with the bits of memory it takes, and the trials of what is not."""
    identity = options.feature_kind != "affine"
    asked = options.feature_bits
    feature_widths = range(_NARROWEST_FEATURE, _WIDEST_FEATURE + 1) if asked is None else (asked,)
    found: list[tuple[int, QuantisedModel, list[Trial]]] = []
    failed: list[Trial] = []
    known = None
    for bits in feature_widths:
        features = layer_features(model, unit, bits, x_train, identity)
        if features == known:
            break
        known = features
        skeleton = Skeleton(model, unit, features, evaluator.x)
        trials = list(_trials(skeleton, evaluator, name, options, limit))
        if not trials[-1][1].kept:
            failed += [trial for _, trial in trials]
            continue
        kept = trials[-1][0]
        size = sum(words * width for words, width in kept.nodes[0].memories.values())
        size += sum(kept.feature_bits)
        log.debug("%d feature bits: %d bits of memory", bits, size)
        found.append((size, kept, [trial for _, trial in trials]))
        if len(found) > _WIDER:
            break
    return found, failed


def _trials(
    skeleton: Skeleton, evaluator: Evaluator, name: str, options: QuantiseOptions, limit: Limit
) -> Iterator[tuple[QuantisedModel, Trial]]:
    """Yield models and how they do, ending with the narrowest that is kept, if one is."""
    budget = options.max_accuracy_drop
    fixed = options.score_bits is not None

    def attempt(index: int, width: int, more: int = 0) -> tuple[QuantisedModel, Trial]:
        candidate = skeleton.of_widths(LayerWidths(index, width + more, width), name)
        scores = candidate.scores(skeleton.codes)
        drop, changed = evaluator.score(candidate, scores)
        kept = (drop is None or drop <= budget) and (fixed or changed <= limit.changed)
        if kept and limit.confident and not fixed:
            kept = evaluator.confident(candidate, scores, budget)
        return candidate, Trial(width + more, drop, changed, kept, max(candidate.feature_bits))

    def longest(width: int) -> int:
        return min(width // 2 + _ROOT, _LONGEST_TABLE)

    units = skeleton.unit.layers[-1].units
    most = min(_WIDEST, (_SCORE_BITS - units.bit_length()) // 2)
    widths = range(_NARROWEST, most + 1)
    if fixed:
        widths = (options.score_bits,)
    more = 0
    widest = attempt(longest(widths[-1]), widths[-1])
    if not widest[1].kept:  # narrower ones would be so by chance
        for more in () if fixed else _MORE:
            if widths[-1] + more + widths[-1] + units.bit_length() > _SCORE_BITS:
                break
            yield widest
            widest = attempt(_LONGEST_TABLE, widths[-1], more)
            if widest[1].kept:
                break
    if not widest[1].kept:
        yield widest
        return
    for width in widths if not more else widths[-1:]:
        chosen = widest if width == widths[-1] else attempt(longest(width), width)
        if chosen[1].kept:
            break
        yield chosen
    for index in reversed(range(2, _LONGEST_TABLE if more else longest(width))):
        shorter = attempt(index, width, more)
        if not shorter[1].kept:
            break
        chosen = shorter
    yield chosen

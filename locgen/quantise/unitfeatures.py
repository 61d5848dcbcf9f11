"""Chooses feature quantisers for models that compute with sizes."""

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import (
    AffineFeature,
    Feature,
    FloatCascade,
    FloatLayers,
    FloatLinear,
    FloatQuadratic,
    FloatShape,
    IdentityFeature,
    Model,
    MultiOutput,
    Votes,
)
from locgen.ir.metric import shared_metric
from locgen.quantise.features import FeatureKind, choose_features
from locgen.quantise.ranges import training_ranges

__all__ = ["check_ranges", "unit_features"]

_FINEST_STEP = 1e-300
_WIDEST_IDENTITY = 1 << 16


def unit_features(
    model: Model, bits: int, kind: FeatureKind, x_train: np.ndarray | None, rows: np.ndarray
) -> tuple[Feature, ...]:
    """Return a quantiser for each feature of a model that computes with sizes.

    A feature that some unit reads, be it the gate's, has at most `bits` bits: its codes spread
    evenly over the training rows' range and what few rows miss of it, or without rows over the
    range that the model itself knows. The feature that moves a linear score most over `rows` gets
    `bits` bits, as does one that is compared as well, the others so many that their steps count as
    much. Prototypes compare all features in one step. Integers that fit are taken as they are. A
    feature that nothing reads, or that counts for less than a step, gets no bits; one that is
    compared and nothing else has ranks, unless another kind is asked for.

    Raises
    ------
    ConfigurationError
        If a range is not known, or rank features are asked for.
    """
    if kind == "rank" and model.range_features:
        raise ConfigurationError(
            f"{model.family} computes with its features' sizes, ranks do not tell them: use "
            "--feature-kind affine"
        )
    compared = np.array([len(cuts) > 0 for cuts in model.cuts])
    sized = np.isin(np.arange(len(compared)), model.range_features)
    missing, fills = _missing(model)
    low, high = _ranges(model, x_train)
    span = np.where(sized | compared, high - low, 0.0)
    metric = shared_metric(model.arithmetic_nodes, len(model.features))
    if not sized.any():
        return choose_features(model, bits if kind == "affine" else None, kind, x_train)
    others = choose_features(
        model, bits, "affine" if kind == "affine" else "rank", _expanded(model, x_train)
    )
    if kind in ("auto", "identity"):
        integers = _identity(model, x_train, low, span, fills)
        if integers and metric is not None and len(set(metric[sized].tolist())) > 1:
            integers = None
        if integers:
            integers = tuple(
                rank if compares and not own and rank.bits < whole.bits else whole
                for whole, rank, compares, own in zip(
                    integers, others, compared, sized, strict=True
                )
            )
        if integers and (kind == "identity" or max(f.bits for f in integers) <= bits):
            return integers
        if kind == "identity":
            raise ConfigurationError(
                "identity features need --data whose training columns are integers; use "
                "--feature-kind affine"
            )
    filled = model.expand(rows)
    weight = _weights(model, filled, np.where(sized, span, 0.0), metric)
    free = np.ones(len(sized), dtype=bool) if metric is None else metric == 0
    weight = np.where(free & sized & compared & (span > 0), 1.0, weight)
    finest = weight.max(initial=0.0) / ((1 << bits) - 1)
    features = []
    for number, (least, reach, own) in enumerate(zip(low, span, weight, strict=True)):
        if compared[number] and not sized[number]:
            features.append(others[number])
            continue
        name = model.features[number]
        codes = int(np.floor(own / finest + 0.5)) if finest > 0 else 0
        if codes == 0 or reach / codes < _FINEST_STEP:
            middle = float(least + reach / 2)
            welcome = middle if model.rule.missing else None
            features.append(AffineFeature(name, middle, 1.0, 0, fill=welcome))
            continue
        width = codes.bit_length()
        if metric is None or not metric[number]:
            codes = (1 << width) - 1
        if missing[number]:  # the last code is NaN's
            width = max(width, 2)
            codes = (1 << width) - 2
        scale = float(codes / reach)
        features.append(
            AffineFeature(name, float(least), scale, width, missing[number], fills[number])
        )
    return tuple(features)


def _missing(model: Model) -> tuple[list[bool], list[float | None]]:
    """Return for each feature whether NaN has a code of its own, and whose code it has if not."""
    shapes = [unit for unit in model.units if isinstance(unit, FloatShape)]
    own = {unit.feature for unit in shapes if unit.takes_missing}
    fills = list(model.fills or (None,) * len(model.feature_names))
    fills += [None] * len(model.memberships)
    return [number in own for number in range(len(fills))], fills


def _expanded(model: Model, x: np.ndarray | None) -> np.ndarray | None:
    """Return raw rows with the memberships behind them."""
    return x if x is None or not model.memberships else model.expand(x)


def _weights(
    model: Model, rows: np.ndarray, span: np.ndarray, metric: np.ndarray | None
) -> np.ndarray:
    """Return how finely each feature of a `span` above 0 counts, 1 for the finest."""
    weight = np.zeros(len(span))
    families = [(model, model.experts or (range(len(model.nodes)),))]
    if model.gate is not None:
        families.append((model.gate.model, (range(len(model.gate.model.nodes)),)))
    for scorer, groups in families:
        units = [
            [scorer.nodes[n] for n in members if isinstance(scorer.nodes[n], FloatLinear)]
            for members in groups
        ]
        weight = np.maximum(weight, _scaled(_influence(scorer, units, rows, span)))
        # What a shape says in its steep outskirts is cut off later on.
        kinds = (FloatQuadratic, FloatShape, FloatLayers)
        shapes = [f for unit in scorer.units if isinstance(unit, kinds) for f in unit.features]
        weight[shapes] = span[shapes] > 0
    if metric is not None:  # in one step, which nothing else may change
        weight = np.where(metric > 0, _scaled(span * metric), weight)
    return weight


def _scaled(weight: np.ndarray) -> np.ndarray:
    largest = weight.max(initial=0.0)
    return weight / largest if largest > 0 else weight


def _identity(
    model: Model,
    x_train: np.ndarray | None,
    low: np.ndarray,
    span: np.ndarray,
    fills: list[float | None],
) -> tuple[Feature, ...] | None:
    """Return identity quantisers, or None where the rows are no small integers."""
    if x_train is None or np.any(x_train != np.floor(x_train)) or span.max() >= _WIDEST_IDENTITY:
        return None
    return tuple(
        IdentityFeature(name, int(np.floor(least)), int(np.ceil(least + reach)), fill=fill)
        for name, least, reach, fill in zip(model.features, low, span, fills, strict=True)
    )


def _influence(
    model: Model, groups: list[list[FloatLinear]], rows: np.ndarray, span: np.ndarray
) -> np.ndarray:
    """Return how much each feature moves a score of any of the `groups` over the feature's range.

    What a feature adds to all outputs alike does not count where they are compared, be it those
    alone that an expert scores; outputs that are not compared count alike.
    """
    deviation = rows.std(axis=0)
    varies = deviation > 0
    most = np.zeros((len(span), model.outputs))
    for units in groups:
        parts = np.zeros((len(span), model.outputs))
        scored = list(range(model.outputs))
        if model.experts:
            scored = sorted({output for unit in units for output in unit.outputs})
        for unit in units:
            parts[:, list(unit.outputs)] += unit.coefficients
        if len(scored) > 1 and model.decision == "argmax":
            parts[:, scored] -= parts[:, scored].mean(axis=1, keepdims=True)
        most = np.maximum(most, np.abs(parts) * deviation[:, None])
    if model.decision == "identity" or isinstance(
        model.decision, FloatCascade | MultiOutput | Votes
    ):
        largest = most.max(axis=0)
        most = most / np.where(largest > 0, largest, 1.0)
    moved = most.max(axis=1) * span
    return np.divide(moved, deviation, out=np.zeros_like(span), where=varies)


def check_ranges(model: Model, x_train: np.ndarray | None) -> None:
    """Refuse a model whose features' ranges cannot be known.

    Raises
    ------
    ConfigurationError
        If there are no training rows, and the model does not tell the range of a feature it reads.
    """
    if x_train is not None and len(x_train):
        return
    for feature in model.range_features:
        if not model.ranges or model.ranges[feature] is None:
            raise ConfigurationError(
                f"the range of feature {model.feature_names[feature]!r} cannot be known from a "
                f"bare {model.family}: give training rows with --data"
            )


def _ranges(model: Model, x_train: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return (lowest, highest) value of each feature, the prototypes' own included."""
    if x_train is not None and len(x_train):
        low, high = training_ranges(model.expand(x_train))
    else:
        known = model.ranges or (None,) * len(model.feature_names)
        known = (*known, *((0.0, 1.0) for _ in model.memberships))
        low, high = np.array([ends or (0.0, 0.0) for ends in known]).T
    raw = len(model.feature_names)
    for unit in model.arithmetic_nodes:
        least, most = unit.span(low[:raw])
        low[:raw] = np.minimum(low[:raw], least)
        high[:raw] = np.maximum(high[:raw], most)
    return low, high

"""Chooses feature quantisers for models that compute with sizes."""

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import (
    AffineFeature,
    Feature,
    FloatPrototype,
    FloatQuadratic,
    IdentityFeature,
    Model,
)
from locgen.quantise.features import FeatureKind

__all__ = ["check_ranges", "unit_features"]

_FINEST_STEP = 1e-300
_WIDEST_IDENTITY = 1 << 16


def unit_features(
    model: Model, bits: int, kind: FeatureKind, x_train: np.ndarray | None, rows: np.ndarray
) -> tuple[Feature, ...]:
    """Return a quantiser of at most `bits` bits for each feature of a model of units.

    The codes spread evenly over the training rows' range, or without rows over the range that the
    model itself knows. In a linear model the feature that moves a score most over `rows` gets
    `bits` bits, the others so many that their steps count as much. Prototypes compare all features
    in one step. Integers that fit are taken as they are. A feature that no unit reads, or that
    counts for less than a step, gets no bits.

    Raises
    ------
    ConfigurationError
        If a range is not known, or rank features are asked for.
    """
    if kind == "rank":
        raise ConfigurationError(
            f"{model.family} computes with its features' sizes, ranks do not tell them: use "
            "--feature-kind affine"
        )
    used = {feature for unit in model.units for feature in unit.features}
    low, high = _ranges(model, x_train)
    span = np.where(np.isin(np.arange(len(low)), list(used)), high - low, 0.0)
    metric = [u.scale for u in model.units if isinstance(u, FloatPrototype)]
    if kind != "affine":
        integers = _identity(model, x_train, low, span)
        if integers and metric and len({float(metric[0][f]) for f in used}) > 1:
            integers = None
        if integers and (kind == "identity" or max(f.bits for f in integers) <= bits):
            return integers
        if kind == "identity":
            raise ConfigurationError(
                "identity features need --data whose training columns are integers; use "
                "--feature-kind affine"
            )
    shapes = any(isinstance(u, FloatQuadratic) for u in model.units)
    if metric:
        weight = span * metric[0]
    elif shapes:  # what a shape says in its steep outskirts is cut off later on
        weight = (span > 0).astype(np.float64)
    else:
        weight = _influence(model, rows, span)
    finest = weight.max(initial=0.0) / ((1 << bits) - 1)
    features = []
    for name, least, reach, own in zip(model.feature_names, low, span, weight, strict=True):
        codes = int(np.floor(own / finest + 0.5)) if finest > 0 else 0
        if codes == 0 or reach / codes < _FINEST_STEP:
            features.append(AffineFeature(name, float(least + reach / 2), 1.0, 0))
            continue
        width = codes.bit_length()
        if not metric:
            codes = (1 << width) - 1
        features.append(AffineFeature(name, float(least), float(codes / reach), width))
    return tuple(features)


def _identity(
    model: Model, x_train: np.ndarray | None, low: np.ndarray, span: np.ndarray
) -> tuple[Feature, ...] | None:
    """Return identity quantisers, or None where the rows are no small integers."""
    if x_train is None or np.any(x_train != np.floor(x_train)) or span.max() >= _WIDEST_IDENTITY:
        return None
    return tuple(
        IdentityFeature(name, int(np.floor(least)), int(np.ceil(least + reach)))
        for name, least, reach in zip(model.feature_names, low, span, strict=True)
    )


def _influence(model: Model, rows: np.ndarray, span: np.ndarray) -> np.ndarray:
    """Return how much each feature of a linear model moves a score over the feature's range.

    What a feature adds to all outputs alike does not count where they are compared.
    """
    parts = np.zeros((len(rows), len(span), model.outputs))
    for unit in model.units:
        parts[:, :, list(unit.outputs)] += rows[:, :, None] * unit.coefficients
    if model.outputs > 1 and model.decision == "argmax":
        parts -= parts.mean(axis=2, keepdims=True)
    deviation = rows.std(axis=0)
    varies = deviation > 0
    moved = parts.std(axis=0).max(axis=1)
    return np.divide(moved * span, deviation, out=np.zeros_like(span), where=varies)


def check_ranges(model: Model, x_train: np.ndarray | None) -> None:
    """Refuse a model whose features' ranges cannot be known.

    Raises
    ------
    ConfigurationError
        If there are no training rows, and the model does not tell the range of a feature it reads.
    """
    if x_train is not None and len(x_train):
        return
    for feature in sorted({feature for unit in model.units for feature in unit.features}):
        if not model.ranges or model.ranges[feature] is None:
            raise ConfigurationError(
                f"the range of feature {model.feature_names[feature]!r} cannot be known from a "
                f"bare {model.family}: give training rows with --data"
            )


def _ranges(model: Model, x_train: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return (lowest, highest) value of each feature, the prototypes' own included."""
    if x_train is not None and len(x_train):
        low, high = x_train.min(axis=0), x_train.max(axis=0)
    else:
        known = model.ranges or (None,) * len(model.feature_names)
        low, high = np.array([ends or (0.0, 0.0) for ends in known]).T
    for unit in model.units:
        if isinstance(unit, FloatPrototype):
            low, high = np.minimum(low, unit.centre), np.maximum(high, unit.centre)
    return low, high

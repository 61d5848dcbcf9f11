"""Feature quantisers of models of one layered node."""

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import AffineFeature, Feature, FloatLayers, IdentityFeature, Model
from locgen.quantise.ranges import training_ranges

__all__ = ["layer_features"]

_WIDEST_IDENTITY = 1 << 16


def layer_features(
    model: Model, unit: FloatLayers, bits: int, x_train: np.ndarray | None, identity: bool
) -> tuple[Feature, ...]:
    """Return a quantiser of at most `bits` bits for each feature of `model`.

    Features whose distances are compared share one step in the metric's scale. Integers that fit
    are taken as they are if `identity` says that they are some. A constant feature, or one that
    is not read, has no bits.

    Raises
    ------
    ConfigurationError
        If `identity` is asked for and the training rows are absent or no such integers.
    """
    fills = model.fills or (None,) * len(model.feature_names)
    if x_train is not None:
        x_train = model.expand(x_train)
    low, high = _ranges(model, unit, x_train)
    used = np.isin(np.arange(len(low)), unit.features)
    span = np.where(used, high - low, 0.0)
    scale = unit.layers[0].scale
    if identity:
        if not _are_integers(x_train, span, None if scale is None else scale[used]):
            raise ConfigurationError(
                "identity features need --data whose training columns are integers of at most 16 "
                "bits, and one scale; use --feature-kind affine"
            )
        return tuple(
            IdentityFeature(name, int(least), int(least + reach), fill=fill)
            for name, least, reach, fill in zip(model.feature_names, low, span, fills, strict=True)
        )
    metric = np.ones(len(span)) if scale is None else np.abs(scale)
    finest = (span * metric).max(initial=0.0) / ((1 << bits) - 1)
    features = []
    for name, least, reach, size, fill in zip(
        model.feature_names, low, span, metric, fills, strict=True
    ):
        codes = 0
        if reach > 0 and size > 0:
            codes = (1 << bits) - 1
            if scale is not None:
                codes = int(np.floor(reach * size / finest + 0.5))
        if codes == 0 or not np.isfinite(codes / reach):
            features.append(AffineFeature(name, float(least + reach / 2), 1.0, 0, fill=fill))
            continue
        steps = codes / reach if scale is None else size / finest
        width = codes.bit_length()
        features.append(AffineFeature(name, float(least), float(steps), width, fill=fill))
    return tuple(features)


def _are_integers(x_train: np.ndarray | None, span: np.ndarray, scale: np.ndarray | None) -> bool:
    if x_train is None or not len(x_train) or np.any(x_train != np.floor(x_train)):
        return False
    if scale is not None and len(set(scale.tolist())) > 1:
        return False
    return span.max(initial=0.0) < _WIDEST_IDENTITY


def _ranges(
    model: Model, unit: FloatLayers, x_train: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (lowest, highest) value of each feature, those of stored vectors included."""
    if x_train is not None and len(x_train):
        low, high = training_ranges(x_train)
    else:
        known = model.ranges or (None,) * len(model.feature_names)
        low, high = np.array([ends or (0.0, 0.0) for ends in known]).T
    first = unit.layers[0]
    if first.metric != "dot":
        low = np.minimum(low, first.matrix.min(axis=0))
        high = np.maximum(high, first.matrix.max(axis=0))
    return low, high

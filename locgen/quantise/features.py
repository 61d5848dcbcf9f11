"""Choice of a quantiser for every feature of a model."""

from typing import Literal

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import AffineFeature, Feature, IdentityFeature, Model, RankFeature

__all__ = ["FeatureKind", "choose_features"]

FeatureKind = Literal["auto", "rank", "affine", "identity"]
_WIDEST_IDENTITY = 1 << 16
_BLOCK = 256
"""Rows that fit a cache."""
_FINEST_STEP = 1e-300
"""Cuts may lie closer than a step whose inverse is a float64."""


def choose_features(
    model: Model, bits: int | None, kind: FeatureKind, x_train: np.ndarray | None
) -> tuple[Feature, ...]:
    """Return one quantiser a feature.

    `kind` ``auto`` is `rank`, exact for every row, or with `bits` `affine`. Only `identity` says
    that the columns hold integers: training rows of integers promise nothing about other rows.

    Raises
    ------
    ConfigurationError
        If `identity` is asked for and the training rows are absent or no integers.
    """
    if kind == "rank" or (kind == "auto" and bits is None):
        return _rank(model)
    if kind != "identity":
        return _affine(model, 8 if bits is None else bits)
    integers = _identity(model, x_train)
    if integers is None:
        raise ConfigurationError(
            "identity features need --data whose training columns are integers of at most 16 "
            "bits; use --feature-kind rank or affine"
        )
    return integers


def _missing(model: Model) -> tuple[bool, ...]:
    """Return whether NaN has a code of its own: of raw columns alone, where the model takes it."""
    own = [fill is None for fill in model.fills or (None,) * len(model.feature_names)]
    return (*(model.rule.missing and free for free in own), *(False for _ in model.memberships))


def _rank(model: Model) -> tuple[Feature, ...]:
    return tuple(
        RankFeature(
            name,
            tuple(float(c) for c in cuts if np.isfinite(c)),
            missing and len(cuts) > 0,
        )
        for name, cuts, missing in zip(model.features, model.cuts, _missing(model), strict=True)
    )


def _identity(model: Model, x_train: np.ndarray | None) -> tuple[Feature, ...] | None:
    """Return identity quantisers, or None where the rows are no small integers."""
    if x_train is None or not len(x_train):
        return None
    low = np.full(x_train.shape[1], np.inf)
    high = -low
    for start in range(0, len(x_train), _BLOCK):
        block = x_train[start : start + _BLOCK]
        present = np.where(np.isnan(block), 0, block)
        if np.any(present != np.floor(present)):
            return None
        np.minimum(low, present.min(axis=0), out=low)
        np.maximum(high, present.max(axis=0), out=high)
    if np.any(high - low >= _WIDEST_IDENTITY):
        return None
    used = [len(cuts) > 0 for cuts in model.cuts]
    return tuple(
        IdentityFeature(name, int(least), int(most) if needed else int(least), missing and needed)
        for name, least, most, needed, missing in zip(
            model.features, low, high, used, _missing(model), strict=True
        )
    )


def _affine(model: Model, bits: int) -> tuple[Feature, ...]:
    """Spread the codes over the range of the cuts: nothing outside it can change a decision."""
    features = []
    for name, cuts, missing in zip(model.features, model.cuts, _missing(model), strict=True):
        finite = cuts[np.isfinite(cuts)]
        if not len(finite):
            split_on_missing = missing and len(cuts) > 0
            features.append(AffineFeature(name, 0.0, 1.0, int(split_on_missing), split_on_missing))
            continue
        boundaries = (1 << bits) - 1 - missing
        if boundaries < 1:
            raise ConfigurationError("--feature-bits is too small for a model with missing values")
        least, most = float(finite[0]), float(finite[-1])
        span = most - least
        if span == 0:
            step = max(abs(least), 1.0)
        elif boundaries == 1:
            step, least = 2 * span, (least + most) / 2  # so wide that no cut becomes constant
        else:
            step = span / (boundaries - 1)
        step = min(max(step, _FINEST_STEP), 1 / _FINEST_STEP)
        features.append(AffineFeature(name, least - step / 2, 1 / step, bits, missing))
    return tuple(features)

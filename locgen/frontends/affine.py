"""Scalers folded into one affine map a feature, for models that compute with a feature's size.

Such a model is rounded to integers anyway, and what that changes is counted against the library; so
folding in float64 is good enough here. Trees, which compare, must not do this: see `preprocessing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from locgen.errors import ModelFileError, UnsupportedModel

__all__ = ["DEVIATIONS", "AffineMap", "finite", "fold", "read", "vector"]

DEVIATIONS = 4.0
"""Of a feature's own, either side of its mean: the range assumed where a model tells no better."""


@dataclass(frozen=True)
class AffineMap:
    """What scalers make of raw features: ``x * slope + offset``.

    Members
    -------
    slope, offset : (features,)
    low, high : (features,) interval of the raw training values, None if no scaler tells it
    """

    slope: np.ndarray
    offset: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    def raw(self, scaled: np.ndarray) -> np.ndarray:
        """Return the raw values behind scaled ones (..., features)."""
        return (scaled - self.offset) / self.slope

    def ranges(
        self, low: np.ndarray | None = None, high: np.ndarray | None = None
    ) -> tuple[tuple[float, float] | None, ...]:
        """Return each feature's raw interval: the scalers', else that of scaled `low` to `high`."""
        if self.low is not None:
            ends = self.low, self.high
        elif low is not None:
            ends = self.raw(low), self.raw(high)
        else:
            return (None,) * len(self.slope)
        pairs = np.sort(np.stack(ends, axis=1), axis=1)  # a slope may be negative
        return tuple((float(least), float(most)) for least, most in pairs)


def vector(estimator: object, name: str, *shape: int) -> np.ndarray:
    """Return the attribute `name` as finite float64 of that shape.

    Raises
    ------
    ModelFileError
        If it has another shape or holds anything but finite numbers.
    """
    return finite(getattr(estimator, name), shape, f"{type(estimator).__name__}.{name}")


def finite(found: object, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return `found` as finite float64 of that shape; errors are those of `vector`."""
    values = np.asarray(found, dtype=np.float64)
    if values.shape != shape or not np.isfinite(values).all():
        raise ModelFileError(f"{what} is damaged: save the fitted model again")
    return values


def fold(scalers: Sequence[object], features: int) -> AffineMap:
    """Return what `scalers` do, one after the other.

    Raises
    ------
    UnsupportedModel
        If a scaler clips, which is no affine map.
    """
    slope, offset = np.ones(features), np.zeros(features)
    low = high = None
    for scaler in scalers:
        own = read(scaler, features)
        if own is None:
            raise UnsupportedModel(
                f"{type(scaler).__name__}(clip=True) is not supported in front of this model: "
                "train with clip=False, the hardware's features stop at the training range anyway"
            )
        if low is None and own.low is not None:
            low, high = ((end - offset) / slope for end in (own.low, own.high))
        slope, offset = slope * own.slope, offset * own.slope + own.offset
    return AffineMap(slope, offset, low, high)


def read(scaler: object, features: int) -> AffineMap | None:
    """Return what a fitted `scaler` computes, None if it clips, which is no affine map."""
    return None if getattr(scaler, "clip", False) else _READERS[type(scaler)](scaler, features)


def _standard(scaler: StandardScaler, features: int) -> AffineMap:
    ones, zeros = np.ones(features), np.zeros(features)
    scale = vector(scaler, "scale_", features) if scaler.with_std else ones
    known = scaler.with_mean or scaler.with_std
    mean = vector(scaler, "mean_", features) if known else zeros
    slope = 1 / scale
    offset = -mean * slope if scaler.with_mean else zeros
    if not scaler.with_std:
        return AffineMap(slope, offset)
    spread = DEVIATIONS * np.sqrt(vector(scaler, "var_", features))
    return AffineMap(slope, offset, mean - spread, mean + spread)


def _min_max(scaler: MinMaxScaler, features: int) -> AffineMap:
    return AffineMap(
        vector(scaler, "scale_", features),
        vector(scaler, "min_", features),
        vector(scaler, "data_min_", features),
        vector(scaler, "data_max_", features),
    )


def _robust(scaler: RobustScaler, features: int) -> AffineMap:
    centre = vector(scaler, "center_", features) if scaler.with_centering else np.zeros(features)
    scale = vector(scaler, "scale_", features) if scaler.with_scaling else np.ones(features)
    folded = AffineMap(1 / scale, -centre / scale)
    if not (scaler.with_centering and scaler.with_scaling):
        return folded
    spread = DEVIATIONS * scale
    return AffineMap(folded.slope, folded.offset, centre - spread, centre + spread)


def _max_abs(scaler: MaxAbsScaler, features: int) -> AffineMap:
    most = vector(scaler, "max_abs_", features)
    slope = 1 / vector(scaler, "scale_", features)
    return AffineMap(slope, np.zeros(features), -most, most)


_READERS = {
    StandardScaler: _standard,
    MinMaxScaler: _min_max,
    RobustScaler: _robust,
    MaxAbsScaler: _max_abs,
}

"""Readers of scikit-learn's scalers: columns that rise with those before.

A scaler is folded into one affine map a feature as well, for models that compute with numbers: they
are rounded to integers anyway, and what that changes is counted against the library. Trees, which
compare, evaluate the scaler itself, see `preprocessing`.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from locgen.frontends.arrays import DEVIATIONS, vector
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Extend
from locgen.frontends.step_outputs import Outputs, Transformer, needs_rising

__all__ = ["max_abs", "min_max", "robust", "standard"]


@dataclass(frozen=True)
class _AffineMap:
    """A scaler as ``x * slope + offset``.

    Members
    -------
    slope, offset : (features,)
    ends : (2, features) interval of the raw training values, None where the scaler knows none
    """

    slope: np.ndarray
    offset: np.ndarray
    ends: np.ndarray | None = None


def _scaled(before: Preprocessing, scaling: _AffineMap) -> Outputs:
    """Return outputs that rise with those before, folded where they are known."""
    outputs = []
    for feature, output in enumerate(before.outputs):
        polynomial, span = None, output.span
        if output.polynomial is not None:
            slope, offset = float(scaling.slope[feature]), float(scaling.offset[feature])
            polynomial = output.polynomial.scaled(slope, offset)
            if scaling.ends is not None:
                span = output.raw_span(scaling.ends[:, feature])
        outputs.append(replace(output, polynomial=polynomial, untouched=False, span=span))
    return outputs, before.neutral


def _clipped(step: Transformer, before: Preprocessing, ends: np.ndarray) -> Outputs:
    """Return outputs that rise with those before within `ends` (2, features), flat beyond."""
    outputs = []
    for feature, output in enumerate(before.outputs):
        breaks = output.breaks
        if not output.constant:
            needs_rising(step, output)
            limits = ends[:, feature]

            def at_most(value: np.ndarray, part: np.ndarray, limits=limits) -> np.ndarray:
                return value <= limits[part]

            found = before.bisect(np.full(2, feature), at_most)
            breaks = np.union1d(breaks, found[np.isfinite(found)])
        outputs.append(replace(output, polynomial=None, untouched=False, breaks=breaks))
    return outputs, before.neutral


def standard(step: StandardScaler, before: Preprocessing, extend: Extend) -> Outputs:
    """Read a StandardScaler."""
    features = before.features
    zeros = np.zeros(features)
    slope = 1 / vector(step, "scale_", features) if step.with_std else np.ones(features)
    known = step.with_mean or step.with_std
    mean = vector(step, "mean_", features) if known else zeros
    offset = -mean * slope if step.with_mean else zeros
    ends = None
    if step.with_std:
        spread = DEVIATIONS * np.sqrt(vector(step, "var_", features))
        ends = np.stack([mean - spread, mean + spread])
    return _scaled(before, _AffineMap(slope, offset, ends))


def min_max(step: MinMaxScaler, before: Preprocessing, extend: Extend) -> Outputs:
    """Read a MinMaxScaler; one that clips is no affine map."""
    names = ("scale_", "min_", "data_min_", "data_max_")
    slope, offset, *trained = (vector(step, name, before.features) for name in names)
    ends = np.stack(trained)
    return (
        _clipped(step, before, ends)
        if step.clip
        else _scaled(before, _AffineMap(slope, offset, ends))
    )


def robust(step: RobustScaler, before: Preprocessing, extend: Extend) -> Outputs:
    """Read a RobustScaler."""
    features = before.features
    centre = vector(step, "center_", features) if step.with_centering else np.zeros(features)
    scale = vector(step, "scale_", features) if step.with_scaling else np.ones(features)
    ends = None
    if step.with_centering and step.with_scaling:
        ends = np.stack([centre - DEVIATIONS * scale, centre + DEVIATIONS * scale])
    return _scaled(before, _AffineMap(1 / scale, -centre / scale, ends))


def max_abs(step: MaxAbsScaler, before: Preprocessing, extend: Extend) -> Outputs:
    """Read a MaxAbsScaler; since scikit-learn 1.8 it can clip, and is no affine map then."""
    scale = vector(step, "scale_", before.features)
    if getattr(step, "clip", False):
        return _clipped(step, before, np.stack([-scale, scale]))
    most = vector(step, "max_abs_", before.features)
    slope = 1 / scale
    return _scaled(before, _AffineMap(slope, np.zeros(before.features), np.stack([-most, most])))

"""The scale in which the nodes of a model compute distances."""

from collections.abc import Iterable

import numpy as np

from locgen.ir.float import FloatNode

__all__ = ["shared_metric"]

_SAME = 1e-9


def shared_metric(units: Iterable[FloatNode], features: int) -> np.ndarray | None:
    """Return by what distances scale each feature (features,); None where none is computed.

    What is scaled by one factor throughout has the same metric, as has what reads others.

    Raises
    ------
    ValueError
        If two units have different ones.
    """
    found: np.ndarray | None = None
    for unit in units:
        scale = unit.distance_scale
        if scale is None:
            continue
        own = np.zeros(features)
        own[: len(scale)] = np.abs(scale)
        if found is None:
            found = own
            continue
        both = (found > 0) & (own > 0)
        factor = found[both] / own[both]
        if len(factor) and np.ptp(factor) > _SAME * factor.max():
            raise ValueError("distances of one model must be in one metric")
        found = np.where(found > 0, found, own * (factor[0] if len(factor) else 1.0))
    return found

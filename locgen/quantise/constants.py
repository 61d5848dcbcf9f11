"""Constants of the experts of a mixture, whatever its nodes score."""

from collections.abc import Sequence

import numpy as np

from locgen.ir import Model

__all__ = ["Part", "constants_of"]

Part = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Of a node, for each of its outputs: a constant, and the ends of what it adds on top of that."""

_MARGIN = 16.0
"""By how much a class that an expert never answers stays below: e**-16 of a probability."""


def constants_of(model: Model, parts: Sequence[Part], step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return what all rows get (outputs,), and what each open expert adds (experts, outputs).

    An infinite constant of an expert becomes one that is never, or always, above the others by more
    than rounding.

    Parameters
    ----------
    parts : of each node of `model`; step : about the raw score of an integer step
    """
    groups = model.experts or (range(len(parts)),)
    sums, low, high = np.zeros((3, len(groups), model.outputs))
    for number, members in enumerate(groups):
        for node in members:
            outputs = list(model.nodes[node].outputs)
            for total, part in zip((sums, low, high), parts[node], strict=True):
                total[number, outputs] += part
    if model.gate is None:
        return sums[0], np.zeros((0, model.outputs))
    base = np.array(model.expert_base or np.zeros_like(sums))
    margin = max(_MARGIN, 2 * step)
    known = np.isfinite(base)
    sums += np.where(known, base, 0.0)
    rival = np.zeros(len(groups))
    if model.outputs > 1:
        rival = np.where(known, sums + low, -np.inf).max(axis=1)
    never, always = base == -np.inf, base == np.inf
    sums = np.where(never, rival[:, None] - margin - high, sums)
    sums = np.where(always, rival[:, None] + margin - low, sums)
    common = sums.min(axis=0)
    return model.gate.top_k * common, sums - common

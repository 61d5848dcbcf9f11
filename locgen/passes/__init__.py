"""Passes: functions from model to model, in the order in which they run."""

from locgen.ir import QuantisedModel
from locgen.passes import fold_biases, normalise_offsets
from locgen.passes.context import Context, Fabric

__all__ = ["HARDWARE_PASSES", "Context", "prepare"]

HARDWARE_PASSES = (normalise_offsets.run, fold_biases.run)
"""From the integer model that is stored to the one that is planned and built."""


def prepare(model: QuantisedModel, fabric: Fabric) -> QuantisedModel:
    """Return `model` as the plan and the hardware of `fabric` take it: golden answers the same.

    Node numbers stay; a mixture may get constant nodes at the end.

    Raises
    ------
    ConfigurationError
        If the fabric cannot carry the model.
    """
    for run in HARDWARE_PASSES:
        model = run(model, Context(fabric))
    return model

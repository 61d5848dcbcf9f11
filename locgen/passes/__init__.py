"""Passes: functions from model to model, listed in the order in which they run."""

from collections.abc import Callable, Iterable

from locgen.ir import Model, QuantisedModel
from locgen.passes import (
    answer_decision,
    condense,
    fold_biases,
    merge,
    normalise_offsets,
    prune,
    rebin,
    refuse_missing,
)
from locgen.passes.condense import Condensing
from locgen.passes.context import Change, Condense, Context, Dataset, Fabric, M, Passed
from locgen.passes.prune import Pruning
from locgen.passes.rebin import Rebinning

__all__ = [
    "FLOAT_PASSES",
    "HARDWARE_PASSES",
    "INTEGER_PASSES",
    "REDUCING_PASSES",
    "Change",
    "Condense",
    "Condensing",
    "Context",
    "Dataset",
    "Passed",
    "Pruning",
    "Rebinning",
    "prepare",
    "run_passes",
]

FLOAT_PASSES: tuple[Callable[[Model, Context], Passed[Model]], ...] = (
    refuse_missing.run,
    condense.run,
    merge.run,
)
"""Before anything is compared with the float model."""
REDUCING_PASSES: tuple[Callable[[Model, Context], Passed[Model]], ...] = (prune.run, rebin.run)
"""Those that spend accuracy, which widths are searched behind."""
INTEGER_PASSES: tuple[Callable[[QuantisedModel, Context], Passed[QuantisedModel]], ...] = (
    answer_decision.run,
)
"""From the integer model to the one that is stored."""
HARDWARE_PASSES: tuple[Callable[[QuantisedModel, Context], Passed[QuantisedModel]], ...] = (
    normalise_offsets.run,
    fold_biases.run,
)
"""From the integer model that is stored to the one that is planned and built."""


def run_passes(
    model: M, passes: Iterable[Callable[[M, Context], Passed[M]]], context: Context
) -> Passed[M]:
    """Return `model` behind all `passes`, and what each changed."""
    changes: tuple[Change, ...] = ()
    for run in passes:
        model, more = run(model, context)
        changes += more
    return Passed(model, changes)


def prepare(model: QuantisedModel, fabric: Fabric) -> QuantisedModel:
    """Return `model` as the plan and the hardware of `fabric` take it: golden answers the same.

    Node numbers stay; a mixture may get constant nodes at the end.

    Raises
    ------
    ConfigurationError
        If the fabric cannot carry the model.
    """
    return run_passes(model, HARDWARE_PASSES, Context(fabric=fabric)).model

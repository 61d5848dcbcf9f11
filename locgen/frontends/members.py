"""Members of ensembles as parts of one model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from locgen.errors import UnsupportedModel
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Part, Reading, common_settings, weighted_part
from locgen.ir.metric import shared_metric
from locgen.ir.model import FloatCascade, Model

__all__ = ["addable", "merged", "part_of"]


def part_of(model: Model, outputs: tuple[int, ...], count: int) -> Part:
    """Return all of a model on these of `count` outputs."""
    return weighted_part(model, outputs, count, 1.0)


def merged(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    parts: Sequence[Part],
    added: Sequence[Model],
    **settings: Any,
) -> Model:
    """Return the sum of `parts`, nodes and base of each of the models `added`, as one model.

    Parameters
    ----------
    settings : members of `Model` that scikit-learn's families do not set in the same way

    Raises
    ------
    UnsupportedModel
        If members take different values for one that is missing, or compute distances behind
        different scalers.
    """
    rules = [member.rule for member in added]
    missing = all(rule.missing for rule in rules)
    common = common_settings(last, preprocessing, missing, "float64")
    common["rule"] = type(rules[0])(
        operator=rules[0].operator,
        input_dtype="float32" if any(r.input_dtype == "float32" for r in rules) else "float64",
        missing=missing,
    )
    columns = len(preprocessing.names) + len(common["memberships"])
    try:
        shared_metric([unit for part in parts for unit in part.units], columns)
    except ValueError:
        raise UnsupportedModel(
            f"{type(last).__name__} has members that compute distances behind different scalers: "
            "put one scaler in front of all of them"
        ) from None
    return Model(
        trees=tuple(tree for part in parts for tree in part.trees),
        units=tuple(unit.widened(columns) for part in parts for unit in part.units),
        base=tuple(np.sum([part.base for part in parts], axis=0).tolist()),
        ranges=_ranges(added),
        fills=_fills(last, added) if missing else (),
        **common,
        **settings,
    )


def _ranges(added: Sequence[Model]) -> tuple[tuple[float, float] | None, ...]:
    """Return for each column an interval that holds those of all members that know one."""
    known = [member.ranges for member in added if member.ranges]
    if not known:
        return ()
    found = []
    for ends in zip(*known, strict=True):
        own = [pair for pair in ends if pair is not None]
        found.append((min(a for a, _ in own), max(b for _, b in own)) if own else None)
    return tuple(found)


def _fills(last: BaseEstimator, added: Sequence[Model]) -> tuple[float | None, ...]:
    """Return what stands for a missing value in each column."""
    found = {member.fills for member in added if member.units}
    if len(found) > 1:
        raise UnsupportedModel(
            f"{type(last).__name__} has members that take different values for a missing one: put "
            "one imputer in front of all of them"
        )
    if found and any(member.trees for member in added):
        raise UnsupportedModel(
            f"{type(last).__name__} has trees beside members that take a value for a missing one: "
            "put an imputer in front of all of them and train without missing values"
        )
    return found.pop() if found else ()


def addable(last: BaseEstimator, reading: Reading) -> Model:
    """Return a member's model; refuse one that is no sum of nodes."""
    model = reading.model
    if isinstance(model.decision, FloatCascade):
        raise UnsupportedModel(
            f"{type(last).__name__} has a {model.family} as member, which decides behind scores "
            "itself: take its own members"
        )
    if model.gate is not None or not all(node.addable for node in model.units):
        raise UnsupportedModel(
            f"{type(last).__name__} has a {model.family} as member: locgen builds it over trees, "
            "forests, boosting, linear models, naive Bayes, neighbours and kernel machines"
        )
    if model.task == "regression" and model.decision != "identity":
        raise UnsupportedModel(
            f"{type(last).__name__} has a {model.family} as member, whose answer is no sum: use "
            "forests or boosting as members"
        )
    if model.trees and not all(node.beside_trees for node in model.units):
        raise UnsupportedModel(f"{model.family} has neighbours beside trees")
    return model

"""Reader of locgen's own mixtures of experts, gate and experts by the other readers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import pipeline
from locgen.frontends.locgen_models import mixture_check
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.pruning import pruned
from locgen.frontends.reading import Probability, Read, Reading, product_of
from locgen.frontends.sklearn.prototypes import discriminant
from locgen.ir.float import FloatLinear, FloatQuadratic, FloatTree, FloatUnit
from locgen.ir.gate import highest
from locgen.ir.model import FloatGate, Model, SplitRule

__all__ = ["read"]

_GATES = (DecisionTreeClassifier, LogisticRegression, NearestCentroid)


@dataclass(frozen=True)
class _Expert:
    """What an open expert adds: its nodes, and a constant for each output of the mixture."""

    trees: Sequence[FloatTree]
    units: Sequence[FloatUnit]
    base: np.ndarray


def read(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
    """Read a mixture behind scalers: its gate and experts each behind the same scalers.

    Raises
    ------
    UnsupportedModel
        If gate or experts are not supported.
    ModelFileError
        If its parts do not fit together.
    """
    name, scalers = type(last).__name__, preprocessing.steps
    top_k, features = last.top_k_, last.n_features_in_
    members = [_member(scalers, expert, read) for expert in last.experts_]
    if not (members and type(top_k) is int and 1 <= top_k <= len(members)) or any(
        len(member.feature_names) != features for member in members
    ):
        raise ModelFileError(f"{name} has experts that do not fit it: save the fitted model again")
    if any(member.gate is not None for member in members):
        raise UnsupportedModel(
            f"{name} has a mixture as expert: train one mixture with more experts instead"
        )
    classes = tuple(np.asarray(last.classes_).tolist()) if name.endswith("Classifier") else ()
    outputs = len(classes) or last.n_outputs_
    experts = _classified(last, members) if classes else _added(members, top_k, outputs)
    gate = None if last.gate_ is None else _gate(last, scalers, read, len(members))
    scorers = (*members, *(() if gate is None else (gate.model,)))
    compares = any(scorer.trees for scorer in scorers)
    model = Model(
        family=name,
        library=f"scikit-learn {sklearn.__version__}",
        task="classification" if classes else "regression",
        feature_names=preprocessing.names,
        classes=classes,
        trees=tuple(tree for expert in experts for tree in expert.trees),
        units=tuple(unit for expert in experts for unit in expert.units),
        base=tuple(experts[0].base.tolist()) if gate is None else (0.0,) * outputs,
        decision="argmax" if classes else "identity",
        rule=SplitRule("<=", "float32" if compares else "float64", missing=False),
        probability=_probability(members) if classes else "none",
        members=top_k,
        ranges=_ranges(scorers, features),
        gate=gate,
        experts=() if gate is None else _numbers(experts),
        expert_base=() if gate is None else tuple(tuple(e.base.tolist()) for e in experts),
    )
    mixture_check.compare(model, last, scalers)
    return Reading(model, None)


def _numbers(experts: list[_Expert]) -> tuple[tuple[int, ...], ...]:
    """Return the nodes of each expert: all trees come first."""
    tree, unit = 0, sum(len(expert.trees) for expert in experts)
    groups = []
    for expert in experts:
        trees, units = len(expert.trees), len(expert.units)
        groups.append((*range(tree, tree + trees), *range(unit, unit + units)))
        tree, unit = tree + trees, unit + units
    return tuple(groups)


def _ranges(scorers: tuple[Model, ...], features: int) -> tuple[tuple[float, float] | None, ...]:
    """Return the interval of each feature that any of `scorers` knows."""
    ranges = []
    for feature in range(features):
        known = [own for s in scorers if s.ranges and (own := s.ranges[feature]) is not None]
        ends = (min(low for low, _ in known), max(high for _, high in known)) if known else None
        ranges.append(ends)
    return tuple(ranges) if any(scorer.units for scorer in scorers) else ()


def _read(
    scalers: tuple[BaseEstimator, ...], estimator: BaseEstimator, read: Read
) -> tuple[BaseEstimator, Reading]:
    """Return the model in `estimator`, and how it reads behind `scalers` and its own."""
    inner, last = pipeline.unwrap(estimator)
    steps = (*scalers, *inner, last)
    return last, read(Pipeline([(f"step_{number}", step) for number, step in enumerate(steps)]))


def _member(scalers: tuple[BaseEstimator, ...], expert: BaseEstimator, read: Read) -> Model:
    """Return an expert as the mixture uses it: by what its probabilities are made from."""
    last, reading = _read(scalers, expert, read)
    model = reading.model
    if model.memberships:
        raise UnsupportedModel(
            f"{model.family} splits on sets of categories, which experts may not: encode the "
            "categories as numbers with an order"
        )
    if model.fills or not all(isinstance(u, FloatLinear | FloatQuadratic) for u in model.units):
        if type(last) is not NearestCentroid:
            raise UnsupportedModel(
                f"{model.family} cannot be an expert: use trees, forests, boosting, "
                "LogisticRegression, LinearRegression, Ridge, GaussianNB or NearestCentroid"
            )
        assert reading.preprocessing is not None
        return discriminant(last, reading.preprocessing)
    return model


def _gate(
    last: BaseEstimator,
    scalers: tuple[BaseEstimator, ...],
    read: Read,
    experts: int,
) -> FloatGate:
    """Return the gate: a tree says in its leaves which experts open, other gates are ranked.

    Linear scores count from the first expert's, which tells experts apart as well for one dot
    product less; of two experts the library gives that difference alone.
    """
    name = type(last).__name__
    if type(last.gate_) not in _GATES:
        raise UnsupportedModel(
            f"{name} has a {type(last.gate_).__name__} as gate: train it with gate='tree', "
            "'linear' or 'prototype'"
        )
    model = _read(scalers, last.gate_, read)[1].model
    if model.classes != tuple(range(experts)):
        raise ModelFileError(f"{name} has a gate for other experts: save the fitted model again")
    if model.trees:
        (tree,) = model.trees
        mask = highest(tree.leaf_values, last.top_k_).astype(np.float64)
        model = replace(model, trees=(pruned(replace(tree, leaf_values=mask)),))
    elif model.units[0].dot_product is not None:
        (node,) = model.units
        weights, base = product_of(node), np.array(model.base)
        if model.outputs > 1:
            weights, base = weights[:, 1:] - weights[:, :1], base[1:] - base[0]
        units = (FloatLinear(weights, tuple(range(1, experts))),)
        model = replace(model, units=units, base=(0.0, *base.tolist()), decision="argmax")
    return FloatGate(model, last.top_k_)


def _added(members: list[Model], top_k: int, outputs: int) -> list[_Expert]:
    """Return each regressor's nodes and constants, in shares of the mean."""
    experts = []
    for member in members:
        if member.task != "regression" or member.outputs != outputs:
            raise ModelFileError(
                f"a {member.family} does not fit the mixture's targets: save the fitted model again"
            )
        trees = [replace(tree, leaf_values=tree.leaf_values / top_k) for tree in member.trees]
        units = [FloatLinear(product_of(unit) / top_k, unit.outputs) for unit in member.units]
        experts.append(_Expert(trees, units, np.array(member.base) / top_k))
    return experts


def _probability(members: list[Model]) -> Probability:
    return "mean" if all(member.probability == "mean" for member in members) else "softmax"


def _classified(last: BaseEstimator, members: list[Model]) -> list[_Expert]:
    """Return each classifier's nodes on the mixture's classes.

    Probabilities of forests add up. Those of other experts do not; a single open one is decided by
    its raw scores.
    """
    name, count = type(last).__name__, len(last.classes_)
    for member in members:
        codes = member.classes
        if not all(type(code) is int and 0 <= code < count for code in codes):
            raise ModelFileError(f"{name} has experts of other classes: save the model again")
    if _probability(members) == "mean":
        return [
            _Expert(
                [
                    replace(
                        tree,
                        leaf_values=tree.leaf_values / member.members,
                        outputs=tuple(_codes(member)[output] for output in tree.outputs),
                    )
                    for tree in member.trees
                ],
                [],
                np.zeros(count),
            )
            for member in members
        ]
    family = next(member.family for member in members if member.probability != "mean")
    if last.top_k_ > 1:
        raise UnsupportedModel(
            f"{name} with top_k={last.top_k_} and {family} as expert adds up probabilities, which "
            "are no sums of scores: train it with top_k=1, or with forests as experts"
        )
    units = any(member.units for member in members)
    return [_raw(member, count, units) for member in members]


def _codes(member: Model) -> tuple[int, ...]:
    """Return an expert's classes, which are numbers of the mixture's."""
    return tuple(int(code) for code in member.classes)


def _raw(member: Model, count: int, units: bool) -> _Expert:
    """Return one expert by its raw scores; it never answers a class that it has not seen.

    Parameters
    ----------
    units : whether the experts compute with sizes; then one of a single class does, too
    """
    base, codes = np.full(count, -np.inf), _codes(member)
    if len(codes) == 1:
        base[codes[0]] = 0.0
        if units:
            nothing = np.zeros((len(member.feature_names), 1))
            return _Expert([], [FloatLinear(nothing, codes)], base)
        trees = [replace(t, leaf_values=0 * t.leaf_values, outputs=codes)
                 for t in member.trees[:1]]  # fmt: skip
        return _Expert(trees, [], base)
    factor = 2.0 if member.probability == "sigmoid2" else 1.0
    binary = len(member.base) == 1  # the raw score is the second class's, the first has 0
    outputs = {0: codes[1]} if binary else dict(enumerate(codes))
    base[list(codes)] = 0.0
    for output, value in enumerate(member.base):
        base[outputs[output]] = value * factor
    trees = [
        replace(
            tree,
            leaf_values=tree.leaf_values * factor,
            outputs=tuple(outputs[output] for output in tree.outputs),
        )
        for tree in member.trees
    ]
    own = [replace(u, outputs=tuple(outputs[output] for output in u.outputs)) for u in member.units]
    return _Expert(trees, own, base)

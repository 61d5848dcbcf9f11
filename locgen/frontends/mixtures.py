"""locgen's own mixtures of experts as the float IR: read expert by expert with the other frontends.

Only these exact classes are read. They are known by name, since `locgen.models` has this package's
rank.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sklearn
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import pipeline, selfcheck
from locgen.ir.gate import highest
from locgen.ir.model import FloatGate, FloatTree, Model, SplitRule

__all__ = ["is_mixture", "read_mixture"]

_MODULE = "locgen.models.mixture"
_CLASSIFIER = "MixtureOfExpertsClassifier"
_REGRESSOR = "MixtureOfExpertsRegressor"
_MARGIN = 16.0
"""By how much a class that a boosted expert has not seen stays below: e**-16 of a probability."""


def is_mixture(estimator: object) -> bool:
    """Return whether `estimator` is one of the two mixtures."""
    kind = type(estimator)
    return kind.__module__ == _MODULE and kind.__qualname__ in (_CLASSIFIER, _REGRESSOR)


def read_mixture(
    last: object, scalers: tuple[object, ...], read: Callable[[object], Model]
) -> Model:
    """Return the float IR of a fitted mixture behind `scalers`.

    Parameters
    ----------
    read : reads gate and experts, each as a pipeline behind the same scalers

    Raises
    ------
    UnsupportedModel
        If it is not fitted, or gate or experts are not supported.
    ModelFileError
        If its parts do not fit together.
    """
    name = type(last).__name__
    for step in (*scalers, last):
        try:
            check_is_fitted(step)
        except NotFittedError:
            raise UnsupportedModel(
                f"{type(step).__name__} is not fitted: call fit(X, y) before saving it"
            ) from None
    top_k, features = last.top_k_, last.n_features_in_
    members = [read(_behind(scalers, expert)) for expert in last.experts_]
    if not (members and type(top_k) is int and 1 <= top_k <= len(members)) or any(
        len(member.feature_names) != features for member in members
    ):
        raise ModelFileError(f"{name} has experts that do not fit it: save the fitted model again")
    for member in members:
        if member.units:
            raise UnsupportedModel(
                f"{name} has a {member.family} as expert: locgen builds mixtures of trees, forests "
                "and gradient boosting"
            )
    parts = _classified(last, members) if name == _CLASSIFIER else _added(members, top_k)
    trees, groups = [], []
    for part in parts:
        groups.append(tuple(range(len(trees), len(trees) + len(part))))
        trees += part
    classes = tuple(np.asarray(last.classes_).tolist()) if name == _CLASSIFIER else ()
    outputs = len(classes) or last.n_outputs_
    gate = None if last.gate_ is None else _gate(last, scalers, read, len(members))
    model = Model(
        family=name,
        library=f"scikit-learn {sklearn.__version__}",
        task="classification" if classes else "regression",
        feature_names=pipeline.feature_names((*scalers, last), features),
        classes=classes,
        trees=tuple(trees),
        base=(0.0,) * outputs,
        decision="argmax" if classes else "identity",
        rule=SplitRule(operator="<=", input_dtype="float32", missing=False),
        probability=_probability(members) if classes else "none",
        members=top_k,
        gate=gate,
        experts=() if gate is None else tuple(groups),
    )
    selfcheck.compare_mixture(model, last, scalers)
    return model


def _behind(scalers: tuple[object, ...], estimator: object) -> Pipeline:
    """Return `estimator` as the last step behind `scalers`, its own scalers in between."""
    inner, last = pipeline.unwrap(estimator)
    steps = (*scalers, *inner, last)
    return Pipeline([(f"step_{number}", step) for number, step in enumerate(steps)])


def _gate(
    last: object,
    scalers: tuple[object, ...],
    read: Callable[[object], Model],
    experts: int,
) -> FloatGate:
    if type(last.gate_) is not DecisionTreeClassifier:
        raise UnsupportedModel(
            f"{type(last).__name__} has a {type(last.gate_).__name__} as gate: locgen builds tree "
            "gates, train it with gate='tree'"
        )
    model = read(_behind(scalers, last.gate_))
    if model.classes != tuple(range(experts)):
        raise ModelFileError(
            f"{type(last).__name__} has a gate for other experts: save the fitted model again"
        )
    (tree,) = model.trees
    mask = highest(tree.leaf_values, last.top_k_)
    return FloatGate(_pruned(replace(tree, leaf_values=mask.astype(np.float64))), last.top_k_)


def _pruned(tree: FloatTree) -> FloatTree:
    """Return `tree` without splits whose two sides say the same; it keeps the first leaf's id."""
    same: dict[int, int] = {}
    for split in reversed(range(len(tree.feature))):
        left, right = (same.get(int(c), int(c)) for c in (tree.left[split], tree.right[split]))
        if left < 0 and right < 0 and (tree.leaf_values[~left] == tree.leaf_values[~right]).all():
            same[split] = left
    order: list[int] = []
    leaves: list[int] = []
    waiting = [same.get(0, 0 if len(tree.feature) else -1)]
    while waiting:
        position = waiting.pop()
        if position < 0:
            leaves.append(~position)
            continue
        order.append(position)
        waiting += [same.get(int(c), int(c)) for c in (tree.right[position], tree.left[position])]
    number = {split: index for index, split in enumerate(order)}
    number |= {~leaf: ~index for index, leaf in enumerate(leaves)}

    def children(side: np.ndarray) -> np.ndarray:
        ends = [same.get(int(side[split]), int(side[split])) for split in order]
        return np.array([number[end] for end in ends], dtype=np.int64)

    return replace(
        tree,
        feature=tree.feature[order],
        cut=tree.cut[order],
        missing_left=tree.missing_left[order],
        left=children(tree.left),
        right=children(tree.right),
        leaf_values=tree.leaf_values[leaves],
        leaf_ids=tree.leaf_ids[leaves],
    )


def _added(members: list[Model], top_k: int) -> list[list[FloatTree]]:
    """Return each regressor's trees, in shares of the mean, its constant part in the first."""
    return [
        _with_base(
            [replace(tree, leaf_values=tree.leaf_values / top_k) for tree in member.trees],
            {output: value / top_k for output, value in enumerate(member.base)},
        )
        for member in members
    ]


def _probability(members: list[Model]) -> str:
    return "mean" if all(member.probability == "mean" for member in members) else "softmax"


def _classified(last: object, members: list[Model]) -> list[list[FloatTree]]:
    """Return each classifier's trees on the mixture's classes.

    Probabilities of forests add up. Those of boosted experts do not; a single open one is decided
    by its raw scores, with the classes that it has not seen below all others.
    """
    name, count = type(last).__name__, len(last.classes_)
    for member in members:
        codes = member.classes
        if not all(type(code) is int and 0 <= code < count for code in codes):
            raise ModelFileError(f"{name} has experts of other classes: save the model again")
    if _probability(members) == "mean":
        return [
            [
                replace(
                    tree,
                    leaf_values=tree.leaf_values / member.members,
                    outputs=tuple(member.classes[output] for output in tree.outputs),
                )
                for tree in member.trees
            ]
            for member in members
        ]
    family = next(member.family for member in members if member.probability != "mean")
    if last.top_k_ > 1:
        raise UnsupportedModel(
            f"{name} with top_k={last.top_k_} and {family} as expert adds up probabilities, which "
            "are no sums of leaves: train it with top_k=1, or with forests as experts"
        )
    return [_boosted(member, count) for member in members]


def _boosted(member: Model, count: int) -> list[FloatTree]:
    """Return the trees of one expert; the classes' raw scores differ as its own do."""
    absent = [output for output in range(count) if output not in member.classes]
    if len(member.classes) == 1:
        (tree,) = member.trees
        base = dict.fromkeys(absent, -_MARGIN) | {member.classes[0]: -1.0}  # its leaf says 1
        return _with_base([replace(tree, outputs=member.classes)], base)
    factor = 2.0 if member.probability == "sigmoid2" else 1.0
    binary = len(member.base) == 1  # the raw score is the second class's, the first has 0
    outputs = {0: member.classes[1]} if binary else dict(enumerate(member.classes))
    trees = [
        replace(
            tree,
            leaf_values=tree.leaf_values * factor,
            outputs=tuple(outputs[output] for output in tree.outputs),
        )
        for tree in member.trees
    ]
    base = {outputs[output]: value * factor for output, value in enumerate(member.base)}
    lowest = dict(base)
    for tree in trees:
        for output, low in zip(tree.outputs, tree.leaf_values.min(axis=0), strict=True):
            lowest[output] += low
    # The winner has at least what the best class has at worst; with two classes one has 0.
    winner = 0.0 if binary else max(lowest.values())
    return _with_base(trees, base | dict.fromkeys(absent, winner - _MARGIN))


def _with_base(trees: list[FloatTree], base: dict[int, float]) -> list[FloatTree]:
    """Return `trees` with ``base[output]`` added to every leaf of the first."""
    first, *others = trees
    outputs = (*first.outputs, *(o for o, v in base.items() if v and o not in first.outputs))
    values = np.zeros((len(first.leaf_values), len(outputs)))
    values[:, : len(first.outputs)] = first.leaf_values
    return [
        replace(
            first,
            leaf_values=values + np.array([base.get(output, 0.0) for output in outputs]),
            outputs=outputs,
        ),
        *others,
    ]

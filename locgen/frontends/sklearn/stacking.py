"""Stacking: an estimator over what others say of the same row.

As read in scikit-learn 1.9.1: the members' probabilities, of two classes the second's alone,
decision values, labels or values side by side, then with `passthrough` the row itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import StackingClassifier, StackingRegressor

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.additive import arithmetic_nodes, linear
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.member_outputs import (
    MemberNode,
    MemberOutputs,
    mixed_model,
    outputs_of_member,
)
from locgen.frontends.members import addable, merged, part_of
from locgen.frontends.model_check import compare
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Read, Reading, common_settings, product_of
from locgen.frontends.second_stage import combined, second_stage
from locgen.ir.decisions import Scale
from locgen.ir.float import FloatLayers, FloatTree
from locgen.ir.model import FloatCascade, Model
from locgen.quantise.bisect import largest_true

__all__ = ["ROW", "read"]

ROW = Row(
    "ensembles",
    "{}",
    "what the members say (`predict_proba`, `decision_function`; `predict` of two classes), "
    "`passthrough` included",
    "as for soft votes, before a linear model; the trees themselves where `final_estimator` is "
    "a tree, forest or boosting",
    "the last estimator's",
)

ScoreFunction = Callable[[np.ndarray], np.ndarray]
"""From values of a member's score to those of a column."""


def read(
    last: StackingClassifier | StackingRegressor, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Read the last estimator over what the members say."""
    classes: tuple[object, ...] = ()
    if isinstance(last, StackingClassifier):
        if isinstance(last.classes_, list):
            raise UnsupportedModel(
                "StackingClassifier with several labels a row is not supported: train one a label"
            )
        classes = class_labels(last)
    if len(last.stack_method_) != len(last.estimators_):
        raise ModelFileError(f"{type(last).__name__} has damaged members: save the model again")
    outputs = []
    for member, method in zip(last.estimators_, last.stack_method_, strict=True):
        reading = read(member, preprocessing)
        model = addable(last, reading)
        compare(reading)
        own = outputs_of_member(last, member, model, method)
        if method == "predict_proba" and len(classes) == 2:
            own = own.picked([1])
        outputs.append(own)
    count = sum(own.columns for own in outputs)
    given = count + (preprocessing.features if last.passthrough else 0)
    names = tuple(f"column {number}" for number in range(given))
    final = read(last.final_estimator_, Preprocessing.bare(names)).model
    linear_alone = all(node.dot_product is not None for node in final.units)
    if not isinstance(final.decision, str) or not linear_alone or (final.units and final.trees):
        raise UnsupportedModel(
            f"{type(last).__name__} has a {final.family} as final_estimator: use a linear model, "
            "LogisticRegression or Ridge, or trees"
        )
    settings = {"task": final.task, "classes": classes, "decision": final.decision}
    if classes and tuple(final.classes) != tuple(range(len(classes))):
        raise UnsupportedModel(
            "StackingClassifier's final_estimator has not seen all classes: train it on rows of all"
        )
    if final.trees:
        model = _below_trees(last, preprocessing, outputs, final, settings)
    else:
        model = _below_sums(last, preprocessing, outputs, final, settings)
    library = quiet(last)
    if classes:
        return Reading(model, Oracle(None, labels=library.predict))
    return Reading(model, Oracle(lambda x: library.predict(x).reshape(len(x), -1), tolerance=1e-6))


def _below_sums(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    outputs: Sequence[MemberOutputs],
    final: Model,
    settings: dict[str, Any],
) -> Model:
    """Return the sums that a linear last estimator makes."""
    count = sum(own.columns for own in outputs)
    matrix = np.zeros((len(final.feature_names), final.outputs))
    for unit in final.units:
        matrix[:, list(unit.outputs)] += product_of(unit)
    more = [_row(last, preprocessing, matrix[count:])] if matrix[count:].any() else []
    summed = {"probability": final.probability} if not any(own.nodes for own in outputs) else {}
    base = np.array(final.base)
    return combined(last, preprocessing, outputs, matrix[:count], base, more, **settings, **summed)


def _row(last: BaseEstimator, preprocessing: Preprocessing, coefficients: np.ndarray) -> Model:
    """Return what a linear model says of the row itself, coefficients (features, outputs)."""
    behind = arithmetic_nodes(linear(coefficients), preprocessing)
    return Model(
        task="regression",
        classes=(),
        trees=(),
        base=tuple(behind.constant.tolist()),
        decision="identity",
        units=behind.units,
        ranges=behind.ranges,
        fills=behind.fills,
        **common_settings(last, preprocessing, False, "float64"),
    )


def _below_trees(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    outputs: Sequence[MemberOutputs],
    final: Model,
    settings: dict[str, Any],
) -> Model:
    """Return columns side by side, and the trees that compare them behind.

    A column must rise with one score, where a comparison of it becomes one of that score.
    """
    if final.task == "regression":
        raise UnsupportedModel(
            "StackingRegressor with trees as final_estimator is not supported: use a linear model, "
            "RidgeCV"
        )
    pairs = [
        _compared(last, own, own.picked([column]))
        for own in outputs
        for column in range(own.columns)
    ]
    if len(final.feature_names) > len(pairs):
        identity = np.eye(preprocessing.features)
        pairs += [
            (_row(last, preprocessing, identity[:, [n]]), lambda s: s) for n in range(len(identity))
        ]
    models, columns = zip(*pairs, strict=True)
    total = len(models)
    if not any(len(cuts) for cuts in final.cuts):
        raise UnsupportedModel(
            f"{type(last).__name__}'s final_estimator answers the same for every row: nothing to "
            "build"
        )
    trees = tuple(_over_scores(tree, columns) for tree in final.trees)
    behind = second_stage(last, total, trees, (), np.array(final.base), **settings)
    parts = [part_of(model, (number,), total) for number, model in enumerate(models)]
    scales = tuple(Scale((number,), True) for number in range(total))
    return merged(
        last,
        preprocessing,
        parts,
        models,
        task="classification",
        classes=settings["classes"],
        decision=FloatCascade(behind, scales),
    )


def _compared(
    last: BaseEstimator, own: MemberOutputs, one: MemberOutputs
) -> tuple[Model, ScoreFunction]:
    """Return the model of the score with which a column rises, and the column as a function of it.

    Parameters
    ----------
    own : all columns of the member; one : that column alone
    """
    nodes = [node for node in one.nodes if _says(node)]
    constant = float(one.constant[0])
    if not nodes:
        return mixed_model(own.model, one.straight), lambda s: s + constant
    if own.model.outputs == 1 and len(nodes) == 1 and _rises(nodes[0]):
        return own.model, lambda s: nodes[0].evaluate(s[:, None])[:, 0] + constant
    raise UnsupportedModel(
        f"{type(last).__name__} compares probabilities of {own.model.family} among "
        "several classes, which rise with no single score: use "
        "stack_method='decision_function', or LogisticRegression as final_estimator"
    )


def _says(node: MemberNode) -> bool:
    """Return whether a node adds anything to its column."""
    weights = node.leaf_values if isinstance(node, FloatTree) else node.weights
    return bool(weights.any())


def _rises(node: MemberNode) -> bool:
    """Return whether what a node of one score says never falls."""
    if isinstance(node, FloatTree):
        return bool(node.leaf_values[0, 0] <= node.leaf_values[1, 0])
    dense = cast(FloatLayers, node)  # a softmax is of several scores
    (layer,) = dense.layers[:1]
    return len(dense.layers) == 1 and bool(layer.matrix[0, 0] * dense.weights[0, 0] > 0)


def _over_scores(tree: FloatTree, columns: Sequence[ScoreFunction]) -> FloatTree:
    """Return a tree that compares columns as one that compares the scores that they rise with."""
    cuts = tree.cut.copy()
    for split, (column, cut) in enumerate(zip(tree.feature, tree.cut, strict=True)):
        function = columns[column]
        if np.isfinite(cut):

            def at_most(
                score: np.ndarray, function: ScoreFunction = function, cut: float = cut
            ) -> np.ndarray:
                return function(np.asarray(score)) <= cut

            cuts[split] = float(largest_true(at_most, 1)[0])
    return replace(tree, cut=cuts)

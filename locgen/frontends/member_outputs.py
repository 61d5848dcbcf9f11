"""Outputs of an ensemble's members: columns that are functions of their raw scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.ensemble import AdaBoostClassifier
from sklearn.svm import SVC, NuSVC

from locgen.errors import UnsupportedModel
from locgen.frontends import pipeline
from locgen.ir import Votes
from locgen.ir.float import FloatLayer, FloatLayers, FloatSoftmax, FloatTree
from locgen.ir.functions import Function
from locgen.ir.model import Model

__all__ = [
    "MemberNode",
    "MemberOutputs",
    "decision_values",
    "difference",
    "mixed_model",
    "outputs_of_member",
    "stump",
]

MemberNode = FloatLayers | FloatSoftmax | FloatTree
_FACTOR = {"sigmoid": 1.0, "sigmoid2": 2.0}


@dataclass(frozen=True, eq=False)
class MemberOutputs:
    """Columns ``scores @ straight + constant`` plus what `nodes` say, (rows, columns).

    Members
    -------
    model : the member, whose raw scores are read
    straight : (outputs, columns)
    constant : (columns,)
    nodes : they read the scores in place of features, and add to columns in place of outputs
    relative : whether only differences of the scores count
    """

    model: Model
    straight: np.ndarray
    constant: np.ndarray
    nodes: tuple[MemberNode, ...] = ()
    relative: bool = False

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.constant)

    def picked(self, columns: Sequence[int]) -> "MemberOutputs":
        """Return some of the columns, in that order."""
        matrix = np.eye(self.columns)[:, list(columns)]
        return self.mixed(matrix)

    def mixed(self, matrix: np.ndarray) -> "MemberOutputs":
        """Return ``columns @ matrix``, (columns, new)."""
        nodes = tuple(node.projected(matrix[list(node.outputs)]) for node in self.nodes)
        return replace(
            self, straight=self.straight @ matrix, constant=self.constant @ matrix, nodes=nodes
        )


def mixed_model(model: Model, matrix: np.ndarray) -> Model:
    """Return `model` with the raw scores ``scores @ matrix`` (outputs, new)."""
    return replace(
        model,
        trees=tuple(tree.projected(matrix[list(tree.outputs)]) for tree in model.trees),
        units=tuple(unit.projected(matrix[list(unit.outputs)]) for unit in model.units),
        base=tuple((np.array(model.base) @ matrix).tolist()),
    )


def difference(model: Model) -> Model:
    """Return a model of two scores with their difference alone, above 0 for the second class."""
    if model.decision != "argmax" or model.outputs != 2:
        return model
    one = mixed_model(model, np.array([[-1.0], [1.0]]))
    summed = model.probability == "softmax"
    return replace(one, decision=">", probability="sigmoid" if summed else "none")


def stump(score: int, cut: float, below: np.ndarray, above: np.ndarray) -> FloatTree:
    """Return the tree of one comparison: `below` up to `cut`, else `above`, (columns,) each."""
    return FloatTree(
        feature=np.array([score]),
        cut=np.array([cut]),
        missing_left=np.zeros(1, dtype=bool),
        left=np.array([-1]),
        right=np.array([-2]),
        leaf_values=np.stack([below, above]).astype(np.float64),
        leaf_ids=np.arange(2),
        outputs=tuple(range(len(below))),
    )


def _layer(matrix: ArrayLike, bias: ArrayLike, function: Function) -> FloatLayer:
    return FloatLayer("dot", np.asarray(matrix, float), np.asarray(bias, float), function)


def _node(layers: Sequence[FloatLayer], weights: np.ndarray) -> FloatLayers:
    count = layers[-1].units
    outputs = tuple(range(weights.shape[1]))
    return FloatLayers(tuple(layers), weights, outputs, tuple(range(count)), "dense")


def outputs_of_member(
    last: BaseEstimator, member: BaseEstimator, model: Model, method: str
) -> MemberOutputs:
    """Return what ``member.method(rows)`` tells the ensemble `last`.

    Probabilities have a column a class, scores of two classes one column, labels of two classes
    one: the number of the class.

    Raises
    ------
    UnsupportedModel
        If no nodes over the scores say so.
    """
    if model.task == "regression":
        return MemberOutputs(model, np.eye(model.outputs), np.zeros(model.outputs))
    if method == "predict_proba":
        return _probabilities(last, model)
    if method == "decision_function":
        return decision_values(last, member, model)
    return _labels(last, model)


def _refuse(last: BaseEstimator, model: Model, what: str, way: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{type(last).__name__} reads the {what} of {model.family}, which locgen does not build: "
        f"{way}"
    )


def _probabilities(last: BaseEstimator, model: Model) -> MemberOutputs:
    """Return the probability of each class."""
    if model.probability == "mean" and model.outputs == len(model.classes):
        return MemberOutputs(model, np.eye(model.outputs) / model.members, np.zeros(model.outputs))
    model = difference(model)
    if model.probability in _FACTOR and model.outputs == 1:
        factor = _FACTOR[model.probability]
        layer = _layer([[factor]], [0.0], Function("logistic"))
        node = _node([layer], np.array([[-1.0, 1.0]]))
        return MemberOutputs(model, np.zeros((1, 2)), np.array([1.0, 0.0]), (node,))
    if model.probability == "softmax" and model.outputs > 1:
        count = model.outputs
        every = tuple(range(count))
        shares = FloatSoftmax(every, np.eye(count), every)
        return MemberOutputs(
            model, np.zeros((count, count)), np.zeros(count), (shares,), relative=True
        )
    raise _refuse(
        last,
        model,
        "probabilities",
        "take stack_method='decision_function' where there is one, or LogisticRegression, naive "
        "Bayes or trees as members",
    )


def decision_values(last: BaseEstimator, member: BaseEstimator, model: Model) -> MemberOutputs:
    """Return the decision values: one column of two classes, else one a class or pair."""
    model = difference(model)
    count = model.outputs
    _, member = pipeline.split(member)
    if isinstance(model.decision, Votes) and isinstance(member, SVC | NuSVC):
        if member.decision_function_shape == "ovo":
            return MemberOutputs(model, np.eye(count), np.zeros(count))
        return _pairs(model)
    if not isinstance(model.decision, str):
        raise _refuse(last, model, "scores", "take members that decide by their own scores")
    factor = 1.0
    if isinstance(member, AdaBoostClassifier) and count > 1:
        factor = float(count - 1)
    return MemberOutputs(model, np.eye(count) * factor, np.zeros(count))


def _pairs(model: Model) -> MemberOutputs:
    """Return each class's votes of pairs and its confidence in the sum of their scores.

    A pair's score above 0 is a vote for its first class, and adds to the first's sum what it takes
    off the second's.
    """
    count = len(model.classes)
    pairs = list(combinations(range(count), 2))
    nodes: list[MemberNode] = []
    sums = np.zeros((count, len(pairs)))
    for number, (first, second) in enumerate(pairs):
        nodes.append(stump(number, 0.0, np.eye(count)[second], np.eye(count)[first]))
        sums[first, number], sums[second, number] = 1.0, -1.0
    nodes.append(_node([_layer(sums, np.zeros(count), Function("confidence"))], np.eye(count)))
    return MemberOutputs(model, np.zeros((len(pairs), count)), np.zeros(count), tuple(nodes))


def _labels(last: BaseEstimator, model: Model) -> MemberOutputs:
    """Return the label that the member answers, of two."""
    model = difference(model)
    if model.outputs != 1 or not isinstance(model.decision, str):
        raise _refuse(
            last, model, "labels", "take stack_method='predict_proba' or 'decision_function'"
        )
    if any(isinstance(label, str) for label in model.classes):
        raise _refuse(last, model, "labels", "train it with numbers as labels")
    cut = 0.0 if model.decision == ">" else np.nextafter(0.0, -1.0)
    first, second = (np.array([float(label)]) for label in model.classes)
    return MemberOutputs(model, np.zeros((1, 1)), np.zeros(1), (stump(0, cut, first, second),))

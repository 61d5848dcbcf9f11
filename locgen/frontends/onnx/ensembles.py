"""ONNX-ML's tree ensembles: their trees, and what becomes of their sums in onnxruntime 1.31.

A classifier of two classes is a case of its own there: weights of class 0 alone are those of the
second class, whose label wins above 0, or above 0.5 if no weight is negative. With more classes a
label must have got a weight to win.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from onnx import NodeProto

from locgen.errors import UnsupportedModel
from locgen.frontends.onnx.arrays import LEAF, Arrays, listed_arrays, split_arrays
from locgen.frontends.onnx.nodes import NodeTree, trees_of
from locgen.frontends.onnx.values import (
    MOST_SCORES,
    Attributes,
    Link,
    Probabilities,
    Scores,
    Winner,
    damaged,
    refused,
)

__all__ = ["OPERATORS", "Ensemble", "read_ensemble"]

OPERATORS = ("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor")
_TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
_AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")
_LINKS: dict[str, Link] = {"NONE": "none", "SOFTMAX": "softmax", "LOGISTIC": "logistic"}


@dataclass(frozen=True)
class Ensemble:
    """One operator.

    Members
    -------
    node : it
    dtype : as what values and thresholds are compared
    strict : whether all splits compare with ``<`` or ``>=``
    trees : what adds to the raw outputs, `share` times
    base : (raw outputs,)
    column : of the operator's scores, without its transform, that raw output 0 is
    scores : the operator's scores as a function of the raw outputs
    winner : the label that a classifier puts out
    """

    node: NodeProto
    dtype: Literal["float32", "float64"]
    strict: bool
    trees: tuple[NodeTree, ...]
    share: float
    base: np.ndarray
    column: int
    scores: Scores
    winner: Winner | None


def read_ensemble(
    node: NodeProto, features: int, dtype: Literal["float32", "float64"], number: int
) -> Ensemble:
    """Return what the operator `node`, the graph's ensemble `number`, computes.

    Raises
    ------
    ModelFileError
        If its arrays are no trees over `features` columns.
    UnsupportedModel
        If it adds up or transforms in a way that locgen does not build.
    """
    attributes = Attributes(node)
    transform, aggregate = _settings(node, attributes)
    arrays, labels, outputs, base = _arrays(node, attributes)
    ensemble = partial(
        Ensemble,
        node=node,
        dtype=dtype,
        strict={mode for mode in arrays.modes if mode != LEAF} <= {"BRANCH_LT", "BRANCH_GTE"},
        share=1 / len(arrays.roots) if aggregate == "AVERAGE" else 1.0,
    )
    if len(labels) == 2:
        only = _only_class(node, arrays, base)
        arrays = replace(arrays, output=np.zeros_like(arrays.output))
        trees = trees_of(arrays, features, dtype)
        _check_weighted(trees)
        positive = not (arrays.weight < 0).any()
        scores, decided = _two_classes(node, transform, only, positive, labels, number)
        base = base if len(base) and only == 0 else np.zeros(1)
        return ensemble(trees=trees, base=base, column=1, scores=scores, winner=decided)
    if len(base) not in (0, outputs):
        raise damaged(f"{node.op_type} has {len(base)} base values for {outputs} outputs")
    trees = trees_of(arrays, features, dtype)
    if outputs == 1:
        _check_weighted(trees)
    elif not labels and base.any() and len(_always_weighted(trees)) < outputs:
        raise refused(
            node,
            "with base values for targets that some rows give no weight is not supported, since "
            "onnxruntime does not add them there",
        )
    plain = Scores({number: np.eye(outputs)}, np.zeros(outputs))
    winner: Winner | None = None
    if labels:
        if not len(base):
            _check_all_weighted(trees, outputs)
        probability: Probabilities | None = None
        if transform == "SOFTMAX":
            probability = node.output[1], "softmax"
        winner = Winner(plain, labels, probability, classes=outputs)
    return ensemble(
        trees=trees,
        base=base if len(base) else np.zeros(outputs),
        column=0,
        scores=Scores(plain.weights, plain.base, _LINKS[transform]),
        winner=winner,
    )


def _arrays(
    node: NodeProto, attributes: Attributes
) -> tuple[Arrays, tuple[str | int, ...], int, np.ndarray]:
    """Return the trees' arrays, the labels, the number of outputs and their base values."""
    labels: tuple[str | int, ...] = ()
    if node.op_type == "TreeEnsemble":
        arrays = split_arrays(attributes)
    elif node.op_type == "TreeEnsembleRegressor":
        arrays = listed_arrays(attributes, "target")
    else:
        arrays, labels = listed_arrays(attributes, "class"), _labels(node, attributes)
    if "BRANCH_MEMBER" in arrays.modes:
        raise refused(
            node,
            "with BRANCH_MEMBER is not supported, since onnxruntime cuts fractions off before it "
            "looks values up (a chain of BRANCH_EQ is)",
        )
    outputs = len(labels) or attributes.one("n_targets", int, 1)
    base = attributes.numbers("base_values")
    if not 1 <= outputs <= MOST_SCORES:
        raise refused(node, f"with {outputs} outputs is not supported")
    if ((arrays.output < 0) | (arrays.output >= outputs)).any():
        raise damaged(f"{node.op_type} has a weight for an output that is not there")
    if not np.isfinite(base).all() or not np.isfinite(arrays.weight).all():
        raise damaged(f"{node.op_type} has weights that are not finite")
    return arrays, labels, outputs, base


def _settings(node: NodeProto, attributes: Attributes) -> tuple[str, str]:
    """Return the transform of the scores, and how the trees' values are reduced."""
    if node.op_type == "TreeEnsemble":
        numbers = [
            attributes.one(n, int, d) for n, d in (("post_transform", 0), ("aggregate_function", 1))
        ]
        if not (0 <= numbers[0] < len(_TRANSFORMS) and 0 <= numbers[1] < len(_AGGREGATES)):
            raise damaged("TreeEnsemble has an unknown transform or aggregate")
        transform, aggregate = _TRANSFORMS[numbers[0]], _AGGREGATES[numbers[1]]
    else:
        transform = attributes.text("post_transform", "NONE")
        aggregate = attributes.text("aggregate_function", "SUM")
    if transform not in _LINKS:
        raise refused(node, f"with post_transform {ascii(transform)[1:-1]} is not supported")
    if aggregate not in ("SUM", "AVERAGE"):
        raise refused(node, f"with aggregate_function {ascii(aggregate)[1:-1]} is not supported")
    return transform, aggregate


def _labels(node: NodeProto, attributes: Attributes) -> tuple[str | int, ...]:
    texts = [text.decode(errors="replace") for text in attributes.all("classlabels_strings", bytes)]
    labels: Sequence[str | int] = texts or attributes.all("classlabels_int64s", int)
    if not labels or len(node.output) != 2 or not all(node.output):
        raise damaged("TreeEnsembleClassifier has no classes, or not both of its outputs")
    if len(labels) == 1:
        raise UnsupportedModel(
            "TreeEnsembleClassifier has a single class, which leaves nothing to build: train on "
            "two classes or more"
        )
    return tuple(labels)


def _only_class(node: NodeProto, arrays: Arrays, base: np.ndarray) -> int:
    """Return the class that has all weights of a classifier of two."""
    classes = np.unique(arrays.output).tolist()
    if len(classes) == 2:
        raise refused(
            node,
            "of two classes with weights for both is not supported, since onnxruntime does not "
            "answer the larger score",
        )
    if len(base) > 1 or (classes == [1] and base.any()):
        raise refused(
            node,
            "of two classes with these base values is not supported, since onnxruntime "
            "does not add them",
        )
    return classes[0]


def _two_classes(
    node: NodeProto,
    transform: str,
    only: int,
    positive: bool,
    labels: tuple[str | int, ...],
    number: int,
) -> tuple[Scores, Winner]:
    """Return the scores of both classes, and the label, by the one raw output."""
    probability: Probabilities | None = None
    if only == 1:
        scores = Scores({number: np.array([[0.0, 1.0]])}, np.zeros(2), _LINKS[transform])
    elif transform == "LOGISTIC" or not positive:
        link: Link = "logistic" if transform == "LOGISTIC" else "none"
        scores = Scores({number: np.array([[-1.0, 1.0]])}, np.zeros(2), link)
        probability = (node.output[1], "sigmoid") if link == "logistic" and not positive else None
    else:
        scores = Scores({number: np.array([[-1.0, 1.0]])}, np.array([1.0, 0.0]))
    limit = np.array([-0.5 if positive else 0.0])
    return scores, Winner(Scores({number: np.ones((1, 1))}, limit), labels, probability)


def _check_weighted(trees: tuple[NodeTree, ...]) -> None:
    """Refuse leaves without a weight, where onnxruntime answers something else than 0."""
    for tree in trees:
        if not tree.weighted[tree.left < 0].all():
            raise damaged("a leaf has no weight")


def _always_weighted(trees: tuple[NodeTree, ...]) -> set[int]:
    """Return the outputs that get a weight for every row."""
    found: set[int] = set()
    for tree in trees:
        full = tree.weighted[tree.left < 0].all(axis=0)
        found |= set(np.array(tree.outputs)[full].tolist())
    return found


def _check_all_weighted(trees: tuple[NodeTree, ...], classes: int) -> None:
    """Refuse what onnxruntime does not answer with the largest score.

    Without base values it passes over classes that got no weight, even where others are negative.
    """
    positive = [(tree.values[tree.left < 0] > 0).any(axis=1).all() for tree in trees]
    negative = any((tree.values < 0).any() for tree in trees)
    if len(_always_weighted(trees)) < classes and (negative or not any(positive)):
        raise UnsupportedModel(
            "TreeEnsembleClassifier has classes that some rows give no weight and negative weights "
            "for others, where onnxruntime does not answer the largest score: write a weight for "
            "every class, or base_values"
        )

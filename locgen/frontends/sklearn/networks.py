"""Reader of scikit-learn's multi-layer perceptrons."""

from copy import copy
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.arrays import finite
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.pipeline import quiet
from locgen.frontends.placement import Placement, placement_of
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import (
    Decided,
    Oracle,
    Probability,
    Read,
    Reading,
    common_settings,
)
from locgen.ir.float import FloatLayer, FloatLayers, FloatLinear, FloatUnit
from locgen.ir.functions import Function
from locgen.ir.model import Model

__all__ = ["ROW", "read"]

ROW = Row(
    "arithmetic",
    "{}",
    "a `dense` node, of one hidden layer or several",
    "`> 0`, argmax, none",
    "hidden units by weight",
)

Activation = Literal["relu", "tanh", "logistic", "identity"]
_FUNCTIONS: tuple[Activation, ...] = get_args(Activation)


def read(last: MLPClassifier | MLPRegressor, preprocessing: Preprocessing, read: Read) -> Reading:
    """Read a network.

    Two classes: the second where the logistic of the one output is above a half, so the output
    above 0; several: the largest output, ties to the lowest, which a softmax does not change.
    """
    name = type(last).__name__
    if last.activation not in _FUNCTIONS:
        raise UnsupportedModel(
            f"{name}(activation={last.activation!r}) is not supported: train with one of "
            f"{', '.join(_FUNCTIONS)}"
        )
    classes, decision, probability = _decision(last)
    outputs = 1 if len(classes) == 2 else len(classes) or np.shape(last.coefs_[-1])[-1]
    matrices, biases = _arrays(last, preprocessing.features, outputs)
    place = placement_of(last, preprocessing).with_all_spans_or_none()
    node, base = _node(matrices, biases, last.activation, place)
    model = Model(
        task="classification" if classes else "regression",
        classes=classes,
        trees=(),
        base=tuple(base.tolist()),
        decision=decision,
        probability=probability,
        units=(node,),
        ranges=place.spans,
        fills=place.fills,
        **common_settings(last, preprocessing, False, "float64"),
    )
    library = copy(quiet(last))
    library.out_activation_ = "identity"
    labels = quiet(last).predict if classes else None
    return Reading(model, Oracle(library._forward_pass_fast, labels=labels))


def _decision(
    last: MLPClassifier | MLPRegressor,
) -> tuple[tuple[str | int | float | bool, ...], Decided, Probability]:
    """Return classes, decision and what probabilities are computed by."""
    if isinstance(last, MLPClassifier):
        if np.ndim(last.classes_) != 1 or last._label_binarizer.y_type_.startswith("multilabel"):
            raise UnsupportedModel(
                "MLPClassifier with several labels a row is not supported: train one a label"
            )
        classes = class_labels(last)
        if len(classes) == 2:
            return classes, ">", "sigmoid"
        return classes, "argmax", "softmax"
    if last.out_activation_ != "identity":
        raise UnsupportedModel(
            f"MLPRegressor(loss={last.loss!r}) answers an exponential: train with "
            "loss='squared_error' on the transformed target"
        )
    return (), "identity", "none"


def _arrays(
    last: MLPClassifier | MLPRegressor, features: int, outputs: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the matrices (inputs, units) and biases (units,) of all layers."""
    name = type(last).__name__
    sizes = [features, *(np.shape(matrix)[-1] for matrix in last.coefs_)]
    if len(last.intercepts_) != len(last.coefs_) or sizes[-1] != outputs:
        raise ModelFileError(f"{name}'s layers do not fit together: save the fitted model again")
    matrices = [
        finite(last.coefs_[number], shape, f"{name}.coefs_[{number}]")
        for number, shape in enumerate(pairwise(sizes))
    ]
    biases = [
        finite(last.intercepts_[number], (size,), f"{name}.intercepts_[{number}]")
        for number, size in enumerate(sizes[1:])
    ]
    return matrices, biases


def _node(
    matrices: list[np.ndarray], biases: list[np.ndarray], activation: Activation, place: Placement
) -> tuple[FloatUnit, np.ndarray]:
    """Return a network over the raw columns, and the biases of its outputs."""
    biases[0] = biases[0] + place.offset @ matrices[0]
    matrices[0] = matrices[0] * place.slope[:, None]
    outputs = tuple(range(matrices[-1].shape[1]))
    if activation == "identity" or len(matrices) == 1:
        product, base = matrices[0], biases[0]
        for matrix, bias in zip(matrices[1:], biases[1:], strict=True):
            product, base = product @ matrix, base @ matrix + bias
        return FloatLinear(np.ascontiguousarray(place.spread(product.T).T), outputs), base
    first, *hidden = matrices[:-1]
    layers = tuple(
        FloatLayer("dot", weights, bias, Function(activation))
        for weights, bias in zip(
            [place.spread(first.T), *(matrix.T for matrix in hidden)], biases[:-1], strict=True
        )
    )
    ids = tuple(range(len(matrices[-1])))
    return FloatLayers(layers, matrices[-1], outputs, ids, "dense"), biases[-1]

"""scikit-learn's multi-layer perceptrons as the float IR."""

from copy import copy
from itertools import pairwise

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import affine, pipeline
from locgen.frontends.labels import class_labels
from locgen.ir.float import FloatLayer, FloatLayers, FloatLinear, FloatUnit
from locgen.ir.functions import Function
from locgen.ir.model import Model, SplitRule

__all__ = ["NETWORKS", "network", "network_scores", "read_network", "reads"]

NETWORKS = (MLPClassifier, MLPRegressor)

_FUNCTIONS = ("relu", "tanh", "logistic", "identity")


def reads(last: object) -> bool:
    """Return whether `read_network` reads this very class."""
    return type(last) in NETWORKS


def read_network(last: MLPClassifier | MLPRegressor, scalers: tuple[object, ...]) -> Model:
    """Return the float IR of a fitted network behind `scalers`, not yet compared.

    Two classes: the second where the logistic of the one output is above a half, so the output
    above 0; several: the largest output, ties to the lowest, which a softmax does not change.

    Raises
    ------
    UnsupportedModel
        If it or a scaler is not fitted, or it computes something that locgen does not build.
    ModelFileError
        If its parts do not fit together.
    """
    for step in (*scalers, last):
        pipeline.check_fitted(step)
    names = pipeline.feature_names((*scalers, last), last.n_features_in_)
    return network(last, affine.fold(scalers, last.n_features_in_), names)


def network(
    last: MLPClassifier | MLPRegressor, scaling: affine.AffineMap, feature_names: tuple[str, ...]
) -> Model:
    """Return the float IR of a fitted network of which `scaling` is all that stands in front.

    Errors are those of `read_network`.
    """
    name, features = type(last).__name__, last.n_features_in_
    if last.activation not in _FUNCTIONS:
        raise UnsupportedModel(
            f"{name}(activation={last.activation!r}) is not supported: train with one of "
            f"{', '.join(_FUNCTIONS)}"
        )
    classes: tuple[str | int | float | bool, ...] = ()
    decision, probability = "identity", "none"
    if isinstance(last, MLPClassifier):
        if np.ndim(last.classes_) != 1 or last._label_binarizer.y_type_.startswith("multilabel"):
            raise UnsupportedModel(
                "MLPClassifier with several labels a row is not supported: train one a label"
            )
        classes = class_labels(last)
        decision, probability = (">", "sigmoid") if len(classes) == 2 else ("argmax", "softmax")
    elif last.out_activation_ != "identity":
        raise UnsupportedModel(
            f"MLPRegressor(loss={last.loss!r}) answers an exponential: train with "
            "loss='squared_error' on the transformed target"
        )
    sizes = [features, *(np.shape(matrix)[-1] for matrix in last.coefs_)]
    outputs = 1 if len(classes) == 2 else len(classes) or sizes[-1]
    if len(last.intercepts_) != len(last.coefs_) or sizes[-1] != outputs:
        raise ModelFileError(f"{name}'s layers do not fit together: save the fitted model again")
    matrices = [
        _array(last, "coefs_", number, shape) for number, shape in enumerate(pairwise(sizes))
    ]
    biases = [_array(last, "intercepts_", n, (size,)) for n, size in enumerate(sizes[1:])]
    biases[0] = biases[0] + scaling.offset @ matrices[0]
    matrices[0] = matrices[0] * scaling.slope[:, None]
    names = tuple(range(outputs))
    base = biases[-1]
    if last.activation == "identity" or len(matrices) == 1:
        product, base = matrices[0], biases[0]
        for matrix, bias in zip(matrices[1:], biases[1:], strict=True):
            product, base = product @ matrix, base @ matrix + bias
        unit: FloatUnit = FloatLinear(product, names)
    else:
        layers = tuple(
            FloatLayer("dot", matrix.T, bias, Function(last.activation))
            for matrix, bias in zip(matrices[:-1], biases[:-1], strict=True)
        )
        unit = FloatLayers(layers, matrices[-1], names, tuple(range(sizes[-2])), "dense")
    return Model(
        family=name,
        library=f"scikit-learn {sklearn.__version__}",
        task="classification" if classes else "regression",
        feature_names=feature_names,
        classes=classes,
        trees=(),
        base=tuple(base.tolist()),
        decision=decision,
        rule=SplitRule(operator="<=", input_dtype="float64", missing=False),
        probability=probability,
        units=(unit,),
        ranges=scaling.ranges(),
    )


def _array(last: object, name: str, number: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return one of a network's arrays."""
    what = f"{type(last).__name__}.{name}[{number}]"
    return affine.finite(getattr(last, name)[number], shape, what)


def network_scores(last: MLPClassifier | MLPRegressor, scaled: np.ndarray) -> np.ndarray:
    """Return a network's outputs (rows, outputs) before its last function."""
    bare = copy(last)
    bare.out_activation_ = "identity"
    return bare._forward_pass_fast(scaled)

"""ONNX-ML's linear models and kernel machines, as onnxruntime 1.31 computes them.

A classifier of two classes that has one row of coefficients names the second class above 0. One of
two rows or more names the first of the largest. A kernel machine's classes vote in pairs, a score
above 0 being one for the first; of two classes the second so wins at minus the score ``>= 0``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto

from locgen.frontends.kernel_layers import Kernel
from locgen.frontends.onnx.values import (
    MOST_SCORES,
    Attributes,
    Columns,
    Constant,
    Inputs,
    Link,
    Probabilities,
    Scores,
    Winner,
    damaged,
    refused,
)

__all__ = ["MACHINES", "Machine", "Stored", "is_machine", "read_machine"]

_LINKS: dict[str, Link] = {"NONE": "none", "SOFTMAX": "softmax", "LOGISTIC": "logistic"}


@dataclass(frozen=True, eq=False)
class Stored:
    """A kernel between rows and stored vectors.

    Members
    -------
    kernel : ``rbf``, ``poly`` or ``sigmoid``
    vectors : (vectors, features)
    weights : (vectors, raw outputs)
    """

    kernel: Kernel
    vectors: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class Machine:
    """One operator.

    Members
    -------
    node : it
    dtype : as what it adds up
    sums : coefficients (features, raw outputs) of the features, or stored vectors
    base : (raw outputs,)
    column : of the operator's scores, without its transform, that raw output 0 is
    scores : the operator's scores as a function of the raw outputs
    winner : the label that a classifier puts out
    """

    node: NodeProto
    sums: np.ndarray | Stored
    base: np.ndarray
    scores: Scores
    winner: Winner | None = None
    column: int = 0
    dtype: str = "float32"


def is_machine(node: NodeProto, inputs: Inputs) -> bool:
    """Return whether `node` is one of these operators; a MatMul of columns by a constant is."""
    if node.op_type == "MatMul" and node.domain in ("", "ai.onnx"):
        kinds = [type(value) for value in inputs]
        return kinds == [Columns, Constant]
    return node.op_type in MACHINES and node.domain == "ai.onnx.ml"


def read_machine(node: NodeProto, inputs: Inputs, number: int) -> Machine:
    """Return what the operator `node`, the graph's model `number`, computes.

    Raises
    ------
    ModelFileError
        If its arrays do not fit together.
    UnsupportedModel
        If it computes what locgen does not build.
    """
    given = inputs[0]
    if not isinstance(given, Columns) or given.deep or given.dtype == "int64":
        raise refused(node, "of something else than rows of floats is not supported")
    features = len(given.traces)
    if node.op_type == "MatMul":
        matrix = inputs[1]
        assert isinstance(matrix, Constant)
        return _product(node, features, matrix.array, number)
    if len(inputs) != 1:
        raise damaged(f"{node.op_type} has {len(inputs)} inputs")
    return MACHINES[node.op_type](node, features, number)


def _plain(number: int, outputs: int) -> Scores:
    if not 1 <= outputs <= MOST_SCORES:
        raise damaged(f"an operator of {outputs} outputs")
    return Scores({number: np.eye(outputs)}, np.zeros(outputs))


def _finite(node: NodeProto, name: str, *shape: int) -> np.ndarray:
    """Return the numbers `name` in that shape, one length of which may be -1."""
    found = Attributes(node).numbers(name)
    if not len(found) or not np.isfinite(found).all() or len(found) % max(shape[-1], 1):
        raise damaged(f"{node.op_type}.{name} is empty, infinite or of the wrong length")
    try:
        return found.reshape(shape)
    except ValueError as error:
        raise damaged(f"{node.op_type}.{name} has the wrong length") from error


def _labels(node: NodeProto) -> tuple[str | int, ...]:
    attributes = Attributes(node)
    names = attributes.all("classlabels_strings", bytes)
    if names:
        return tuple(name.decode(errors="replace") for name in names)
    return tuple(attributes.all("classlabels_ints", int))


def _link(node: NodeProto) -> Link:
    transform = Attributes(node).text("post_transform", "NONE")
    if transform not in _LINKS:
        raise refused(node, f"with post_transform {ascii(transform)[1:-1]} is not supported")
    return _LINKS[transform]


def _product(node: NodeProto, features: int, matrix: np.ndarray, number: int) -> Machine:
    """Return rows times a matrix (features, outputs)."""
    kinds = matrix.dtype.kind == "f" and np.isfinite(matrix).all()
    if matrix.ndim != 2 or len(matrix) != features or not kinds:
        raise damaged("MatMul has a matrix of the wrong shape, or no finite floats")
    outputs = matrix.shape[1]
    return Machine(
        node, matrix.astype(np.float64), np.zeros(outputs), scores=_plain(number, outputs)
    )


def _linear_regressor(node: NodeProto, features: int, number: int) -> Machine:
    if _link(node) != "none":
        raise refused(node, "with a function of its values is not supported")
    targets = Attributes(node).one("targets", int, 1)
    plain = _plain(number, targets)
    coefficients = _finite(node, "coefficients", targets, features)
    base = np.zeros(targets)
    if "intercepts" in Attributes(node):
        base = _finite(node, "intercepts", targets)
    return Machine(node, coefficients.T, base, scores=plain)


def _linear_classifier(node: NodeProto, features: int, number: int) -> Machine:
    labels, link = _labels(node), _link(node)
    coefficients = _finite(node, "coefficients", -1, features)
    rows = len(coefficients)
    plain = _plain(number, rows)
    base = np.zeros(rows)
    if "intercepts" in Attributes(node):
        base = _finite(node, "intercepts", rows)
    if len(labels) != max(rows, 2):
        raise damaged("LinearClassifier has another number of labels than of rows")
    probability: Probabilities | None = None
    if rows == 1:
        probability = (node.output[1], "sigmoid") if link == "logistic" else None
        second = Scores({number: np.array([[-1.0, 1.0]])}, np.array([0.0, 0.0]), link)
        winner = Winner(plain, labels, probability)
        if link == "none":  # onnxruntime puts out 1 - score beside it
            second = Scores(second.weights, np.array([1.0, 0.0]), link)
        return Machine(node, coefficients.T, base, second, winner, column=1)
    if rows > 2:
        probability = (node.output[1], "softmax") if link == "softmax" else None
        winner = Winner(plain, labels, probability, classes=rows)
        return Machine(node, coefficients.T, base, Scores(plain.weights, plain.base, link), winner)
    # A row each: where the first is minus the second, the score is the second.
    mirrored = np.array_equal(coefficients[0], -coefficients[1]) and base[0] == -base[1]
    compared = plain.times(np.array([[0.0], [1.0]]) if mirrored else np.array([[-1.0], [1.0]]))
    if (link == "logistic" and mirrored) or (link == "softmax" and not mirrored):
        probability = node.output[1], "sigmoid"
    winner = Winner(compared, labels, probability)
    return Machine(node, coefficients.T, base, Scores(plain.weights, plain.base, link), winner)


def _kernel(node: NodeProto, count: int) -> Kernel:
    """Return the kernel over `count` support vectors."""
    kernel = Attributes(node).text("kernel_type", "LINEAR").lower()
    if kernel not in ("linear", "poly", "rbf", "sigmoid"):
        raise damaged(f"{node.op_type} has a kernel that is none")
    gamma, coef0, degree = _finite(node, "kernel_params", 3) if kernel != "linear" else (1, 0, 1)
    if kernel == "poly" and not (float(degree).is_integer() and 1 <= degree <= 16):
        raise refused(node, "of a polynomial whose degree is no whole number up to 16")
    if kernel == "rbf" and gamma < 0:
        raise refused(node, "with gamma below 0 is not supported")
    if not count >= 1:
        raise refused(node, "without support vectors is not supported")
    return Kernel(kernel, float(gamma), int(degree) if kernel == "poly" else 1, float(coef0))


def _sums(
    node: NodeProto, features: int, vectors: np.ndarray, weights: np.ndarray
) -> np.ndarray | Stored:
    kernel = _kernel(node, len(vectors))
    if kernel.name == "linear":
        return vectors.T @ weights
    return Stored(kernel, vectors, weights)


def _svm_regressor(node: NodeProto, features: int, number: int) -> Machine:
    attributes = Attributes(node)
    if _link(node) != "none":
        raise refused(node, "with a function of its values is not supported")
    count = attributes.one("n_supports", int, 0)
    base = _finite(node, "rho", 1)
    if count == 0:  # one dot product
        if _kernel(node, 1).name != "linear":
            raise refused(node, "without support vectors is not supported")
        sums: np.ndarray | Stored = _finite(node, "coefficients", features)[:, None]
    else:
        vectors = _finite(node, "support_vectors", count, features)
        sums = _sums(node, features, vectors, _finite(node, "coefficients", count)[:, None])
    plain = _plain(number, 1)
    if attributes.one("one_class", int, 0):
        winner = Winner(plain, (-1, 1))
        return Machine(node, sums, base, plain, winner)
    return Machine(node, sums, base, plain)


def _svm_classifier(node: NodeProto, features: int, number: int) -> Machine:
    attributes, labels = Attributes(node), _labels(node)
    if len(attributes.numbers("prob_a")) or len(attributes.numbers("prob_b")):
        raise refused(
            node, "with probabilities, which decide there, is not supported (probability=False is)"
        )
    if _link(node) != "none":
        raise refused(node, "with a function of its scores is not supported")
    own = attributes.integers("vectors_per_class")
    classes, count = len(own), int(own.sum())
    if classes != len(labels) or classes < 2 or (own < 0).any():
        raise refused(node, "whose vectors are not told by class is not supported")
    pairs = [(i, j) for i in range(classes) for j in range(i + 1, classes)]
    base = _finite(node, "rho", len(pairs))
    vectors = _finite(node, "support_vectors", count, features)
    duals = _finite(node, "coefficients", classes - 1, count)
    owner = np.repeat(np.arange(classes), own)
    weights = np.stack(
        [
            np.where(owner == i, duals[j - 1], 0.0) + np.where(owner == j, duals[i], 0.0)
            for i, j in pairs
        ],
        axis=1,
    )
    plain = _plain(number, len(pairs))
    if classes == 2:
        sums = _sums(node, features, vectors, -weights)
        both = Scores({number: np.array([[1.0, -1.0]])}, np.zeros(2))
        return Machine(node, sums, -base, both, Winner(plain, labels, operator=">="))
    sums = _sums(node, features, vectors, weights)
    return Machine(node, sums, base, plain, Winner(plain, labels, classes=classes, votes=True))


MACHINES: dict[str, Callable[[NodeProto, int, int], Machine]] = {
    "LinearClassifier": _linear_classifier,
    "LinearRegressor": _linear_regressor,
    "SVMClassifier": _svm_classifier,
    "SVMRegressor": _svm_regressor,
}
"""What of ONNX-ML adds up features or functions of them."""

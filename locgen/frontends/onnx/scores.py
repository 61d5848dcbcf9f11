"""Operators behind the ensembles: sums of scores, and the decision made of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
from onnx import NodeProto, TensorProto

from locgen.frontends.onnx.values import (
    MOST_SCORES,
    Attributes,
    Constant,
    Inputs,
    Scores,
    Stack,
    Value,
    Winner,
    damaged,
    picked,
    refused,
)

__all__ = ["SCORE_OPERATORS"]

_WHOLE = (TensorProto.INT64, TensorProto.INT32)
_REAL = (TensorProto.FLOAT, TensorProto.DOUBLE)
_ENCODED: tuple[tuple[str, type[bytes | int | float]], ...] = (
    ("strings", bytes),
    ("int64s", int),
    ("floats", float),
)


def _same(node: NodeProto, inputs: Inputs) -> Value:
    return next(value for value in inputs if isinstance(value, Scores | Stack | Winner))


def _cast(node: NodeProto, inputs: Inputs) -> Value:
    given, to = inputs[0], Attributes(node).one("to", int)
    if isinstance(given, Winner) and to in _WHOLE + _REAL:
        if given.labels is None:
            return given
        if any(isinstance(label, str) for label in given.labels):
            raise refused(node, "of text is not supported")
        if to in _WHOLE and any(label != int(label) for label in given.labels):
            raise refused(node, "of labels with fractions to whole numbers is not supported")
        kind = int if to in _WHOLE else float
        return replace(given, labels=tuple(kind(label) for label in given.labels))
    if isinstance(given, Scores | Stack) and to in _REAL:
        return given
    raise refused(node, "of scores to whole numbers is not supported")


def _reshaped(node: NodeProto, inputs: Inputs) -> Value:
    given = inputs[0]
    if isinstance(given, Winner):
        return given
    shape = []
    if node.op_type == "Flatten" and Attributes(node).one("axis", int, 1) == 1:
        shape = [-1, len(given.base)] if isinstance(given, Scores) else []
    elif len(inputs) > 1 and isinstance(inputs[1], Constant):
        shape = inputs[1].array.ravel().tolist()
    if isinstance(given, Scores):
        columns = len(given.base)
        if len(shape) == 2 and shape[0] in (-1, 0) and shape[1] == columns:
            return given
        if shape == [-1] and columns == 1:
            return given
        if len(shape) == 3 and shape[0] == 1 and shape[1:] in ([-1, columns], [0, columns]):
            return Stack((given,))
    raise refused(node, "that moves scores into other rows is not supported")


def _linear(node: NodeProto, given: Value | None) -> Scores:
    """Return scores that are plain sums; a function of them is not."""
    if not isinstance(given, Scores):
        raise refused(node, "of a decision is not supported")
    if given.link != "none":
        raise refused(node, "of probabilities is not supported")
    return given


def _joined(node: NodeProto, inputs: Inputs) -> Value:
    axis = Attributes(node).one("axis", int)
    stacks = [value for value in inputs if isinstance(value, Stack)]
    if axis == 0 and len(stacks) == len(inputs):
        return Stack(tuple(layer for stack in stacks for layer in stack.layers))
    if len(inputs) == 1 and axis in (1, -1):
        return _same(node, inputs)
    scores = [value for value in inputs if isinstance(value, Scores)]
    alike = len(scores) == len(inputs) and {one.link for one in scores} in ({"none"}, {"logistic"})
    if axis not in (1, -1) or not alike:
        raise refused(node, "of something else than scores of one kind is not supported")
    count = sum(len(one.base) for one in scores)
    if count > MOST_SCORES:
        raise refused(node, f"to more than {MOST_SCORES} scores is not supported")
    moved, first = [], 0
    for one in scores:
        moved.append(one.times(np.eye(len(one.base), count, first)))
        first += len(one.base)
    return reduce(Scores.plus, moved)


def _picked(node: NodeProto, inputs: Inputs) -> Value:
    given = inputs[0]
    if isinstance(given, Constant):
        return _looked_up(node, given.array, inputs[1])
    if not isinstance(given, Scores) or given.link not in ("none", "logistic"):
        raise refused(node, "of probabilities or decisions is not supported")
    chosen = picked(node, inputs, len(given.base))
    if chosen is None:
        raise refused(node, "that picks something else than columns is not supported")
    return given.times(np.eye(len(given.base))[:, chosen])


def _looked_up(node: NodeProto, labels: np.ndarray, winner: Value | None) -> Winner:
    """Return a decision as labels instead of indices."""
    if not isinstance(winner, Winner) or winner.labels is not None:
        raise refused(node, "of something else than classes is not supported")
    if node.op_type not in ("ArrayFeatureExtractor", "Gather") or labels.dtype.kind not in "iufOSU":
        raise refused(node, "of labels is not supported")
    listed = [_plain(label) for label in labels.ravel().tolist()]
    if len(listed) != winner.classes:
        raise damaged(f"{node.op_type} has another number of labels than of classes")
    return replace(winner, labels=tuple(listed))


def _label_encoder(node: NodeProto, inputs: Inputs) -> Winner:
    winner, attributes = inputs[0], Attributes(node)
    if not isinstance(winner, Winner):
        raise refused(node, "of scores is not supported")
    keys, values = (
        [_plain(item) for suffix, kind in _ENCODED for item in attributes.all(side + suffix, kind)]
        for side in ("keys_", "values_")
    )
    if len(keys) != len(values):
        raise damaged("LabelEncoder has another number of values than of keys")
    known = dict(zip(keys, values, strict=True))
    labels = winner.labels or tuple(range(winner.classes))
    if not all(label in known for label in labels):
        raise refused(node, "that does not name every class is not supported")
    return replace(winner, labels=tuple(known[label] for label in labels))


def _plain(item: str | bytes | int | float) -> str | int | float:
    return item.decode(errors="replace") if isinstance(item, bytes) else item


def _arithmetic(node: NodeProto, inputs: Inputs) -> Scores:
    """Add scores, or scale and shift them by constants."""
    if len(inputs) != 2:
        raise damaged(f"{node.op_type} has {len(inputs)} inputs")
    left, right = inputs
    if not any(isinstance(value, Constant) for value in inputs):
        one, two = _linear(node, left), _linear(node, right)
        if node.op_type in ("Mul", "Div"):
            raise refused(node, "of scores by scores is not supported")
        return _sum(node, [one, two if node.op_type == "Add" else two.times(-_eye(two))])
    scores = _linear(node, right if isinstance(left, Constant) else left)
    held = left if isinstance(left, Constant) else right
    assert isinstance(held, Constant)
    numbers = held.array
    count = len(scores.base)
    if numbers.dtype.kind not in "fiu" or numbers.size not in (1, count) or numbers.ndim > 2:
        raise damaged(f"{node.op_type} has a constant of the wrong shape")
    if numbers.ndim == 2 and numbers.shape[0] != 1:
        raise damaged(f"{node.op_type} has a constant of the wrong shape")
    factor = np.broadcast_to(numbers.ravel().astype(np.float64), (count,))
    if not np.isfinite(factor).all():
        raise damaged(f"{node.op_type} has a constant that is not finite")
    if node.op_type == "Mul":
        return scores.times(np.diag(factor))
    if node.op_type == "Div":
        if isinstance(left, Constant) or not factor.all():
            raise refused(node, "by scores or by zero is not supported")
        return scores.times(np.diag(1 / factor))
    if node.op_type == "Add":
        return scores.times(_eye(scores), factor)
    if isinstance(left, Constant):
        return scores.times(-_eye(scores), factor)
    return scores.times(_eye(scores), -factor)


def _eye(scores: Scores) -> np.ndarray:
    return np.eye(len(scores.base))


def _added(node: NodeProto, inputs: Inputs) -> Scores:
    return _sum(node, [_linear(node, value) for value in inputs])


def _sum(node: NodeProto, parts: Sequence[Scores]) -> Scores:
    if len({len(part.base) for part in parts}) != 1:
        raise refused(node, "of scores of different widths is not supported")
    total = parts[0]
    for part in parts[1:]:
        total = total.plus(part)
    return total


def _reduced(node: NodeProto, inputs: Inputs) -> Scores:
    """Add up or average layers."""
    attributes, given = Attributes(node), inputs[0]
    axes = attributes.all("axes", int)
    if len(inputs) == 2 and isinstance(inputs[1], Constant):
        axes = inputs[1].array.ravel().tolist()
    if not isinstance(given, Stack) or axes != [0] or attributes.one("keepdims", int, 1):
        raise refused(node, "of anything but the members of an ensemble is not supported")
    total = _sum(node, [_linear(node, layer) for layer in given.layers])
    return total.times(_eye(total) / (len(given.layers) if node.op_type == "ReduceMean" else 1))


def _linked(node: NodeProto, inputs: Inputs) -> Scores:
    """Keep the order of the scores: softmax along a row, sigmoid of each, division by a norm."""
    scores, attributes = inputs[0], Attributes(node)
    if node.op_type == "Normalizer":
        if not isinstance(scores, Scores) or attributes.text("norm", "MAX") not in ("L1", "L2"):
            raise refused(node, "with another norm than L1 or L2 is not supported")
        return replace(scores, link="normal")
    scores = _linear(node, scores)
    if node.op_type == "Sigmoid":
        return replace(scores, link="logistic")
    if attributes.one("axis", int, -1) not in (1, -1):
        raise refused(node, "along the rows is not supported")
    return replace(scores, link="softmax")


def _signs(node: NodeProto, inputs: Inputs) -> Winner:
    """Return whether a score is above 0; onnxruntime answers 0, which is no class, at 0 itself."""
    scores = _linear(node, inputs[0])
    if len(scores.base) != 1:
        raise refused(node, "of several scores is not supported")
    return Winner(scores, labels=(-1, 1))


def _first_largest(node: NodeProto, inputs: Inputs) -> Winner:
    scores, attributes = inputs[0], Attributes(node)
    if not isinstance(scores, Scores) or attributes.one("axis", int, 0) not in (1, -1):
        raise refused(node, "of anything but the scores of the classes is not supported")
    if attributes.one("select_last_index", int, 0):
        raise refused(node, "that gives ties to the last class is not supported")
    count = len(scores.base)
    if count < 2:
        raise refused(node, "of a single score is not supported")
    plain = replace(scores, link="none")
    if count == 2:
        plain = plain.times(np.array([[-1.0], [1.0]]))
    return Winner(plain, classes=count)


SCORE_OPERATORS: dict[str, Callable[[NodeProto, Inputs], Value]] = {
    "Add": _arithmetic,
    "ArgMax": _first_largest,
    "ArrayFeatureExtractor": _picked,
    "Cast": _cast,
    "Concat": _joined,
    "Div": _arithmetic,
    "Flatten": _reshaped,
    "Gather": _picked,
    "Identity": _same,
    "LabelEncoder": _label_encoder,
    "Mul": _arithmetic,
    "Normalizer": _linked,
    "ReduceMean": _reduced,
    "ReduceSum": _reduced,
    "Reshape": _reshaped,
    "Sigmoid": _linked,
    "Sign": _signs,
    "Slice": _picked,
    "Softmax": _linked,
    "Squeeze": _reshaped,
    "Sub": _arithmetic,
    "Sum": _added,
    "ZipMap": _same,
}

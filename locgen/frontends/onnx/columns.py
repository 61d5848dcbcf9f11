"""Operators before the ensembles: which raw column each of their outputs comes from.

onnxruntime computes their values, see `step`; the functions here only follow the
columns through the graph and refuse what mixes them or does not rise.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from onnx import NodeProto, TensorProto

from locgen.frontends.onnx.values import (
    MOST_COLUMNS,
    Attributes,
    Codes,
    Columns,
    Constant,
    Dtype,
    Inputs,
    Trace,
    damaged,
    picked,
    refused,
)

__all__ = ["COLUMN_OPERATORS"]

_DTYPES: dict[int | None, Dtype] = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.INT64: "int64",
    TensorProto.INT32: "int64",
}
_ENCODED: tuple[tuple[Dtype, str, type], ...] = (
    ("float32", "values_floats", float),
    ("int64", "values_int64s", int),
)


def _first(inputs: Inputs) -> Columns:
    """Return the first input, where it can be nothing but columns: ONNX's checker counts inputs."""
    given = inputs[0]
    assert isinstance(given, Columns)
    return given


def _same(node: NodeProto, inputs: Inputs) -> Columns:
    return _first(inputs)


def _cast(node: NodeProto, inputs: Inputs) -> Columns:
    given = _first(inputs)
    to = _DTYPES.get(Attributes(node).one("to", int))
    if to is None:
        raise refused(node, "to another type than float, double or int64 is not supported")
    if to == given.dtype:
        return given
    if to == "int64":
        traces = tuple(
            replace(
                trace,
                untouched=False,
                missing=trace.missing if trace.codes else _refusing(trace),
                cut_off=(node.input[0], place) if trace.codes is None else None,
                affine=None,
            )
            for place, trace in enumerate(given.traces)
        )
        return replace(given, traces=traces, dtype="int64")
    return replace(given, traces=_moved(node, given), dtype=to)


def _moved(
    node: NodeProto,
    given: Columns,
    slope: np.ndarray | float = 1.0,
    offset: np.ndarray | float = 0.0,
) -> tuple[Trace, ...]:
    """Return the traces behind ``given * slope + offset``, both of one number or one a column."""
    if any(trace.cut_off is not None for trace in given.traces):
        raise refused(node, "behind a Cast to whole numbers is not supported")
    every = [np.broadcast_to(numbers, len(given.traces)).tolist() for numbers in (slope, offset)]
    return tuple(t.moved(*own) for t, *own in zip(given.traces, *every, strict=True))


def _bent(node: NodeProto, given: Columns) -> tuple[Trace, ...]:
    """Return the traces behind an operator that works on each number alone and bends it."""
    return tuple(replace(trace, affine=None) for trace in _moved(node, given))


def _whole_refused(node: NodeProto, given: Columns) -> None:
    if given.dtype == "int64":
        raise refused(node, "on whole numbers is not supported")


def _fitting(node: NodeProto, numbers: np.ndarray, given: Columns, what: str) -> None:
    if len(numbers) not in (1, len(given.traces)) or not np.isfinite(numbers).all():
        raise damaged(f"{node.op_type} has the wrong number of {what}, or infinite ones")


def _scaler(node: NodeProto, inputs: Inputs) -> Columns:
    attributes, given = Attributes(node), _first(inputs)
    _fitting(node, attributes.numbers("offset"), given, "offsets")
    scale = attributes.numbers("scale")
    _fitting(node, scale, given, "scales")
    if not (scale > 0).all():
        raise refused(node, "with a scale that is not positive is not supported")
    offset = -attributes.numbers("offset") * scale
    return replace(given, traces=_moved(node, given, scale, offset), dtype="float32")


def _imputer(node: NodeProto, inputs: Inputs) -> Columns:
    attributes, given = Attributes(node), _first(inputs)
    _fitting(node, attributes.numbers("imputed_value_floats"), given, "values")
    if not np.isnan(attributes.one("replaced_value_float", float, 0.0)):
        raise refused(node, "that replaces a number and not NaN is not supported")
    _whole_refused(node, given)
    traces = tuple(
        replace(t, missing="refused" if t.missing == "refused" else "replaced")
        for t in _moved(node, given)
    )
    return replace(given, traces=traces)


def _binarizer(node: NodeProto, inputs: Inputs) -> Columns:
    """Compare with a limit; onnxruntime refuses NaN."""
    given = _first(inputs)
    _whole_refused(node, given)
    traces = [replace(t, missing=_refusing(t)) for t in _bent(node, given)]
    return replace(given, traces=tuple(traces))


def _refusing(trace: Trace) -> Literal["replaced", "refused"]:
    """Return what becomes of NaN in an operator that has no answer to it."""
    return "replaced" if trace.missing == "replaced" else "refused"


def _arithmetic(node: NodeProto, inputs: Inputs) -> Columns:
    """Take a constant to or from each column, or multiply or divide by a positive one."""
    columns = [value for value in inputs if isinstance(value, Columns)]
    held = [value for value in inputs if isinstance(value, Constant)]
    if len(inputs) != 2 or len(columns) != 1 or len(held) != 1:
        raise refused(node, "that mixes columns before the model is not supported")
    given, numbers = columns[0], held[0].array
    if numbers.ndim > 2 or (numbers.ndim == 2 and numbers.shape[0] != 1):
        raise damaged(f"{node.op_type} has a constant of the wrong shape")
    _fitting(node, numbers.ravel(), given, "constants")
    if node.op_type in ("Sub", "Div") and inputs[0] is not given:
        raise refused(node, "of a constant by a column is not supported")
    if node.op_type in ("Mul", "Div") and not (numbers > 0).all():
        raise refused(node, "by a constant that is not positive is not supported")
    if numbers.size > len(given.traces):
        raise damaged(f"{node.op_type} has a constant of the wrong shape")
    _whole_refused(node, given)
    own = numbers.ravel().astype(np.float64)
    affine: dict[str, tuple[np.ndarray | float, np.ndarray | float]] = {
        "Add": (1.0, own),
        "Sub": (1.0, -own),
        "Mul": (own, 0.0),
        "Div": (1 / np.where(own == 0, 1.0, own), 0.0),
    }
    return replace(given, traces=_moved(node, given, *affine[node.op_type]))


def _clip(node: NodeProto, inputs: Inputs) -> Columns:
    limits = [value for value in inputs[1:] if value is not None]
    if not all(isinstance(value, Constant) and value.array.size == 1 for value in limits):
        raise refused(node, "between limits that are no constants is not supported")
    given = _first(inputs)  # columns among the limits are refused
    _whole_refused(node, given)
    return replace(given, traces=_bent(node, given))


def _picked(node: NodeProto, inputs: Inputs) -> Columns:
    given = inputs[0]
    if isinstance(given, Columns) and not given.deep:
        chosen = picked(node, inputs, len(given.traces))
        if chosen is not None:
            return replace(given, traces=tuple(given.traces[place] for place in chosen))
    raise refused(node, "that picks something else than columns is not supported")


def _joined(node: NodeProto, inputs: Inputs) -> Columns:
    parts = [value for value in inputs if isinstance(value, Columns) and not value.deep]
    if len(parts) != len(inputs) or Attributes(node).one("axis", int) not in (1, -1):
        raise refused(node, "of something else than columns is not supported")
    if len({part.dtype for part in parts}) != 1:
        raise damaged("Concat joins columns of several types")
    if sum(len(part.traces) for part in parts) > MOST_COLUMNS:
        raise refused(node, f"to more than {MOST_COLUMNS} columns is not supported")
    return replace(parts[0], traces=tuple(trace for part in parts for trace in part.traces))


def _reshaped(node: NodeProto, inputs: Inputs) -> Columns:
    flat = False
    if node.op_type == "Flatten":
        flat = Attributes(node).one("axis", int, 1) == 1
    elif isinstance(inputs[1], Constant):  # and so the columns come first
        shape = inputs[1].array.ravel().tolist()
        flat = shape == [-1, len(_first(inputs).traces)]
    if not flat:
        raise refused(node, "that moves columns into rows is not supported")
    return replace(_first(inputs), deep=False)


def _one_hot(node: NodeProto, inputs: Inputs) -> Columns:
    attributes, given = Attributes(node), _first(inputs)
    if "cats_strings" in attributes:
        raise refused(node, "of text is not supported")
    categories = attributes.all("cats_int64s", int)
    tolerant = attributes.one("zeros", int, 1) != 0
    if len(given.traces) * len(categories) > MOST_COLUMNS:
        raise refused(node, f"to more than {MOST_COLUMNS} columns is not supported")
    traces = tuple(
        trace
        for place in range(len(given.traces))
        for trace in [_coded(node, given, place, categories, True, tolerant)] * len(categories)
    )
    return Columns(traces, "float32", deep=True)


def _label_encoder(node: NodeProto, inputs: Inputs) -> Columns:
    attributes, given = Attributes(node), _first(inputs)
    keys: Sequence[float]
    if "keys_floats" in attributes and given.dtype == "float32":
        keys, whole = attributes.all("keys_floats", float), False
    elif "keys_int64s" in attributes and given.dtype == "int64":
        keys, whole = attributes.all("keys_int64s", int), True
    else:
        raise refused(node, "of anything but floats or int64 to numbers is not supported")
    for dtype, values, kind in _ENCODED:
        if values in attributes:
            if len(attributes.all(values, kind)) != len(keys):
                raise damaged("LabelEncoder has another number of values than of keys")
            traces = tuple(
                _coded(node, given, place, keys, whole, True) for place in range(len(given.traces))
            )
            return Columns(traces, dtype)
    raise refused(node, "of anything but floats or int64 to numbers is not supported")


def _coded(
    node: NodeProto,
    given: Columns,
    place: int,
    keys: Sequence[float],
    whole: bool,
    tolerant: bool,
) -> Trace:
    """Return the trace behind an encoder of the column at `place`."""
    trace = given.traces[place]
    if trace.codes is not None:
        raise refused(node, "behind another encoder is not supported")
    known = np.unique(np.array(keys, dtype=np.float64))
    known = known[~np.isnan(known)]
    if not len(known) or (whole and (np.abs(known) >= 2.0**53).any()):
        raise damaged(f"{node.op_type} has no keys, or keys that no float is")
    tensor, position = trace.cut_off or (node.input[0], place)
    codes = Codes(tensor, position, tuple(known.tolist()), whole, tolerant)
    missing = trace.missing if tolerant and not whole else _refusing(trace)
    return Trace(trace.column, untouched=False, codes=codes, missing=missing, affine=None)


COLUMN_OPERATORS: dict[str, Callable[[NodeProto, Inputs], Columns]] = {
    "Add": _arithmetic,
    "ArrayFeatureExtractor": _picked,
    "Binarizer": _binarizer,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _joined,
    "Div": _arithmetic,
    "Flatten": _reshaped,
    "Gather": _picked,
    "Identity": _same,
    "Imputer": _imputer,
    "LabelEncoder": _label_encoder,
    "Mul": _arithmetic,
    "OneHotEncoder": _one_hot,
    "Reshape": _reshaped,
    "Scaler": _scaler,
    "Slice": _picked,
    "Sub": _arithmetic,
}

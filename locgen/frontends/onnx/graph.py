"""An ONNX graph walked from its inputs to its answer, before anything of it is run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

from locgen.errors import UnsupportedModel
from locgen.frontends.onnx.columns import COLUMN_OPERATORS
from locgen.frontends.onnx.ensembles import OPERATORS, Ensemble, read_ensemble
from locgen.frontends.onnx.machines import Machine, is_machine, read_machine
from locgen.frontends.onnx.scores import SCORE_OPERATORS
from locgen.frontends.onnx.values import (
    MOST_COLUMNS,
    Attributes,
    Columns,
    Constant,
    Dtype,
    Inputs,
    Scores,
    Stack,
    Trace,
    Value,
    Winner,
    constant,
    damaged,
    refused,
)

__all__ = ["Graph", "Input", "behind", "started", "walk"]

_STANDARD, _ML = ("", "ai.onnx"), "ai.onnx.ml"
_InputDtype = Literal["float32", "float64", "int64", "int32"]
_DTYPES: dict[int, _InputDtype] = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.INT64: "int64",
    TensorProto.INT32: "int32",
}


@dataclass(frozen=True)
class Input:
    """A graph's input: `width` raw columns from `first` on, cast to `dtype`."""

    name: str
    first: int
    width: int
    dtype: _InputDtype

    def of(self, x: np.ndarray) -> np.ndarray:
        """Return what the input is given for raw rows `x` (rows, columns).

        Whole numbers lose their fraction, and end where their type does.
        """
        given = x[:, self.first : self.first + self.width]
        if self.dtype.startswith("int"):
            ends = np.iinfo(self.dtype)
            highest = np.nextafter(float(ends.max), 0.0) if ends.bits > 32 else ends.max
            given = np.clip(given, ends.min, highest)
        return given.astype(self.dtype)


@dataclass(frozen=True)
class Graph:
    """What locgen has understood of a graph.

    Members
    -------
    inputs : in order
    names : of the raw columns
    columns : the ensembles' inputs by their names
    ensembles : of trees, or other models, in order of the graph
    output : the name of the answer
    answer : a decision, or scores for regression
    tensor_score : the tensor that the scores are, and what is taken off it; None for sums of
        what the ensembles put out
    """

    inputs: tuple[Input, ...]
    names: tuple[str, ...]
    columns: Mapping[str, Columns]
    ensembles: tuple[Ensemble | Machine, ...]
    output: str
    answer: Winner | Scores
    tensor_score: tuple[str, np.ndarray] | None = None


def started(model: ModelProto) -> tuple["_Walk", tuple[Input, ...], tuple[str, ...]]:
    """Return a walk that knows the inputs and what the file holds, the inputs, and their names."""
    graph = model.graph
    if model.functions or graph.sparse_initializer:
        raise UnsupportedModel(
            "the ONNX file defines functions or sparse tensors, which locgen does not read: "
            "convert the model with skl2onnx or onnxmltools"
        )
    held = {tensor.name: Constant(constant(tensor)) for tensor in graph.initializer}
    inputs, names = _inputs([value for value in graph.input if value.name not in held])
    return _Walk(model, inputs, held), inputs, names


def walk(model: ModelProto) -> Graph:
    """Return what the graph of `model` computes.

    Raises
    ------
    ModelFileError
        If its parts do not fit together.
    UnsupportedModel
        If what its answer depends on is not supported, by the first operator's name.
    """
    graph = model.graph
    walked, inputs, names = started(model)
    found: dict[str, Value] = {}
    refusals = []
    for output in graph.output:
        try:
            found[output.name] = walked.value(output.name)
        except UnsupportedModel as error:
            refusals.append(error)
    decided = {name: value for name, value in found.items() if isinstance(value, Winner)}
    if not decided and refusals:
        raise refusals[0]
    answers: Mapping[str, Winner | Scores] = decided or {
        name: value
        for name, value in found.items()
        if isinstance(value, Scores) and _is_regression(value, walked.ensembles)
    }
    if len(answers) != 1 or len(found) > 1 > len(decided):
        raise UnsupportedModel(
            f"the ONNX graph has {len(graph.output)} outputs, none or several of which are the "
            "answer: keep one output of labels, or one of regression values"
        )
    ((name, answer),) = answers.items()
    return Graph(inputs, names, walked.columns, tuple(walked.ensembles), name, answer)


def _is_regression(scores: Scores, ensembles: Sequence[Ensemble | Machine]) -> bool:
    """Return whether scores are a sum of regressors."""
    return (
        scores.link == "none"
        and bool(scores.weights)
        and not any(ensembles[number].winner for number in scores.weights)
    )


def _inputs(values: list[ValueInfoProto]) -> tuple[tuple[Input, ...], tuple[str, ...]]:
    inputs: list[Input] = []
    names: list[str] = []
    for value in values:
        tensor = value.type.tensor_type
        dtype = _DTYPES.get(tensor.elem_type)
        if dtype is None:
            raise UnsupportedModel(
                f"the ONNX graph's input {ascii(value.name)[1:-1]} holds no numbers: "
                "convert the model with FloatTensorType, DoubleTensorType or Int64TensorType"
            )
        width = tensor.shape.dim[1].dim_value if len(tensor.shape.dim) == 2 else 0
        if not 1 <= width <= MOST_COLUMNS - len(names):
            raise UnsupportedModel(
                f"the ONNX graph's input {ascii(value.name)[1:-1]} has no fixed number of columns "
                f"up to {MOST_COLUMNS}: convert the model with the shape [None, columns]"
            )
        inputs.append(Input(value.name, len(names), width, dtype))
        alone = width == 1 and len(values) > 1
        prefix = "x" if len(values) == 1 else f"{value.name}_"
        names += [value.name] if alone else [f"{prefix}{place}" for place in range(width)]
    if not names:
        raise damaged("it has no input")
    return tuple(inputs), tuple(names)


def behind(model: ModelProto, name: str) -> list[NodeProto]:
    """Return the nodes that the tensor `name` depends on, in order."""
    needed, kept = {name}, []
    for node in reversed(model.graph.node):
        if needed.intersection(filter(None, node.output)):
            kept.append(node)
            needed.update(filter(None, node.input))
    return kept[::-1]


class _Walk:
    """What is known of the tensors of a graph so far.

    Members
    -------
    known : by name
    ensembles : in the order in which they were met
    columns : what they are given, by name
    """

    def __init__(
        self, model: ModelProto, inputs: tuple[Input, ...], held: Mapping[str, Constant]
    ) -> None:
        self._model = model
        self.known: dict[str, Value] = dict(held)
        for given in inputs:
            own = range(given.first, given.first + given.width)
            dtype: Dtype = "int64" if given.dtype == "int32" else given.dtype
            traces = tuple(
                Trace(n, untouched=False, missing="refused", affine=None)
                if dtype == "int64"
                else Trace(n)
                for n in own
            )
            self.known[given.name] = Columns(traces, dtype)
        self.ensembles: list[Ensemble | Machine] = []
        self.columns: dict[str, Columns] = {}

    def value(self, name: str) -> Value:
        """Return the value of the tensor `name`."""
        for node in behind(self._model, name):
            if any(output not in self.known for output in node.output):
                self._compute(node)
        if name not in self.known:
            raise damaged(f"its output {name!a} comes from nowhere")
        return self.known[name]

    def _compute(self, node: NodeProto) -> None:
        values = self._values(node)
        results: list[Value]
        if node.op_type in OPERATORS and node.domain == _ML:
            results = _results(self._ensemble(node, values))
        elif is_machine(node, values):
            # A machine of one class puts out no scores.
            results = _results(self._machine(node, values))[: len(node.output)]
        else:
            results = [_computed(node, values)]
        if len(results) != len(node.output):
            raise refused(node, "with several outputs is not supported")
        self.known.update(zip(node.output, results, strict=True))

    def _values(self, node: NodeProto) -> Inputs:
        """Return the inputs of `node`, None for those left out."""
        if any(name and name not in self.known for name in node.input):
            raise damaged(f"{ascii(node.op_type)[1:-1]} has an input that comes from nowhere")
        values = [self.known[name] if name else None for name in node.input]
        if values and values[0] is None:
            raise damaged(f"{ascii(node.op_type)[1:-1]} has no input")
        return values

    def _machine(self, node: NodeProto, values: Inputs) -> Machine:
        one, given = read_machine(node, values, len(self.ensembles)), values[0]
        assert isinstance(given, Columns)
        self.ensembles.append(one)
        self.columns[node.input[0]] = given
        return one

    def _ensemble(self, node: NodeProto, values: Inputs) -> Ensemble:
        given = values[0] if len(values) == 1 else None
        if (
            not isinstance(given, Columns)
            or given.deep
            or any(trace.cut_off is not None for trace in given.traces)
        ):
            raise refused(node, "of something else than rows of numbers is not supported")
        # onnxruntime compares whole numbers with float32 thresholds, and so as float32.
        compared = "float32" if given.dtype == "int64" else given.dtype
        one = read_ensemble(node, len(given.traces), compared, len(self.ensembles))
        self.ensembles.append(one)
        self.columns[node.input[0]] = given
        return one


def _results(one: Ensemble | Machine) -> list[Value]:
    """Return what a model puts out, in order."""
    return [one.scores] if one.winner is None else [one.winner, one.scores]


def _computed(node: NodeProto, values: Inputs) -> Value:
    if node.domain not in (*_STANDARD, _ML):
        raise refused(node, f"of the domain {node.domain!a} is not supported")
    if node.op_type == "Constant" and not values:
        return Constant(_constant(node))
    before = any(isinstance(value, Columns) for value in values)
    after = any(isinstance(value, Scores | Stack | Winner) for value in values)
    operators: Mapping[str, Callable[[NodeProto, Inputs], Value]] = (
        COLUMN_OPERATORS if before else SCORE_OPERATORS
    )
    if before == after or node.op_type not in operators:
        place = "before the model" if before else "behind the model"
        raise refused(node, f"{place} is not supported")
    return operators[node.op_type](node, values)


def _constant(node: NodeProto) -> np.ndarray:
    attributes = Attributes(node)
    if "value" in attributes:
        return attributes.array("value")
    for name, kind in (("value_float", float), ("value_int", int)):
        if name in attributes:
            return np.array(attributes.one(name, kind))
    for name, kind in (("value_floats", float), ("value_ints", int)):
        if name in attributes:
            return np.array(attributes.all(name, kind))
    raise refused(node, "of this kind is not supported")

"""ONNX-ML's linear models and kernel machines as the float IR: units over the raw columns.

onnxruntime casts what they are given to float32 and adds up float32; here all is float64. Scalers
and constants before them fold into the coefficients, as they do in `additive`.
"""

from typing import Literal

import onnxruntime

from locgen.errors import UnsupportedModel
from locgen.frontends.additive import ArithmeticNodes, arithmetic_nodes, linear
from locgen.frontends.onnx.answers import answered, scores_of
from locgen.frontends.onnx.machines import Machine, Stored
from locgen.frontends.onnx.model import OnnxModel
from locgen.frontends.onnx.step import OnnxColumns
from locgen.frontends.onnx.values import Winner
from locgen.frontends.placement import placement_of
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Reading
from locgen.ir.decisions import Votes
from locgen.ir.model import SplitRule

__all__ = ["read_arithmetic"]

_TOLERANCE = 3e-5  # of the largest score: onnxruntime adds up float32, kernels' arguments too


def read_arithmetic(last: OnnxModel, preprocessing: Preprocessing) -> Reading:
    """Return what the graph adds up and decides, see `machines` for how.

    Raises
    ------
    UnsupportedModel
        If it holds several models, or columns that no unit can take.
    """
    graph, scores = last.graph, scores_of(last)
    if len(scores.weights) != 1:
        raise UnsupportedModel(
            "the ONNX graph adds up several models: give locgen the scikit-learn model that was "
            "converted"
        )
    ((number, matrix),) = scores.weights.items()
    machine = graph.ensembles[number]
    assert isinstance(machine, Machine)
    own = _preprocessing(last, machine, preprocessing)
    base = scores.base + machine.base @ matrix
    if isinstance(machine.sums, Stored):
        place, stored = placement_of(last, own), machine.sums
        ids = tuple(range(len(stored.vectors)))
        node, constant = stored.kernel.node(stored.vectors, stored.weights @ matrix, ids, place)
        ranges = place.ranges(stored.vectors.min(axis=0), stored.vectors.max(axis=0))
        nodes = ArithmeticNodes((node,), constant, ranges, place.fills)
    else:
        nodes = arithmetic_nodes(linear(machine.sums @ matrix), own)
    decision: Literal["argmax", ">=", ">"] | Votes = "argmax"
    if isinstance(graph.answer, Winner):
        votes = Votes.between_pairs(graph.answer.classes) if graph.answer.votes else None
        decision = votes or ("argmax" if len(base) > 1 else graph.answer.operator)
    return answered(
        last,
        Preprocessing.bare(preprocessing.names),
        _TOLERANCE,
        decision,
        family=f"ONNX {machine.node.op_type}",
        library=f"onnxruntime {onnxruntime.__version__}",
        feature_names=preprocessing.names,
        rule=SplitRule(operator="<=", input_dtype="float32", missing=own.imputes),
        trees=(),
        base=tuple((base + nodes.constant).tolist()),
        units=nodes.units,
        ranges=nodes.ranges,
        fills=nodes.fills,
    )


def _preprocessing(
    model: OnnxModel, machine: Machine, preprocessing: Preprocessing
) -> Preprocessing:
    """Return the preprocessing of what the operator is given."""
    name = machine.node.input[0]
    traces = model.graph.columns[name].traces
    if all(trace.untouched for trace in traces):
        return preprocessing.selected([trace.column for trace in traces])
    run = OnnxColumns(name, traces, lambda x, tensor: model.tensors(x, [tensor])[0], sized=True)
    return run.after(preprocessing)

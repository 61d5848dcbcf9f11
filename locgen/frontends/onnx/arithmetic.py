"""ONNX-ML's linear models and kernel machines as the float IR: units over the raw columns.

onnxruntime casts what they are given to float32 and adds up float32; here all is float64. Scalers
and constants before them fold into the coefficients, as they do in `additive`.
"""

import numpy as np
import onnxruntime

from locgen.errors import UnsupportedModel
from locgen.frontends.additive import arithmetic_nodes, linear
from locgen.frontends.onnx.machines import Machine, Stored
from locgen.frontends.onnx.model import OnnxModel
from locgen.frontends.onnx.step import OnnxColumns
from locgen.frontends.onnx.values import Scores, Winner
from locgen.frontends.placement import Placement, placement_of
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Reading
from locgen.ir.decisions import Votes
from locgen.ir.float import FloatLayer, FloatLayers, FloatUnit
from locgen.ir.functions import Function
from locgen.ir.model import Model, SplitRule

__all__ = ["read_arithmetic"]

_TOLERANCE = 3e-5  # of the largest score: onnxruntime adds up float32, kernels' arguments too


def read_arithmetic(last: OnnxModel, preprocessing: Preprocessing) -> Reading:
    """Return what the graph adds up and decides, see `onnx_machines` for how.

    Raises
    ------
    UnsupportedModel
        If it holds several models, or columns that no unit can take.
    """
    graph = last.graph
    answer = graph.answer
    scores = answer.scores if isinstance(answer, Winner) else answer
    if len(scores.weights) != 1:
        raise UnsupportedModel(
            "the ONNX graph adds up several models: give locgen the scikit-learn model that was "
            "converted"
        )
    ((number, matrix),) = scores.weights.items()
    machine = graph.ensembles[number]
    own = _preprocessing(last, machine, preprocessing)
    base = scores.base + machine.base @ matrix
    if isinstance(machine.sums, Stored):
        place = placement_of(last, own)
        stored = machine.sums
        units: tuple[FloatUnit, ...] = (_kernel(stored, place, stored.weights @ matrix),)
        ranges = place.ranges(stored.vectors.min(axis=0), stored.vectors.max(axis=0))
        fills = place.fills
    else:
        behind = arithmetic_nodes(linear(machine.sums @ matrix), own)
        units, ranges, fills = behind.units, behind.ranges, behind.fills
        base = base + behind.constant
    common = {
        "family": f"ONNX {machine.node.op_type}",
        "library": f"onnxruntime {onnxruntime.__version__}",
        "feature_names": preprocessing.names,
        "rule": SplitRule(operator="<=", input_dtype="float32", missing=own.imputes),
        "trees": (),
        "base": tuple(base.tolist()),
        "units": units,
        "ranges": ranges,
        "fills": fills,
    }
    whole = Preprocessing.bare(preprocessing.names)
    if isinstance(answer, Scores):
        model = Model(task="regression", classes=(), decision="identity", **common)
        asked = Oracle(lambda x: last.predict(x).reshape(len(x), -1), tolerance=_TOLERANCE)
        return Reading(model, asked, whole)
    decision: str | Votes = "argmax" if len(base) > 1 else answer.operator
    if answer.votes:
        decision = Votes.between_pairs(answer.classes)
    told = answer.probabilities
    model = Model(
        task="classification",
        classes=answer.labels or tuple(range(answer.classes)),
        decision=decision,
        probability=told[1] if told else "none",
        **common,
    )
    oracle = Oracle(
        lambda x: last.raw_scores(scores, x),
        probabilities=(lambda x: last.tensors(x, [told[0]])[0]) if told else None,
        labels=last.predict,
        tolerance=_TOLERANCE,
    )
    return Reading(model, oracle, whole)


def _preprocessing(
    model: OnnxModel, machine: Machine, preprocessing: Preprocessing
) -> Preprocessing:
    """Return the front of what the operator is given."""
    name = machine.node.input[0]
    traces = model.graph.columns[name].traces
    if all(trace.untouched for trace in traces):
        return preprocessing.selected([trace.column for trace in traces])
    run = OnnxColumns(name, traces, lambda x, tensor: model.tensors(x, [tensor])[0], sized=True)
    return run.after(preprocessing)


def _kernel(stored: Stored, place: Placement, weights: np.ndarray) -> FloatLayers:
    """Return the kernel between raw rows and the stored vectors, weighted."""
    gamma, coef0, degree = stored.parameters
    count = len(stored.vectors)
    if stored.kernel == "rbf":
        layer = FloatLayer(
            "l2",
            place.raw(stored.vectors),
            np.zeros(count),
            Function("exp"),
            scale=place.scale(np.ones(stored.vectors.shape[1])),
            factor=gamma,
        )
    else:
        matrix = np.zeros((count, place.columns))
        matrix[:, place.column] = gamma * stored.vectors * place.slope
        bias = gamma * (stored.vectors @ place.offset) + coef0
        power = stored.kernel == "poly"
        function = Function("power", int(degree)) if power else Function("tanh")
        layer = FloatLayer("dot", matrix, bias, function)
    outputs = tuple(range(weights.shape[1]))
    return FloatLayers((layer,), weights, outputs, tuple(range(count)), "kernel")

"""Answers of ONNX graphs: the decision over raw scores, and onnxruntime's own to compare with."""

from typing import Any, Literal

from locgen.frontends.onnx.model import OnnxModel
from locgen.frontends.onnx.values import Scores, Winner
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Reading
from locgen.ir.decisions import Votes
from locgen.ir.model import Model

__all__ = ["answered", "scores_of"]


def scores_of(last: OnnxModel) -> Scores:
    """Return the raw scores of a graph, whatever it makes of them."""
    answer = last.graph.answer
    return answer.scores if isinstance(answer, Winner) else answer


def answered(
    last: OnnxModel,
    preprocessing: Preprocessing,
    tolerance: float,
    decision: Literal["argmax", ">=", ">"] | Votes,
    **settings: Any,
) -> Reading:
    """Return the model of a graph; one without labels is a regression.

    Parameters
    ----------
    preprocessing : what stands before the oracle
    tolerance : see `Oracle`
    decision : over the labels
    settings : the other members of `Model`
    """
    answer = last.graph.answer
    if isinstance(answer, Scores):
        model = Model(task="regression", classes=(), decision="identity", **settings)
        oracle = Oracle(lambda x: last.predict(x).reshape(len(x), -1), tolerance=tolerance)
        return Reading(model, oracle, preprocessing)
    tensor, function = answer.probabilities or (None, "none")
    model = Model(
        task="classification",
        classes=answer.labels or tuple(range(answer.classes)),
        decision=decision,
        probability=function,
        **settings,
    )
    oracle = Oracle(
        lambda x: last.raw_scores(answer.scores, x),
        probabilities=(lambda x: last.tensors(x, [tensor])[0]) if tensor else None,
        labels=last.predict,
        tolerance=tolerance,
    )
    return Reading(model, oracle, preprocessing)

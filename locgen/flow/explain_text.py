"""Evidence in words: why a row got its answer, node by node, heaviest first."""

from typing import TypedDict

import numpy as np

from locgen.flow.explaining import Explanation
from locgen.flow.planned import PlannedDesign

__all__ = ["Reason", "Told", "reasons_of", "sentences"]

_HEAVIEST = 5


class Reason(TypedDict):
    """What one node says; `adds` is for each score."""

    node: int
    kind: str
    adds: list[int]
    because: str


class Told(TypedDict):
    """What there is to say of a row."""

    row: int
    answer: object
    scores: list[int]
    bias: list[int]
    reasons: list[Reason]


def reasons_of(design: PlannedDesign, x: np.ndarray, explanation: Explanation) -> list[Told]:
    """Return for each row of `x` (rows, columns) its answer, scores, bias and reasons.

    The reasons stand in the order of what they add, heaviest first; bias and what all of them add
    amount to the scores, bit for bit. Nodes of closed experts say nothing.
    """
    model = design.model
    answers = model.predict(x)
    q = model.quantise(x)
    told: list[Told] = []
    for row in range(len(x)):
        reasons: list[Reason] = []
        counts = model.open_nodes(q[[row]])[0]
        for number, node in enumerate(model.nodes):
            if not counts[number]:
                continue
            said = {key: value[row] for key, value in explanation.evidence[number].items()}
            reasons.append(
                {
                    "node": number,
                    "kind": node.kind,
                    "adds": explanation.contributions[row, number].tolist(),
                    "because": node.describe(said, q[row], model.wording),
                }
            )
        reasons.sort(key=lambda reason: (-max(map(abs, reason["adds"])), reason["node"]))
        told.append(
            {
                "row": row,
                "answer": np.asarray(answers[row]).tolist(),
                "scores": explanation.scores[row].tolist(),
                "bias": explanation.bias.tolist(),
                "reasons": reasons,
            }
        )
    return told


def sentences(told: Told, most: int = _HEAVIEST) -> list[str]:
    """Return what `reasons_of` says of a row as lines of text, the `most` heaviest nodes."""
    reasons = told["reasons"]
    lines = [
        f"row {told['row']}: {_plain(told['answer'])}",
        f"  scores {_plain(told['scores'])} = {_plain(told['bias'])} + {len(reasons)} nodes:",
    ]
    for reason in reasons[:most]:
        adds = _plain([f"{value:+d}" for value in reason["adds"]])
        lines.append(f"  {reason['kind']} {reason['node']}: {adds}, {reason['because']}")
    if len(reasons) > most:
        lines.append(f"  and {len(reasons) - most} lighter ones (--json has all)")
    return lines


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)

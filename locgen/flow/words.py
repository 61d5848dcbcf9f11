"""Evidence in words: why a row got its answer, node by node, heaviest first."""

from collections.abc import Mapping

import numpy as np

from locgen.flow.explaining import Explanation
from locgen.flow.planned import PlannedDesign
from locgen.ir import (
    AffineFeature,
    ClauseNode,
    IdentityFeature,
    QuantisedModel,
    RankFeature,
    TreeNode,
)

__all__ = ["Reason", "reasons_of", "sentences"]

Reason = dict[str, object]
"""What one node says: `node`, `kind`, `adds` (to each score) and `because`."""

_HEAVIEST = 5


def reasons_of(
    design: PlannedDesign, x: np.ndarray, explanation: Explanation
) -> list[dict[str, object]]:
    """Return for each row of `x` (rows, columns) its answer, scores, bias and reasons.

    The reasons stand in the order of what they add, heaviest first; bias and what all of them add
    amount to the scores, bit for bit. Nodes of closed experts say nothing.
    """
    model = design.model
    answers = model.predict(x)
    q = model.quantise(x)
    told = []
    for row in range(len(x)):
        reasons = []
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
                    "because": _because(model, node, q[row], said),
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


def sentences(told: Mapping[str, object], most: int = _HEAVIEST) -> list[str]:
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


def _because(model: QuantisedModel, node: object, codes: np.ndarray, said: Mapping) -> str:
    """Return one node's reason in words."""
    if isinstance(node, TreeNode):
        path = _path(model, node, codes)
        leaf = f"leaf {said['leaf_id']}"
        return f"{leaf}: {' and '.join(path)}" if path else f"{leaf}, its only one"
    if "prototype" in said:
        return f"prototype {said['prototype']} is {said['distance']} away"
    if "unit" in said:
        return f"unit {said['unit'][0]} above all, with {said['value'][0]}"
    if isinstance(node, ClauseNode):
        held = [_clause(model, node, number) for number in np.flatnonzero(said["fired"])]
        return "; ".join(held) or "no clause holds"
    terms = np.asarray(said["terms"])
    heaviest = np.argsort(-np.abs(terms).max(axis=1), kind="stable")[:3]
    names = (model.features[feature].name for feature in np.array(node.features)[heaviest])
    parts = zip(names, terms[heaviest], strict=True)
    return ", ".join(f"{name} {_plain(term.tolist())}" for name, term in parts)


def _clause(model: QuantisedModel, node: ClauseNode, number: int) -> str:
    """Return a clause and its literals in words."""
    literals = [
        _condition(model, feature, None if holds else cut, cut if holds else None, False)
        for feature, cut, holds in node.clauses[number]
    ]
    return f"clause {node.clause_ids[number]}: {' and '.join(literals) or 'always'}"


def _path(model: QuantisedModel, node: TreeNode, codes: np.ndarray) -> list[str]:
    """Return the conditions on the way of a row through a tree, one for each feature."""
    below: dict[int, int] = {}  # lowest threshold that the feature lies below or on
    above: dict[int, int] = {}  # highest one that it lies above
    absent: set[int] = set()
    order: list[int] = []
    split = 0 if node.feature else -1
    while split >= 0:
        feature, threshold = node.feature[split], node.threshold[split]
        if feature not in order:
            order.append(feature)
        code = int(codes[feature])
        if code == model.missing_codes[feature]:
            left = node.missing_left[split]
            absent.add(feature)
        else:
            left = code <= threshold
            if left:
                below[feature] = min(threshold, below.get(feature, threshold))
            else:
                above[feature] = max(threshold, above.get(feature, threshold))
        split = node.left[split] if left else node.right[split]
    return [_condition(model, f, above.get(f), below.get(f), f in absent) for f in order]


def _condition(
    model: QuantisedModel, number: int, above: int | None, below: int | None, absent: bool
) -> str:
    """Return what a path asks of one feature, in the units of the data."""
    feature = model.features[number]
    if absent:
        return f"{feature.name} is missing"
    if number >= model.columns:
        return feature.name if below is not None else f"not {feature.name}"
    low = None if above is None else _cut(feature, above)
    high = None if below is None else _cut(feature, below)
    if low is None and high is None:
        return f"{feature.name} is there"
    left = "" if low is None else f"{low} < "
    return f"{left}{feature.name}{'' if high is None else f' <= {high}'}"


def _cut(feature: object, threshold: int) -> str | None:
    """Return the value behind which codes exceed `threshold`; None if all or none do."""
    if not 0 <= threshold < feature.largest:
        return None
    if isinstance(feature, RankFeature):
        return f"{feature.cuts[threshold]:.6g}"
    if isinstance(feature, AffineFeature):
        return f"{feature.low + (threshold + 0.5) / feature.scale:.6g}"
    if isinstance(feature, IdentityFeature):
        return str(feature.low + threshold)
    raise TypeError(f"{feature!r} has no thresholds")

"""Integer models out of integer nodes and what is constant."""

from collections.abc import Callable

import numpy as np

from locgen.ir import Decision, Feature, Gate, Model, Node, QuantisedModel

__all__ = ["LARGEST_BIAS", "assemble"]

LARGEST_BIAS = 1 << 24
"""In widest leaf ranges; where priors outweigh leaves by more, leaves do not count."""


def assemble(
    model: Model,
    features: tuple[Feature, ...],
    nodes: tuple[Node, ...],
    base: np.ndarray,
    steps: np.ndarray,
    name: str,
    gate: Gate | None = None,
    experts: tuple[tuple[int, ...], ...] = (),
    behind: Callable[[tuple[Node, ...], np.ndarray], Decision] | None = None,
) -> QuantisedModel:
    """Return the integer model of `nodes`, with what is constant rounded into the biases.

    Parameters
    ----------
    base : (outputs,) constant part of the raw scores
    steps : (outputs,) score steps in a raw score of 1
    behind : nodes and bias to the decision, where that is a model of its own
    """
    offset = base.copy()  # what is compared with 0 keeps its constant, and so has no offset
    for scale in model.rule_of_decision.scales:
        outputs = list(scale.outputs)
        offset[outputs] = 0.0 if scale.absolute else base[outputs].min()
    bias = np.rint((base - offset) * steps).astype(np.int64)
    codes = model.rule_of_decision.takes_codes
    offset = np.full_like(base, base.min()) if codes else base - bias / steps
    return QuantisedModel(
        name=name,
        family=model.family,
        library=model.library,
        task=model.task,
        rule=model.rule,
        features=features,
        nodes=nodes,
        bias=tuple(int(b) for b in bias),
        decision=_decision(model, nodes, bias) if behind is None else behind(nodes, bias),
        classes=model.classes,
        score_scale=tuple(float(s) for s in 1 / steps),
        score_offset=tuple(float(o) for o in offset),
        probability=model.probability,
        members=model.members,
        gate=gate,
        experts=experts,
        memberships=model.memberships,
        anomaly_offset=model.anomaly_offset,
    )


def _decision(model: Model, nodes: tuple[Node, ...], bias: np.ndarray) -> Decision:
    """Return the decision over integers."""
    ends = bias.copy()
    for node in nodes:
        ends[list(node.outputs)] += [high for _, high in node.ranges]
    return model.rule_of_decision.over_integers(int(ends.max()))

"""Node scores that count from zero, where the fabric or the decision gains by it."""

from dataclasses import replace

from locgen.errors import ConfigurationError
from locgen.ir import Node, QuantisedModel, add_constants
from locgen.passes.context import Context, Passed

__all__ = ["run"]


def run(model: QuantisedModel, context: Context) -> Passed[QuantisedModel]:
    """Return `model` with constants moved from the nodes into the bias.

    On the tree fabric a closed expert sends 0, so those of a mixture count from 0. On the direct
    fabric a decision without scores at the ports may be made of scores from 0 on.

    Raises
    ------
    ConfigurationError
        If the tree fabric needs a constant in an expert that has no node to carry it.
    """
    if context.fabric == "tree" and model.gate is not None:
        return Passed(_experts_from_zero(model))
    alone = model.answer == "decision" and model.gate is None and model.decision.counts_from_zero
    return Passed(_nodes_from_zero(model) if context.fabric == "direct" and alone else model)


def _nodes_from_zero(model: QuantisedModel) -> QuantisedModel:
    """Return `model` with every node's lowest score 0; a constant of all outputs decides nothing.

    What is compared with 0 keeps its constant as the bias.
    """
    bias = list(model.bias)
    for node in model.nodes:
        for output, (low, _) in zip(node.outputs, node.ranges, strict=True):
            bias[output] += low
    common = 0 if model.decision.scales[0].absolute else min(bias)
    offset = tuple(
        offset + common * scale
        for offset, scale in zip(model.score_offset, model.score_scale, strict=True)
    )
    return replace(
        model,
        nodes=tuple(map(_from_zero, model.nodes)),
        bias=tuple(constant - common for constant in bias),
        score_offset=offset,
    )


def _from_zero(node: Node) -> Node:
    return node.shifted(tuple(-low for low, _ in node.ranges))


def _experts_from_zero(model: QuantisedModel) -> QuantisedModel:
    """Return a mixture with no score below 0.

    As many experts are always open, so what they have in common is a constant of the whole.
    """
    assert model.gate is not None
    bias = list(model.bias)
    intervals = model.expert_ranges
    lowest = [min(expert[output][0] for expert in intervals) for output in range(model.outputs)]
    nodes: list[Node] = list(model.nodes)
    for members, interval in zip(model.experts, intervals, strict=True):
        raised = [_from_zero(model.nodes[number]) for number in members]
        rest = [low - least for (low, _), least in zip(interval, lowest, strict=True)]
        try:
            changed = add_constants(raised, rest)
        except ValueError as error:
            raise ConfigurationError(
                f"the tree fabric cannot carry this mixture ({error}): use --fabric direct"
            ) from error
        for number, node in zip(members, changed, strict=True):
            nodes[number] = node
    for output, least in enumerate(lowest):
        bias[output] += model.gate.top_k * least
    return replace(model, nodes=tuple(nodes), bias=tuple(bias))

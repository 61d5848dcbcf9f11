"""Biases inside the nodes' scores, so that the direct fabric spends no adder on them."""

from dataclasses import replace

from locgen.ir import Node, QuantisedModel, TreeNode, add_constants
from locgen.passes.context import Context, Passed

__all__ = ["run"]


def run(model: QuantisedModel, context: Context) -> Passed[QuantisedModel]:
    """Return `model` for the direct fabric with each output's bias in its node of widest range.

    Where a threshold alone is the answer, the bias stays: the threshold moves instead. Of a mixture
    each expert takes an equal share of the bias, for as many are always open; a remainder of 0 to
    ``top_k - 1`` stays. The tree fabric adds the bias at its root.
    """
    if context.fabric == "tree" or not any(model.bias):
        return Passed(model)
    if model.gate is not None:
        return Passed(_share(model))
    absolute = any(scale.absolute for scale in model.decision.scales)
    if model.answer == "decision" and model.decision.counts_from_zero and absolute:
        return Passed(model)
    nodes = add_constants(model.nodes, model.bias)
    return Passed(replace(model, nodes=nodes, bias=(0,) * model.outputs))


def _share(model: QuantisedModel) -> QuantisedModel:
    """Return a mixture whose experts have the bias; one that lacks an output gets a node for it."""
    assert model.gate is not None
    top_k = model.gate.top_k
    shares = [bias // top_k for bias in model.bias]
    nodes: list[Node] = list(model.nodes)
    experts = []
    for members in model.experts:
        scored = {output for number in members for output in model.nodes[number].outputs}
        silent = tuple(o for o, share in enumerate(shares) if share and o not in scored)
        if silent:
            members = (*members, len(nodes))
            nodes.append(TreeNode((), (), (), (), (), ((0,) * len(silent),), (0,), silent))
        changed = add_constants([nodes[number] for number in members], shares)
        for number, node in zip(members, changed, strict=True):
            nodes[number] = node
        experts.append(members)
    bias = tuple(bias % top_k for bias in model.bias)
    return replace(model, nodes=tuple(nodes), experts=tuple(experts), bias=bias)

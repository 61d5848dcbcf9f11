"""How each kind of float node becomes integer nodes, one file for each, and the table of them."""

from locgen.ir import FloatNode
from locgen.quantise.lower.base import NodeLowering
from locgen.quantise.lower.clauses import ClausesLowering
from locgen.quantise.lower.layers import LayersLowering
from locgen.quantise.lower.linear import LinearLowering
from locgen.quantise.lower.neighbours import NeighboursLowering
from locgen.quantise.lower.prototype import PrototypeLowering
from locgen.quantise.lower.softmax import SoftmaxLowering
from locgen.quantise.lower.tree import TreeLowering
from locgen.quantise.lower.univariate import UnivariateLowering

__all__ = ["LOWER", "lowering_of"]

_UNIVARIATE = UnivariateLowering()
_LAYERS = LayersLowering()

LOWER: dict[str, NodeLowering] = {
    "tree": TreeLowering(),
    "linear": LinearLowering(),
    "quadratic": _UNIVARIATE,
    "shape": _UNIVARIATE,
    "steps": _UNIVARIATE,
    "prototype": PrototypeLowering(),
    "kernel": _LAYERS,
    "dense": _LAYERS,
    "clauses": ClausesLowering(),
    "neighbours": NeighboursLowering(),
    "softmax": SoftmaxLowering(),
}
"""The lowering of each kind."""


def lowering_of(node: FloatNode) -> NodeLowering:
    """Return the lowering of the node's kind."""
    return LOWER[node.kind]

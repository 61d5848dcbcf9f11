"""The kinds of integer nodes."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from locgen.ir.integer.clause import ClauseNode
from locgen.ir.integer.distance import DistanceNode
from locgen.ir.integer.layered import LayeredNode
from locgen.ir.integer.linear import LinearNode
from locgen.ir.integer.neighbours import NeighboursNode
from locgen.ir.integer.node import NodeBase
from locgen.ir.integer.softmax import SoftmaxNode
from locgen.ir.integer.table import TableNode
from locgen.ir.integer.tree import TreeNode

__all__ = ["NODES", "Node", "Nodes", "SecondStageNode", "trees_of"]

Node = Annotated[
    TreeNode | TableNode | LinearNode | DistanceNode | LayeredNode | ClauseNode | NeighboursNode,
    Field(discriminator="kind"),
]
"""A node of a model or of its gate in JSON, told apart by its member `kind`."""
SecondStageNode = Annotated[
    TreeNode | LinearNode | LayeredNode | SoftmaxNode, Field(discriminator="kind")
]
"""A node that reads the scores of others, see `Cascade`."""
Nodes = (
    TreeNode
    | TableNode
    | LinearNode
    | DistanceNode
    | LayeredNode
    | ClauseNode
    | NeighboursNode
    | SoftmaxNode
)
"""Every kind of node."""

NODES: dict[str, type[NodeBase]] = {
    "tree": TreeNode,
    "table": TableNode,
    "linear": LinearNode,
    "distance": DistanceNode,
    "kernel": LayeredNode,
    "dense": LayeredNode,
    "clause": ClauseNode,
    "neighbours": NeighboursNode,
    "softmax": SoftmaxNode,
}
"""The class of each kind of node, by its name in JSON."""


def trees_of(nodes: Iterable[NodeBase]) -> tuple[TreeNode, ...]:
    """Return `nodes`, all of which are trees.

    Raises
    ------
    ValueError
        If one is not.
    """
    each = tuple(nodes)
    trees = tuple(node for node in each if isinstance(node, TreeNode))
    if len(trees) < len(each):
        raise ValueError("engines must hold trees alone")
    return trees

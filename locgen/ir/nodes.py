"""All kinds of integer nodes, told apart by their member `kind`."""

from typing import Annotated

from pydantic import Field

from locgen.ir.clause import ClauseNode
from locgen.ir.distance import DistanceNode
from locgen.ir.layers import LayeredNode
from locgen.ir.linear import LinearNode
from locgen.ir.neighbours import NeighboursNode
from locgen.ir.table import TableNode
from locgen.ir.tree import TreeNode

__all__ = ["Node"]

Node = Annotated[
    TreeNode | TableNode | LinearNode | DistanceNode | LayeredNode | ClauseNode | NeighboursNode,
    Field(discriminator="kind"),
]

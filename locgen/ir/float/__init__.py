"""The nodes of the float IR, one file for each kind, and the table of them."""

from typing import Annotated

from pydantic import Field

from locgen.ir.float.arrays import JsonData
from locgen.ir.float.clauses import FloatClauses
from locgen.ir.float.layers import FloatLayer, FloatLayers
from locgen.ir.float.linear import FloatLinear
from locgen.ir.float.neighbours import FloatNeighbours
from locgen.ir.float.node import FloatNode, UnivariateNode
from locgen.ir.float.prototype import FloatPrototype
from locgen.ir.float.quadratic import FloatQuadratic
from locgen.ir.float.shape import FloatShape
from locgen.ir.float.softmax import FloatSoftmax
from locgen.ir.float.steps import FloatSteps
from locgen.ir.float.tree import FloatTree

__all__ = [
    "FLOAT_NODES",
    "FloatClauses",
    "FloatLayer",
    "FloatLayers",
    "FloatLinear",
    "FloatNeighbours",
    "FloatNode",
    "FloatNodes",
    "FloatPrototype",
    "FloatQuadratic",
    "FloatShape",
    "FloatSoftmax",
    "FloatSteps",
    "FloatTree",
    "FloatUnit",
    "JsonData",
    "UnivariateNode",
]

FloatUnit = Annotated[
    FloatLinear
    | FloatQuadratic
    | FloatPrototype
    | FloatShape
    | FloatSteps
    | FloatLayers
    | FloatClauses
    | FloatNeighbours
    | FloatSoftmax,
    Field(discriminator="kind"),
]
"""All kinds but trees."""

FloatNodes = Annotated[FloatTree | FloatUnit, Field(discriminator="kind")]
"""All kinds of float nodes, told apart by their member `kind`."""

FLOAT_NODES: dict[str, type[FloatNode]] = {
    "tree": FloatTree,
    "linear": FloatLinear,
    "quadratic": FloatQuadratic,
    "prototype": FloatPrototype,
    "steps": FloatSteps,
    "shape": FloatShape,
    "kernel": FloatLayers,
    "dense": FloatLayers,
    "clauses": FloatClauses,
    "neighbours": FloatNeighbours,
    "softmax": FloatSoftmax,
}
"""The class of each kind."""

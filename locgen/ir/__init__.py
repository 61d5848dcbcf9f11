"""Both intermediate representations: float (`Model`) and integer (`QuantisedModel`)."""

from locgen.ir.cascade import Cascade, FloatCascade
from locgen.ir.clause import ClauseLiteral, ClauseNode
from locgen.ir.decision import (
    Argmax,
    Decision,
    Group,
    Identity,
    Median,
    Several,
    Threshold,
    Votes,
)
from locgen.ir.distance import DistanceNode, Metric
from locgen.ir.experts import add_constants, expert_ranges, ground, sum_over_open
from locgen.ir.features import AffineFeature, Feature, IdentityFeature, RankFeature
from locgen.ir.floatclauses import FloatClauses
from locgen.ir.floatlayers import FloatLayer, FloatLayers
from locgen.ir.floatneighbours import FloatNeighbours
from locgen.ir.functions import Function
from locgen.ir.gate import Gate, highest
from locgen.ir.layers import Layer, LayeredNode
from locgen.ir.linear import LinearNode
from locgen.ir.model import FloatGate, FloatTree, Model, SplitRule, Task
from locgen.ir.neighbours import NeighboursNode
from locgen.ir.node import Comparison
from locgen.ir.nodes import Node
from locgen.ir.quantised import QuantisedModel
from locgen.ir.serialise import digest_of, from_json, json_schema, to_json
from locgen.ir.shapes import FloatShape, FloatSteps
from locgen.ir.softmax import FloatSoftmax, SoftmaxNode
from locgen.ir.table import TableNode
from locgen.ir.tree import TreeNode
from locgen.ir.units import (
    TABLED,
    FloatLinear,
    FloatPrototype,
    FloatQuadratic,
    FloatUnit,
)

__all__ = [
    "TABLED",
    "AffineFeature",
    "Argmax",
    "Cascade",
    "ClauseLiteral",
    "ClauseNode",
    "Comparison",
    "Decision",
    "DistanceNode",
    "Feature",
    "FloatCascade",
    "FloatClauses",
    "FloatGate",
    "FloatLayer",
    "FloatLayers",
    "FloatLinear",
    "FloatNeighbours",
    "FloatPrototype",
    "FloatQuadratic",
    "FloatShape",
    "FloatSoftmax",
    "FloatSteps",
    "FloatTree",
    "FloatUnit",
    "Function",
    "Gate",
    "Group",
    "Identity",
    "IdentityFeature",
    "Layer",
    "LayeredNode",
    "LinearNode",
    "Median",
    "Metric",
    "Model",
    "NeighboursNode",
    "Node",
    "QuantisedModel",
    "RankFeature",
    "Several",
    "SoftmaxNode",
    "SplitRule",
    "TableNode",
    "Task",
    "Threshold",
    "TreeNode",
    "Votes",
    "add_constants",
    "digest_of",
    "expert_ranges",
    "from_json",
    "ground",
    "highest",
    "json_schema",
    "sum_over_open",
    "to_json",
]

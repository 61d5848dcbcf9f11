"""Both intermediate representations: float (`Model`) and integer (`QuantisedModel`)."""

from locgen.ir.decisions import (
    Argmax,
    Cascade,
    Decision,
    Group,
    Identity,
    Median,
    MultiOutput,
    Threshold,
    Votes,
)
from locgen.ir.experts import add_constants
from locgen.ir.features import AffineFeature, Feature, IdentityFeature, RankFeature
from locgen.ir.float import (
    FloatClauses,
    FloatLayer,
    FloatLayers,
    FloatLinear,
    FloatNeighbours,
    FloatNode,
    FloatNodes,
    FloatPrototype,
    FloatQuadratic,
    FloatShape,
    FloatSoftmax,
    FloatSteps,
    FloatTree,
    FloatUnit,
    UnivariateNode,
)
from locgen.ir.functions import Function
from locgen.ir.gate import Gate, highest
from locgen.ir.integer import Node
from locgen.ir.integer.clause import ClauseLiteral, ClauseNode
from locgen.ir.integer.distance import DistanceNode, Metric
from locgen.ir.integer.layer import Layer
from locgen.ir.integer.layered import LayeredNode
from locgen.ir.integer.linear import LinearNode
from locgen.ir.integer.neighbours import NeighboursNode
from locgen.ir.integer.node import Comparison
from locgen.ir.integer.softmax import SoftmaxNode
from locgen.ir.integer.table import TableNode
from locgen.ir.integer.tree import TreeNode
from locgen.ir.model import FloatCascade, FloatGate, Model, SplitRule, Task
from locgen.ir.quantised import QuantisedModel
from locgen.ir.serialise import digest_of, from_json, json_schema, to_json

__all__ = [
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
    "FloatNode",
    "FloatNodes",
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
    "MultiOutput",
    "NeighboursNode",
    "Node",
    "QuantisedModel",
    "RankFeature",
    "SoftmaxNode",
    "SplitRule",
    "TableNode",
    "Task",
    "Threshold",
    "TreeNode",
    "UnivariateNode",
    "Votes",
    "add_constants",
    "digest_of",
    "from_json",
    "highest",
    "json_schema",
    "to_json",
]

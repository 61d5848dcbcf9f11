"""Both intermediate representations: float (`Model`) and integer (`QuantisedModel`)."""

from locgen.ir.decision import Argmax, Decision, Identity, Threshold
from locgen.ir.features import AffineFeature, Feature, IdentityFeature, RankFeature
from locgen.ir.model import FloatTree, Model, SplitRule, Task
from locgen.ir.quantised import QuantisedModel
from locgen.ir.serialise import digest_of, from_json, json_schema, to_json
from locgen.ir.tree import Comparison, TreeNode

__all__ = [
    "AffineFeature",
    "Argmax",
    "Comparison",
    "Decision",
    "Feature",
    "FloatTree",
    "Identity",
    "IdentityFeature",
    "Model",
    "QuantisedModel",
    "RankFeature",
    "SplitRule",
    "Task",
    "Threshold",
    "TreeNode",
    "digest_of",
    "from_json",
    "json_schema",
    "to_json",
]

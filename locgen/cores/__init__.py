"""Cores: the Amaranth components that compute nodes and decisions."""

from locgen.cores.argmax import (
    ArgmaxLevel,
    LargestStep,
    LevelChoice,
    LevelCompare,
    PairChoice,
    PairCompare,
    SerialArgmax,
    candidate_layout,
)
from locgen.cores.arithmetic import add_up, signed_shape
from locgen.cores.compare import CompareBank, SerialCompareBank, at_most
from locgen.cores.decisions import DECISION_STEPS, decision_steps
from locgen.cores.engine import TreeEngine
from locgen.cores.features import NodeInputs, feature_codes, feature_layout
from locgen.cores.gate import TopK
from locgen.cores.kinds import CORES, NodeForms, add_core, add_evidence, add_stream
from locgen.cores.memory import BlockWords, ModelMemory, SpramWords
from locgen.cores.parallel import ComparisonCore, NodeCore
from locgen.cores.serial import ComparisonStream, LinkSchedule, NodeStream, link_signature
from locgen.cores.step import DecisionStep

__all__ = [
    "CORES",
    "DECISION_STEPS",
    "ArgmaxLevel",
    "BlockWords",
    "CompareBank",
    "ComparisonCore",
    "ComparisonStream",
    "DecisionStep",
    "LargestStep",
    "LevelChoice",
    "LevelCompare",
    "LinkSchedule",
    "ModelMemory",
    "NodeCore",
    "NodeForms",
    "NodeInputs",
    "NodeStream",
    "PairChoice",
    "PairCompare",
    "SerialArgmax",
    "SerialCompareBank",
    "SpramWords",
    "TopK",
    "TreeEngine",
    "add_core",
    "add_evidence",
    "add_stream",
    "add_up",
    "at_most",
    "candidate_layout",
    "decision_steps",
    "feature_codes",
    "feature_layout",
    "link_signature",
    "signed_shape",
]

"""Cores: the Amaranth components that compute nodes and decisions."""

from locgen.cores.argmax import (
    ArgmaxLevel,
    LevelChoice,
    LevelCompare,
    PairChoice,
    PairCompare,
    SerialArgmax,
    candidate_layout,
)
from locgen.cores.arithmetic import add_up, signed_shape
from locgen.cores.cascade import CascadeStep
from locgen.cores.compare import CompareBank, SerialCompareBank, at_most
from locgen.cores.engine import TreeEngine
from locgen.cores.features import NodeInputs, feature_codes, feature_layout
from locgen.cores.gate import TopK
from locgen.cores.kinds import CORES, NodeForms, add_core, add_evidence, add_stream
from locgen.cores.memory import BlockWords, ModelMemory, SpramWords
from locgen.cores.parallel import ComparisonCore, NodeCore
from locgen.cores.serial import ComparisonStream, LinkSchedule, NodeStream, link_signature
from locgen.cores.voting import GroupStep, LargestStep, MedianStep, TallyStep, decision_steps

__all__ = [
    "CORES",
    "ArgmaxLevel",
    "BlockWords",
    "CascadeStep",
    "CompareBank",
    "ComparisonCore",
    "ComparisonStream",
    "GroupStep",
    "LargestStep",
    "LevelChoice",
    "LevelCompare",
    "LinkSchedule",
    "MedianStep",
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
    "TallyStep",
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

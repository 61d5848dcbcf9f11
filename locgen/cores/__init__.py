"""Cores: the Amaranth components that compute nodes and decisions."""

from locgen.cores.ballots import GroupStep, LargestStep, MedianStep, TallyStep, decision_steps
from locgen.cores.capture import Capture, LinkSchedule
from locgen.cores.cascade import CascadeStep
from locgen.cores.clause import ClauseCore, ClauseStream
from locgen.cores.compare import CompareBank, SerialCompareBank, at_most
from locgen.cores.decide import (
    ArgmaxLevel,
    LevelChoice,
    LevelCompare,
    PairChoice,
    PairCompare,
    SerialArgmax,
    candidate_layout,
)
from locgen.cores.distance import DistanceCore, DistanceStream
from locgen.cores.engine import TreeEngine
from locgen.cores.gate import TopK
from locgen.cores.layers import LayeredCore
from locgen.cores.layerstream import LayeredStream
from locgen.cores.linear import LinearCore, LinearStream
from locgen.cores.memory import BlockWords, ModelMemory, SpramWords
from locgen.cores.neighbours import NeighboursCore, NeighboursStream
from locgen.cores.nodecore import NodeCore, NodeStream, scores_shape, signed_shape
from locgen.cores.softmax import SoftmaxCore
from locgen.cores.table import TableCore, TableStream
from locgen.cores.tree import TreeCore, TreeStream

__all__ = [
    "ArgmaxLevel",
    "BlockWords",
    "Capture",
    "CascadeStep",
    "ClauseCore",
    "ClauseStream",
    "CompareBank",
    "DistanceCore",
    "DistanceStream",
    "GroupStep",
    "LargestStep",
    "LayeredCore",
    "LayeredStream",
    "LevelChoice",
    "LevelCompare",
    "LinearCore",
    "LinearStream",
    "LinkSchedule",
    "MedianStep",
    "ModelMemory",
    "NeighboursCore",
    "NeighboursStream",
    "NodeCore",
    "NodeStream",
    "PairChoice",
    "PairCompare",
    "SerialArgmax",
    "SerialCompareBank",
    "SoftmaxCore",
    "SpramWords",
    "TableCore",
    "TableStream",
    "TallyStep",
    "TopK",
    "TreeCore",
    "TreeEngine",
    "TreeStream",
    "at_most",
    "candidate_layout",
    "decision_steps",
    "scores_shape",
    "signed_shape",
]

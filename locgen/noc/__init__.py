"""The network-on-chip: a scheduled two-phase tree without arbitration, back-pressure or FIFOs."""

from locgen.noc.broadcast import BroadcastStage, LastStage, down_layout
from locgen.noc.combine import CombineTree
from locgen.noc.extreme import ExtremeStage, SerialExtremeStage, candidate_value
from locgen.noc.gate import GateStage, HeaderStage
from locgen.noc.reduce import AddStage, DelayStage, OrStage
from locgen.noc.sequencer import Sequencer, index_bits

__all__ = [
    "AddStage",
    "BroadcastStage",
    "CombineTree",
    "DelayStage",
    "ExtremeStage",
    "GateStage",
    "HeaderStage",
    "LastStage",
    "OrStage",
    "Sequencer",
    "SerialExtremeStage",
    "candidate_value",
    "down_layout",
    "index_bits",
]

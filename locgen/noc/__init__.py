"""The network-on-chip: a scheduled two-phase tree without arbitration, back-pressure or FIFOs."""

from locgen.noc.broadcast import BroadcastStop, LastStop, down_layout
from locgen.noc.combine import CombineTree
from locgen.noc.extreme import ExtremeStop, SerialExtremeStop, candidate_value
from locgen.noc.gate import GateStop, HeaderStop
from locgen.noc.reduce import AddStop, DelayStop, OrStop
from locgen.noc.sequencer import Sequencer, index_bits

__all__ = [
    "AddStop",
    "BroadcastStop",
    "CombineTree",
    "DelayStop",
    "ExtremeStop",
    "GateStop",
    "HeaderStop",
    "LastStop",
    "OrStop",
    "Sequencer",
    "SerialExtremeStop",
    "candidate_value",
    "down_layout",
    "index_bits",
]

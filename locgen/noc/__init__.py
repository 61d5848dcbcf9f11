"""The network-on-chip: a scheduled two-phase tree without arbitration, back-pressure or FIFOs."""

from locgen.noc.broadcast import BroadcastStop, LastStop, down_layout
from locgen.noc.reduce import AddStop, CombineTree, DelayStop
from locgen.noc.sequencer import Sequencer, index_bits

__all__ = [
    "AddStop",
    "BroadcastStop",
    "CombineTree",
    "DelayStop",
    "LastStop",
    "Sequencer",
    "down_layout",
    "index_bits",
]

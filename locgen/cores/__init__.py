"""Cores: the Amaranth components that compute nodes and decisions."""

from locgen.cores.compare import CompareBank, SerialCompareBank, at_most
from locgen.cores.decide import ArgmaxLevel, SerialArgmax, candidate_layout
from locgen.cores.tree import TreeCore, TreeStream, signed_shape

__all__ = [
    "ArgmaxLevel",
    "CompareBank",
    "SerialArgmax",
    "SerialCompareBank",
    "TreeCore",
    "TreeStream",
    "at_most",
    "candidate_layout",
    "signed_shape",
]

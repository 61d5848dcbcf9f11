"""The table of node kinds: the parallel and the serial form of each, for all fabrics."""

from typing import NamedTuple

from amaranth import *
from amaranth.lib import wiring

from locgen.cores.clause import ClauseCore, ClauseStream
from locgen.cores.distance import DistanceCore, DistanceStream
from locgen.cores.features import NodeInputs
from locgen.cores.layers import LayeredCore
from locgen.cores.layerstream import LayeredStream
from locgen.cores.linear import LinearCore, LinearStream
from locgen.cores.neighbours import NeighboursCore, NeighboursStream
from locgen.cores.parallel import NodeCore
from locgen.cores.serial import LinkSchedule, NodeStream
from locgen.cores.softmax import SoftmaxCore
from locgen.cores.table import TableCore, TableStream
from locgen.cores.tree import TreeCore, TreeStream
from locgen.ir import (
    ClauseNode,
    DistanceNode,
    LayeredNode,
    LinearNode,
    NeighboursNode,
    SoftmaxNode,
    TableNode,
    TreeNode,
)
from locgen.ir.integer.node import NodeBase

__all__ = ["CORES", "NodeForms", "add_core", "add_evidence", "add_stream"]


class NodeForms(NamedTuple):
    """The components that compute a kind of node.

    Members
    -------
    parallel : ``parallel(node)``, all of it in gates
    serial : ``serial(node, schedule, from_zero, evidence)``, for the tree fabric; None for nodes
        that only stand in a cascade
    """

    parallel: type[NodeCore]
    serial: type[NodeStream] | None


CORES: dict[type[NodeBase], NodeForms] = {
    TreeNode: NodeForms(TreeCore, TreeStream),
    TableNode: NodeForms(TableCore, TableStream),
    LinearNode: NodeForms(LinearCore, LinearStream),
    DistanceNode: NodeForms(DistanceCore, DistanceStream),
    LayeredNode: NodeForms(LayeredCore, LayeredStream),
    ClauseNode: NodeForms(ClauseCore, ClauseStream),
    NeighboursNode: NodeForms(NeighboursCore, NeighboursStream),
    SoftmaxNode: NodeForms(SoftmaxCore, None),
}


def add_core(m: Module, name: str, node: NodeBase, inputs: NodeInputs) -> NodeCore:
    """Add the parallel form of `node` under `name` and return it: its `scores` are driven.

    Parameters
    ----------
    m : module that the core is added to; name : of the submodule
    node : what it computes; inputs : what nodes read
    """
    m.submodules[name] = core = CORES[type(node)].parallel(node)
    core.connect(m, inputs)
    return core


def add_evidence(m: Module, name: str, node: NodeBase, inputs: NodeInputs) -> Value:
    """Add what finds the evidence of `node` and return it, the first integer lowest. Latency 0.

    Parameters
    ----------
    m : module that submodules are added to; name : begins their names
    node : whose evidence it is; inputs : what nodes read
    """

    def add(part: str, term: NodeBase) -> NodeCore:
        return add_core(m, part, term, inputs)

    return CORES[type(node)].parallel.evidence(m, name, node, inputs, add)


def add_stream(
    m: Module,
    name: str,
    node: NodeBase,
    link: wiring.PureInterface,
    inputs: NodeInputs,
    schedule: LinkSchedule,
    from_zero: bool = False,
    evidence: int | None = None,
) -> Value:
    """Add the serial form of `node` under `name` and return the digit of the beat up.

    Parameters
    ----------
    m : module that the stream is added to; name : of the submodule
    node : what it computes
    link : of its site; inputs : results of comparisons, held from the first beat up
    schedule : when features pass and scores leave
    from_zero : scores count from 0, not from their lowest
    evidence : first beat of the node's evidence, None to send none
    """
    serial = CORES[type(node)].serial
    assert serial is not None, "a node of a cascade has no site"
    m.submodules[name] = stream = serial(node, schedule, from_zero, evidence)
    stream.connect(m, link, inputs)
    return stream.digit

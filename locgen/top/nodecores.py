"""From a node's kind to the core that computes it, for both fabrics: the one place that asks."""

from collections.abc import Mapping

from amaranth import *
from amaranth.lib import wiring

from locgen.cores import (
    ClauseCore,
    ClauseStream,
    DistanceCore,
    DistanceStream,
    LayeredCore,
    LayeredStream,
    LinearCore,
    LinearStream,
    LinkSchedule,
    NeighboursCore,
    NeighboursStream,
    TableCore,
    TableStream,
    TreeCore,
    TreeStream,
)
from locgen.cores.linear import add_up
from locgen.cores.nodecore import signed_shape
from locgen.ir import Comparison, Node
from locgen.ir.integer.node import NodeBase

__all__ = ["add_core", "add_evidence", "add_stream"]

_CORES = {
    "tree": TreeCore,
    "table": TableCore,
    "linear": LinearCore,
    "distance": DistanceCore,
    "kernel": LayeredCore,
    "dense": LayeredCore,
    "clause": ClauseCore,
    "neighbours": NeighboursCore,
}
_STREAMS = {
    "table": TableStream,
    "linear": LinearStream,
    "distance": DistanceStream,
    "kernel": LayeredStream,
    "dense": LayeredStream,
    "clause": ClauseStream,
    "neighbours": NeighboursStream,
}


def _bits(node: NodeBase, bit_of: Mapping[Comparison, Value]) -> Value:
    return Cat(bit_of[comparison] for comparison in node.comparisons)


def add_core(
    m: Module,
    name: str,
    node: Node,
    bit_of: Mapping[Comparison, Value],
    fields: Mapping[int, Value],
) -> wiring.Component:
    """Add the parallel core of `node` under `name` and return it: its `scores` are driven.

    Parameters
    ----------
    bit_of : result of each comparison; fields : code of each feature
    """
    core = _CORES[node.kind](node)
    m.submodules[name] = core
    if node.compares:
        m.d.comb += core.bits.eq(_bits(node, bit_of))
    else:
        own = zip(node.features, node.feature_bits, strict=True)  # ports may be wider than codes
        m.d.comb += core.features.eq(Cat(fields[feature][:bits] for feature, bits in own))
    return core


def add_evidence(
    m: Module,
    name: str,
    node: Node,
    bit_of: Mapping[Comparison, Value],
    fields: Mapping[int, Value],
) -> Value:
    """Add what finds the evidence of `node` under `name` and return it, the first integer lowest.

    Latency 0 (combinational). Parameters as for `add_core`.
    """
    if node.kind == "table":
        return fields[node.feature][: node.bits] if node.bits else Const(0, 0)
    if node.kind == "tree":
        return add_core(m, name, node.numbered(), bit_of, fields).scores[0]
    if node.kind == "clause":
        return add_core(m, name, node, bit_of, fields).fired
    # The terms are those that the fabric adds up already: synthesis leaves one of each.
    parts = {
        output: [(Const(-low, signed_shape(-low, -low)), -low, -low)]
        for output, (low, _) in zip(node.outputs, node.ranges, strict=True)
    }
    for number, term in enumerate(node.terms):
        core = add_core(m, f"{name}_{number}", term, bit_of, fields)
        for column, output in enumerate(term.outputs):
            parts[output].append((core.scores[column], *term.ranges[column]))
    totals = [add_up(m, parts[output], f"{name}_{output}")[0] for output in node.outputs]
    return Cat(total[:bits] for total, bits in zip(totals, node.evidence_bits, strict=True))


def add_stream(
    m: Module,
    name: str,
    node: Node,
    bit_of: Mapping[Comparison, Value],
    site: wiring.Component,
    schedule: LinkSchedule,
    from_zero: bool = False,
    evidence: int | None = None,
) -> Value:
    """Add the serial core of `node` under `name` and return the digit of the beat up.

    Parameters
    ----------
    bit_of : result of each comparison, held from the first beat up
    site : what has the ports `digit`, `index`, `down`, `compute` and `up` of the link
    from_zero : scores count from 0, not from their lowest
    evidence : first beat of the node's evidence, None to send none
    """
    if node.kind == "tree":
        core = TreeStream(
            node,
            schedule.outputs,
            schedule.digits,
            schedule.up_width,
            schedule.index_bits,
            from_zero,
            evidence,
        )
        m.submodules[name] = core
        m.d.comb += [core.bits.eq(_bits(node, bit_of)), core.index.eq(site.index)]
        return core.digit
    core = _STREAMS[node.kind](node, schedule, from_zero, evidence)
    m.submodules[name] = core
    if node.compares:
        m.d.comb += [core.bits.eq(_bits(node, bit_of)), core.index.eq(site.index)]
        return core.digit
    m.d.comb += [
        core.data.eq(site.digit),
        core.index.eq(site.index),
        core.down.eq(site.down),
        core.up.eq(site.up),
    ]
    if node.compute_cycles:
        m.d.comb += core.compute.eq(site.compute)
    return core.digit

"""What the cores of nodes share: shapes of scores, ports, when features pass and scores leave."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.capture import LinkSchedule, sent_lows
from locgen.ir.integer.node import NodeBase

__all__ = ["NodeCore", "NodeStream", "scores_shape", "signed_shape"]


def signed_shape(low: int, high: int) -> Shape:
    """Return the narrowest shape that holds the integers `low` to `high`, signed if need be."""
    if low >= 0:
        return unsigned(max(high.bit_length(), 1))
    return signed(max((high if high >= 0 else ~high).bit_length(), (~low).bit_length()) + 1)


def scores_shape(node: NodeBase) -> Shape:
    """Return the narrowest shape that holds every score of `node`."""
    ends = [end for ends in node.ranges for end in ends]
    return signed_shape(min(ends), max(ends))


class NodeCore(wiring.Component):
    """One node that computes with its features' codes, in gates.

    Latency 0 (combinational), one inference per cycle.

    Parameters
    ----------
    node : what it computes; ``scores == node.evaluate(q)``

    Members
    -------
    features : In(sum(node.feature_bits)), at least one bit, packed in the node's order
    scores : Out(ArrayLayout(shape, len(node.outputs))) of the narrowest shape for all outputs
    """

    def __init__(self, node: NodeBase) -> None:
        self.node = node
        super().__init__(
            {
                "features": In(max(sum(node.feature_bits), 1)),
                "scores": Out(data.ArrayLayout(scores_shape(node), len(node.outputs))),
            }
        )


class NodeStream(wiring.Component):
    """One node of the tree fabric, that takes features from its link and sends its scores.

    Latency 0 from a beat of the up phase to its digit.

    Parameters
    ----------
    node : what it computes; schedule : when features pass and scores leave
    from_zero : send the scores, none below 0, as they are; else counted from the lowest
    evidence : first beat of the node's evidence, behind the scores; None to send none

    Members
    -------
    See `LinkSchedule.ports`.
    """

    def __init__(
        self,
        node: NodeBase,
        schedule: LinkSchedule,
        from_zero: bool = False,
        evidence: int | None = None,
    ) -> None:
        self.node = node
        self.schedule = schedule
        self.evidence = evidence
        self.lows = sent_lows(node, from_zero)
        super().__init__(self.ports())

    def ports(self) -> dict[str, wiring.Member]:
        """Return the core's ports by name."""
        return self.schedule.ports()

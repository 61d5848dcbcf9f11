"""Parallel forms of nodes: all of a node in gates, at once."""

from collections.abc import Callable
from typing import Generic, TypeVar

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.arithmetic import add_up, constant_term, signed_shape
from locgen.cores.features import NodeInputs, feature_codes, feature_layout
from locgen.ir.integer.node import NodeBase

__all__ = ["ComparisonCore", "NodeCore", "scores_shape"]

N = TypeVar("N", bound=NodeBase)


def scores_shape(node: NodeBase) -> Shape:
    """Return the narrowest shape that holds every score of `node`."""
    ends = [end for ends in node.ranges for end in ends]
    return signed_shape(min(ends), max(ends))


class NodeCore(wiring.Component, Generic[N]):
    """One node that computes with its features' codes.

    Latency 0 (combinational), one inference per cycle.

    Parameters
    ----------
    node : what it computes; ``scores == node.evaluate(q)``

    Members
    -------
    features : In(feature_layout(node.feature_bits)), in the node's order
    scores : Out(ArrayLayout(shape, len(node.outputs))) of the narrowest shape for all outputs
    """

    def __init__(self, node: N) -> None:
        self.node = node
        scores = data.ArrayLayout(scores_shape(node), len(node.outputs))
        super().__init__({**self.inputs(), "scores": Out(scores)})

    def inputs(self) -> dict[str, wiring.Member]:
        """Return the ports that the node reads."""
        return {"features": In(feature_layout(self.node.feature_bits))}

    def connect(self, m: Module, inputs: NodeInputs) -> None:
        """Drive the ports that the node reads."""
        m.d.comb += self.features.as_value().eq(inputs.codes_of(self.node))

    @property
    def codes(self) -> list[Value]:
        """The code of each of the node's features, in its order."""
        return feature_codes(self.features, self.node.feature_bits)

    @classmethod
    def evidence(
        cls,
        m: Module,
        name: str,
        node: N,
        inputs: NodeInputs,
        add: Callable[[str, NodeBase], "NodeCore"],
    ) -> Value:
        """Add what finds the evidence of `node`; return it, the first integer lowest. Latency 0.

        By default this is each score, counted from its lowest. It is made of the same terms that
        the fabric adds up: synthesis leaves one of each.

        Parameters
        ----------
        m : module that submodules and signals are added to; name : begins their names
        node : whose evidence it is; inputs : what nodes read
        add : adds the parallel form of a node under a name
        """
        terms = {
            output: [constant_term(-low)]
            for output, (low, _) in zip(node.outputs, node.ranges, strict=True)
        }
        for number, term in enumerate(node.terms):
            core = add(f"{name}_{number}", term)
            for column, output in enumerate(term.outputs):
                terms[output].append((core.scores[column], *term.ranges[column]))
        totals = [add_up(m, terms[output], f"{name}_{output}")[0] for output in node.outputs]
        return Cat(total[:bits] for total, bits in zip(totals, node.evidence_bits, strict=True))


class ComparisonCore(NodeCore[N]):
    """One node made of comparisons with constants.

    Members
    -------
    bits : In, the result of each of ``node.comparisons``, at least one; `scores` as of `NodeCore`
    """

    def inputs(self) -> dict[str, wiring.Member]:
        """Return the comparisons' results."""
        return {"bits": In(max(len(self.node.comparisons), 1))}

    def connect(self, m: Module, inputs: NodeInputs) -> None:
        """Drive the comparisons' results."""
        m.d.comb += self.bits.eq(inputs.results_of(self.node))

"""What nodes behind the scores add up to: the first step of a cascade's decision."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.arithmetic import add_up, constant_term
from locgen.cores.compare import CompareBank
from locgen.cores.features import NodeInputs
from locgen.cores.kinds import add_core
from locgen.ir import Cascade, Comparison

__all__ = ["CascadeStep"]


class CascadeStep(wiring.Component):
    """The codes of all scores, every node over them, and the nodes' sums.

    Latency 0 (combinational).

    Parameters
    ----------
    cascade : the nodes; scores within its codes are taken
    bits : width of each score

    Members
    -------
    i : In, all scores, `bits` each, signed, the first lowest
    o : Out, all sums, `width` bits each, signed, the first lowest
    """

    def __init__(self, cascade: Cascade, bits: int) -> None:
        self.cascade = cascade
        self.bits = bits
        self.width = cascade.sum_bits
        super().__init__(
            {"i": In(cascade.outputs * bits), "o": Out(len(cascade.bias) * self.width)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build a subtraction for each score, the nodes' own cores, and adders."""
        m = Module()
        cascade = self.cascade
        codes = []
        fields = zip(cascade.lows, cascade.shifts, cascade.bits_of, strict=True)
        for number, (low, shift, bits) in enumerate(fields):
            code = Signal(bits, name=f"code_{number}")
            if bits:
                score = self.i.word_select(number, self.bits).as_signed()
                above = Signal(bits + shift, name=f"above_{number}")
                m.d.comb += [above.eq(score - low), code.eq(above[shift:])]
            codes.append(code)
        compared = tuple(sorted({c for node in cascade.nodes for c in node.comparisons}))
        results: dict[Comparison, Value] = {}
        if compared:
            bank = CompareBank(compared, cascade.bits_of, (-1,) * cascade.outputs)
            m.submodules.compare = bank
            m.d.comb += bank.features.as_value().eq(Cat(codes))
            results = bank.results
        inputs = NodeInputs(results, codes)
        parts = [[constant_term(bias)] for bias in cascade.bias]
        for number, node in enumerate(cascade.nodes):
            core = add_core(m, f"node_{number}", node, inputs)
            for column, (output, ends) in enumerate(zip(node.outputs, node.ranges, strict=True)):
                parts[output].append((core.scores[column], *ends))
        for output, own in enumerate(parts):
            total = Signal(signed(self.width), name=f"sum_{output}")
            m.d.comb += [
                total.eq(add_up(m, own, f"parts_{output}")[0]),
                self.o.word_select(output, self.width).eq(total),
            ]
        return m

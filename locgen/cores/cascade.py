"""The second stage of a cascade: nodes over the codes of scores, and their sums."""

from amaranth import *

from locgen.cores.arithmetic import add_up, constant_term
from locgen.cores.compare import CompareBank
from locgen.cores.features import NodeInputs
from locgen.cores.kinds import add_core
from locgen.cores.step import DecisionStep, Word
from locgen.ir import Comparison
from locgen.ir.decisions import SecondStage

__all__ = ["SecondStageStep"]


class SecondStageStep(DecisionStep[SecondStage]):
    """The codes of all scores, every node over them, and the nodes' sums.

    Latency 0 (combinational).

    Members
    -------
    i : In, all scores, the first lowest
    o : Out, all sums, `sum_bits` bits each, signed, the first lowest
    """

    def shapes(self) -> tuple[Word, Word]:
        """Return the shapes of all scores and of all sums."""
        cascade = self.step.cascade
        return cascade.outputs * self.step.width, len(cascade.bias) * cascade.sum_bits

    def elaborate(self, platform: object) -> Module:
        """Build a subtraction for each score, the nodes' own cores, and adders."""
        m = Module()
        cascade, width = self.step.cascade, self.step.width
        codes: list[Value] = []
        fields = zip(cascade.lows, cascade.shifts, cascade.bits_of, strict=True)
        for number, (low, shift, bits) in enumerate(fields):
            code = Signal(bits, name=f"code_{number}")
            if bits:
                word = self.i.word_select(number, width)
                score = word.as_signed() if self.step.signed else word
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
            total = Signal(signed(cascade.sum_bits), name=f"sum_{output}")
            m.d.comb += [
                total.eq(add_up(m, own, f"parts_{output}")[0]),
                self.o.word_select(output, cascade.sum_bits).eq(total),
            ]
        return m

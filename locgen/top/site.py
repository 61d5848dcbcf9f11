"""A site of the tree fabric: nodes that share their comparisons, and what joins them."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.cores import LinkSchedule, SerialCompareBank
from locgen.ir import QuantisedModel
from locgen.noc import CombineTree, index_bits
from locgen.plan import TreePlan, largest_words
from locgen.plan.evidence import expert_mark
from locgen.top.fabric import missing_codes
from locgen.top.nodecores import add_stream

__all__ = ["TreeSite"]


class TreeSite(wiring.Component):
    """Compares or computes in flight, then sends the sum of its nodes' scores digit by digit.

    Latency ``1 + plan.local_levels`` from an up beat to its digit.

    Members
    -------
    digit : In(plan.down_width); index, down, compute, up : In, its beat, as of `Sequencer`
    o : Out(plan.up_width), 0 outside the up phase
    """

    def __init__(self, model: QuantisedModel, plan: TreePlan, site: int) -> None:
        self.model = model
        self.plan = plan
        self.numbers = plan.sites[site]
        self.nodes = tuple(model.nodes[n] for n in self.numbers)
        self.largest = largest_words(model, plan, [(n,) for n in plan.sites[site]])
        self.mark = expert_mark(model, plan, site)
        super().__init__(
            {
                "digit": In(plan.down_width),
                "index": In(index_bits(plan.down_beats, plan.up_beats, plan.compute_beats)),
                "down": In(1),
                "compute": In(1),
                "up": In(1),
                "o": Out(plan.up_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the comparisons, one core a node, and the adders between them."""
        m = Module()
        plan, model = self.plan, self.model
        comparisons = tuple(sorted({c for node in self.nodes for c in node.comparisons}))
        starts: list[tuple[int, int] | None] = [None] * len(model.features)
        for slot in plan.slots:
            starts[slot.feature] = (slot.start, slot.beats)
        m.submodules.compare = bank = SerialCompareBank(
            comparisons, tuple(starts), missing_codes(model), plan.down_width, len(self.index)
        )
        m.d.comb += [
            bank.data.eq(self.digit),
            bank.index.eq(self.index),
            bank.down.eq(self.down),
        ]
        bit_of = dict(zip(comparisons, bank.bits, strict=True))
        m.submodules.combine = combine = CombineTree(
            len(self.nodes),
            plan.up_width,
            plan.local_levels,
            carry=plan.digits > 1,
            largest=self.largest,
        )
        schedule = LinkSchedule(
            slots=tuple(starts),
            down_width=plan.down_width,
            up_width=plan.up_width,
            digits=plan.digits,
            outputs=model.outputs,
            index_bits=len(self.index),
            evidence_beats=plan.evidence_beats,
        )
        evidence = {slot.node: slot.start for slot in plan.evidence}
        for number, node in enumerate(self.nodes):
            digit = add_stream(
                m,
                f"{node.kind}_{number}",
                node,
                bit_of,
                self,
                schedule,
                from_zero=model.gate is not None,
                evidence=evidence.get(self.numbers[number]),
            )
            if number == 0 and self.mark is not None:
                beat, bit = self.mark
                digit = digit | Mux(self.index == beat, bit, 0)
            held = Signal(plan.up_width, name=f"digit_{number}")
            m.d.sync += held.eq(digit & self.up.replicate(plan.up_width))
            m.d.comb += combine.i[number].eq(held)
        m.d.comb += self.o.eq(combine.o)
        return m

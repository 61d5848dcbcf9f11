"""A site of the tree fabric: nodes that share their comparisons, and what joins them."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.cores import LinkSchedule, NodeInputs, SerialCompareBank, add_stream, link_signature
from locgen.ir import QuantisedModel
from locgen.noc import CombineTree, index_bits
from locgen.plan import TreePlan, largest_words
from locgen.plan.evidence import expert_mark
from locgen.top.fabric import missing_codes

__all__ = ["TreeSite", "link_schedule", "site_link"]


def site_link(plan: TreePlan) -> wiring.Signature:
    """Return the serial link of a site, as the network drives it."""
    bits = index_bits(plan.down_beats, plan.up_beats, plan.compute_beats)
    return link_signature(plan.down_width, bits)


def link_schedule(model: QuantisedModel, plan: TreePlan) -> LinkSchedule:
    """Return when features pass a site, and when it answers."""
    slots: list[tuple[int, int] | None] = [None] * len(model.features)
    for slot in plan.slots:
        slots[slot.feature] = (slot.start, slot.beats)
    return LinkSchedule(
        slots=tuple(slots),
        down_width=plan.down_width,
        up_width=plan.up_width,
        digits=plan.digits,
        outputs=model.outputs,
        index_bits=index_bits(plan.down_beats, plan.up_beats, plan.compute_beats),
        evidence_beats=plan.evidence_beats,
    )


class TreeSite(wiring.Component):
    """Compares or computes in flight, then sends the sum of its nodes' scores digit by digit.

    Latency ``1 + plan.local_levels`` from an up beat to its digit.

    Members
    -------
    link : In(site_link(plan))
    o : Out(plan.up_width), 0 outside the up phase
    """

    def __init__(self, model: QuantisedModel, plan: TreePlan, site: int) -> None:
        self.model = model
        self.plan = plan
        self.numbers = plan.sites[site]
        self.nodes = tuple(model.nodes[n] for n in self.numbers)
        self.largest = largest_words(model, plan, [(n,) for n in plan.sites[site]])
        self.mark = expert_mark(model, plan, site)
        super().__init__({"link": In(site_link(plan)), "o": Out(plan.up_width)})

    def elaborate(self, platform: object) -> Module:
        """Build the comparisons, one core a node, and the adders between them."""
        m = Module()
        plan, model = self.plan, self.model
        schedule = link_schedule(model, plan)
        comparisons = tuple(sorted({c for node in self.nodes for c in node.comparisons}))
        m.submodules.compare = bank = SerialCompareBank(comparisons, schedule, missing_codes(model))
        wiring.connect(m, wiring.flipped(self.link), bank.link)
        inputs = NodeInputs(bank.results, ())
        m.submodules.combine = combine = CombineTree(
            len(self.nodes),
            plan.up_width,
            plan.local_levels,
            carry=plan.digits > 1,
            largest=self.largest,
        )
        evidence = {slot.node: slot.start for slot in plan.evidence}
        for number, node in enumerate(self.nodes):
            digit = add_stream(
                m,
                f"{node.kind}_{number}",
                node,
                self.link,
                inputs,
                schedule,
                from_zero=model.gate is not None,
                evidence=evidence.get(self.numbers[number]),
            )
            if number == 0 and self.mark is not None:
                beat, bit = self.mark
                digit = digit | Mux(self.link.index == beat, bit, 0)
            held = Signal(plan.up_width, name=f"digit_{number}")
            m.d.sync += held.eq(digit & self.link.up.replicate(plan.up_width))
            m.d.comb += combine.i[number].eq(held)
        m.d.comb += self.o.eq(combine.o)
        return m

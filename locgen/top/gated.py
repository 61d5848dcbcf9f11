"""The gate of the tree fabric: the root finds the open experts, stages keep the others asleep."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.cores import CompareBank, NodeInputs, feature_codes, feature_layout
from locgen.ir import QuantisedModel
from locgen.noc import GateStage, HeaderStage
from locgen.plan import TreePlan
from locgen.top.experts import add_gate
from locgen.top.fabric import missing_codes

__all__ = ["GateRoot", "gate_feeds"]


class GateRoot(wiring.Component):
    """Finds the open experts of the features at the input. Latency 1.

    `mask` belongs to the features while `ready` is 1, from one cycle after they came until they are
    taken.

    Members
    -------
    features : In, as at the fabric's input; valid, taken : In(1), they are there; they go
    mask : Out(experts); ready : Out(1)
    """

    def __init__(self, model: QuantisedModel) -> None:
        assert model.gate is not None
        self.model = model
        self.gate = model.gate
        super().__init__(
            {
                "features": In(feature_layout(model.feature_bits)),
                "valid": In(1),
                "taken": In(1),
                "mask": Out(self.gate.experts),
                "ready": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build comparisons, gate and a register."""
        m = Module()
        model = self.model
        bank = CompareBank(self.gate.comparisons, model.feature_bits, missing_codes(model))
        m.submodules.compare = bank
        m.d.comb += bank.features.eq(self.features)
        codes = feature_codes(self.features, model.feature_bits)
        mask = add_gate(m, self.gate, NodeInputs(bank.results, codes))
        with m.If(self.taken):
            m.d.sync += self.ready.eq(0)
        with m.Elif(self.valid & ~self.ready):
            m.d.sync += [self.ready.eq(1), self.mask.eq(mask)]
        return m


def gate_feeds(m: Module, plan: TreePlan, feeds: list[Value]) -> tuple[list[Value], list[Module]]:
    """Return the link of each last stage behind its gate stage, and the module it belongs into.

    Each expert is a module of its own.

    Parameters
    ----------
    feeds : for each expert the link that its gate stage listens to
    """
    width = plan.down_width
    headers: list[tuple[Value, HeaderStage]] = []
    links: dict[int, Value] = {}
    homes: dict[int, Module] = {}
    for expert, feed in enumerate(feeds):
        header = next((known for link, known in headers if link is feed), None)
        if header is None:
            header = HeaderStage(width, plan.header_beats)
            m.submodules[f"header_{len(headers)}"] = header
            m.d.comb += header.i.eq(feed)
            headers.append((feed, header))
        m.submodules[f"expert_{expert}"] = home = Module()
        home.submodules.gate = gate = GateStage(width, expert % width)
        m.d.comb += [
            gate.digit.eq(feed.digit),
            gate.first.eq(feed.first),
            gate.mark.eq(header.mark[expert // width]),
            gate.start.eq(header.start),
        ]
        links.update(dict.fromkeys(plan.gates[expert], gate.o))
        homes.update(dict.fromkeys(plan.gates[expert], home))
    stops = range(len(plan.stops))
    return [links[stop] for stop in stops], [homes[stop] for stop in stops]

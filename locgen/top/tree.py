"""The tree fabric: features broadcast down, scores reduced up, to a fixed schedule."""

from amaranth import *
from amaranth.lib import wiring

from locgen.ir import QuantisedModel
from locgen.noc import BroadcastStop, CombineTree, LastStop, Sequencer, down_layout
from locgen.plan import TreePlan
from locgen.top.fabric import fabric_signature
from locgen.top.root import Root
from locgen.top.site import TreeSite

__all__ = ["TreeFabric"]


class TreeFabric(wiring.Component):
    """A model as sites on a scheduled two-phase tree.

    The input's payload must hold until the transfer, as streams demand: features are read from it
    beat by beat and `i.ready` rises in the last. Latency ``plan.latency_cycles``, one inference in
    ``plan.interval_cycles``.

    Members
    -------
    i, o : see `fabric_signature`
    """

    def __init__(self, model: QuantisedModel, plan: TreePlan) -> None:
        self.model = model
        self.plan = plan
        super().__init__(fabric_signature(model))

    def elaborate(self, platform: object) -> Module:
        """Build sequencer, broadcast tree, sites, combining tree and root."""
        m = Module()
        plan = self.plan
        m.submodules.sequencer = sequencer = Sequencer(plan.down_beats, plan.up_beats)
        m.d.comb += [sequencer.go.eq(self.i.valid), self.i.ready.eq(sequencer.last)]

        link = Signal(down_layout(plan.down_width))
        starts, offset = {}, 0
        for feature, bits in enumerate(self.model.feature_bits):
            starts[feature] = (offset, bits)
            offset += bits
        with m.If(sequencer.down):
            m.d.comb += link.first.eq(sequencer.index == 0)
            with m.Switch(sequencer.index):
                for slot in plan.slots:
                    start, bits = starts[slot.feature]
                    field = self.i.payload[start : start + bits]
                    for beat in range(slot.beats):
                        with m.Case(slot.start + beat):
                            low = beat * plan.down_width
                            m.d.comb += link.digit.eq(field[low : low + plan.down_width])

        m.submodules.combine = combine = CombineTree(
            len(plan.sites), plan.up_width, plan.combine_levels, carry=plan.digits > 1
        )
        for group, feed in enumerate(self._broadcast(m, link)):
            stop = LastStop(plan.down_width, plan.down_beats, plan.up_beats)
            m.submodules[f"stop_{group}"] = stop
            m.d.comb += stop.i.eq(feed)
            for number in plan.stops[group]:
                site = TreeSite(self.model, plan, number)
                m.submodules[f"site_{number}"] = site
                m.d.comb += [
                    site.digit.eq(stop.digit),
                    site.index.eq(stop.index),
                    site.down.eq(stop.down),
                    site.up.eq(stop.up),
                    combine.i[number].eq(site.o),
                ]

        m.submodules.root = root = Root(self.model, plan)
        on_the_way = plan.broadcast_levels + 1 + plan.local_levels + plan.combine_levels
        arriving = Signal(on_the_way)
        m.d.sync += arriving.eq(Cat(sequencer.up, arriving)[:on_the_way])
        m.d.comb += [
            root.digit.eq(combine.o),
            root.arriving.eq(arriving[-1]),
            self.o.payload.eq(root.payload),
            self.o.valid.eq(root.valid),
        ]
        return m

    def _broadcast(self, m: Module, link: Value) -> list[Value]:
        """Return the link each last stop listens to, after the inner levels."""
        feeds = [link]
        for level, count in enumerate(self.plan.inner_stops):
            above, feeds = feeds, []
            for number in range(count):
                stop = BroadcastStop(self.plan.down_width)
                m.submodules[f"broadcast_{level}_{number}"] = stop
                m.d.comb += stop.i.eq(above[number * len(above) // count])
                feeds.append(stop.o)
        groups = len(self.plan.stops)
        return [feeds[group * len(feeds) // groups] for group in range(groups)]

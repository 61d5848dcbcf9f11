"""The tree fabric: features broadcast down, scores reduced up, to a fixed schedule."""

from collections.abc import Sequence

from amaranth import *
from amaranth.lib import wiring

from locgen.cores import ModelMemory, feature_codes
from locgen.ir import QuantisedModel
from locgen.noc import BroadcastStage, CombineTree, LastStage, Sequencer, down_layout
from locgen.plan import TreePlan, images_of, largest_words, site_stride
from locgen.top.engine_site import EngineSite
from locgen.top.fabric import fabric_signature
from locgen.top.gated import GateRoot, gate_feeds
from locgen.top.root import Root
from locgen.top.site import TreeSite

__all__ = ["TreeFabric", "select"]


def select(index: Value, words: Sequence[Value]) -> Value:
    """Return ``words[index]``; any word where there is none.

    The highest bit of the index chooses first, so that a counter's busy low bits move few gates.
    """
    words = list(words) or [Const(0)]
    for position in reversed(range((len(words) - 1).bit_length())):
        low, high = words[: 1 << position], words[1 << position :]
        pairs = zip(low, high, strict=False)
        words = [Mux(index[position], b, a) for a, b in pairs] + low[len(high) :]
    return words[0]


class TreeFabric(wiring.Component):
    """A model as sites on a scheduled two-phase tree.

    The input's payload must hold until the transfer, as streams demand: features are read from it
    beat by beat and `i.ready` rises in the last. Latency ``plan.latency_cycles``, one inference in
    ``plan.interval_cycles``. With engines, an inference begins only while their memories are
    loaded, and one that a load overtakes is never answered.

    Parameters
    ----------
    model : from `passes.prepare`, a mixture's scores from 0 on
    digest : what the engines' memories say of themselves, if the bitstream holds their contents
    memories : engines' memories, for simulation without SPRAM; by default as the plan says

    Members
    -------
    i, o, memory : see `fabric_signature`
    """

    def __init__(
        self,
        model: QuantisedModel,
        plan: TreePlan,
        digest: int = 0,
        memories: Sequence[ModelMemory] = (),
    ) -> None:
        self.model = model
        self.plan = plan
        self.digest = digest
        self.memories = tuple(memories)
        super().__init__(fabric_signature(model, plan))

    def elaborate(self, platform: object) -> Module:
        """Build sequencer, broadcast tree, sites, combining tree and root."""
        m = Module()
        plan = self.plan
        m.submodules.sequencer = sequencer = Sequencer(
            plan.header_beats + plan.down_beats, plan.up_beats, plan.compute_beats
        )
        may_start = Signal() if plan.shapes else Const(1)
        gate_ready, mask = Const(1), Const(0)
        if plan.gates:
            m.submodules.gate = gate = GateRoot(self.model)
            m.d.comb += [
                gate.features.eq(self.i.payload),
                gate.valid.eq(self.i.valid),
                gate.taken.eq(sequencer.last),
            ]
            gate_ready, mask = gate.ready, gate.mask
        m.d.comb += [
            sequencer.go.eq(self.i.valid & may_start & gate_ready),
            self.i.ready.eq(sequencer.last),
        ]

        link = Signal(down_layout(plan.down_width))
        with m.If(sequencer.down):
            m.d.comb += [
                link.first.eq(sequencer.index == 0),
                link.digit.eq(select(sequencer.index, self._words(mask))),
            ]
        sites = self._sites()
        reduced = self._join(m, link, sites)
        arriving = self._arriving(m, sequencer, reduced, may_start)
        m.submodules.root = root = Root(self.model, plan)
        m.d.comb += [
            root.digit.eq(reduced),
            root.arriving.eq(arriving[-1]),
            self.o.payload.eq(root.payload),
            self.o.valid.eq(root.valid),
        ]
        engines = [site for site in sites if isinstance(site, EngineSite)]
        if engines:
            tail = Signal(plan.root_cycles)
            m.d.sync += tail.eq(Cat(arriving[-1], tail)[: plan.root_cycles])
            at_rest = ~(sequencer.down | sequencer.compute | sequencer.up)
            self._fill(m, engines, at_rest & ~arriving.any() & ~tail.any(), may_start)
            m.d.comb += self.o.valid.eq(root.valid & may_start)
        return m

    def _join(self, m: Module, link: Value, sites: Sequence[TreeSite | EngineSite]) -> Value:
        """Add the sites between broadcast and combining tree; return what reaches the root."""
        plan = self.plan
        m.submodules.combine = combine = CombineTree(
            len(plan.sites),
            plan.up_width,
            plan.combine_levels,
            carry=plan.digits > 1,
            largest=largest_words(self.model, plan, plan.sites),
        )
        feeds = self._broadcast(m, link)
        homes = [m] * len(plan.stops)
        if plan.gates:
            feeds, homes = gate_feeds(m, plan, feeds)
        for group, (feed, home) in enumerate(zip(feeds, homes, strict=True)):
            stage = LastStage(plan.down_width, plan.down_beats, plan.up_beats, plan.compute_beats)
            home.submodules[f"stop_{group}"] = stage
            home.d.comb += stage.i.eq(feed)
            for number in plan.stops[group]:
                site = sites[number]
                home.submodules[f"site_{number}"] = site
                wiring.connect(home, stage.site, site.link)
                m.d.comb += combine.i[number].eq(site.o)
        return combine.o

    def _arriving(
        self, m: Module, sequencer: Sequencer, reduced: Value, may_start: Value
    ) -> Signal:
        """Return a register whose last bit says that a digit of a score reaches the root.

        The digits of evidence, which are not scores', go to their port.
        """
        plan = self.plan
        cycles = plan.broadcast_levels + 1 + plan.local_levels + plan.combine_levels
        arriving = Signal(cycles)
        scoring = sequencer.up
        if plan.evidence:
            scoring = sequencer.up & (sequencer.index < plan.score_beats)
            gathering = Signal(cycles)
            m.d.sync += gathering.eq(Cat(sequencer.up & ~scoring, gathering)[:cycles])
            m.d.comb += [
                self.evidence.payload.eq(reduced),
                self.evidence.valid.eq(gathering[-1] & may_start),
            ]
        m.d.sync += arriving.eq(Cat(scoring, arriving)[:cycles])
        return arriving

    def _words(self, mask: Value) -> list[Value]:
        """Return the digit of each beat down: the header if there is one, then the features."""
        plan, width = self.plan, self.plan.down_width
        words = [mask[n * width : (n + 1) * width] for n in range(plan.header_beats)]
        codes = feature_codes(self.i.payload, self.model.feature_bits)
        for slot in plan.slots:
            code = codes[slot.feature]
            words += [code[n * width : (n + 1) * width] for n in range(slot.beats)]
        return words

    def _sites(self) -> list[TreeSite | EngineSite]:
        """Return the component of every site."""
        plan = self.plan
        images = iter(
            images_of(self.model, plan, self.digest)
            if any(shape.memory == "block" for shape in plan.shapes)
            else [()] * len(plan.shapes)
        )
        memories = iter(self.memories)
        return [
            TreeSite(self.model, plan, number)
            if shape is None
            else EngineSite(
                self.model, plan, shape, plan.sites[number], next(images), next(memories, None)
            )
            for number, shape in enumerate(plan.engines)
        ]

    def _fill(self, m: Module, engines: list[EngineSite], empty: Value, may_start: Value) -> None:
        """Connect the engines' memories to the memory port.

        `may_start` falls with a load, and rises when all are loaded and nothing is on its way any
        more (`empty`): what began before a load ends unanswered.
        """
        port = self.memory
        stride_bits = (site_stride(self.plan) - 1).bit_length()
        select = port.load.p.address[stride_bits:]
        for number, site in enumerate(engines):
            mine = select == number if len(engines) > 1 else Const(1)
            m.d.comb += [
                site.load.eq(port.load.valid & mine),
                site.load_address.eq(port.load.p.address),
                site.load_data.eq(port.load.p.data),
                site.check.eq(port.check),
            ]
        loaded = Cat(site.loaded for site in engines).all()
        m.d.comb += [
            port.checking.eq(Cat(site.checking for site in engines).any()),
            port.loaded.eq(loaded & ~port.checking),
            port.digest.eq(engines[0].digest),
        ]
        clean = Signal(init=1)
        with m.If(port.load.valid | port.check):
            m.d.sync += clean.eq(0)
        with m.Elif(empty & loaded & ~port.checking):
            m.d.sync += clean.eq(1)
        m.d.comb += may_start.eq(clean & port.loaded)

    def _broadcast(self, m: Module, link: Value) -> list[Value]:
        """Return the link each last stage, or with a gate each gate stage, listens to."""
        feeds = [link]
        for level, count in enumerate(self.plan.inner_stops):
            above, feeds = feeds, []
            for number in range(count):
                stage = BroadcastStage(self.plan.down_width)
                m.submodules[f"broadcast_{level}_{number}"] = stage
                m.d.comb += stage.i.eq(above[number * len(above) // count])
                feeds.append(stage.o)
        groups = len(self.plan.gates or self.plan.stops)
        return [feeds[group * len(feeds) // groups] for group in range(groups)]

"""A site of the tree fabric that computes its nodes in turn, from memory."""

from collections.abc import Sequence

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from locgen.cores import ModelMemory, TreeEngine
from locgen.ir import QuantisedModel
from locgen.noc import CombineTree
from locgen.plan import EngineShape, TreePlan
from locgen.top.site import site_link

__all__ = ["EngineSite", "FeatureMemory"]


class FeatureMemory(wiring.Component):
    """Keeps the features that pass, to be looked up by number.

    All features take the same number of beats, least significant digit first. Latency 1.

    Members
    -------
    digit : In(width); down : In(1), it is one
    feature : In, number of a feature in the order of travel; value : Out(code_bits), its code, one
        cycle later
    """

    def __init__(self, shape: EngineShape, width: int) -> None:
        self.shape = shape
        self.beats = -(-shape.code_bits // width)
        super().__init__(
            {
                "digit": In(width),
                "down": In(1),
                "feature": In(shape.feature_index_bits),
                "value": Out(shape.code_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build a register that collects a feature, and the memory."""
        m = Module()
        depth = 1 << self.shape.feature_index_bits
        m.submodules.memory = memory = Memory(shape=self.shape.code_bits, depth=depth, init=[])
        write, read = memory.write_port(), memory.read_port()
        width = len(self.digit)
        digits = self.digit
        last = Const(1)
        if self.beats > 1:
            before = Signal((self.beats - 1) * width)
            beat = Signal(range(self.beats))
            digits = Cat(before, self.digit)
            last = beat == self.beats - 1
            with m.If(self.down):
                m.d.sync += [before.eq(digits[width:]), beat.eq(Mux(last, 0, beat + 1))]
        slot = Signal(range(max(self.shape.features, 2)))
        with m.If(~self.down):
            m.d.sync += slot.eq(0)
        with m.Elif(last):
            m.d.sync += slot.eq(slot + 1)
        m.d.comb += [
            write.addr.eq(slot),
            write.data.eq(digits),
            write.en.eq(self.down & last),
            read.addr.eq(self.feature),
            self.value.eq(read.data),
        ]
        return m


class EngineSite(wiring.Component):
    """Keeps the features, computes in the compute phase, then sends its scores digit by digit.

    Latency ``1 + plan.local_levels`` from an up beat to its digit.

    Parameters
    ----------
    shape : the engine
    nodes : numbers of the nodes that it computes
    image : contents of its memory in the bitstream, empty for none

    Members
    -------
    link : In(site_link(plan))
    o : Out(plan.up_width), 0 outside the up phase
    load, load_address, load_data, check, checking, loaded, digest : as of `ModelMemory`
    """

    def __init__(
        self,
        model: QuantisedModel,
        plan: TreePlan,
        shape: EngineShape,
        nodes: Sequence[int],
        image: Sequence[int],
        memory: ModelMemory | None = None,
    ) -> None:
        self.model = model
        self.plan = plan
        self.shape = shape
        self.nodes = frozenset(nodes)
        self.memory = memory or ModelMemory(shape, image)
        loading = ("load", "load_address", "load_data", "check", "checking", "loaded", "digest")
        members = self.memory.signature.members
        super().__init__(
            {
                "link": In(site_link(plan)),
                "o": Out(plan.up_width),
                **{name: members[name] for name in loading},
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build both memories, the engine, and the choice of the digit to send."""
        m = Module()
        plan, shape = self.plan, self.shape
        m.submodules.memory = memory = self.memory
        m.submodules.features = features = FeatureMemory(shape, plan.down_width)
        m.submodules.engine = engine = TreeEngine(shape)
        m.d.comb += [
            features.digit.eq(self.link.digit),
            features.down.eq(self.link.down),
            features.feature.eq(engine.feature),
            engine.value.eq(features.value),
            memory.address.eq(engine.address),
            engine.word.eq(memory.word),
            engine.start.eq(self.link.compute & (self.link.index == 0)),
            memory.load.eq(self.load),
            memory.load_address.eq(self.load_address),
            memory.load_data.eq(self.load_data),
            memory.check.eq(self.check),
            self.checking.eq(memory.checking),
            self.loaded.eq(memory.loaded),
            self.digest.eq(memory.digest),
        ]
        width = plan.up_width
        chosen = Signal(width)
        with m.Switch(self.link.index):
            for beat in range(plan.score_beats):
                output, digit = divmod(beat, plan.digits)
                score = engine.scores[output]
                with m.Case(beat):
                    m.d.comb += chosen.eq(score[digit * width : (digit + 1) * width])
        if plan.evidence:
            self._gather(m, engine, chosen)
        held = Signal(width)
        m.d.sync += held.eq(chosen & self.link.up.replicate(width))
        m.submodules.combine = combine = CombineTree(
            1, width, plan.local_levels, carry=plan.digits > 1
        )
        m.d.comb += [combine.i[0].eq(held), self.o.eq(combine.o)]
        return m

    def _gather(self, m: Module, engine: TreeEngine, chosen: Value) -> None:
        """Keep the address of each tree's leaf; send them in the site's slots of the up phase."""
        plan, shape = self.plan, self.shape
        slots = [slot for slot in plan.evidence if slot.node in self.nodes]
        start, end = slots[0].start, slots[-1].start + slots[-1].beats
        beats, width = slots[0].beats, plan.up_width
        m.submodules.leaves = leaves = Memory(
            shape=shape.address_bits, depth=max(len(slots), 2), init=[]
        )
        write, read = leaves.write_port(), leaves.read_port()
        slot = Signal(range(max(len(slots), 2)))
        following = Signal.like(slot)
        digit = Signal(range(max(beats, 2)))
        gathering = Signal()
        last = digit == beats - 1
        m.d.comb += [
            write.addr.eq(engine.entry),
            write.data.eq(engine.leaf),
            write.en.eq(engine.reached),
            following.eq(slot),
            read.addr.eq(following),  # one ahead: the memory answers a cycle later
        ]
        with m.If(gathering):
            m.d.sync += digit.eq(Mux(last, 0, digit + 1))
            m.d.comb += following.eq(slot + last)
            with m.Switch(digit):
                for k in range(beats):
                    with m.Case(k):
                        m.d.comb += chosen.eq(read.data[k * width : (k + 1) * width])
        with m.If(self.link.down):
            m.d.sync += slot.eq(0)
        with m.Else():
            m.d.sync += slot.eq(following)
        with m.If(self.link.up & (self.link.index == start - 1)):
            m.d.sync += gathering.eq(1)
        with m.Elif(self.link.index == end - 1):
            m.d.sync += gathering.eq(0)

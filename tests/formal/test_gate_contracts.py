"""What a gate stop promises, for all inputs and all time, by k-induction.

An inference on the link is a header, features, and a pause for the way up; the next may follow at
once. Digits are arbitrary throughout.
"""

import pytest
from amaranth.hdl import Assert, Assume, Cat, Fragment, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from formalkit import prove
from gatekit import random_mixture
from slowkit import slow

from locgen.noc import GateStage, HeaderStage, LastStage
from locgen.passes import prepare
from locgen.plan import plan_tree
from locgen.top.site import TreeSite


def registers(fragment):
    """Return all registers of a fragment and of what it consists of."""
    found = []
    if "sync" in fragment.statements:
        found += fragment.statements["sync"]._lhs_signals()
    for part, _, _ in fragment.subfragments:
        found += registers(part)
    return found


class Timeline:
    """The schedule of a link, kept apart from the stops': beats since the last header began."""

    def __init__(self, m, first, period):
        self.elapsed = elapsed = Signal(range(period + 1), init=period)
        self.now = now = Signal(range(period + 1))
        m.d.comb += [
            Assume(~first | (elapsed == period)),
            Assert(elapsed <= period),
            now.eq(elapsed),
        ]
        with m.If(first):
            m.d.comb += now.eq(0)
        m.d.sync += elapsed.eq(now + (now != period))

    def check(self, m, header):
        """Assert that `header` knows where the link is."""
        for beat, mark in enumerate(header.mark):
            m.d.comb += Assert(mark == (self.now == beat))
        m.d.comb += Assert(header.start == (self.now == len(header.mark)))


class GateSpec(wiring.Component):
    """A gate stop passes an open expert's beats one cycle later, and nothing of a closed one's."""

    def __init__(self, stop, expert, experts, width, features):
        self.stop = stop
        self.expert = expert
        self.width = width
        self.beats = -(-experts // width)
        self.features = features
        super().__init__({"first": In(1), "digit": In(width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.header = header = HeaderStage(self.width, self.beats)
        stop = self.stop
        m.submodules.stop = fragment = Fragment.get(stop, None)
        time = Timeline(m, self.first, self.beats + self.features)
        time.check(m, header)
        m.d.comb += [
            header.i.first.eq(self.first),
            header.i.digit.eq(self.digit),
            stop.digit.eq(self.digit),
            stop.first.eq(self.first),
            stop.mark.eq(header.mark[self.expert // self.width]),
            stop.start.eq(header.start),
        ]
        own = Signal()  # what the header said, once it is there
        with m.If(time.now == self.expert // self.width):
            m.d.sync += own.eq(self.digit[self.expert % self.width])
        with m.Elif(self.first):
            m.d.sync += own.eq(0)
        for register in registers(fragment):
            if register.name == "is_open":
                m.d.comb += Assert(register == own)

        before, passed, begins, started = (
            Signal.like(stop.o), Signal(), Signal(), Signal()
        )  # fmt: skip
        digit = Signal.like(self.digit)
        m.d.sync += [
            before.eq(stop.o),
            passed.eq(own & ~self.first),
            begins.eq(time.now == self.beats),
            digit.eq(self.digit),
            started.eq(1),
        ]
        with m.If(started & passed):
            m.d.comb += [Assert(stop.o.digit == digit), Assert(stop.o.first == begins)]
        with m.Elif(started):
            m.d.comb += Assert(stop.o == before)
        with m.Else():
            m.d.comb += Assert(~stop.o.first)
        return m


class DeafGate(GateStage):
    """Opens whatever the header says."""

    def elaborate(self, platform):
        m = Module()
        m.d.sync += [self.o.digit.eq(self.digit), self.o.first.eq(self.start)]
        return m


class LeakyGate(GateStage):
    """Holds back the start alone: digits still toggle what is behind."""

    def elaborate(self, platform):
        leak = Module()
        leak.submodules.gate = gate = GateStage(len(self.digit), self.position)
        leak.d.comb += [
            gate.digit.eq(self.digit),
            gate.first.eq(self.first),
            gate.mark.eq(self.mark),
            gate.start.eq(self.start),
            self.o.first.eq(gate.o.first),
        ]
        leak.d.sync += self.o.digit.eq(self.digit)
        return leak


class ExpertSpec(wiring.Component):
    """An expert behind a gate stop, beside one that hears everything.

    Closed, it sends 0, the identity of the sum, and no register of it changes once what came before
    has drained. Open, it sends what the other one sends, in the same cycles.
    """

    def __init__(self, model, plan, expert, kind=GateStage):
        self.model = model
        self.plan = plan
        self.expert = expert
        self.kind = kind
        super().__init__({"first": In(1), "digit": In(plan.down_width)})

    def expert_of(self, m, name, link):
        """Return (stop, site, registers) of one copy that listens to `link`."""
        plan = self.plan
        stop = LastStage(plan.down_width, plan.down_beats, plan.up_beats)
        site = TreeSite(self.model, plan, plan.stops[plan.gates[self.expert][0]][0])
        found = []
        for part, label in ((stop, "stop"), (site, "site")):
            fragment = Fragment.get(part, None)
            found += registers(fragment)
            m.submodules[f"{name}_{label}"] = fragment
        m.d.comb += stop.i.eq(link)
        wiring.connect(m, stop.site, site.link)
        return stop, site, found

    def elaborate(self, platform):
        m = Module()
        plan, width = self.plan, self.plan.down_width
        m.submodules.header = header = HeaderStage(width, plan.header_beats)
        gate = self.kind(width, self.expert % width)
        m.submodules.gate = gate_fragment = Fragment.get(gate, None)
        time = Timeline(m, self.first, plan.interval_cycles)
        time.check(m, header)
        quiet = time.now >= plan.header_beats + plan.down_beats
        m.d.comb += [
            Assume(~quiet | (self.digit == 0)),  # the root sends nothing on the way up
            header.i.first.eq(self.first),
            header.i.digit.eq(self.digit),
            gate.digit.eq(self.digit),
            gate.first.eq(self.first),
            gate.mark.eq(header.mark[self.expert // width]),
            gate.start.eq(header.start),
        ]
        ungated = Signal.like(gate.o)
        m.d.sync += [ungated.digit.eq(self.digit), ungated.first.eq(header.start)]
        own_stop, site, own = self.expert_of(m, "gated", gate.o)
        twin_stop, twin, _ = self.expert_of(m, "twin", ungated)
        assert own, "no registers found"

        is_open = Signal()
        with m.If(time.now == self.expert // width):
            m.d.sync += is_open.eq(self.digit[self.expert % width])
        with m.Elif(self.first):
            m.d.sync += is_open.eq(0)

        # The last stops are two cycles behind the link: where they are then, and if it is open.
        before = [Signal.like(time.now, init=plan.interval_cycles, name=f"now_{n}") for n in (1, 2)]
        was_open = Signal(2)
        m.d.sync += [
            before[0].eq(time.now),
            before[1].eq(before[0]),
            was_open.eq(Cat(is_open, was_open)[:2]),
        ]
        delay = 1 + plan.local_levels
        sent = Signal(delay)
        m.d.sync += sent.eq(Cat(twin_stop.site.up & was_open[1], sent)[:delay])
        with m.If(sent[-1]):
            m.d.comb += Assert(site.o == twin.o)
        with m.Else():
            m.d.comb += Assert(site.o == 0)

        # What the induction needs to know of the stops' registers.
        for register in registers(gate_fragment):
            if register.name == "is_open":
                m.d.comb += Assert(register == is_open)
        period, begin = plan.interval_cycles, plan.header_beats
        for later, earlier in ((time.elapsed, before[0]), (before[0], before[1])):
            follows = later == earlier + (earlier != period)
            again = (later == 0) & (earlier >= period - 1)
            m.d.comb += Assert(follows | again if later is before[0] else follows)
        place = before[1]
        turn = begin + plan.down_beats
        down = (place >= begin) & (place < turn)
        up = (place >= turn) & (place < period)
        index = Signal(range(period + 1))
        with m.If(down):
            m.d.comb += index.eq(place - begin)
        with m.Elif(up):
            m.d.comb += index.eq(place - turn)
        m.d.comb += [
            Assert(gate.o.first == ((before[0] == begin) & was_open[0])),
            Assert(ungated.first == (before[0] == begin)),
            Assert(twin_stop.site.down == down),
            Assert(twin_stop.site.up == up),
            Assert(twin_stop.site.index == index),
            Assert(own_stop.site.down == (down & was_open[1])),
            Assert(own_stop.site.up == (up & was_open[1])),
            Assert(own_stop.site.index == index * was_open[1]),
        ]

        # Nothing changes while the expert is closed.
        drain = 3 + plan.local_levels
        closed_for = Signal(range(drain + 2))
        with m.If(is_open & ~self.first):
            m.d.sync += closed_for.eq(0)
        with m.Elif(closed_for <= drain):
            m.d.sync += closed_for.eq(closed_for + 1)
        m.d.comb += [Assert(~was_open[n] | (closed_for <= n + 1)) for n in range(2)]
        started = Signal()
        m.d.sync += started.eq(1)
        for number, register in enumerate(own):
            past = Signal.like(register, name=f"past_{number}")
            m.d.sync += past.eq(register)
            m.d.comb += Assert(~started | (closed_for <= drain) | (register == past))
        return m


@pytest.mark.parametrize(
    "width, experts, expert",
    [(1, 3, 0), (1, 3, 2), (2, 5, 3), (2, 5, 4), (8, 8, 7), (4, 1, 0)],
)
def test_gate_stop(tmp_path, width, experts, expert):
    spec = GateSpec(GateStage(width, expert % width), expert, experts, width, 3)
    assert prove(spec, tmp_path, 6) == "PASS"


def test_a_gate_that_does_not_listen_is_found(tmp_path):
    assert prove(GateSpec(DeafGate(1, 0), 1, 3, 1, 3), tmp_path, 8) == "FAIL"


def small(width, nodes):
    """Return a small mixture with its plan: one site an expert."""
    model = random_mixture(
        3, experts=3, nodes_each=(nodes, nodes), features=2, cuts=3, splits=3, outputs=1
    )
    model = prepare(model, "tree")
    return model, plan_tree(model, width, 3)


@pytest.mark.parametrize(
    "width, nodes, expert", [(1, 2, 2), *slow((1, 1, 0), (2, 2, 1), ("full", 1, 2))]
)
def test_a_closed_expert_stands_still_and_an_open_one_is_as_if_ungated(
    tmp_path, width, nodes, expert
):
    model, plan = small(width, nodes)
    spec = ExpertSpec(model, plan, expert)
    assert prove(spec, tmp_path, plan.interval_cycles + 8) == "PASS"


@pytest.mark.parametrize("kind", [DeafGate, LeakyGate])
def test_an_expert_that_is_not_quite_closed_is_found(tmp_path, kind):
    model, plan = small("full", 1)
    spec = ExpertSpec(model, plan, 1, kind)
    assert prove(spec, tmp_path, plan.interval_cycles + 8) == "FAIL"

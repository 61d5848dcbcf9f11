"""The contracts of what carries features down, for all inputs and all time, by k-induction.

Each contract is also held against broken parts, and must find them.
"""

import pytest
from amaranth.hdl import Assert, Cat, Const, Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from formalkit import prove
from slowkit import slow

from locgen.noc import BroadcastStage, DelayStage, LastStage, Sequencer, down_layout


class DelaySpec(wiring.Component):
    """``o`` is ``i`` as many cycles later as the stop says."""

    def __init__(self, stop, shape, cycles=1):
        self.stop = stop
        self.cycles = cycles
        super().__init__({"i": In(shape)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.stop = stop = self.stop
        before, started = self.i, Const(1)
        for cycle in range(self.cycles):
            held, later = Signal.like(self.i, name=f"i_{cycle}"), Signal(name=f"started_{cycle}")
            m.d.sync += [held.eq(before), later.eq(started)]
            before, started = held, later
        m.d.comb += [stop.i.eq(self.i), Assert(~started | (stop.o == before))]
        return m


class SequencerSpec(wiring.Component):
    """Phases exclude each other, stay in range, and follow one another without a gap."""

    def __init__(self, down, up, compute=0, part=Sequencer):
        self.down = down
        self.up = up
        self.compute = compute
        self.part = part
        super().__init__({"go": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = self.part(self.down, self.up, self.compute)
        m.d.comb += dut.go.eq(self.go)
        starts = (0, self.down, self.down + self.compute, self.down + self.compute + self.up)
        elapsed = Signal(range(starts[-1]))
        running = Signal()
        m.d.comb += running.eq((elapsed != 0) | self.go)
        with m.If(running):
            m.d.sync += elapsed.eq(elapsed + 1)
            with m.If(elapsed == starts[-1] - 1):
                m.d.sync += elapsed.eq(0)
        m.d.comb += [
            Assert(elapsed < starts[-1]),
            Assert(dut.last == (running & (elapsed == self.down - 1))),
        ]
        phases = (dut.down, dut.compute, dut.up)
        for phase, start, end in zip(phases, starts, starts[1:], strict=False):
            within = (elapsed >= start) & (elapsed < end)
            m.d.comb += Assert(phase == (running & within))
            m.d.comb += Assert(~within | (dut.index == elapsed - start))
        return m


class LastStopSpec(wiring.Component):
    """A last stop's counter is the root's, and the digit its own, as many cycles later as stops.

    The root sends its digits and, with the first, the mark, as `TreeFabric` does; digits may be
    anything, inferences may follow at once or later.
    """

    def __init__(self, width, down, up, inner, compute=0, part=LastStage):
        self.shape = (width, down, up, inner, compute)
        self.part = part
        super().__init__({"go": In(1), "digit": In(width)})

    def elaborate(self, platform):
        m = Module()
        width, down, up, inner, compute = self.shape
        m.submodules.root = root = Sequencer(down, up, compute)
        m.d.comb += root.go.eq(self.go)
        link = Signal(down_layout(width))
        m.d.comb += [link.digit.eq(self.digit), link.first.eq(root.down & (root.index == 0))]
        expected = Cat(self.digit, root.index, root.down, root.compute, root.up)
        started = Const(1)
        for cycle in range(inner + 1):
            later, after = Signal.like(expected, name=f"root_{cycle}"), Signal(name=f"go_{cycle}")
            m.d.sync += [later.eq(expected), after.eq(started)]
            expected, started = later, after
        for level in range(inner):
            m.submodules[f"inner_{level}"] = stop = BroadcastStage(width)
            m.d.comb += stop.i.eq(link)
            link = stop.o
        m.submodules.last = last = self.part(width, down, up, compute)
        m.d.comb += last.i.eq(link)
        site = last.site
        found = Cat(site.digit, site.index, site.down, site.compute, site.up)
        m.d.comb += Assert(~started | (found == expected))
        with m.If(~started):
            m.d.comb += Assert(~site.down & ~site.compute & ~site.up)
        return m


class DropsFirst(BroadcastStage):
    """Forgets the mark when the digit is 0."""

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(self.i)
        m.d.sync += self.o.first.eq(self.i.first & self.i.digit.any())
        return m


class TwoRegisters(DelayStage):
    def elaborate(self, platform):
        m = Module()
        m.submodules.stop = stop = DelayStage(len(self.i), 2)
        m.d.comb += [stop.i.eq(self.i), self.o.eq(stop.o)]
        return m


class Restarts(Sequencer):
    """Obeys `go` in the middle of an inference."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.counter = counter = ResetInserter(self.go & (self.index != 0))(
            Sequencer(self.down_beats, self.up_beats, self.compute_beats)
        )
        m.d.comb += counter.go.eq(self.go)
        m.d.comb += [
            getattr(self, name).eq(getattr(counter, name))
            for name in ("index", "down", "compute", "up", "last")
        ]
        return m


class MissesABeat(LastStage):
    """Its up phase is one beat too long."""

    def __init__(self, width, down_beats, up_beats, compute_beats):
        super().__init__(width, down_beats, up_beats, compute_beats)
        self.up_beats = up_beats + 1


class CountsTooEarly(LastStage):
    """Its counter hears the mark a cycle before its digit."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.sequencer = sequencer = Sequencer(
            self.down_beats, self.up_beats, self.compute_beats
        )
        m.d.sync += self.site.digit.eq(self.i.digit)
        m.d.comb += sequencer.go.eq(self.i.first)
        m.d.comb += [
            getattr(self.site, name).eq(getattr(sequencer, name))
            for name in ("index", "down", "compute", "up")
        ]
        return m


@pytest.mark.parametrize("width", [1, 2, 4, 8, 12])
def test_broadcast_stop(tmp_path, width):
    assert prove(DelaySpec(BroadcastStage(width), down_layout(width)), tmp_path, 3) == "PASS"


@pytest.mark.parametrize("width, cycles", [(1, 1), (12, 1), (4, 2), (12, 3)])
def test_delay_stop(tmp_path, width, cycles):
    spec = DelaySpec(DelayStage(width, cycles), width, cycles)
    assert prove(spec, tmp_path, cycles + 2) == "PASS"


@pytest.mark.parametrize("compute", [0, 1, 4])
@pytest.mark.parametrize("down, up", [(1, 1), (5, 3)])
def test_sequencer(tmp_path, down, up, compute):
    assert prove(SequencerSpec(down, up, compute), tmp_path, 4) == "PASS"


@pytest.mark.parametrize("inner, compute", [(0, 0), (1, 1), *slow((2, 0), (2, 6))])
@pytest.mark.parametrize("width, down, up", [(1, 9, 6), (12, 1, 1), *slow((4, 3, 5), (8, 1, 4))])
def test_last_stop(tmp_path, width, down, up, inner, compute):
    assert prove(LastStopSpec(width, down, up, inner, compute), tmp_path, inner + 4) == "PASS"


def test_a_dropped_mark_is_found(tmp_path):
    assert prove(DelaySpec(DropsFirst(4), down_layout(4)), tmp_path, 3) == "FAIL"


def test_a_second_register_is_found(tmp_path):
    assert prove(DelaySpec(TwoRegisters(4), 4), tmp_path, 3) == "FAIL"


def test_a_restart_is_found(tmp_path):
    assert prove(SequencerSpec(5, 3, 0, Restarts), tmp_path, 4) == "FAIL"


@pytest.mark.parametrize("compute", [0, 2])
@pytest.mark.parametrize("part", [MissesABeat, CountsTooEarly])
def test_a_wrong_counter_is_found(tmp_path, part, compute):
    assert prove(LastStopSpec(2, 3, 2, 1, compute, part), tmp_path, 11) == "FAIL"

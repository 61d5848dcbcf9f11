"""The contracts of the network's stops, for all inputs and all time, by k-induction."""

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from formalkit import prove

from locgen.noc import AddStop, BroadcastStop, DelayStop, Sequencer, down_layout


class DelaySpec(wiring.Component):
    """``o`` is ``i`` one cycle later."""

    def __init__(self, stop, shape):
        self.stop = stop
        super().__init__({"i": In(shape)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.stop = stop = self.stop
        before, started = Signal.like(self.i), Signal()
        m.d.sync += [before.eq(self.i), started.eq(1)]
        m.d.comb += [stop.i.eq(self.i), Assert(~started | (stop.o == before))]
        return m


class AddSpec(wiring.Component):
    """Digits of the output make up the sum of the numbers whose digits came in.

    `a` and `b` are any numbers whose sum fits; after the last digit comes the next number at once
    or, as `pause` says, some cycles of zeros. The induction hypothesis is the sum so far: what is
    out, plus the carry, equals what is in.
    """

    def __init__(self, width, digits, stop):
        self.width = width
        self.digits = digits
        self.stop = stop
        bits = width * digits
        super().__init__({"a": In(bits), "b": In(bits), "pause": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.stop = stop = self.stop
        width, bits = self.width, self.width * self.digits
        m.d.comb += Assume((self.a + self.b)[bits] == 0)

        beat = Signal(range(self.digits + 1))  # 0 to digits - 1: a digit goes in
        a, b = Signal(bits), Signal(bits)  # the number on its way in
        first = beat == 0
        active = Signal()
        m.d.comb += active.eq(~first | ~self.pause)
        now_a, now_b = Signal(bits), Signal(bits)
        with m.If(first):
            m.d.comb += [now_a.eq(self.a), now_b.eq(self.b)]
        with m.Else():
            m.d.comb += [now_a.eq(a), now_b.eq(b)]
        with m.If(active):
            m.d.comb += [
                stop.a.eq(now_a.word_select(beat, width)),
                stop.b.eq(now_b.word_select(beat, width)),
            ]
            m.d.sync += [a.eq(now_a), b.eq(now_b), beat.eq(beat + 1)]
            with m.If(beat == self.digits - 1):
                m.d.sync += beat.eq(0)

        # One cycle later: the digit that comes out, and the number it belongs to.
        out, arriving, earlier = Signal(range(self.digits)), Signal(), Signal(bits)
        of_a, of_b = Signal(bits), Signal(bits)
        m.d.sync += [arriving.eq(active), out.eq(beat), of_a.eq(now_a), of_b.eq(now_b)]
        total = Signal(bits)
        place = Signal(bits)
        m.d.comb += [
            place.eq(stop.o << (out * width)),
            total.eq(earlier | place),
        ]
        m.d.sync += earlier.eq(0)
        with m.If(arriving & (out != self.digits - 1)):
            m.d.sync += earlier.eq(total)
        so_far = Signal(bits)
        m.d.comb += so_far.eq((1 << (out * width + width)) - 1)
        with m.If(arriving):
            m.d.comb += Assert(total == ((of_a + of_b) & so_far))
            with m.If(out == self.digits - 1):
                m.d.comb += Assert(total == of_a + of_b)
        with m.Else():
            m.d.comb += Assert(stop.o == 0)

        # What the induction needs to know of our own registers.
        m.d.comb += [
            Assert(beat < self.digits),
            Assert((of_a + of_b)[bits] == 0),
            Assert((beat == 0) | (Cat(a, b) == Cat(of_a, of_b))),
            Assert(beat == ((out + 1) % self.digits if self.digits > 1 else 0) * arriving),
            Assert((earlier == 0) | (arriving & (out != 0))),
        ]
        return m


class WrongAdd(AddStop):
    """Forgets its carry."""

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(self.a + self.b)
        return m


class SequencerSpec(wiring.Component):
    """Phases exclude each other, stay in range, and follow one another without a gap."""

    def __init__(self, down, up):
        self.down = down
        self.up = up
        super().__init__({"go": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = Sequencer(self.down, self.up)
        m.d.comb += dut.go.eq(self.go)
        elapsed = Signal(range(self.down + self.up))
        running = Signal()
        m.d.comb += running.eq((elapsed != 0) | self.go)
        with m.If(running):
            m.d.sync += elapsed.eq(elapsed + 1)
            with m.If(elapsed == self.down + self.up - 1):
                m.d.sync += elapsed.eq(0)
        is_down = elapsed < self.down
        m.d.comb += [
            Assert(elapsed < self.down + self.up),
            Assert(dut.down == (running & is_down)),
            Assert(dut.up == (running & ~is_down)),
            Assert(dut.last == (running & (elapsed == self.down - 1))),
        ]
        with m.If(is_down):
            m.d.comb += Assert(dut.index == elapsed)
        with m.Else():
            m.d.comb += Assert(dut.index == elapsed - self.down)
        return m


def test_broadcast_stop(tmp_path):
    assert prove(DelaySpec(BroadcastStop(8), down_layout(8)), tmp_path, 3) == "PASS"


def test_delay_stop(tmp_path):
    assert prove(DelaySpec(DelayStop(4), 4), tmp_path, 3) == "PASS"


@pytest.mark.parametrize("width, digits", [(1, 6), (2, 4), (4, 3), (8, 2), (12, 1)])
def test_add_stop(tmp_path, width, digits):
    stop = AddStop(width, carry=digits > 1)
    assert prove(AddSpec(width, digits, stop), tmp_path, digits + 3) == "PASS"


def test_a_lost_carry_is_found(tmp_path):
    assert prove(AddSpec(2, 2, WrongAdd(2)), tmp_path, 5) == "FAIL"


@pytest.mark.parametrize("down, up", [(1, 1), (5, 3)])
def test_sequencer(tmp_path, down, up):
    assert prove(SequencerSpec(down, up), tmp_path, 4) == "PASS"

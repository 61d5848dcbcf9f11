"""LUT6 counts for comparison: what Yosys maps, and how functions share a LUT6_2."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.targets.xilinx import count_lut6, paired
from locgen.top.emit import emit_rtlil


class Gates(wiring.Component):
    """Two functions of five inputs, one of six, and a register."""

    a: In(6)
    x: Out(4)

    def elaborate(self, platform):
        m = Module()
        held = Signal()
        m.d.sync += held.eq(self.a[:5].all())
        parity = self.a[:5].xor()
        m.d.comb += self.x.eq(Cat(parity, self.a[:5].any(), self.a.xor(), held))
        return m


def test_functions_that_share_inputs_share_a_lut():
    five = frozenset("abcde")
    assert paired([five, five]) == 1
    assert paired([five, frozenset("abcdef")]) == 2
    assert paired([five, frozenset("abcdf")]) == 2  # six inputs together
    assert paired([frozenset("ab"), frozenset("cd")]) == 1  # strangers, four inputs
    assert paired([frozenset("abc"), frozenset("def")]) == 2
    assert paired([five, five, five]) == 2
    assert paired([]) == 0


def test_count(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCGEN_CACHE", str(tmp_path / "cache"))  # what is found there writes no log
    count = count_lut6(emit_rtlil(Gates(), "core", reset=True), tmp_path)
    assert count.flip_flops == 1 and count.carries == 0
    assert count.raw == 4 and 2 <= count.paired <= 3
    assert list(tmp_path.glob("yosys_core.log"))

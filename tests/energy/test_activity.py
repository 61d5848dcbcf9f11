"""The netlist simulation behind the energy figures, against Amaranth's simulator and by hand."""

import json

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from modelkit import pack, random_codes, random_model

from locgen.devices import find_device
from locgen.energy import Activity, MappedNetlist, count_toggles, energy_of
from locgen.errors import Mismatch
from locgen.passes import prepare
from locgen.plan import plan_direct, plan_tree
from locgen.targets.synthesis import synthesise_core
from locgen.top.direct import DirectFabric
from locgen.top.emit import emit_rtlil
from locgen.top.tree import TreeFabric


class Medley(wiring.Component):
    """Registers of every kind: enabled, cleared, set, cleared only while enabled; and carries."""

    i: In(8)
    enable: In(1)
    clear: In(1)
    o: Out(8)
    sum: Out(9)
    held: Out(4)
    gated: Out(4)
    filled: Out(4)
    preset: Out(4, init=9)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += [self.o.eq(self.i ^ (self.o << 1)), self.sum.eq(self.i + self.o)]
        with m.If(self.enable):
            m.d.sync += [self.held.eq(self.i), self.preset.eq(self.preset + self.i)]
            with m.If(self.clear):
                m.d.sync += [self.gated.eq(0), self.filled.eq(15)]
            with m.Else():
                m.d.sync += [self.gated.eq(self.gated + 1), self.filled.eq(self.filled ^ self.i)]
        return m


PORTS = ("o", "sum", "held", "gated", "filled", "preset")


def mapped(component, folder, reset=True):
    netlist = synthesise_core(emit_rtlil(component, "core", reset=reset), folder, use_cache=False)
    return netlist, MappedNetlist(json.loads(netlist.json.read_text())["modules"]["core"])


def put(netlist, values, name, number):
    for position, net in enumerate(netlist.port(name)):
        values[net] = number >> position & 1


def get(netlist, values, name):
    bits = values[netlist.port(name)]
    return [sum(int(b) << n for n, b in enumerate(lane)) for lane in bits.T]


def test_every_kind_of_cell_follows_amaranth(tmp_path):
    dut = Medley()
    files, netlist = mapped(dut, tmp_path)
    kinds = set(files.cells)
    assert {"SB_LUT4", "SB_CARRY", "SB_DFFSR"} <= kinds
    assert kinds & {"SB_DFFESR", "SB_DFFESS"}, "Yosys found no reset that waits for an enable"
    random = np.random.default_rng(1)
    stimulus = [
        (int(random.integers(256)), int(random.integers(2)), int(random.integers(3) == 0),
         int(random.integers(9) == 0))
        for _ in range(400)
    ]  # fmt: skip
    expected = []
    reset = Signal()

    async def bench(ctx):
        for i, enable, clear, rst in stimulus:
            ctx.set(dut.i, i)
            ctx.set(dut.enable, enable)
            ctx.set(dut.clear, clear)
            ctx.set(reset, rst)
            await ctx.delay(1e-9)
            expected.append([ctx.get(getattr(dut, name)) for name in PORTS])
            await ctx.tick()

    simulator = Simulator(ResetInserter(reset)(dut))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()

    values = np.zeros((netlist.count, 2), dtype=np.uint8)
    values[1] = 1
    for (i, enable, clear, rst), row in zip(stimulus, expected, strict=True):
        put(netlist, values, "i", i)
        put(netlist, values, "enable", enable)
        put(netlist, values, "clear", clear)
        put(netlist, values, "rst", rst)
        netlist.settle(values)
        for name, number in zip(PORTS, row, strict=True):
            assert get(netlist, values, name) == [number] * 2, name
        netlist.clock(values)


def cell(kind, table=None, **pins):
    parameters = {} if table is None else {"LUT_INIT": f"{table:016b}"}
    return {
        "type": kind,
        "parameters": parameters,
        "connections": {p: [b] for p, b in pins.items()},
    }


def module(cells, **ports):
    return {"ports": {n: {"bits": bits} for n, bits in ports.items()}, "cells": cells}


@pytest.mark.parametrize(
    "kind, pins, held, cleared, value",
    [
        ("SB_DFF", {}, False, False, None),
        ("SB_DFFE", {"E": 11}, True, False, None),
        ("SB_DFFSR", {"R": 12}, False, True, 0),
        ("SB_DFFSS", {"S": 12}, False, True, 1),
        ("SB_DFFESR", {"E": 11, "R": 12}, True, True, 0),
        ("SB_DFFESS", {"E": 11, "S": 12}, True, True, 1),
    ],
)
def test_flip_flops_by_the_data_sheet(kind, pins, held, cleared, value):
    """An enable holds against clear and set: so do SB_DFFESR and SB_DFFESS in silicon."""
    netlist = MappedNetlist(
        module({"ff": cell(kind, C=9, D=10, Q=13, **pins)}, d=[10], e=[11], r=[12], q=[13])
    )
    for d, e, r, q in np.ndindex(2, 2, 2, 2):
        values = np.zeros((netlist.count, 1), dtype=np.uint8)
        values[1] = 1
        for name, bit in zip("derq", (d, e, r, q), strict=True):
            values[netlist.port(name)] = bit
        netlist.settle(values)
        netlist.clock(values)
        after = d
        if cleared and r:
            after = value
        if held and not e:
            after = q
        assert values[netlist.port("q")[0], 0] == after


def test_lut_inputs_and_carry_by_hand():
    table = int(np.random.default_rng(0).integers(1 << 16))
    cells = {
        "lut": cell("SB_LUT4", table, I0=2, I1=3, I2=4, I3=5, O=6),
        "carry": cell("SB_CARRY", I0=2, I1=3, CI=4, CO=7),
        "few": cell("SB_LUT4", 0x2222, I0=6, I1=7, I2="0", I3="x", O=8),
    }
    netlist = MappedNetlist(module(cells, a=[2, 3, 4, 5], o=[6, 7, 8], one=["1"]))
    for number in range(16):
        values = np.zeros((netlist.count, 1), dtype=np.uint8)
        values[1] = 1
        put(netlist, values, "a", number)
        netlist.settle(values)
        lut, carry = table >> number & 1, int((number & 7).bit_count() > 1)
        assert get(netlist, values, "o") == [lut | carry << 1 | (lut & ~carry) << 2]
        assert get(netlist, values, "one") == [1]


@pytest.mark.parametrize("kind", ["SB_DFFN", "SB_DFFR", "SB_DFFES", "SB_MAC16"])
def test_other_cells_are_refused(kind):
    with pytest.raises(ValueError, match=f"or memories, not {kind}"):
        MappedNetlist(module({"x": cell(kind, Q=2)}))


def test_combinational_loops_are_refused():
    loop = {
        "a": cell("SB_LUT4", 1, I0=2, O=3),
        "b": cell("SB_LUT4", 1, I0=3, O=2),
    }
    with pytest.raises(ValueError, match="combinational loop"):
        MappedNetlist(module(loop))
    through_register = {"a": cell("SB_LUT4", 1, I0=2, O=3), "b": cell("SB_DFF", D=3, Q=2, C=9)}
    MappedNetlist(module(through_register))


def inverter():
    """Return a core of one LUT and one register: the answer is the input bit inverted."""
    cells = {
        "lut": cell("SB_LUT4", 0x5555, I0=10, O=14),
        "ff": cell("SB_DFF", D=14, Q=15, C=9),
        "valid": cell("SB_DFF", D=11, Q=16, C=9),
    }
    return module(
        cells, i__payload=[10], i__valid=[11], i__ready=["1"], o__payload=[15], o__valid=[16]
    )


@pytest.mark.parametrize(
    "payloads, expected_toggles",
    [([0, 1, 1, 0], 2.0), ([0, 0, 1, 0, 0, 0, 1, 1], None), ([0] * 8, 0.0)],
)
def test_toggles_by_hand(payloads, expected_toggles):
    expected = [1 - p for p in payloads]
    activity = count_toggles(MappedNetlist(inverter()), payloads, expected, 1, 1)
    lanes = len(payloads) // 2
    rows = np.array(payloads).reshape(-1, lanes)
    assert activity.inferences == len(payloads)
    assert activity.cycles == 1.0
    # Every lane goes round its rows once while it is counted, in each stage.
    changes = np.count_nonzero(rows != np.roll(rows, 1, axis=0)) / activity.inferences
    assert activity.by_cell["ff"] == changes
    assert activity.by_cell["valid"] == 0.0
    assert activity.by_cell["lut"] == changes
    assert activity.toggles_per_inference == pytest.approx(2 * changes)
    if expected_toggles is not None:
        assert activity.by_cell["ff"] * 2 == expected_toggles


@pytest.mark.parametrize("count", [2, 3, 63, 64, 65, 127, 128, 200])
def test_few_rows_still_toggle(count):
    """Every lane sees at least two rows: rows that alternate must show."""
    payloads = [int(b) for b in np.random.default_rng(0).integers(2, size=count)]
    payloads[:2] = [0, 1]
    activity = count_toggles(MappedNetlist(inverter()), payloads, [1 - p for p in payloads], 1, 1)
    assert activity.by_cell["ff"] > 0


def test_a_single_row():
    assert count_toggles(MappedNetlist(inverter()), [1], [0], 1, 1).toggles_per_inference == 0.0


def test_wrong_answers_raise():
    with pytest.raises(Mismatch, match="differ from golden"):
        count_toggles(MappedNetlist(inverter()), [0, 1, 1, 0], [1, 0, 0, 0], 1, 1)
    silent = inverter()
    silent["cells"]["valid"] = cell("SB_DFF", D="0", Q=16, C=9)
    with pytest.raises(Mismatch, match="did not answer every row"):
        count_toggles(MappedNetlist(silent), [0, 1], [1, 0], 1, 1)


def answers_of(model, codes):
    decisions, scores = model.evaluate(codes)
    words = []
    for number, row in enumerate(scores.tolist()):
        word = shift = 0
        if decisions is not None:
            word, shift = int(decisions[number]), model.decision.bits
        for score in row:
            word |= (score & (1 << model.score_bits) - 1) << shift
            shift += model.score_bits
        words.append(word)
    return words


@pytest.mark.parametrize("kind", ["direct", "tree"])
def test_cores_after_synthesis_answer_as_golden(tmp_path, kind):
    model = random_model(2, outputs=3, nodes=5, features=4)
    if kind == "direct":
        plan = plan_direct(model, None, fast=False)
        fabric = DirectFabric(prepare(model, "direct"), plan)
    else:
        plan = plan_tree(model, 2, 3)
        fabric = TreeFabric(model, plan)
    _, netlist = mapped(fabric, tmp_path)
    codes = random_codes(model, 200)
    payloads, expected = [pack(model, row) for row in codes], answers_of(model, codes)
    times = (plan.latency_cycles, plan.interval_cycles)
    activity = count_toggles(netlist, payloads, expected, *times)
    assert activity.cycles == plan.interval_cycles
    assert activity.toggles_per_inference > 1
    assert sum(activity.by_cell.values()) == pytest.approx(activity.toggles_per_inference)
    expected[70] ^= 1
    with pytest.raises(Mismatch, match="differ from golden"):
        count_toggles(netlist, payloads, expected, *times)


def test_energy_is_toggles_and_clock_and_leakage():
    device = find_device("up5k")[0]
    power = device.power
    figures = energy_of(device, Activity(100, 8.0, 500.0, {}), 12.0, 24, 150)
    assert figures.dynamic_nj_per_inference == pytest.approx(0.5 * power.pj_per_toggle.typical)
    assert figures.clock_uw == pytest.approx(12 * power.clock_uw_per_mhz)
    assert figures.static_uw == power.static_uw
    clock_uj = 12 * power.clock_uw_per_mhz * 24 / 12e6
    toggles_uj = 500 * power.pj_per_toggle.typical * 1e-6
    assert figures.at_one_per_second_uj == pytest.approx(power.static_uw + clock_uj + toggles_uj)
    assert figures.uncertainty_percent == power.uncertainty_percent
    assert figures.toggles_per_inference == 500.0
    beyond = energy_of(device, Activity(100, 8.0, 500.0, {}), 12.0, 24, 5000)
    assert beyond.uncertainty_percent == power.uncertainty_percent_beyond >= 50


def test_energy_of_uncalibrated_devices_is_not_invented():
    device = find_device("hx8k")[0]
    figures = energy_of(device, Activity(1, 1.0, 7.0, {}), 12.0, 1, 10)
    assert figures.dynamic_nj_per_inference is None
    assert figures.clock_uw is None and figures.at_one_per_second_uj is None
    assert figures.static_uw == device.power.static_uw
    assert not figures.calibrated and figures.toggles_per_inference == 7.0

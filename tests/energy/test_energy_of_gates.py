"""Toggles and power of standard cells, with figures that can be computed by hand."""

import numpy as np
import pytest
from asickit import TINY

from locgen.energy.activity import count_toggles
from locgen.energy.cellpower import power_of
from locgen.energy.gates import GateNetlist
from locgen.errors import Mismatch
from locgen.targets.asic.liberty import read_library


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "tiny.lib"
    path.write_text(TINY)
    return read_library(path)


def cell(kind, **pins):
    return {"type": kind, "connections": {pin: [net] for pin, net in pins.items()}}


def port(direction, *bits):
    return {"direction": direction, "bits": list(bits)}


def module():
    """Return o = register(NAND(i0, i1)), with valid registered as well and a reset for it."""
    return {
        "ports": {
            "clk": port("input", 2),
            "rst": port("input", 3),
            "i__payload": port("input", 4, 5),
            "i__valid": port("input", 6),
            "i__ready": port("output", "1"),
            "o__payload": port("output", 10),
            "o__valid": port("output", 11),
        },
        "netnames": {},
        "cells": {
            "logic": cell("NAND", A=4, B=5, Y=7),
            "answer": cell("FF", D=7, CK=2, Y=10),
            "no_reset": cell("INV", A=3, Y=8),
            "never": cell("NAND", A=6, B=8, Y=9),
            "begin": cell("INV", A=9, Y=12),
            "valid": cell("FF", D=12, CK=2, Y=11),
        },
    }


ROWS = [0b00, 0b11, 0b01, 0b11]


def counted(library, expected=(1, 0, 1, 0)):
    netlist = GateNetlist(module(), library)
    activity = count_toggles(
        netlist, ROWS, list(expected), 1, 1, ones=netlist.after_reset(), observe=netlist.observe
    )
    return netlist, activity


def test_toggles_are_those_of_the_rows(library):
    netlist, activity = counted(library)
    # Two lanes: one goes 0b00, 0b01, 0b00, ..., the other stays 0b11.
    assert activity.inferences == 4
    changes = netlist.changes / activity.inferences
    assert activity.by_cell["logic"] == 0
    assert changes[netlist.port("i__payload")[0]] == pytest.approx(0.5)
    assert activity.toggles_per_inference == 0


def test_a_wrong_answer_is_a_mismatch(library):
    with pytest.raises(Mismatch):
        counted(library, (1, 0, 0, 0))


def test_power_is_what_the_tables_say(library):
    netlist = GateNetlist(module(), library)
    rows, answers = [0b11, 0b11, 0b01, 0b01], [0, 0, 1, 1]
    activity = count_toggles(
        netlist, rows, answers, 1, 1, ones=netlist.after_reset(), observe=netlist.observe
    )
    assert activity.by_cell["logic"] == activity.by_cell["answer"] == 1
    power = power_of(netlist, library, activity)
    assert power.leakage_uw == pytest.approx(6e-3, rel=1e-9)
    # A never changes, so all of the NAND's energy is that for B: 7 plus an input's slew, which is
    # 0, in units of 1 fF V^2; the flip-flop's is 6 plus the clock's slew.
    assert power.internal_pj == pytest.approx((7 + 6) * 1e-3, rel=1e-9)
    # NAND drives one D of 1.5 fF, the flip-flop an output port.
    assert power.switching_pj == pytest.approx(0.5 * 1.5 * 4 * 1e-3, rel=1e-9)
    assert power.clock_internal_pj == pytest.approx(2 * (4 + 2) * 1e-3, rel=1e-9)
    assert power.clock_switching_pj == pytest.approx(2 * 2.5 * 4 * 1e-3, rel=1e-9)


def test_conditions_weigh_by_how_long_they_held(tmp_path):
    path = tmp_path / "conditions.lib"
    plain = "cell (NAND) { area : 4; cell_leakage_power : 1.0;"
    leaks = (
        'leakage_power () { when : "A&B"; value : 10; } '
        'leakage_power () { when : "!A&B"; value : 20; }'
    )
    path.write_text(TINY.replace(plain, plain + leaks))
    library = read_library(path)
    netlist = GateNetlist(module(), library)
    rows, answers = [0b11, 0b11, 0b01, 0b01], [0, 0, 1, 1]
    activity = count_toggles(
        netlist, rows, answers, 1, 1, ones=netlist.after_reset(), observe=netlist.observe
    )
    # "logic" sees A = B = 1 half of the time, else A = 1 alone; "never" sees A = B = 1.
    nand_nw = 0.5 * 10 + 0.5 * 1 + 10
    assert power_of(netlist, library, activity).leakage_uw == pytest.approx(
        (nand_nw + 4) * 1e-3, rel=1e-9
    )


def test_every_state_of_a_cell_is_seen(library):
    netlist, activity = counted(library)
    names = [one.name for one in netlist.placed]
    seen = netlist.seen[names.index("logic")]
    assert seen.sum() == activity.inferences
    assert np.array_equal(np.flatnonzero(seen), [0, 1, 3])


def test_a_flip_flop_that_feeds_itself_is_no_loop(library):
    turning = module()
    turning["cells"] |= {"logic": cell("NAND", A=4, B=10, Y=7)}
    netlist = GateNetlist(turning, library)
    values = np.zeros((netlist.count, 1), dtype=np.uint8)
    values[1] = values[netlist.port("i__payload")[0]] = 1
    seen = []
    for _ in range(4):
        netlist.settle(values)
        netlist.clock(values)
        netlist.settle(values)
        seen.append(int(values[netlist.port("o__payload")[0], 0]))
    assert seen == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logic": cell("NAND", A=7, B=5, Y=7)}, "combinational loop"),
        ({"answer": cell("FF", D=7, CK=4, Y=10)}, "must run on the only clock"),
    ],
)
def test_what_cannot_be_simulated_is_refused(library, change, message):
    wrong = module()
    wrong["cells"] |= change
    with pytest.raises(ValueError, match=message):
        GateNetlist(wrong, library)

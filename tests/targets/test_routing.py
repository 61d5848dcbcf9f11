"""A small core with the contract's stream ports, all the way to a bitstream."""

import json
import math

import pytest
from amaranth.hdl import ClockDomain, Const, Instance, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from locgen.devices import find_device
from locgen.devices.pins import Constraints, Pin
from locgen.errors import DoesNotFit, ToolFailed
from locgen.targets.families import ICE40
from locgen.targets.netlist import Attempt
from locgen.targets.packing import pack_core
from locgen.targets.routed import ResourceShortage
from locgen.targets.routing import place_and_route, route_out_of_context
from locgen.targets.synthesis import synthesise_core, synthesise_top
from locgen.top.emit import emit_rtlil

FEATURES = 60
PINS = Constraints((Pin("clk", "35"), Pin("rx", "6"), Pin("tx", "9")), 12e6)


class SmallCore(wiring.Component):
    """Ten features of six bits, one tree of depth two on each of the first eight; latency 2."""

    def __init__(self, trees=8):
        self.trees = trees
        layout = data.StructLayout(
            {"decision": unsigned(1), "scores": data.ArrayLayout(signed(8), 1)}
        )
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(FEATURES))),
                "o": Out(stream.Signature(layout, always_ready=True)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        q = [self.i.payload.word_select(j % 10, 6) for j in range(self.trees + 1)]
        total = Signal(signed(8))
        valid = Signal()
        terms = [
            Mux(q[j] <= 9 + j, Mux(q[j + 1] <= 30 + j, 3 + j % 5, -4), Mux(q[j + 1] <= 7, -1, 2))
            for j in range(self.trees)
        ]
        m.d.comb += self.i.ready.eq(1)
        m.d.sync += [
            total.eq(sum(terms)),
            valid.eq(self.i.valid),
            self.o.valid.eq(valid),
            self.o.payload.scores[0].eq(total),
            self.o.payload.decision.eq(total >= 0),
        ]
        return m


class SmallTop(wiring.Component):
    """The core between two shift registers behind the board's three ports."""

    clk: In(1)
    rx: In(1)
    tx: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = sync = ClockDomain("sync", reset_less=True)
        features, result = Signal(FEATURES), Signal(9)
        payload, arrived = Signal(9), Signal()
        m.submodules.core = Instance(
            "core",
            i_clk=self.clk,
            i_rst=Const(0),
            i_i__payload=features,
            i_i__valid=features[0],
            o_o__payload=payload,
            o_o__valid=arrived,
        )
        m.d.comb += [sync.clk.eq(self.clk), self.tx.eq(result[0])]
        m.d.sync += features.eq((features << 1) | self.rx)
        m.d.sync += result.eq(Mux(arrived, payload, result >> 1))
        return m


def core_rtlil(trees=8):
    return emit_rtlil(SmallCore(trees), "core", reset=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("ice40")
        patch.setenv("LOCGEN_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def core(folder):
    return synthesise_core(core_rtlil(), folder / "build")


@pytest.fixture(scope="module")
def top(folder, core):
    return synthesise_top(emit_rtlil(SmallTop(), "top", reset=False), core, folder / "build")


@pytest.fixture(scope="module")
def routed(folder, top):
    device, package = find_device("up5k")
    return place_and_route(top, device, package, PINS, 12, 1, folder / "build")


def cells_of(path, module):
    return json.loads(path.read_text())["modules"][module]["cells"]


def test_core_is_mapped_to_cells_only(core):
    assert set(core.cells) <= {"SB_LUT4", "SB_CARRY", "SB_DFF", "SB_DFFSR", "SB_DFFSS"}
    assert core.cells["SB_LUT4"] > 10
    ports = {port.name: (port.direction, port.width) for port in core.ports}
    assert ports == {
        "clk": ("input", 1),
        "rst": ("input", 1),
        "i__payload": ("input", FEATURES),
        "i__valid": ("input", 1),
        "i__ready": ("output", 1),
        "o__payload": ("output", 9),
        "o__valid": ("output", 1),
    }
    assert "module core(" in core.verilog.read_text()


def test_products_hold_no_path(core, top):
    for netlist in (core, top):
        for path in (netlist.json, netlist.verilog, netlist.rtlil):
            text = path.read_text()
            assert "\\src" not in text
            assert '"src"' not in text
            assert ".py:" not in text
            assert str(path.parent) not in text


def test_cores_netlist_is_linked_in_unchanged(core, top):
    """Every cell of the core is there again, with the same function."""
    alone = cells_of(core.json, "core")
    inside = {
        name.removeprefix("core."): cell
        for name, cell in cells_of(top.json, "top").items()
        if name.startswith("core.")
    }
    assert set(inside) == set(alone)
    for name, cell in alone.items():
        assert inside[name]["type"] == cell["type"]
        assert inside[name]["parameters"] == cell["parameters"]
    assert top.cells["SB_LUT4"] >= core.cells["SB_LUT4"]


def test_synthesis_is_reproducible(folder, core):
    again = synthesise_core(core_rtlil(), folder / "again", use_cache=False)
    for one, two in zip(
        (core.json, core.verilog, core.rtlil), (again.json, again.verilog, again.rtlil), strict=True
    ):
        assert one.read_bytes() == two.read_bytes()


def test_low_effort_tries_yosys_as_it_comes_alone(folder, core):
    other = synthesise_core(core_rtlil(), folder / "low", effort="low")
    assert other.ports == core.ports
    assert other.cells["SB_LUT4"] > 10
    assert other.attempts == (Attempt("plain", None, True),)
    assert core.attempts == (Attempt(ICE40.recipes[0], None, True),)


@pytest.mark.slow
def test_high_effort_keeps_the_smallest(folder, core):
    best = synthesise_core(core_rtlil(), folder / "high", effort="high")
    assert best.ports == core.ports
    assert tuple(attempt.recipe for attempt in best.attempts) == ICE40.recipes
    assert len(set(ICE40.recipes)) > 2
    (kept,) = (attempt for attempt in best.attempts if attempt.kept)
    up5k, _ = find_device("up5k")
    assert kept.size == min(attempt.size for attempt in best.attempts)
    assert kept.size == pack_core(best, up5k).logic_cells
    assert best.attempts[0].size == pack_core(core, up5k).logic_cells  # medium takes the first


def test_packing_out_of_context_counts_what_routing_counts(folder, core):
    """The core has 73 ports, up5k-sg48 39 pins; on hx8k-ct256 it can really be routed."""
    up5k, _ = find_device("up5k")
    counts = pack_core(core, up5k)
    assert counts.logic_cells_available == 5280
    assert counts.logic_cells >= counts.lut
    assert (counts.bram, counts.spram, counts.dsp) == (0, 0, 0)
    hx8k, package = find_device("hx8k")
    routed = place_and_route(core, hx8k, package, None, 12, 1, folder / "alone")
    assert routed.utilisation.logic_cells == counts.logic_cells


def test_routed_design(routed, top):
    assert routed.bitstream.stat().st_size > 100_000
    assert list(routed.clocks_mhz) == ["clk"]
    assert routed.fmax_mhz > 12
    assert math.isclose(routed.critical_path_ns, 1000 / routed.fmax_mhz)
    path = sum(step.delay_ns for step in routed.critical_path)
    assert math.isclose(path, routed.critical_path_ns, rel_tol=0.01)
    assert routed.utilisation.lut == top.cells["SB_LUT4"]
    assert routed.utilisation.as_dict()["logic_cells_available"] == 5280


def test_floor_plan_is_complete_and_inside_the_grid(routed):
    logic = [cell for cell in routed.cells if cell.is_logic]
    assert len(logic) == routed.utilisation.logic_cells
    columns, rows = routed.grid
    assert all(0 <= cell.x < columns and 0 <= cell.y < rows and cell.z < 8 for cell in logic)
    assert len({(cell.x, cell.y, cell.z) for cell in logic}) == len(logic)
    inside = [cell for cell in logic if cell.name.startswith("core.")]
    assert len(inside) + routed.wrapper_logic_cells == len(logic)
    assert len(inside) > 20


def test_routing_twice_gives_the_same_bytes_from_cache_or_not(folder, top, routed):
    device, package = find_device("up5k")
    for use_cache in (True, False):
        out = folder / f"again_{use_cache}"
        again = place_and_route(top, device, package, PINS, 12, 1, out, use_cache=use_cache)
        assert again.bitstream.read_bytes() == routed.bitstream.read_bytes()
        assert again.cells == routed.cells
        assert (out / "logs" / "nextpnr_top.log").exists() is not use_cache
        assert not list(out.glob(".*"))


def test_out_of_context_counts_the_shift_registers_apart(folder, core):
    device, package = find_device("up5k")
    routed = route_out_of_context(core, device, package, 20, 1, folder / "scan")
    assert routed.bitstream.is_file()
    assert 20 < routed.fmax_mhz < 200
    assert routed.wrapper_logic_cells >= FEATURES + 9
    alone = pack_core(core, device).logic_cells
    inside = routed.utilisation.logic_cells - routed.wrapper_logic_cells
    assert alone - 2 <= inside <= alone  # the constants' drivers may be shared


def test_too_large_a_design_says_by_how_much(folder):
    """The core's own ports on a package with ten pins."""
    hx1k, package = find_device("hx1k-swg16tr")
    core = synthesise_core(core_rtlil(), folder / "build")
    with pytest.raises(ResourceShortage, match=r"core needs 7\d of 10 pins of hx1k") as caught:
        place_and_route(core, hx1k, package, None, 12, 1, folder / "small")
    assert caught.value.exit_code == 4
    used, available = caught.value.shortages["pins"]
    assert (used > 60, available) == (True, 10)


def test_missed_clock_is_said(folder, top):
    device, package = find_device("up5k")
    with pytest.raises(DoesNotFit, match=r"top reaches .* MHz on up5k-sg48, short of 400 MHz"):
        place_and_route(top, device, package, PINS, 400, 1, folder / "fast")
    routed = place_and_route(top, device, package, PINS, 400, 1, folder / "fast", allow_slow=True)
    assert routed.fmax_mhz < 400


def test_tool_failure_is_no_shortage(folder, top):
    device, package = find_device("up5k")
    with pytest.raises(ToolFailed, match="nextpnr-ice40 ended with exit code"):
        place_and_route(
            top, device, package, Constraints((Pin("clk", "999"),), 12e6), 12, 1, folder / "wrong"
        )


def test_broken_rtlil_is_the_tools_error(folder):
    with pytest.raises(ToolFailed, match=r"yosys ended with exit code .*ERROR.*yosys_core.log"):
        synthesise_core("module \\other\nend\n", folder / "broken")

"""The families beside iCE40: from a small core to a bitstream, with what they report."""

import json

import pytest
from test_routing import SmallTop, core_rtlil

from locgen.devices import DEFAULT_DEVICE, devices, find_device
from locgen.devices.pins import Constraints, Pin
from locgen.targets.families import FAMILIES
from locgen.targets.packing import logic_cells_of, pack_core, placer_options
from locgen.targets.routed import ResourceShortage, shortages_of
from locgen.targets.routing import place_and_route, route_out_of_context
from locgen.targets.synthesis import synthesise_core, synthesise_top
from locgen.targets.toolchain import find_tool, run
from locgen.top.emit import emit_rtlil

OTHERS = [name for name in FAMILIES if name != "ice40"]
CELLS = {
    "ecp5": {"LUT4", "PFUMX", "L6MUX21", "CCU2C", "TRELLIS_FF"},
    "gowin": {"LUT1", "LUT2", "LUT3", "LUT4", "MUX2_LUT5", "MUX2_LUT6", "MUX2_LUT7", "MUX2_LUT8"}
    | {"ALU", "DFF", "DFFR", "DFFS", "VCC", "GND"},
    "machxo2": {"LUT4", "CCU2D", "TRELLIS_FF"},
    "nexus": {"LUT4", "WIDEFN9", "INV", "VHI", "VLO", "FD1P3IX", "FD1P3JX"},
}
PINS = {
    "ecp5": ("G2", "M1", "L4"),
    "gowin": ("52", "18", "17"),
    "machxo2": ("27", "1", "2"),
    "nexus": ("L13", "F14", "F16"),
}
SMALLEST = {"machxo2": 8_000}  # compressed; of 1,280 LUTs most are empty


@pytest.fixture(scope="module", params=OTHERS)
def family(request):
    return FAMILIES[request.param]


@pytest.fixture(scope="module")
def folder(family, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp(family.name)
        patch.setenv("LOCGEN_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def core(family, folder):
    return synthesise_core(core_rtlil(), folder / "build", family=family)


@pytest.fixture(scope="module")
def place(family):
    return find_device(DEFAULT_DEVICE[family.name])


@pytest.fixture(scope="module")
def routed(family, folder, core, place):
    text = emit_rtlil(SmallTop(), "top", reset=False)
    top = synthesise_top(text, core, folder / "build", family=family)
    pins = tuple(map(Pin, ("clk", "rx", "tx"), PINS[family.name]))
    return place_and_route(top, *place, Constraints(pins, 25e6), 25, 1, folder / "build")


@pytest.mark.slow
def test_core_is_mapped_to_cells_that_are_modelled(family, core):
    assert set(core.cells) <= CELLS[family.name]
    assert sum(count for kind, count in core.cells.items() if kind.startswith("LUT")) > 10


@pytest.mark.slow
def test_routed_design(family, routed, place):
    assert routed.bitstream.suffix == family.suffix
    assert routed.bitstream.stat().st_size > SMALLEST.get(family.name, 10_000)
    assert list(routed.clocks_mhz) == ["clk"]
    assert 25 < routed.fmax_mhz < 1000
    path = sum(step.delay_ns for step in routed.critical_path)
    assert abs(path - routed.critical_path_ns) < 0.03 * path
    assert sum(cell.resource == "pin" for cell in routed.cells) == 3
    assert routed.utilisation.logic_cells_available == place[0].capacity.logic_cells
    columns, rows = routed.grid
    logic = [cell for cell in routed.cells if cell.is_logic]
    assert all(0 <= cell.x < columns and 0 <= cell.y < rows for cell in routed.cells)
    assert len({(cell.x, cell.y, cell.z) for cell in logic}) == len(logic) > 20
    assert sum(cell.name.startswith("core.") for cell in logic) > 20


@pytest.mark.slow
def test_routing_twice_gives_the_same_bytes(family, folder, core, place):
    """Out of context, which takes pins where place and route chooses none."""
    first, second = (
        route_out_of_context(core, *place, 50, 1, folder / f"cache_{cache}", use_cache=cache)
        for cache in (True, False)
    )
    assert first.bitstream.read_bytes() == second.bitstream.read_bytes()
    assert first.cells == second.cells
    counts = pack_core(core, place[0])
    assert counts.logic_cells >= counts.lut
    inside = first.utilisation.logic_cells - first.wrapper_logic_cells
    assert abs(counts.logic_cells - inside) <= 0.2 * counts.logic_cells + 4


@pytest.mark.slow
def test_what_a_device_is_short_of_is_counted(family, folder, core, place):
    device, package = place
    module = json.loads(core.json.read_text())
    cells, portless = module["modules"]["core"]["cells"], folder / "many.json"
    lut = next(cell for _, cell in sorted(cells.items()) if cell["type"] == "LUT4")
    few = min(device.capacity.logic_cells, 9000)
    for copy in range(few):
        output = {"F" if family.name == "gowin" else "Z": [10**6 + copy]}
        cells[f"copy_{copy}"] = lut | {"connections": lut["connections"] | output}
    module["modules"]["core"]["ports"] = {}
    portless.write_text(json.dumps(module))
    run(
        find_tool(family.placer),
        [*placer_options(device, package), "--pack-only", "--json", "many.json"]
        + ["--report", "many_report.json"],
        folder,
        folder / "many.log",
    )
    report = json.loads((folder / "many_report.json").read_text())
    used, available = logic_cells_of(report, family)
    assert used > few
    assert available == device.capacity.logic_cells
    short = {"logic cells": (used, available)} if used > available else {}
    assert shortages_of(report, family) == short


@pytest.mark.slow
def test_what_does_not_fit_with_its_pins_is_refused_with_counts(family, folder, core, place):
    """Of the smaller devices, where so many cells are soon made."""
    device = place[0]
    if device.capacity.logic_cells > 10_000:
        pytest.skip("a larger device fails in the same way, minutes later")
    text = emit_rtlil(SmallTop(), "top", reset=False)
    top = synthesise_top(text, core, folder / "large", family=family)
    module = json.loads(top.json.read_text())
    cells = module["modules"]["top"]["cells"]
    lut = next(cell for _, cell in sorted(cells.items()) if cell["type"] == "LUT4")
    for copy in range(device.capacity.logic_cells):
        output = {"F" if family.name == "gowin" else "Z": [10**6 + copy]}
        cells[f"copy_{copy}"] = lut | {"connections": lut["connections"] | output}
    top.json.write_text(json.dumps(module))
    pins = tuple(map(Pin, ("clk", "rx", "tx"), PINS[family.name]))
    with pytest.raises(ResourceShortage, match=r"top needs \d+ of \d+ logic cells") as caught:
        place_and_route(top, *place, Constraints(pins, 25e6), 25, 1, folder / "large")
    used, available = caught.value.shortages["logic cells"]
    assert used > available == device.capacity.logic_cells


def test_every_family_has_a_default_device():
    for name in FAMILIES:
        device, package = find_device(DEFAULT_DEVICE[name])
        assert (device.family, package) == (name, device.default_package)


def test_names_with_dashes_are_found_whole():
    names = [device.name for device in devices()]
    assert "gw1nr-9c" in names
    for device in devices():
        for package in device.packages:
            assert find_device(f"{device.name}-{package}".upper()) == (device, package)
        assert find_device(device.name)[1] == device.default_package

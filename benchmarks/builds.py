"""Whole builds of the fixed models by the real command line: accuracy, cells, speed, time, memory.

Each build is one process, ``locgen build``, timed from outside. Cold is ``--no-cache``; warm is
the same build again with everything in the build cache (an own, empty one, filled by a build that
is not counted). Both with the tools' own caches warm: one small build before the first sees to it.
Peak memory is the largest sum of resident sizes over the process and all its descendants, sampled
every 50 ms; pages that processes share are counted in each, so it is an upper bound.

Wall time, processor time and memory are of the machine that ran it, whatever else it did at the
time; all other columns are the same wherever the same tools run.

A model that does not fit the UP5K is built for the HX8K instead, and the table says so.
"""

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from measure import markdown, out_argument, write_result
from models import CASES, Case, load_case
from sklearn.tree import DecisionTreeClassifier

import locgen

LARGER_DEVICE = "hx8k"
FABRICS = {
    "direct": ("--fabric", "direct"),
    "tree, links 1": ("--fabric", "tree", "--link-width", "1", "--core", "hardwired"),
    "tree, links 4": ("--fabric", "tree", "--link-width", "4", "--core", "hardwired"),
}
DROP_BAR_POINTS = 0.5
WALL_BAR_SECONDS = 30.0
MEMORY_BAR_MB = 1024.0
DOES_NOT_FIT = 4
"""Exit code of ``locgen build`` for a design that does not fit its device."""

_POLL_SECONDS = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Run:
    """One finished ``locgen build``: exit code, what it said, and what it took."""

    code: int
    message: str
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    load_before: float


def resident_bytes(root: int) -> int:
    """Return the resident size of process `root` and all its descendants, in bytes."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # it ended meanwhile
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    family = {root}
    while True:
        children = {pid for pid, parent in parents.items() if parent in family} - family
        if not children:
            break
        family |= children
    total = 0
    for pid in family:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        except OSError:
            continue
    return total


def run_build(model: Path, data: Path, out: Path, options: list[str], cache: Path) -> Run:
    """Run ``locgen build`` and watch it."""
    code = "from locgen.cli import main; main()"
    command = [sys.executable, "-c", code, "build", str(model), "--target", "ice40"]
    command += ["--data", str(data), "--out", str(out), *options]
    environment = os.environ | {"LOCGEN_CACHE": str(cache)}
    load = os.getloadavg()[0]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = 0
    with tempfile.TemporaryFile("w+") as said:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
        try:
            while child.poll() is None:
                peak = max(peak, resident_bytes(child.pid))
                time.sleep(_POLL_SECONDS)
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
        wall = time.monotonic() - begin
        said.seek(0)
        message = said.read()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Run(child.returncode, message, wall, cpu, peak / 2**20, load)


def build_case(case: Case, fabric: str, folder: Path) -> dict[str, object]:
    """Build `case` cold and warm in `fabric`; return its row."""
    model, data = case.save(folder / case.name)
    recipe = case.recipe
    place = ["--board", recipe.board] if recipe.board else ["--device", "up5k"]
    options = [*place, *FABRICS[fabric]]
    out, cache = folder / case.name / "out", folder / case.name / "cache" / fabric
    needs = None
    cold = run_build(model, data, out, [*options, "--no-cache"], cache)
    if cold.code == DOES_NOT_FIT:
        needs = _needed(cold.message)
        print(f"  {cold.message.strip()}", flush=True)
        options = ["--device", LARGER_DEVICE, *FABRICS[fabric]]
        cold = run_build(model, data, out, [*options, "--no-cache"], cache)
    row: dict[str, object] = {"case": case.name, "model": recipe.title, "fabric": fabric}
    row["fits_up5k"] = needs is None and cold.code == 0
    row["needs_cells"] = needs
    row |= without_tools(case, fabric)
    row["exit_code"] = cold.code
    times: dict[str, object] = {"cold": _of(cold)}
    if cold.code == 0:
        report = json.loads((out / "report.json").read_text())
        row |= from_report(report)
        run_build(model, data, out, options, cache)
        warm = run_build(model, data, out, options, cache)
        times["warm"] = _of(warm)
        again = json.loads((out / "report.json").read_text())
        row["warm_report_equal"] = again == report
    else:
        row["message"] = cold.message.strip()
        row["needs_cells"] = _needed(cold.message) or needs
    row["this_machine"] = times
    return row


def _needed(message: str) -> str | None:
    """Return how many cells a refusal asks for, and whether that was counted or estimated."""
    found = re.search(r"needs (\d+ logic cells(?: by estimate)?)", message)
    return found and found[1]


def _of(run: Run) -> dict[str, float]:
    facts = {key: round(value, 2) for key, value in asdict(run).items() if key != "message"}
    del facts["code"]
    return facts


def without_tools(case: Case, fabric: str) -> dict[str, object]:
    """Return what is known before any tool runs: accuracy, latency, bits across borders."""
    kind, _, width = fabric.partition(", links ")
    options = {"link_width": width} if width else {}
    dataset = case.dataset()
    design = locgen.compile(case.estimator, target="ice40", data=dataset, fabric=kind, **options)
    report = design.report
    return {
        "rows_test": report.quantisation.rows_test,
        "float_accuracy": report.quantisation.float_accuracy,
        "golden_accuracy": report.quantisation.quantised_accuracy,
        "changed_decisions": report.quantisation.changed_decisions,
        "score_bits": report.quantisation.score_bits,
        "input_bits": sum(report.quantisation.feature_bits),
        "nodes": report.model.nodes,
        "latency_cycles": report.fabric.latency_cycles,
        "interval_cycles": report.fabric.interval_cycles,
        "bits_per_inference": report.fabric.bits_per_inference,
        "estimated_cells": report.estimate.logic_cells,
        "estimated_fmax_mhz": report.estimate.fmax_mhz,
    }


def from_report(report: dict) -> dict[str, object]:
    """Return what the table takes from ``report.json``."""
    return {
        "device": report["target"]["device"],
        "board": report["target"]["board"],
        "core_cells": report["core"]["logic_cells"],
        "top_cells": report["utilisation"]["logic_cells"],
        "clock_mhz": report["target"]["clock_mhz"],
        "fmax_mhz": report["timing"]["fmax_mhz"],
        "latency_cycles": report["fabric"]["latency_cycles"],
        "latency_ns": report["throughput"]["latency_ns"],
        "core_per_second": report["throughput"]["core_per_second"],
        "link_per_second": report["throughput"]["link_per_second"],
        "toggles_per_inference": report["energy"]["toggles_per_inference"],
        "dynamic_nj_per_inference": report["energy"]["dynamic_nj_per_inference"],
        "clock_uw": report["energy"]["clock_uw"],
        "static_uw": report["energy"]["static_uw"],
        "at_one_per_second_uj": report["energy"]["at_one_per_second_uj"],
        "energy_uncertainty_percent": report["energy"]["uncertainty_percent"],
        "vectors": {r["level"]: r["vectors"] for r in report["verification"]},
        "mismatches": sum(r["mismatches"] for r in report["verification"]),
        "levels_verified": len(report["verification"]),
    }


def bars(rows: list[dict]) -> list[tuple[str, bool, str]]:
    """Return (bar, met, measured) of the bars that `rows` can tell."""
    found = []
    for name in dict.fromkeys(row["case"] for row in rows):
        mine = [row for row in rows if row["case"] == name]
        drop = max(100 * (row["float_accuracy"] - row["golden_accuracy"]) for row in mine)
        title = f"{name}: golden loses at most {DROP_BAR_POINTS} points on the test rows"
        found.append((title, drop <= DROP_BAR_POINTS, f"{drop:+.2f} points lost"))
        verified = [row for row in mine if "mismatches" in row]
        wrong = sum(row["mismatches"] for row in verified)
        refused = sum(row["exit_code"] == DOES_NOT_FIT for row in mine)
        checked = len(verified) + refused == len(mine)
        checked = checked and all(row["levels_verified"] == 2 for row in verified)
        text = f"{wrong} in {len(verified)} builds, RTL and netlist each; {refused} fit nothing"
        found.append((f"{name}: 0 mismatches", wrong == 0 and checked, text))
        if name in ("bc", "wine"):
            fits = ", ".join(f"{r['fabric']}: {r.get('top_cells', 'no')}" for r in mine)
            found.append(
                (f"{name}: fits UP5K", all(r["fits_up5k"] for r in mine), f"{fits} of 5280 cells")
            )
    for row in rows:
        if row["case"] == "bc" and row["exit_code"] == 0:
            cold = row["this_machine"]["cold"]
            wall, peak = cold["wall_seconds"], cold["peak_mb"]
            title, most = f"bc, {row['fabric']}: build --no-cache at most", WALL_BAR_SECONDS
            found.append((f"{title} {most:g} s", wall <= most, f"{wall:.1f} s"))
            most = MEMORY_BAR_MB
            found.append((f"{title} {most:g} MB", peak <= most, f"{peak:.0f} MB"))
    return found


def render(rows: list[dict]) -> str:
    """Return the tables and the bars as Markdown."""
    text = "# Builds\n\n## Accuracy, and what is exact before any tool runs\n\n"
    text += markdown(
        ["model", "nodes", "test rows", "float", "golden", "changed", "input bits", "score bits"],
        (
            [
                row["model"],
                row["nodes"],
                row["rows_test"],
                f"{row['float_accuracy']:.4f}",
                f"{row['golden_accuracy']:.4f}",
                row["changed_decisions"],
                row["input_bits"],
                row["score_bits"],
            ]
            for row in {row["case"]: row for row in rows}.values()
        ),
    )
    text += "\n## Hardware\n\n"
    head = ["model", "fabric", "built for", "core cells", "routed top", "Fmax MHz", "clock MHz"]
    head += ["latency", "ns", "inferences/s (core)", "over UART", "bits across borders"]
    head += ["dynamic nJ", "uJ at 1/s", "mismatches"]
    table = []
    for row in rows:
        built = row.get("board") or row.get("device") or "nothing"
        if not row["fits_up5k"]:
            built += f" (UP5K: does not fit, needs {row['needs_cells']})"
        line = [row["model"], row["fabric"], built, row.get("core_cells"), row.get("top_cells")]
        line += [row.get("fmax_mhz"), row.get("clock_mhz"), row["latency_cycles"]]
        line += [row.get("latency_ns"), row.get("core_per_second"), row.get("link_per_second")]
        line += [row["bits_per_inference"], row.get("dynamic_nj_per_inference")]
        table.append([*line, row.get("at_one_per_second_uj"), row.get("mismatches")])
    text += markdown(head, table)
    text += "\n## Time and memory, this machine\n\n"
    head = ["model", "fabric", "cold s", "cold CPU s", "cold peak MB", "warm s", "warm CPU s"]
    table = []
    for row in rows:
        line = [row["model"], row["fabric"]]
        for run in ("cold", "warm"):
            times = row["this_machine"].get(run)
            keys = ("wall_seconds", "cpu_seconds", "peak_mb")
            line += [None] * 3 if times is None else [f"{times[key]:.1f}" for key in keys]
        table.append(line)
    text += markdown([*head, "warm peak MB"], table)
    text += "\n## Bars\n\n"
    text += markdown(
        ["bar", "", "measured"], ((t, "met" if met else "MISSED", m) for t, met, m in bars(rows))
    )
    return text


def save(fresh: list[dict], out: Path, keep: bool) -> list[dict]:
    """Write ``builds.json`` with the rows `fresh`, beside those that it holds; return all."""
    path = out / "builds.json"
    rows = list(fresh)
    if keep and path.is_file():
        named = {(row["case"], row["fabric"]) for row in fresh}
        kept = json.loads(path.read_text())["builds"]
        rows += [row for row in kept if (row["case"], row["fabric"]) not in named]
    cases, fabrics = list(CASES), list(FABRICS)
    rows.sort(key=lambda row: (cases.index(row["case"]), fabrics.index(row["fabric"])))
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"builds": rows}, indent=1) + "\n")
    return rows


def warm_up(folder: Path) -> None:
    """Let the tools fill their own caches, with the smallest build there is."""
    x, y = [[0.0], [1.0], [2.0], [3.0]] * 3, [0, 0, 1, 1] * 3
    arrays = {"X_train": x, "y_train": y, "X_test": x, "y_test": y}
    stump = Case("stump", CASES["bc"], DecisionTreeClassifier(max_depth=1).fit(x, y), arrays)
    model, data = stump.save(folder / "stump")
    run_build(model, data, folder / "stump" / "out", ["--no-cache"], folder / "stump" / "cache")


def main() -> None:
    """Build, print and write ``builds.md`` and ``builds.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help=f"cases out of {', '.join(CASES)}, such as bc,wine")
    parser.add_argument("--fabric", choices=FABRICS, help="one fabric alone")
    parser.add_argument("--keep", action="store_true", help="keep rows of earlier results")
    out_argument(parser)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a build does not outlive us
    names = arguments.only.split(",") if arguments.only else list(CASES)
    for name in names:
        if name not in CASES:
            parser.error(f"there is no case {name!r}: choose out of {', '.join(CASES)}")
    if not arguments.keep:
        save([], arguments.out, keep=False)
    rows: list[dict] = []
    with tempfile.TemporaryDirectory(prefix="locgen-benchmark-") as temporary:
        folder = Path(temporary)
        warm_up(folder)
        for name in names:
            case = load_case(name)
            if case is None:
                continue
            for fabric in [arguments.fabric] if arguments.fabric else FABRICS:
                row = build_case(case, fabric, folder)
                print({k: v for k, v in row.items() if k not in ("message",)}, flush=True)
                rows = save([row], arguments.out, keep=True)
    write_result(arguments.out, "builds", render(rows), {"builds": rows})


if __name__ == "__main__":
    main()

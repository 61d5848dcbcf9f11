"""Every target's product for the same models: cells, clock, area, mismatches.

Breast cancer (random forest 20x5), dry bean (gradient boosting, 10 rounds to depth 3 for seven
classes: 70 trees, from the folder ``shared``) and an additive model (interpret's explainable
boosting machine of breast cancer's 30 features, 16 bins each) for every target; and a forest of
digits, 100x8, in engines where there is memory. Every build simulates RTL and, where there is one,
netlist; a mismatch ends the script. A refusal is a line of the table too.

Usage: python benchmarks/targets.py [--only bc-ecp5,digits] [--out FOLDER]
With ``--only`` the other lines stay as they stand in the folder.
"""

import argparse
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measure import markdown, out_argument, write_result
from models import rows_of
from sklearn.base import ClassifierMixin
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

import locgen
from locgen.errors import DoesNotFit
from locgen.report.schema import Report
from locgen.targets.asic.libraries import libraries_here
from locgen.targets.families import FAMILIES
from locgen.targets.toolchain import find_tool


def additive() -> ClassifierMixin:
    """Return an explainable boosting machine, main effects alone."""
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(
        interactions=0, max_bins=16, outer_bags=2, max_rounds=200, n_jobs=1, random_state=0
    )


def forest() -> ClassifierMixin:
    """Return breast cancer's forest."""
    return RandomForestClassifier(20, max_depth=5, random_state=0)


def boosted() -> ClassifierMixin:
    """Return dry bean's boosted trees."""
    return GradientBoostingClassifier(n_estimators=10, max_depth=3, random_state=0)


def large_forest() -> ClassifierMixin:
    """Return digits' forest, too large for gates."""
    return RandomForestClassifier(100, max_depth=8, random_state=0)


@dataclass(frozen=True)
class Subject:
    """A model and where it goes: `places` are (target, device), device empty for none."""

    title: str
    data: str
    estimator: Callable[[], ClassifierMixin]
    places: tuple[tuple[str, str], ...]
    core: str = "auto"


_SMALL = (("ice40", "up5k"), ("ecp5", "25k"), ("gowin", "gw1nr-9c"))
_EXPERIMENTAL = (("machxo2", "xo2-1200"), ("nexus", "lifcl-40"))
_NO_DEVICE = (
    ("xilinx7", ""),
    ("xilinxup", ""),
    ("verilog", ""),
    ("asic", ""),
    ("tinytapeout", ""),
)
SUBJECTS = {
    "bc": Subject(
        "breast cancer RF 20x5",
        "breast_cancer",
        forest,
        (*_SMALL, *_EXPERIMENTAL, *_NO_DEVICE),
    ),
    "bean": Subject(
        "dry bean GB 10x3",
        "dry_bean",
        boosted,
        (*_SMALL, *_EXPERIMENTAL, *_NO_DEVICE),
    ),
    "ebm": Subject(
        "breast cancer EBM",
        "breast_cancer",
        additive,
        (*_SMALL, *_EXPERIMENTAL, *_NO_DEVICE),
    ),
    "digits": Subject(
        "digits RF 100x8, engines",
        "digits",
        large_forest,
        (
            ("ice40", "up5k"),
            ("ecp5", "45k"),
            ("gowin", "gw2a-18c"),
            ("gowin", "gw1nr-9c"),
            *_EXPERIMENTAL,
            *_NO_DEVICE,
        ),
        core="engine",
    ),
}
HEADER = (
    "model",
    "target",
    "device or library",
    "ends in",
    "fabric",
    "latency",
    "core",
    "block RAM",
    "routed Fmax MHz",
    "levels",
    "vectors",
    "mismatches",
)
NOTES = (
    "`core` is the model alone: logic cells (LUT4) of programmable logic, LUT6 of the xilinx "
    "targets, um2 of standard cells; `tinytapeout` adds the tile and how full it is. "
    "Fmax is that of the core routed between shift registers, of standard cells before layout. "
    "A refusal, exit code 4, stands where a product would."
)


def product_of(target: str, out: Path, report: Report) -> str:
    """Return what the build ends in."""
    name = report.model.name
    for suffix in (".bin", ".bit", ".fs"):
        if (out / f"{name}{suffix}").is_file():
            return f"`{suffix}`"
    if target == "tinytapeout":
        return "project tree"
    if target == "verilog":
        return "`.v`, `.core`"
    return "netlist"


def size_of(report: Report) -> str:
    """Return the core's size in the target's own unit."""
    core, chip = report.core, report.chip
    if core is None:
        return "-"
    if core.area_um2 is not None:
        text = f"{core.area_um2:,.0f} um2"
        if chip is not None and chip.tile:
            text += f", {chip.tile}, {100 * chip.tile_filled:.0f} %"
        return text
    if core.lut6 is not None:
        return f"{core.lut6:,} LUT6"
    return "-" if core.logic_cells is None else f"{core.logic_cells:,}"


def row_of(subject: Subject, target: str, device: str, folder: Path) -> list[str]:
    """Build one line and return it."""
    rows = rows_of(subject.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = subject.estimator().fit(rows["X_train"], rows["y_train"])
    head = [subject.title, target]
    options = {"device": device} if device else {}
    try:
        design = locgen.compile(estimator, target, rows, core=subject.core, **options)
        built = design.build(folder)
    except DoesNotFit as error:
        return [*head, device or "-", f"refused, {error.exit_code}: {error}", *["-"] * 8]
    report = Report.model_validate_json((built.out / "report.json").read_text())
    chip, core = report.chip, report.core
    where = device or (chip.library if chip is not None else "-")
    blocks = None if core is None else (core.bram or 0) + (core.spram or 0)
    fmax = None if report.timing is None else report.timing.fmax_mhz
    return [
        *head,
        where,
        product_of(target, built.out, report),
        report.fabric.kind + (", engines" if report.fabric.core == "engine" else ""),
        f"{report.fabric.latency_cycles:,}",
        size_of(report),
        str(blocks or "-"),
        "-" if fmax is None else f"{fmax:.1f}",
        ", ".join(level.level for level in report.verification),
        f"{report.verification[-1].vectors:,}",
        str(sum(level.mismatches for level in report.verification)),
    ]


def main() -> None:
    """Build every case and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help=f"out of {', '.join(SUBJECTS)}; bc-ecp5 for one target")
    out_argument(parser)
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(SUBJECTS)
    kept = options.out / "targets.json"
    rows: dict[str, list[str]] = {}
    if options.only and kept.is_file():
        rows = json.loads(kept.read_text())["rows"]
    order = []
    for name, subject in SUBJECTS.items():
        if rows_of(subject.data) is None:
            continue
        for target, device in subject.places:
            order.append(f"{name} {target} {device}".strip())
            if name not in wanted and f"{name}-{target}" not in wanted:
                continue
            with tempfile.TemporaryDirectory(prefix="locgen-benchmark-") as folder:
                start = sum(os.times()[:4])
                rows[order[-1]] = line = row_of(subject, target, device, Path(folder) / "build")
            print(line, f"{sum(os.times()[:4]) - start:.0f} s", flush=True)
    tools = ["yosys", *(family.placer for family in FAMILIES.values())]
    if any(path is not None for _, path in libraries_here()):
        tools.append("sta")
    used = ", ".join(find_tool(tool).identity for tool in tools)
    rows = {key: rows[key] for key in order if key in rows}
    text = f"# Targets\n\n{markdown(HEADER, rows.values())}\n{NOTES}\n\n{used}\n"
    write_result(options.out, "targets", text, {"rows": rows})


if __name__ == "__main__":
    main()

"""Models as standard cells: area, flip-flops, timing, energy and tile, each build verified.

Breast cancer (random forest 20x5) and dry bean (gradient boosting, 10 rounds to depth 3 for seven
classes: 70 trees, from the folder ``shared``) in osu018 (Debian's qflow-tech-osu018; without it
left out) and in the built-in table of sky130. Every build simulates RTL and netlist; a mismatch
ends the script.

Usage: python benchmarks/chips.py [--only bc,bean] [--out FOLDER]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from measure import markdown, out_argument, write_result
from models import rows_of
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

import locgen
from locgen.errors import DoesNotFit
from locgen.report.schema import Report
from locgen.targets.asic.libraries import KNOWN, libraries_here
from locgen.targets.toolchain import find_tool

CASES = {
    "bc": ("breast cancer RF 20x5", "breast_cancer"),
    "bean": ("dry bean GB 10x3", "dry_bean"),
}
HEADER = (
    "model",
    "library",
    "area um2",
    "gate equivalents",
    "flip-flops %",
    "Fmax MHz",
    "internal pJ",
    "switching pJ",
    "of both, clock",
    "leakage uW",
    "sky tile with pins",
    "vectors",
    "mismatches",
)

NOTES = (
    "Energies are per inference at full speed, one a cycle, of the core alone, before layout and "
    "without glitches; the clock's is that of flip-flops' clock pins and the net to them. Every "
    "build was simulated at RTL and netlist level."
)


def built(estimator: object, rows: dict[str, np.ndarray], **options: object) -> Report:
    """Return the report of a verified build."""
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        design = locgen.compile(estimator, data=rows, **options)
        done = design.build(Path(folder) / "build")
        return Report.model_validate_json((done.out / "report.json").read_text())


def row_of(title: str, report: Report, tile: str) -> list[str]:
    """Return a line of the table."""
    core, chip, energy = report.core, report.chip, report.energy
    internal = switching = clock = leakage = fmax = "-"
    if energy.internal_uw is not None and energy.switching_uw is not None:
        million = report.throughput.core_per_second / 1e6
        internal = f"{energy.internal_uw / million:.1f}"
        switching = f"{energy.switching_uw / million:.1f}"
        clock = f"{energy.clock_uw / (energy.internal_uw + energy.switching_uw):.0%}"
        leakage = f"{energy.leakage_uw:.3g}"
        fmax = f"{report.timing.fmax_mhz:.0f}"
    return [
        title,
        f"{chip.library} ({chip.corner or 'areas alone'})",
        f"{core.area_um2:,.0f}",
        f"{core.gate_equivalents:,.0f}",
        f"{100 * chip.flip_flop_share:.0f}",
        fmax,
        *(internal, switching, clock, leakage, tile),
        f"{report.verification[-1].vectors:,}",
        str(sum(one.mismatches for one in report.verification)),
    ]


def main() -> None:
    """Build every case and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(CASES), help="cases, joined by commas")
    out_argument(parser)
    options = parser.parse_args()
    here = {known.name: path for known, path in libraries_here() if path is not None}
    osu018 = here.get("osu018_stdcells")
    lines, facts = [], {}
    for name in options.only.split(","):
        title, data = CASES[name]
        rows = rows_of(data)
        if rows is None:
            continue
        estimator = RandomForestClassifier(20, max_depth=5, random_state=0)
        if name == "bean":
            estimator = GradientBoostingClassifier(n_estimators=10, max_depth=3, random_state=0)
        estimator.fit(rows["X_train"], rows["y_train"])
        reports = []
        if osu018 is not None:
            reports.append((built(estimator, rows, target="asic", liberty=osu018), "-"))
        try:
            tile = built(estimator, rows, target="tinytapeout", liberty=KNOWN[-1].paths[0])
            text = f"{tile.chip.tile}, {100 * tile.chip.tile_filled:.0f} % filled"
            reports.append((tile, text))
        except DoesNotFit as error:
            print(error)
            alone = built(estimator, rows, target="asic", liberty=KNOWN[-1].paths[0])
            reports.append((alone, "none"))
        for report, tile in reports:
            lines.append(row_of(title, report, tile))
            facts.setdefault(name, []).append(report.model_dump(by_alias=True))
    table = markdown(HEADER, lines)
    timed = ", " + find_tool("sta").identity if osu018 is not None else ""
    text = (
        f"# Models as standard cells\n\n{table}\n{NOTES}\n\n{find_tool('yosys').identity}{timed}\n"
    )
    write_result(options.out, "chips", text, {"reports": facts})


if __name__ == "__main__":
    main()

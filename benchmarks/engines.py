"""Models in engines: how many words, cells, cycles and inferences a second, routed on the UP5K.

Each model is built as a bare core (``--core engine``, no board), verified at RTL and netlist level
like every build, and routed between shift registers at 24 MHz. ``per second at 24 MHz`` is what the
cycle count gives at that clock; the clock that routed stands beside it.
"""

import argparse
import json
import tempfile
from pathlib import Path

from measure import markdown, out_argument, write_result
from models import bundled
from sklearn.base import ClassifierMixin
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid

import locgen
from locgen.errors import LocgenError
from locgen.plan import images_of

CLOCK_MHZ = 24.0
BAR_PER_SECOND = 10_000
CASES: dict[str, tuple[str, str, ClassifierMixin]] = {
    "bc": ("breast cancer RF 20x5", "breast_cancer", RandomForestClassifier(20, max_depth=5)),
    "wine": ("wine RF 20x5", "wine", RandomForestClassifier(20, max_depth=5)),
    "digits_gb": (
        "digits GB 30x3",
        "digits",
        GradientBoostingClassifier(n_estimators=30, max_depth=3),
    ),
    "digits_rf": ("digits RF 100x8", "digits", RandomForestClassifier(100, max_depth=8)),
    "digits_nb": ("digits GaussianNB", "digits", GaussianNB()),
    "digits_centroid": ("digits NearestCentroid", "digits", NearestCentroid()),
}
WIDTHS = ("4",)


def build_case(name: str, width: str, folder: Path, routed: bool) -> dict[str, object]:
    """Build one case; return its row."""
    title, data, estimator = CASES[name]
    x_train, x_test, y_train, y_test = bundled(data)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    model = estimator.fit(x_train, y_train)
    design = locgen.compile(
        model,
        "ice40",
        {"X_train": x_train, "y_train": y_train, "X_test": x_test, "y_test": y_test},
        core="engine",
        link_width=width,
        pnr=routed,
    )
    plan, shape = design.plan, design.plan.shapes[0]
    out = folder / f"{name}_{width}"
    design.build(out)
    report = json.loads((out / "report.json").read_text())
    assert all(level["mismatches"] == 0 for level in report["verification"])
    fmax = report["timing"]["fmax_mhz"] if routed else None
    return {
        "model": title,
        "link width": width,
        "tree nodes": sum(len(n.feature) + len(n.leaf_scores) for n in design.model.nodes),
        "memory": shape.memory,
        "words": sum(len(image) for image in images_of(design.model, plan, 0)),
        "of words": sum(shape.words for shape in plan.shapes),
        "float accuracy": round(report["quantisation"]["float_accuracy"], 4),
        "golden accuracy": round(report["quantisation"]["quantised_accuracy"], 4),
        "changed": report["quantisation"]["changed_decisions"],
        "cells": report["core"]["logic_cells"],
        "estimated": report["estimate"]["logic_cells"],
        "block RAM": report["core"]["bram"],
        "SPRAM": report["core"]["spram"],
        "interval": plan.interval_cycles,
        "per second at 24 MHz": round(CLOCK_MHZ * 1e6 / plan.interval_cycles),
        "Fmax": fmax,
        "per second at Fmax": None if fmax is None else round(fmax * 1e6 / plan.interval_cycles),
        "vectors": report["verification"][0]["vectors"],
        "mismatches": sum(level["mismatches"] for level in report["verification"]),
    }


def main() -> None:
    """Build, print and write ``engines.md`` and ``engines.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help=f"cases out of {', '.join(CASES)}")
    parser.add_argument("--no-pnr", action="store_true", help="cells and cycles alone, no Fmax")
    out_argument(parser)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="locgen-benchmark-") as folder:
        for name in arguments.only.split(",") if arguments.only else CASES:
            for width in WIDTHS:
                try:
                    row = build_case(name, width, Path(folder), not arguments.no_pnr)
                except LocgenError as error:
                    print(f"{name}, links {width}: {error}", flush=True)
                    continue
                print(row, flush=True)
                rows.append(row)
    text = markdown(list(rows[0]), [list(row.values()) for row in rows])
    bar = all(row["per second at 24 MHz"] > BAR_PER_SECOND for row in rows)
    text += f"\nMore than {BAR_PER_SECOND} inferences a second at 24 MHz: {bar}.\n"
    write_result(arguments.out, "engines", text, {"engines": rows})


if __name__ == "__main__":
    main()

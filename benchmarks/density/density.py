"""Cells of trained models that others have published or been measured on, against the bars.

The models are XGBoost classifiers over small unsigned integers (``shared/models``, see its README):
all trees, no pruning, nothing trained anew; widths and rounding are searched on the training rows
and blends of them. Two pipeline stages, the decision alone at the ports, argmax and comparisons
included; inputs are never NaN, so no code is kept for it. Cells are iCE40 logic cells after
packing; LUT6 are those of Yosys's ``synth_xilinx -family xcup``, raw and after pairing into
LUT6_2; Fmax is one placer seed on an HX8K. Figures of TreeLUT and conifer are those that came with
the bars, measured in the same way on the same models; they are not measured here. Seconds are the
processor's, tools included.
"""

import argparse
import os
import resource
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
from measure import markdown, out_argument, tools_used, write_result

import locgen
from locgen.flow.bench import emit
from locgen.frontends import Loaded, load
from locgen.targets.packing import pack_core
from locgen.targets.routed import ResourceShortage
from locgen.targets.routing import route_out_of_context
from locgen.targets.synthesis import synthesise_core
from locgen.targets.verilog import write_verilog
from locgen.targets.xilinx import count_lut6

SHARED = Path(os.environ.get("LOCGEN_SHARED", Path(__file__).parents[3] / "shared"))


@dataclass(frozen=True)
class Case:
    """A model, what may change, and what others take.

    Members
    -------
    max_changed : percent of decisions on training rows and blends (half of which lie where no
        training row does) that may differ from the float model's
    treelut, conifer : (logic cells, LUT6); bar : the same, to stay below
    treelut_accuracy, treelut_mhz : on the test rows; of its two-stage build on an HX8K
    """

    max_changed: float
    treelut: tuple[int, int]
    conifer: tuple[int, int] | None
    bar: tuple[int, int]
    treelut_accuracy: float
    treelut_mhz: float | None


CASES = {
    "wine_x6d3": Case(4.4, (458, 153), (1066, 490), (190, 115), 0.9815, 125),
    "bc_x10d3": Case(1.0, (503, 152), (1093, 446), (210, 115), 0.9591, 129),
    "digits_x10d4": Case(3.0, (1376, 913), (9613, 4912), (850, 640), 0.9463, 78),
    "mnist_x30d5": Case(0.5, (7531, 5860), None, (5000, 4300), 0.9658, None),
}
AGREEMENT = 0.993
"""Decisions of golden on training and test rows together that must be the float model's."""
METHODS = {
    "nearest": {"rounding": "nearest"},
    "free": {"rounding": "free"},
}


def arrays(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return X_train, X_test, y_train, y_test of a model, integers in float64."""
    if name == "mnist_x30d5":
        file = np.load(SHARED / "data" / "mnist.npz")
        low = file["X_train"].min(axis=0).astype(np.float64)
        span = file["X_train"].max(axis=0) - low
        x_train, x_test = (
            np.clip(np.round((file[key] - low) / np.where(span > 0, span, 1) * 15), 0, 15)
            for key in ("X_train", "X_test")
        )
        return x_train, x_test, file["y_train"], file["y_test"]
    file = np.load(SHARED / "models" / f"{name}.npz")
    x_train, x_test = (file[key].astype(np.float64) for key in ("X_train", "X_test"))
    return x_train, x_test, file["y_train"], file["y_test"]


def cpu_seconds() -> float:
    """Return processor seconds of this process and the tools it ran: others' work is not in it."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(who)[:2]) for who in both)


def measure(name: str, method: str, stages: int) -> dict[str, object]:
    """Return the figures of one build."""
    case, data = CASES[name], arrays(name)
    loaded = load(SHARED / "models" / f"{name}.ubj")
    start = cpu_seconds()
    design = locgen.compile(
        loaded,
        "ice40",
        data=data,
        device="hx8k",
        feature_kind="identity",
        missing="refuse",
        answer="decision",
        stages=stages,
        max_changed=case.max_changed,
        max_accuracy_drop=1.0,
        **METHODS[method],
    )
    searched = cpu_seconds() - start
    with tempfile.TemporaryDirectory(prefix="locgen-density-") as folder:
        work = Path(folder)
        start = cpu_seconds()
        rtlil = emit(design)["core"]
        write_verilog({"core": rtlil}, work, work, use_cache=False)
        generated = cpu_seconds() - start
        core = synthesise_core(rtlil, work, logs=work)
        cells = pack_core(core, design.place.device, logs=work)
        fmax = None
        place = (design.place.device, design.place.package, 150.0, 1, work)
        try:
            if case.treelut_mhz is not None:  # what no bar asks for takes a quarter of an hour
                fmax = route_out_of_context(core, *place, logs=work, use_cache=True).fmax_mhz
        except ResourceShortage as error:  # with the shift register around it
            print(f"{name}: not routed: {error}", flush=True)
        lut6 = count_lut6(rtlil, work)
    agreement, accuracy, float_accuracy = judged(loaded, design, data)
    return {
        "model": name,
        "rounding": method,
        "stages": stages,
        "cells": cells.logic_cells,
        "lut6": lut6.raw,
        "lut6_paired": lut6.paired,
        "flip_flops": cells.ff,
        "fmax": None if fmax is None else round(fmax, 1),
        "agreement": round(agreement, 4),
        "float_accuracy": round(float_accuracy, 4),
        "golden_accuracy": round(accuracy, 4),
        "search_s": round(searched, 1),
        "verilog_s": round(generated, 1),
    }


def judged(loaded: Loaded, design: locgen.Design, data: tuple) -> tuple[float, float, float]:
    """Return agreement on all rows, golden's and the float model's accuracy on the test rows."""
    x_train, x_test, _, y_test = data
    classes = np.array(loaded.model.classes)

    def float_answers(x: np.ndarray) -> np.ndarray:
        return classes[loaded.model.decide(loaded.model.scores(x))]

    x = np.concatenate([x_train, x_test])
    agreement = np.mean(float_answers(x) == design.predict(x))
    accuracy = np.mean(design.predict(x_test) == y_test)
    return float(agreement), float(accuracy), float(np.mean(float_answers(x_test) == y_test))


def verdict(row: dict[str, object]) -> str:
    """Return which bars a row of two stages misses."""
    case = CASES[row["model"]]
    test_rows = len(arrays(row["model"])[3])
    least = min(case.treelut_accuracy, row["float_accuracy"]) - 1 / test_rows - 1e-4
    missed = []
    if row["cells"] > case.bar[0]:
        missed.append(f"cells above {case.bar[0]}")
    if row["lut6"] > case.bar[1]:
        missed.append(f"LUT6 above {case.bar[1]}")
    if row["agreement"] < AGREEMENT:
        missed.append(f"agreement below {AGREEMENT}")
    if row["golden_accuracy"] < least:
        missed.append("accuracy")
    if case.treelut_mhz and row["fmax"] and row["fmax"] < case.treelut_mhz:
        missed.append(f"Fmax below {case.treelut_mhz:g}")
    return "; ".join(missed) or "met"


def main() -> None:
    """Measure, print and write ``density.md`` and ``density.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="models, separated by commas", default=",".join(CASES))
    parser.add_argument("--keep", action="store_true", help="keep rows of other models")
    out_argument(parser)
    arguments = parser.parse_args()
    if not (SHARED / "models").is_dir():
        sys.exit(f"density: {SHARED}/models is not there; name its folder in LOCGEN_SHARED")
    rows = []
    for name in arguments.only.split(","):
        plans = [("nearest", 2), ("free", 2)]
        if name == "mnist_x30d5":
            plans = [("free", 2)]
        else:
            plans += [("free", {"wine_x6d3": 4, "bc_x10d3": 4, "digits_x10d4": 8}[name])]
        for method, stages in plans:
            rows.append(measure(name, method, stages))
            print(rows[-1], flush=True)
    if arguments.keep:
        import json

        known = json.loads((arguments.out / "density.json").read_text())["rows"]
        rows += [row for row in known if row["model"] not in arguments.only.split(",")]
    write(rows, arguments.out)


def write(rows: list[dict[str, object]], out: Path) -> None:
    """Write the table of `rows` and the rows themselves into the folder `out`."""
    rows.sort(key=lambda row: list(CASES).index(row["model"]))
    head = ["model", "rounding", "stages", "logic cells", "LUT6", "LUT6 paired", "FF", "Fmax MHz"]
    head += ["agreement", "float", "golden", "search CPU s", "Verilog CPU s", "bars"]
    table = [
        [*row.values(), verdict(row) if row["rounding"] == "free" and row["stages"] == 2 else ""]
        for row in rows
    ]
    text = "# Density\n\n" + markdown(head, table)
    text += "\nOthers on the same models, as published with the bars (not measured here):\n\n"
    text += markdown(
        ["model", "TreeLUT cells / LUT6", "conifer cells / LUT6", "bar cells / LUT6"],
        [
            [
                name,
                f"{case.treelut[0]} / {case.treelut[1]}",
                "-" if case.conifer is None else f"{case.conifer[0]} / {case.conifer[1]}",
                f"{case.bar[0]} / {case.bar[1]}",
            ]
            for name, case in CASES.items()
        ],
    )
    text += f"\niCE40 logic cells after packing, HX8K; {tools_used()}.\n"
    write_result(out, "density", text, {"rows": rows})


if __name__ == "__main__":
    main()

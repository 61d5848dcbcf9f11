"""Processor seconds from model file to Verilog, stage by stage, against the number of tree nodes.

The model is that of MNIST in ``shared/models``: its first rounds alone, saved as files of their
own, and all of it. Options are those of the density benchmark, which searches on 60,000 training
rows and 4,096 blends whatever the trees. Seconds are the processor's, tools included, so that
others' work on the machine counts little; the exponent is that of seconds against nodes, by least
squares over the logarithms: 1 is linear.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import xgboost
from cases import SHARED, arrays, cpu_seconds

sys.path.insert(0, str(Path(__file__).parent.parent))
from measure import markdown, out_argument, tools_used, write_result

import locgen
from locgen.flow.bench import emit
from locgen.frontends import load
from locgen.targets.verilog import write_verilog

MODEL = "mnist_x30d5"
CLASSES = 10
TREES = (300, 150, 50)
STAGES = ("load", "search", "elaborate", "write")
ROUNDINGS = ("nearest", "free")
BUDGET = 0.5
"""Percent of decisions that may change: the first that ``density.py`` tries."""
MOST_SECONDS = 10.0
"""The bar: for the whole model, all stages together."""


def measure(path: Path, data: tuple, rounding: str) -> dict[str, object]:
    """Return nodes and processor seconds of each stage for the model in `path`."""
    times = [cpu_seconds()]
    loaded = load(path)
    times.append(cpu_seconds())
    design = locgen.compile(
        loaded,
        "ice40",
        data=data,
        device="hx8k",
        feature_kind="identity",
        missing="refuse",
        answer="decision",
        stages=2,
        max_changed=BUDGET,
        max_accuracy_drop=1.0,
        rounding=rounding,
    )
    times.append(cpu_seconds())
    core = emit(design)["core"]
    times.append(cpu_seconds())
    write_verilog({"core": core}, path.parent, path.parent, use_cache=False)
    times.append(cpu_seconds())
    trees = loaded.model.trees
    return {
        "rounding": rounding,
        "trees": len(trees),
        "nodes": sum(len(tree.feature) + len(tree.leaf_values) for tree in trees),
        **dict(zip(STAGES, np.diff(times).round(2).tolist(), strict=True)),
        "total": round(times[-1] - times[0], 2),
    }


def exponent(rows: list[dict[str, object]], stage: str) -> float:
    """Return the exponent of a stage's seconds against nodes."""
    nodes, seconds = ([float(row[key]) for row in rows] for key in ("nodes", stage))
    return float(np.polyfit(np.log(nodes), np.log(seconds), 1)[0])


def main() -> None:
    """Measure, print and write ``generation.md`` and ``generation.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    out_argument(parser)
    arguments = parser.parse_args()
    if not (SHARED / "models").is_dir():
        sys.exit(f"generation: {SHARED}/models is not there; name its folder in LOCGEN_SHARED")
    data = arrays(MODEL)
    booster = xgboost.Booster(model_file=SHARED / "models" / f"{MODEL}.ubj")
    rows = []
    with tempfile.TemporaryDirectory(prefix="locgen-generation-") as folder:
        for trees in TREES:
            path = Path(folder) / f"{MODEL}_{trees}.ubj"
            booster[: trees // CLASSES].save_model(path)
            for rounding in ROUNDINGS:
                rows.append(measure(path, data, rounding))
                print(rows[-1], flush=True)
    keys = [*STAGES, "total"]
    table = []
    exponents = {}
    for rounding in ROUNDINGS:
        own = sorted((row for row in rows if row["rounding"] == rounding), key=lambda r: r["nodes"])
        exponents[rounding] = {stage: round(exponent(own, stage), 2) for stage in keys}
        for row in own:
            each = 1e3 * row["total"] / row["nodes"]
            late = row["trees"] == max(TREES) and row["total"] >= MOST_SECONDS
            bar = f"above {MOST_SECONDS:g} s" if late else ""
            if row["trees"] == max(TREES) and not late:
                bar = "met"
            table.append([*row.values(), f"{each:.2f}", bar])
        table.append([rounding, "", "exponent", *exponents[rounding].values(), "", ""])
    head = ["rounding", "trees", "nodes", *(f"{key} s" for key in keys), "ms a node", "bar"]
    text = "# Generation: model file to Verilog\n\n" + markdown(head, table)
    text += (
        "\nProcessor seconds, one run each. Search: 60,000 rows and their blends are read, decided "
        "and turned into codes whatever the trees. Elaborate: Amaranth to RTLIL; write: Yosys, its "
        f"start included. Yosys: {tools_used()}.\n"
    )
    write_result(arguments.out, "generation", text, {"rows": rows, "exponents": exponents})


if __name__ == "__main__":
    main()

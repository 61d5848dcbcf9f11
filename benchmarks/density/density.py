"""locgen and conifer on identical trained models: cells, LUT6, Fmax, accuracy, against the bars.

All trees, no pruning, nothing trained anew; widths and rounding are searched on the training rows
and blends of them. What free rounding may change is the least of `BUDGETS` with which cells, LUT6
and Fmax meet the bars: accuracy and agreement have no say in it and come out as they do. The
decision alone at locgen's ports, argmax and comparisons included; inputs are never NaN, so no code
is kept for it.
Both systems go through the same synthesis and the same shift registers, see `counting.py`.
Seconds are the processor's, tools included, from the model file to Verilog.

conifer runs in an environment of its own, with GHDL, Icarus Verilog and nlohmann's JSON header
installed (Debian: ghdl, iverilog, nlohmann-json3-dev, g++):

    python -m venv FOLDER
    FOLDER/bin/pip install conifer==1.11 da4ml==0.6.0 xgboost scikit-learn pandas packaging
    python benchmarks/density/density.py --peer-python FOLDER/bin/python

da4ml is there for the headers of ``ap_fixed`` in its wheel. Without ``--peer-python`` conifer's
published figures stand in the table, marked as such; TreeLUT's always do: it is not on PyPI.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
import conifer_peer
from cases import CASES, SHARED, arrays, cpu_seconds
from counting import GOAL_MHZ, count_core
from measure import out_argument, tools_used, write_result
from plot import write_plots
from table import misses_gates, tables

import locgen
from locgen.flow.bench import emit
from locgen.frontends import Loaded, load
from locgen.targets.verilog import write_verilog

BUDGETS = tuple(half / 2 for half in range(1, 11))
"""Percent of the decisions on training rows and blends of them (half of which lie where no training
row does) that may differ from the float model's."""
FAST_STAGES = {"wine_x6d3": 4, "bc_x10d3": 3, "digits_x10d4": 8}
"""From so many stages on one more is taken until `GOAL_MHZ` is reached. With one less, tried by
hand, wine routes at 130 MHz and digits at 143."""


def measure(
    name: str, rounding: str, budget: float, stages: int, brief: bool = False
) -> dict[str, object]:
    """Return the figures of one build of locgen's."""
    data = arrays(name)
    with tempfile.TemporaryDirectory(prefix="locgen-density-") as folder:
        work = Path(folder)
        start = cpu_seconds()
        loaded = load(SHARED / "models" / f"{name}.ubj")
        design = locgen.compile(
            loaded,
            "ice40",
            data=data,
            device="hx8k",
            feature_kind="identity",
            missing="refuse",
            answer="decision",
            stages=stages,
            max_changed=budget,
            max_accuracy_drop=1.0,
            rounding=rounding,
        )
        rtlil = emit(design)["core"]
        write_verilog({"core": rtlil}, work, work, use_cache=False)
        seconds = cpu_seconds() - start
    plan = design.plan
    row = {
        "model": name,
        "system": "locgen",
        "numbers": f"{rounding}, {budget:g} %",
        "stages": stages,
        "latency": plan.latency_cycles,
        "interval": plan.interval_cycles,
        "seconds": round(seconds, 1),
    }
    row |= judged(loaded, data, design.predict(np.concatenate(data[:2])))
    most = CASES[name].bar[0] if stages == 2 else None
    return row | asdict(count_core(rtlil, most, brief=brief, route=_has_clock(name)))


def measure_locgen(name: str, brief: bool) -> Iterator[dict[str, object]]:
    """Yield rows of two stages until sizes and clock meet the bars, then of more stages."""
    if name in FAST_STAGES:
        yield measure(name, "nearest", BUDGETS[0], 2, brief)
    for budget in BUDGETS:
        row = measure(name, "free", budget, 2, brief)
        yield row
        if not misses_gates(row):
            break
    if name in FAST_STAGES:
        for stages in range(FAST_STAGES[name], FAST_STAGES[name] + 4):
            row = measure(name, "free", budget, stages, brief)
            yield row
            if row["fmax"] >= GOAL_MHZ:
                break


def measure_conifer(name: str, python: Path, limit: float, brief: bool) -> dict[str, object]:
    """Return the figures of conifer's build, or why there are none."""
    data = arrays(name)
    rows = np.concatenate(data[:2])
    loaded = load(SHARED / "models" / f"{name}.ubj")
    bits = int(rows.max()).bit_length()
    row: dict[str, object] = {"model": name, "system": "conifer"}
    with tempfile.TemporaryDirectory(prefix="locgen-conifer-") as folder:
        try:
            peer = conifer_peer.build(name, rows, bits, python, Path(folder), limit)
        except conifer_peer.PeerFailed as error:
            return row | {"reason": str(error)}
    row |= {
        "numbers": peer.precision,
        "stages": peer.latency_cycles,
        "latency": peer.latency_cycles,
        "interval": 1,
        "seconds": round(peer.seconds, 1),
    }
    binary = peer.scores.shape[1] == 1
    decided = peer.scores[:, 0] > 0 if binary else peer.scores.argmax(axis=1)
    row |= judged(loaded, data, np.array(loaded.model.classes)[decided.astype(int)])
    return row | asdict(count_core(peer.rtlil, brief=brief, route=_has_clock(name)))


def _has_clock(name: str) -> bool:
    """Return whether there is a clock to compare with."""
    return CASES[name].treelut_mhz is not None


def judged(loaded: Loaded, data: tuple, answers: np.ndarray) -> dict[str, float]:
    """Return how `answers` on training and test rows compare with the float model's, and labels."""
    x_train, x_test, _, y_test = data
    classes = np.array(loaded.model.classes)
    floats = classes[loaded.model.decide(loaded.model.scores(np.concatenate([x_train, x_test])))]
    first = len(x_train)
    return {
        "agreement": round(float(np.mean(answers == floats)), 4),
        "float_accuracy": round(float(np.mean(floats[first:] == y_test)), 4),
        "golden_accuracy": round(float(np.mean(answers[first:] == y_test)), 4),
    }


def main() -> None:
    """Measure, print and write ``density.md``, ``density.json`` and the plots."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", help="separated by commas", default=",".join(CASES))
    parser.add_argument("--only", help="locgen or conifer", choices=("locgen", "conifer"))
    parser.add_argument("--peer-python", type=Path, help="the Python that conifer is installed in")
    parser.add_argument("--limit", type=float, default=900, help="seconds a step of conifer's has")
    parser.add_argument("--brief", action="store_true", help="leave ECP5 and xc7 out")
    parser.add_argument("--keep", action="store_true", help="keep rows that are not measured now")
    out_argument(parser)
    arguments = parser.parse_args()
    if not (SHARED / "models").is_dir():
        sys.exit(f"density: {SHARED}/models is not there; name its folder in LOCGEN_SHARED")
    names = arguments.models.split(",")
    unknown = sorted(set(names) - set(CASES))
    if unknown:
        parser.error(f"no model {unknown[0]}; there are {', '.join(CASES)}")
    with_peer = arguments.only != "locgen" and arguments.peer_python is not None
    if arguments.only != "locgen" and not with_peer:
        print("conifer is not measured without --peer-python: its figures are as published")
    rows = []
    for name in names:
        if arguments.only != "conifer":
            for row in measure_locgen(name, arguments.brief):
                rows.append(row)
                print(row, flush=True)
        if with_peer:
            python = arguments.peer_python.absolute()
            rows.append(measure_conifer(name, python, arguments.limit, arguments.brief))
            print(rows[-1], flush=True)
        write(rows, arguments.out, arguments.keep)


def write(rows: list[dict[str, object]], out: Path, keep: bool) -> None:
    """Write table and pictures of `rows`, and with `keep` of those that were there before."""
    if keep:
        fresh = {(row["model"], row["system"]) for row in rows}
        known = json.loads((out / "density.json").read_text())["rows"]
        rows = rows + [row for row in known if (row["model"], row["system"]) not in fresh]
    rows = sorted(
        rows, key=lambda row: (list(CASES).index(row["model"]), row["system"] == "conifer")
    )
    sizes = {name: len(arrays(name)[3]) for name in {row["model"] for row in rows}}
    write_result(out, "density", tables(rows, sizes, tools_used()), {"rows": rows})
    write_plots(rows, out)


if __name__ == "__main__":
    main()

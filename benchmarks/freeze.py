"""Everything that a build's bytes rest on, for every estimator and fabric of the tests.

    python benchmarks/freeze.py                       # compare with results/freeze.json
    python benchmarks/freeze.py --only svc,pairs      # the cases whose name holds one of these
    python benchmarks/freeze.py --write               # store what there is now
    python benchmarks/freeze.py --verilog --reports   # slower: Verilog, and reports of whole builds

A case is an estimator of the tests' kits, trained on its own training rows. Of each it keeps the
integer model (hash, feature and score bits), golden's answers and accuracy on test rows, and for
each fabric the digest, the estimate, the latency and the hash of RTLIL without source locations
(``--verilog``: of the emitted Verilog; ``--reports``: of `report.json` without place and route, for
one case of each kind of node). A difference is printed field by field, and ends with exit code 1.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).parent.parent
STORED = ROOT / "benchmarks" / "results" / "freeze.json"
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "kits")]
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

KITS = ("familykit", "unitkit", "metakit", "layeredkit")
REPORTED = (
    "hist-missing", "xgb-multi", "lgbm-categorical", "ada-regressor", "multi-label-forest",
    "bernoulli", "k-means", "neighbours", "lda", "svc-bare", "mlp-relu", "vote-soft",
    "pairs-linear",
)  # fmt: skip
"""Cases whose whole build is kept: each kind of node, decision and feature."""
SLOWER = ("verilog", "report", "core_cells")
"""Fields that only the slower runs have."""
DIRECT_ALONE = ("ada-regressor",)
TREE_ALONE = (
    *("neighbours", "svc", "nusvc", "svr", "nusvr", "oneclass", "ridge-", "pairs-kernel"),
    *(
        "rest-kernel",
        "bag-svc",
        "bag-svr",
        "bag-neighbours",
        "calibrated-one",
        "vote-hard",
        "stack",
    ),
    *("targets", "vote-values", "mlp", "nystroem", "rbf-sampler", "rest-network"),
)
"""Cases whose gates side by side would take minutes: by the start of their name."""


def short(text: str | bytes) -> str:
    """Return 16 hex digits that stand for `text`."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def cases() -> list[tuple[str, str]]:
    """Return kit and name of every case, in a fixed order."""
    from importlib import import_module

    return [(kit, name) for kit in KITS for name in import_module(kit).CASES]


def fabrics(name: str) -> tuple[str, ...]:
    """Return the fabrics that a case is kept for."""
    if name in DIRECT_ALONE:
        return ("direct",)
    return ("tree",) if name.startswith(TREE_ALONE) else ("direct", "tree")


def freeze(work: tuple[str, str, bool, bool]) -> tuple[str, dict[str, object], float]:
    """Return the name of a case, what is kept of it, and the processor seconds that it took."""
    kit, name, verilog, reports = work
    started = time.process_time()
    warnings.simplefilter("ignore")
    try:
        kept = _kept(kit, name, verilog, reports)
    except Exception as error:  # a case that breaks is a difference, not the end of the run
        kept = {"error": f"{type(error).__name__}: {error}"}
    return f"{kit}/{name}", kept, time.process_time() - started


def _kept(kit: str, name: str, verilog: bool, reports: bool) -> dict[str, object]:
    from dataclasses import replace
    from importlib import import_module

    import numpy as np

    import locgen
    from locgen.flow.bench import emit
    from locgen.ir import to_json

    np.random.seed(0)  # what estimators without a seed of their own draw from
    estimator, arrays = import_module(kit).fitted(name)
    if "isolation" in name:
        arrays = (*arrays[:2], *(estimator.predict(x) for x in arrays[:2]))
    kept: dict[str, object] = {}
    for fabric in fabrics(name):
        design = locgen.compile(estimator, "ice40", data=arrays, fabric=fabric, pnr=False)
        if not kept:
            plain = design.quantisation.model
            answers = design.predict(arrays[1])
            kept["model"] = short(to_json(plain))
            kept["feature_bits"] = sum(plain.feature_bits)
            kept["score_bits"] = plain.score_bits
            kept["answers"] = short(np.ascontiguousarray(answers).astype(str).tobytes())
            truth = np.asarray(arrays[3])
            if plain.task == "classification":
                kept["accuracy"] = float(np.mean(answers.astype(str) == truth.astype(str)))
            else:
                spread = float(((truth - truth.mean(axis=0)) ** 2).sum())
                kept["accuracy"] = round(1 - float(((answers - truth) ** 2).sum()) / spread, 12)
        modules = emit(design)
        facts: dict[str, object] = {
            "digest": design.digest,
            "latency": design.plan.latency_cycles,
            "cells": design.estimate.logic_cells,
            "rtlil": short(modules["core"]),
        }
        if verilog:
            from locgen.targets.verilog import write_verilog

            with tempfile.TemporaryDirectory() as folder:
                where = Path(folder)
                written = write_verilog({"core": modules["core"]}, where, where / "logs")
                facts["verilog"] = short(written["core"].read_bytes())
        if reports and name in REPORTED:
            with tempfile.TemporaryDirectory() as folder:
                quick = replace(design, options=design.options.model_copy(update={"effort": "low"}))
                quick.build(Path(folder) / "out")
                report = json.loads((Path(folder) / "out" / "report.json").read_text())
                del report["tools"]
                facts["report"] = short(json.dumps(report, sort_keys=True))
                facts["core_cells"] = report["core"]["logic_cells"]
        kept[fabric] = facts
    return kept


def differences(old: object, new: object, where: str, only: tuple[str, ...]) -> list[str]:
    """Return a line for each field that differs; a field of `only` that one side lacks is left."""
    if isinstance(old, dict) and isinstance(new, dict):
        lines = []
        for key in sorted({*old, *new}):
            if key in only and (key not in old or key not in new):
                continue
            lines += differences(old.get(key), new.get(key), f"{where} {key}", only)
        return lines
    return [] if old == new else [f"{where}: {old} -> {new}"]


def main() -> int:
    """Run the cases that were asked for, and store them or compare them with what is stored."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="parts of names, separated by commas")
    parser.add_argument("--write", action="store_true", help="store instead of comparing")
    parser.add_argument("--verilog", action="store_true", help="hash the emitted Verilog too")
    parser.add_argument("--reports", action="store_true", help="hash reports of whole builds too")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    parts = [part for part in options.only.split(",") if part]
    chosen = [
        (kit, name, options.verilog, options.reports)
        for kit, name in cases()
        if not parts or any(part in f"{kit}/{name}" for part in parts)
    ]
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    found, lines = {}, []
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for name, kept, seconds in pool.imap_unordered(freeze, chosen):
            found[name] = kept
            print(f"{seconds:7.1f} s  {name}  {kept.get('error', '')}", file=sys.stderr)
    for name in sorted(found):
        lines += differences(
            stored.get(name), found[name], name, ("verilog", "report", "core_cells")
        )
    print("\n".join(lines) or f"{len(found)} cases as stored")
    if options.write:
        STORED.write_text(json.dumps(dict(sorted({**stored, **found}.items())), indent=1) + "\n")
        return 0
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

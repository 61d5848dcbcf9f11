"""How far locgen's estimate is from the packed core, and where its constants come from.

Builds the cores of some thirty designs (synthesis and packing; for some, place and route out of
context on the UP5K), prints the estimate's error for each, and fits the constants of
`locgen/plan/estimate.py`: non-negative least squares of relative errors over that module's own
terms, for each fabric apart. To see what the constants are worth on a model they have not seen, the
fit is repeated with each data set left out in turn.

With ``--family`` the same designs in the cells of another family: the error of the weights fitted
on iCE40, and of others fitted there.

Usage: python benchmarks/estimate.py [--only iris,wine] [--no-route] [--family ecp5] [--out FOLDER]
"""

import argparse
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from measure import count_cells, markdown, out_argument, tools_used, write_result
from models import MODEL_SEED, bundled
from scipy.optimize import nnls
from sklearn.base import BaseEstimator
from sklearn.datasets import load_diabetes
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from locgen.devices import find_device
from locgen.frontends import load
from locgen.ir import QuantisedModel
from locgen.passes import prepare
from locgen.plan import DirectPlan, TreePlan, estimate_plan, plan_direct, plan_tree
from locgen.plan.estimate import WEIGHTS, terms_of
from locgen.quantise import Dataset, QuantiseOptions, quantise
from locgen.targets.families import FAMILIES
from locgen.targets.routing import route_out_of_context
from locgen.targets.synthesis import synthesise_core
from locgen.top.direct import DirectFabric
from locgen.top.emit import emit_rtlil
from locgen.top.tree import TreeFabric

MEAN_BAR, MAX_BAR = 12.0, 30.0
"""Percent of absolute error."""


@dataclass(frozen=True)
class Sample:
    """A design to measure: `family` of `trees` (rounds when boosted) to `depth` on `data`."""

    data: str
    family: str
    trees: int
    depth: int
    fabric: str
    routed: bool = False

    @property
    def title(self) -> str:
        """Name for tables."""
        return f"{self.data} {self.family} {self.trees}x{self.depth}"


_FAMILIES: dict[str, type[BaseEstimator]] = {
    "DT": DecisionTreeClassifier,
    "RF": RandomForestClassifier,
    "ET": ExtraTreesClassifier,
    "GB": GradientBoostingClassifier,
    "RF regressor": RandomForestRegressor,
    "GB regressor": GradientBoostingRegressor,
}

SAMPLES = (
    Sample("iris", "DT", 1, 4, "direct"),
    Sample("iris", "RF", 10, 4, "direct", True),
    Sample("iris", "RF", 10, 4, "1", True),
    Sample("iris", "GB", 10, 3, "direct"),
    Sample("iris", "GB", 10, 3, "1"),
    Sample("iris", "GB", 10, 3, "4"),
    Sample("wine", "DT", 1, 5, "direct"),
    Sample("wine", "RF", 10, 4, "direct"),
    Sample("wine", "RF", 10, 4, "1"),
    Sample("wine", "RF", 20, 5, "direct", True),
    Sample("wine", "RF", 20, 5, "1", True),
    Sample("wine", "RF", 20, 5, "4"),
    Sample("wine", "RF", 20, 5, "full", True),
    Sample("wine", "ET", 20, 5, "direct"),
    Sample("wine", "ET", 20, 5, "2"),
    Sample("wine", "GB", 10, 3, "direct"),
    Sample("breast_cancer", "DT", 1, 6, "direct"),
    Sample("breast_cancer", "DT", 1, 6, "1"),
    Sample("breast_cancer", "RF", 10, 4, "direct"),
    Sample("breast_cancer", "RF", 10, 4, "1"),
    Sample("breast_cancer", "RF", 20, 5, "direct", True),
    Sample("breast_cancer", "RF", 20, 5, "1", True),
    Sample("breast_cancer", "RF", 20, 5, "2"),
    Sample("breast_cancer", "RF", 20, 5, "8", True),
    Sample("breast_cancer", "RF", 40, 7, "direct"),
    Sample("breast_cancer", "RF", 40, 7, "1"),
    Sample("breast_cancer", "GB", 50, 3, "direct", True),
    Sample("breast_cancer", "GB", 50, 3, "1"),
    Sample("digits", "DT", 1, 8, "direct"),
    Sample("digits", "RF", 10, 5, "direct", True),
    Sample("digits", "RF", 10, 5, "1", True),
    Sample("digits", "GB", 5, 3, "direct"),
    Sample("digits", "GB", 5, 3, "1"),
    Sample("diabetes", "RF regressor", 10, 5, "direct"),
    Sample("diabetes", "RF regressor", 10, 5, "1"),
    Sample("diabetes", "GB regressor", 20, 3, "direct"),
)


@cache
def _model(data: str, family: str, trees: int, depth: int) -> QuantisedModel:
    if data == "diabetes":
        arrays = train_test_split(*load_diabetes(return_X_y=True), test_size=0.3, random_state=0)
    else:
        arrays = bundled(data)
    x_train, x_test, y_train, y_test = arrays
    size = {} if family == "DT" else {"n_estimators": trees}
    estimator = _FAMILIES[family](max_depth=depth, random_state=MODEL_SEED, **size)
    estimator.fit(x_train, y_train)
    rows = Dataset(x_train, y_train, x_test, y_test)
    return quantise(load(estimator).model, data, QuantiseOptions(), rows).model


def planned(sample: Sample) -> tuple[QuantisedModel, DirectPlan | TreePlan]:
    """Return the integer model and the plan of `sample`."""
    model = _model(sample.data, sample.family, sample.trees, sample.depth)
    if sample.fabric == "direct":
        model = prepare(model, "direct")
        return model, plan_direct(model, None, False)
    model = prepare(model, "tree")
    return model, plan_tree(model, "full" if sample.fabric == "full" else int(sample.fabric), None)


def measure(sample: Sample, route: bool) -> dict[str, object]:
    """Return measured and estimated figures of `sample`, with the estimate's terms."""
    model, plan = planned(sample)
    fabric = DirectFabric(model, plan) if plan.kind == "direct" else TreeFabric(model, plan)
    usage, _ = count_cells(fabric)
    estimate = estimate_plan(model, plan)
    facts = {
        "design": sample.title,
        "fabric": "direct" if plan.kind == "direct" else f"tree {plan.link_width}",
        "data": sample.data,
        "logic_cells": usage.logic_cells,
        "estimate": estimate.logic_cells,
        "terms": terms_of(model, plan),
        "fmax_mhz": None,
        "levels": estimate.levels,
        "slowest_levels": plan.slowest_levels,
        "estimated_fmax_mhz": None,
    }
    if route and sample.routed:
        device, package = find_device("up5k")
        fabric = DirectFabric(model, plan) if plan.kind == "direct" else TreeFabric(model, plan)
        with tempfile.TemporaryDirectory(prefix="locgen-benchmark-") as folder:
            core = synthesise_core(emit_rtlil(fabric, "core", reset=True), Path(folder))
            goal = fmax_of(estimate.levels)
            routed = route_out_of_context(core, device, package, goal, 1, Path(folder))
        facts["fmax_mhz"] = round(routed.fmax_mhz, 2)
        facts["estimated_fmax_mhz"] = round(goal, 2)
    return facts


def fmax_of(levels: float) -> float:
    """Return what `flow.fabric_choice` makes of `levels` on the UP5K, in MHz."""
    delays = find_device("up5k")[0].delays
    period = delays.clock_to_q + delays.setup + levels * (delays.lut + 0.5 * delays.route)
    return 1000 / period


def fit(rows: list[dict]) -> dict[str, float]:
    """Return weights for the terms in `rows`, all of one fabric, by relative least squares.

    The bits of stops are known to take one cell each (`benchmarks/cores.py`): not fitted.
    """
    known = {"stop": 1.0}
    names = [name for name in rows[0]["terms"] if name not in known]
    measured = np.array([row["logic_cells"] for row in rows], dtype=float)
    counts = np.array([[row["terms"][name] for name in names] for row in rows])
    settled = np.array([row["terms"].get("stop", 0.0) * known["stop"] for row in rows])
    weights, _ = nnls(counts / measured[:, None], 1 - settled / measured)
    fitted = {name: float(weight) for name, weight in zip(names, weights, strict=True)}
    return fitted | (known if "stop" in rows[0]["terms"] else {})


def error_percent(row: dict, weights: dict[str, float]) -> float:
    """Return the error of the estimate that `weights` give, signed, in percent of the measured."""
    estimate = sum(weights.get(name, 0.0) * count for name, count in row["terms"].items())
    return 100 * (estimate / row["logic_cells"] - 1)


def _errors(errors: list[float]) -> str:
    sizes = np.abs(errors)
    return f"mean {sizes.mean():.1f} %, max {sizes.max():.1f} %"


def other_family(family: str, wanted: list[str] | None, out: Path) -> None:
    """Measure the designs in another family's cells; write ``estimate_<family>``."""
    rows = []
    for sample in SAMPLES:
        if wanted is not None and sample.data not in wanted:
            continue
        model, plan = planned(sample)
        fabric = DirectFabric(model, plan) if plan.kind == "direct" else TreeFabric(model, plan)
        usage, _ = count_cells(fabric, family=family)
        row = {
            "design": sample.title,
            "fabric": "direct" if plan.kind == "direct" else f"tree {plan.link_width}",
            "data": sample.data,
            "logic_cells": usage.logic_cells,
            "estimate": estimate_plan(model, plan).logic_cells,
            "terms": terms_of(model, plan),
        }
        print({k: v for k, v in row.items() if k != "terms"}, flush=True)
        rows.append(row)
    table = []
    for row in rows:
        kind = row["fabric"].partition(" ")[0]
        of_kind = [r for r in rows if r["fabric"].startswith(kind)]
        rest = [r for r in of_kind if r["data"] != row["data"]]
        errors = [
            100 * (row["estimate"] / row["logic_cells"] - 1),
            error_percent(row, fit(of_kind)),
            error_percent(row, fit(rest or of_kind)),
        ]
        row["errors_percent"] = [round(error, 1) for error in errors]
        keys = ("design", "fabric", "logic_cells", "estimate")
        table.append([*(row[key] for key in keys), *row["errors_percent"]])
    head = ["design", "fabric", "core cells", "estimate", "error %", "error % refitted"]
    text = f"# Estimate against measured core, {family}\n\n"
    text += markdown([*head, "error % refitted (data left out)"], table) + "\n"
    fits = {}
    for kind in ("direct", "tree"):
        of_kind = [row for row in rows if row["fabric"].startswith(kind)]
        if not of_kind:
            continue
        fits[kind] = fit(of_kind)
        here, refitted, unseen = np.array([row["errors_percent"] for row in of_kind]).T
        text += f"{kind} fabric, {len(of_kind)} designs, absolute error of the weights in locgen, "
        text += f"which iCE40 gave: {_errors(here)}; refitted here: {_errors(refitted)}; refitted "
        text += f"with each data set left out in turn: {_errors(unseen)}.\n\n"
    text += f"Packed logic cells; {tools_used(family)}.\n"
    write_result(out, f"estimate_{family}", text, {"designs": rows, "fits": fits})


def main() -> None:
    """Measure, fit, print and write ``estimate.md`` and ``estimate.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--family", choices=FAMILIES, default="ice40")
    parser.add_argument("--only", help="data sets, such as iris,wine")
    parser.add_argument("--no-route", action="store_true", help="leave the Fmax figures out")
    out_argument(parser)
    arguments = parser.parse_args()
    wanted = arguments.only.split(",") if arguments.only else None
    if arguments.family != "ice40":
        other_family(arguments.family, wanted, arguments.out)
        return
    rows = []
    for sample in SAMPLES:
        if wanted is None or sample.data in wanted:
            rows.append(measure(sample, not arguments.no_route))
            print({k: v for k, v in rows[-1].items() if k != "terms"}, flush=True)
    text, fits = "# Estimate against measured core\n\n", {}
    table = []
    for row in rows:
        row["error_percent"] = round(100 * (row["estimate"] / row["logic_cells"] - 1), 1)
        kind = row["fabric"].partition(" ")[0]
        others = [r for r in rows if r["data"] != row["data"] and r["fabric"].startswith(kind)]
        unseen = error_percent(row, fit(others)) if others else None
        row["unseen_error_percent"] = None if unseen is None else round(unseen, 1)
        keys = ("design", "fabric", "logic_cells", "estimate", "error_percent")
        keys += ("unseen_error_percent", "fmax_mhz", "estimated_fmax_mhz")
        table.append([row[key] for key in keys])
    head = ["design", "fabric", "core cells", "estimate", "error %", "error % (data left out)"]
    text += markdown([*head, "Fmax MHz, routed", "estimated"], table)
    errors = [row["error_percent"] for row in rows]
    passed = np.abs(errors).mean() < MEAN_BAR and np.abs(errors).max() < MAX_BAR
    text += f"\nAbsolute error: {_errors(errors)} (goal: mean below {MEAN_BAR:g} %, max below "
    text += f"{MAX_BAR:g} %: {'met' if passed else 'MISSED'}).\n"
    unseen = [r["unseen_error_percent"] for r in rows if r["unseen_error_percent"] is not None]
    if unseen:
        text += f"With each data set left out of the fit in turn: {_errors(unseen)}.\n"
    speeds = [100 * (r["estimated_fmax_mhz"] / r["fmax_mhz"] - 1) for r in rows if r["fmax_mhz"]]
    if speeds:
        text += f"Fmax on UP5K, one seed, {len(speeds)} designs: absolute error {_errors(speeds)}. "
        text += "These designs are the ones its constants were set by; none was left out.\n"
    text += "\n## Constants\n\n"
    for kind in ("direct", "tree"):
        of_kind = [row for row in rows if row["fabric"].startswith(kind)]
        if not of_kind:
            continue
        fits[kind] = fit(of_kind)
        fitted = [error_percent(row, fits[kind]) for row in of_kind]
        text += f"{kind} fabric, {len(of_kind)} designs; refitted here: {_errors(fitted)}.\n\n"
        names = sorted(fits[kind])
        text += markdown(
            ["term", "in locgen", "refitted"],
            ([n, f"{WEIGHTS[kind][n]:.3g}", f"{fits[kind][n]:.3g}"] for n in names),
        )
        text += "\n"
    text += f"Packed iCE40 logic cells; {tools_used()}.\n"
    write_result(arguments.out, "estimate", text, {"designs": rows, "fits": fits})


if __name__ == "__main__":
    main()

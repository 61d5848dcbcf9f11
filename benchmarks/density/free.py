"""Trained for the gates: accuracy against LUT6 on data sets that others have published on.

For each data set a recipe, a few small boosted trees (XGBoost) over features scaled to a few bits
by the training part's minimum and maximum, and five seeds. A seed chooses the split of iris and
wine, and on every set the rows and features that each tree sees. Widths and roundings are searched
on training rows alone; accuracy is golden's on the test rows. LUT6 are Yosys's (``synth_xilinx
-family xcup``), raw and paired, comparisons, argmax and one register included, scaling not.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

sys.path.insert(0, str(Path(__file__).parent.parent))
from measure import markdown, out_argument, tools_used, write_result

import locgen
from locgen.flow.bench import emit
from locgen.targets.xilinx import count_lut6

SHARED = Path(os.environ.get("LOCGEN_SHARED", Path(__file__).parents[3] / "shared"))
BUNDLED = {"iris": load_iris, "wine": load_wine, "digits": load_digits}


@dataclass(frozen=True)
class Recipe:
    """How a data set is trained and rounded.

    Members
    -------
    bits : of each feature; rounds, depth, rate : of the boosting
    rows, features : share of them that a tree, or a split, sees
    changed, drop : the budgets of rounding, in percent of decisions and in points of accuracy
    published : (system, accuracy in percent, LUT6); the accuracy is what it says of itself
    """

    bits: int
    rounds: int
    depth: int
    rate: float
    rows: float
    features: float
    changed: float
    drop: float
    published: tuple[str, float, int] | None = None


RECIPES = {
    "iris": Recipe(6, 10, 1, 0.3, 0.7, 0.5, 2.0, 1.0, ("BTHOWeN", 98.0, 57)),
    "wine": Recipe(6, 20, 2, 0.3, 0.8, 0.4, 0.8, 0.5, ("KANELE", 98.0, 534)),
    "dry_bean": Recipe(8, 12, 3, 0.4, 0.9, 0.7, 3.0, 0.4, ("KANELE", 92.0, 402)),
    "satimage": Recipe(5, 10, 4, 0.4, 0.9, 0.7, 3.0, 0.5, ("BTHOWeN", 88.0, 3771)),
    "segment": Recipe(5, 6, 4, 0.4, 0.9, 0.7, 2.0, 0.5),
    "pendigits": Recipe(4, 10, 4, 0.5, 0.9, 0.7, 3.0, 0.5),
    "digits": Recipe(4, 10, 4, 0.4, 0.9, 0.7, 3.0, 0.5),
}
SEEDS = 5


def rows_of(
    name: str, seed: int, bits: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return X_train, X_test, y_train, y_test, features as integers of `bits` in float64."""
    if name in BUNDLED:
        x, y = BUNDLED[name](return_X_y=True)
        split = train_test_split(x, y, test_size=0.3, random_state=seed, stratify=y)
    else:
        file = np.load(SHARED / "data" / f"{name}.npz")
        split = [file[key] for key in ("X_train", "X_test", "y_train", "y_test")]
    low = split[0].min(axis=0).astype(np.float64)
    span = split[0].max(axis=0) - low
    top = (1 << bits) - 1
    scaled = [
        np.clip(np.round((x - low) / np.where(span > 0, span, 1) * top), 0, top) for x in split[:2]
    ]
    _, labels = np.unique(np.concatenate(split[2:]), return_inverse=True)
    return (*scaled, labels[: len(split[2])], labels[len(split[2]) :])


def measure(name: str, recipe: Recipe, seed: int) -> dict[str, object]:
    """Return what one seed comes to."""
    data = rows_of(name, seed, recipe.bits)
    trained = XGBClassifier(
        n_estimators=recipe.rounds,
        max_depth=recipe.depth,
        learning_rate=recipe.rate,
        subsample=recipe.rows,
        colsample_bynode=recipe.features,
        random_state=seed,
    ).fit(data[0], data[2])
    design = locgen.compile(
        trained,
        data=data,
        device="hx8k",
        feature_kind="identity",
        missing="refuse",
        answer="decision",
        rounding="free",
        stages=1,
        max_changed=recipe.changed,
        max_accuracy_drop=recipe.drop,
    )
    with tempfile.TemporaryDirectory(prefix="locgen-free-") as folder:
        count = count_lut6(emit(design)["core"], Path(folder))
    right = np.mean(design.predict(data[1]) == data[3])
    return {
        "data": name,
        "seed": seed,
        "float_accuracy": round(100 * float(np.mean(trained.predict(data[1]) == data[3])), 2),
        "golden_accuracy": round(100 * float(right), 2),
        "lut6": count.raw,
        "lut6_paired": count.paired,
    }


def main() -> None:
    """Measure, print and write ``density_free.md`` and ``density_free.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="data sets, separated by commas", default=",".join(RECIPES))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    out_argument(parser)
    arguments = parser.parse_args()
    if not (SHARED / "data").is_dir():
        sys.exit(f"free: {SHARED}/data is not there; name its folder in LOCGEN_SHARED")
    rows = []
    for name in arguments.only.split(","):
        for seed in range(arguments.seeds):
            rows.append(measure(name, RECIPES[name], seed))
            print(rows[-1], flush=True)
    head = ["data", "bits, rounds, depth", "float %", "golden %", "LUT6", "LUT6 paired"]
    head += ["published (not measured here)"]
    table = []
    for name in arguments.only.split(","):
        mine, recipe = [row for row in rows if row["data"] == name], RECIPES[name]
        means = [np.mean([row[key] for row in mine]) for key in list(mine[0])[2:]]
        known = recipe.published
        table.append(
            [
                name,
                f"{recipe.bits}, {recipe.rounds}, {recipe.depth}",
                f"{means[0]:.1f}",
                f"{means[1]:.1f}",
                f"{means[2]:.0f}",
                f"{means[3]:.0f}",
                "" if known is None else f"{known[0]}: {known[1]:g} % at {known[2]:,}",
            ]
        )
    text = f"# Trained for the gates\n\nMeans of {arguments.seeds} seeds.\n\n"
    text += markdown(head, table) + f"\n{tools_used()}.\n"
    write_result(arguments.out, "density_free", text, {"rows": rows})


if __name__ == "__main__":
    main()

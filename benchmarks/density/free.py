"""Trained for the gates: accuracy against LUT6 on data sets that others have published on.

For each data set a recipe and five seeds. Features are integers of a few bits, scaled by the
training part's minimum and maximum. A seed chooses the split of the sets that come with
scikit-learn (70 % for training, stratified), and whatever training draws at random; the others'
split is fixed. Widths and roundings are searched on training rows; docs/density.md says how each
recipe was chosen. Accuracy is golden's on the test rows. LUT6 are Yosys's (``synth_xilinx -family
xcup``, its scripts as they come), raw and paired, comparisons, argmax and one register included,
scaling not. Rows of ``free.json`` are replaced one by one, so a run that is cut short loses one.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier

sys.path.insert(0, str(Path(__file__).parent.parent))
from measure import RESULTS, markdown, tools_used
from oblivious import Oblivious, literals

import locgen
from locgen.flow.bench import emit
from locgen.targets.xilinx import count_lut6

SHARED = Path(os.environ.get("LOCGEN_SHARED", Path(__file__).parents[3] / "shared"))
BUNDLED = {"iris": load_iris, "wine": load_wine, "digits": load_digits}


@dataclass(frozen=True)
class Boosted:
    """XGBoost's trees, then rounded freely.

    Members
    -------
    rounds, depth, rate : of the boosting
    rows, features : share of them that a tree, or a split, sees
    changed, drop : the budgets of rounding, in percent of decisions and in points of accuracy
    """

    rounds: int
    depth: int
    rate: float
    rows: float
    features: float
    changed: float
    drop: float

    def train(self, x: np.ndarray, y: np.ndarray, bits: int, seed: int) -> XGBClassifier:
        """Return the trained estimator."""
        return XGBClassifier(
            n_estimators=self.rounds,
            max_depth=self.depth,
            learning_rate=self.rate,
            subsample=self.rows,
            colsample_bynode=self.features,
            random_state=seed,
        ).fit(x, y)

    @property
    def options(self) -> dict[str, object]:
        """What locgen is told."""
        return {
            "rounding": "free",
            "max_changed": self.changed,
            "max_accuracy_drop": self.drop,
            "missing": "refuse",
        }

    def __str__(self) -> str:
        return f"XGBoost, {self.rounds} rounds of depth {self.depth}"


@dataclass(frozen=True)
class Counted:
    """Oblivious trees of one-bit leaves (`oblivious.py`): nothing is left to round.

    Members
    -------
    trees : of each class; depth, step, fresh, regrown, passes : see `Oblivious`
    least : share of the training rows that a question has to have on either side
    """

    trees: int
    depth: int = 6
    step: float = 0.25
    fresh: float = 0.0
    least: float = 0.01
    regrown: int = 1
    passes: int = 2

    def train(self, x: np.ndarray, y: np.ndarray, bits: int, seed: int) -> XGBClassifier:
        """Return the trained estimator."""
        trainer = Oblivious(
            len(np.unique(y)),
            self.trees,
            depth=self.depth,
            step=self.step,
            fresh=self.fresh,
            regrown=self.regrown,
            passes=self.passes,
            seed=seed,
        )
        return trainer.fit(x, y, literals(x, bits, self.least)).booster()

    @property
    def options(self) -> dict[str, object]:
        """What locgen is told."""
        return {"missing": "refuse"}

    def __str__(self) -> str:
        return f"{self.trees} one-bit oblivious trees of depth {self.depth} a class"


@dataclass(frozen=True)
class Discriminant:
    """Fisher's linear discriminants with coefficients of one bit: no multiplier, few adders.

    One class's score is 0. Every other has the direction of the largest criterion, distance of the
    two means over the deviation within classes; of the fewest features that tell all training rows
    of the two apart, if any do. Its zero lies midway between the means.

    Members
    -------
    middle : the class whose score is 0
    sizes : what a coefficient may be, or its negative, or 0
    """

    middle: int
    sizes: tuple[int, ...] = (1, 2, 4)

    def train(
        self, x: np.ndarray, y: np.ndarray, bits: int, seed: int
    ) -> LinearDiscriminantAnalysis:
        """Return the trained estimator; nothing is drawn."""
        analysis = LinearDiscriminantAnalysis(solver="lsqr").fit(x, y)
        values = [0, *self.sizes, *(-size for size in self.sizes)]
        grid = np.array(list(product(values, repeat=x.shape[1])))
        grid = grid[np.argsort(np.count_nonzero(grid, axis=1), kind="stable")][1:]
        deviation = np.sqrt(np.einsum("ij,jk,ik->i", grid, analysis.covariance_, grid))
        number = np.count_nonzero(grid, axis=1)
        middle = analysis.means_[self.middle]
        for label, mean in enumerate(analysis.means_):
            criterion = grid @ (mean - middle) / deviation
            for most in range(1, x.shape[1] + 1):
                direction = grid[np.where(number <= most, criterion, -np.inf).argmax()]
                zero = round(float(direction @ (mean + middle)) / 2)
                positive = x @ direction > zero
                if not positive[y == self.middle].any() and positive[y == label].all():
                    break
            if label == self.middle:
                direction, zero = 0 * direction, 0
            analysis.coef_[label], analysis.intercept_[label] = direction, -zero
        return analysis

    @property
    def options(self) -> dict[str, object]:
        """What locgen is told."""
        return {}

    def __str__(self) -> str:
        return "linear discriminants, coefficients of one bit"


@dataclass(frozen=True)
class Recipe:
    """How a data set is trained.

    Members
    -------
    bits : of each feature
    training : what is trained, and how locgen rounds it
    published : (system, accuracy in percent, LUT6 as Vivado counts them)
    cut : where one bit's border lies in the feature's range
    """

    bits: int
    training: Boosted | Counted | Discriminant
    published: tuple[tuple[str, float, int], ...] = ()
    cut: float = 0.5


RECIPES = {
    "iris": Recipe(6, Discriminant(1), (("BTHOWeN", 98.0, 57),)),
    "wine": Recipe(6, Boosted(20, 2, 0.3, 0.8, 0.4, 0.8, 0.5), (("KANELE", 98.0, 534),)),
    "dry_bean": Recipe(6, Counted(12, 6, 0.45, 0.85), (("KANELE", 92.0, 402),)),
    "satimage": Recipe(4, Counted(20, 6, 0.4, 0.5), (("BTHOWeN", 88.0, 3771),)),
    "segment": Recipe(5, Counted(10, 6, 0.5, 0.7)),
    "pendigits": Recipe(4, Counted(20, 6, 0.4, 0.5)),
    "digits": Recipe(4, Counted(20, 5, 0.4, 0.3)),
    "mnist": Recipe(
        1, Counted(80, least=0.005), (("FQTree", 96.7, 2744), ("FQTree", 97.7, 8147)), 0.25
    ),
}


def rows_of(
    name: str, seed: int, bits: int, cut: float = 0.5
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
    span, top = np.where(span > 0, span, 1), (1 << bits) - 1
    up = 0.5 if bits > 1 else 1 - cut
    scaled = [np.clip(np.floor((x - low) / span * top + up), 0, top) for x in split[:2]]
    _, labels = np.unique(np.concatenate(split[2:]), return_inverse=True)
    return (*scaled, labels[: len(split[2])], labels[len(split[2]) :])


def measure(name: str, recipe: Recipe, seed: int) -> dict[str, object]:
    """Return what one seed comes to."""
    data = rows_of(name, seed, recipe.bits, recipe.cut)
    with threadpool_limits(1):  # products too small to share out
        trained = recipe.training.train(data[0], data[2], recipe.bits, seed)
    design = locgen.compile(
        trained,
        data=data,
        device="hx8k",
        feature_kind="identity",
        answer="decision",
        stages=1,
        **recipe.training.options,
    )
    with tempfile.TemporaryDirectory(prefix="locgen-free-") as folder:
        count = count_lut6(emit(design)["core"], Path(folder), "low")
    right = np.mean(design.predict(data[1]) == data[3])
    return {
        "data": name,
        "seed": seed,
        "float": round(100 * float(np.mean(trained.predict(data[1]) == data[3])), 2),
        "accuracy": round(100 * float(right), 2),
        "lut6": count.raw,
        "lut6_paired": count.paired,
    }


def verdict(recipe: Recipe, accuracy: float, raw: float, paired: float) -> str:
    """Return which published points these means pass, and by which count.

    Vivado counts about 0.77 of Yosys's LUTs, or 1.08 of them after pairing.
    """
    said = []
    for system, theirs, luts in recipe.published:
        if accuracy < theirs:
            how = "not passed: accuracy"
        elif raw <= luts:
            how = "passed"
        elif max(0.77 * raw, 1.08 * paired) <= luts:
            how = "passed by Vivado's count alone"
        else:
            how = "not passed: LUT6"
        said.append(f"{system} {theirs:g} % at {luts:,}: {how}")
    return "; ".join(said)


def table(rows: list[dict[str, object]]) -> str:
    """Return the results in Markdown: means over seeds, and how far seeds lie apart."""
    lines = []
    for name, recipe in RECIPES.items():
        own = [row for row in rows if row["data"] == name]
        if not own:
            continue
        of = {key: np.array([row[key] for row in own], float) for key in list(own[0])[2:]}
        raw, paired = of["lut6"].mean(), of["lut6_paired"].mean()
        line = [name, recipe.bits, recipe.training, len(own)]
        line += [f"{of[key].mean():.2f} ± {of[key].std():.2f}" for key in ("float", "accuracy")]
        line += [f"{raw:,.0f}", f"{paired:,.0f}"]
        line += [verdict(recipe, of["accuracy"].mean(), raw, paired)]
        lines.append(line)
    head = ["data", "bits", "recipe", "seeds", "float %", "golden %", "LUT6", "paired"]
    text = "# Trained for the gates\n\nMeans over the seeds ± their standard deviation. "
    text += "Published points are not measured here; their LUT6 are Vivado's.\n\n"
    return text + markdown([*head, "published"], lines) + f"\n{tools_used()}.\n"


def kept(path: Path) -> list[dict[str, object]]:
    """Return the rows that are there."""
    return json.loads(path.read_text()) if path.exists() else []


def write(rows: list[dict[str, object]], out: Path) -> None:
    """Write ``free.md`` and ``free.json``."""
    out.mkdir(parents=True, exist_ok=True)
    rows = sorted(rows, key=lambda row: (list(RECIPES).index(row["data"]), row["seed"]))
    lines = ",\n ".join(json.dumps(row) for row in rows)
    (out / "free.json").write_text(f"[\n {lines}\n]\n")
    (out / "free.md").write_text(table(rows))


def main() -> None:
    """Measure what is asked for and write it into ``free.md`` and ``free.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="data sets, separated by commas", default=",".join(RECIPES))
    parser.add_argument("--seeds", help="of training, separated by commas", default="0,1,2,3,4")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of free.md, free.json")
    arguments = parser.parse_args()
    asked = arguments.only.split(",")
    if not (SHARED / "data").is_dir() and set(asked) - set(BUNDLED):
        sys.exit(f"free: {SHARED}/data is not there; name its folder in LOCGEN_SHARED")
    for name in asked:
        for seed in map(int, arguments.seeds.split(",")):
            row = measure(name, RECIPES[name], seed)
            print(row, flush=True)
            rows = kept(arguments.out / "free.json")
            rows = [r for r in rows if (r["data"], r["seed"]) != (name, seed)]
            write([*rows, row], arguments.out)
    print((arguments.out / "free.md").read_text())


if __name__ == "__main__":
    main()

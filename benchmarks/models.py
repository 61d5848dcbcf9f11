"""The fixed models that the benchmarks measure: data, seeds and hyperparameters.

scikit-learn's bundled sets are split by ``train_test_split(test_size=0.3, random_state=0,
stratify=y)``; dry bean and satimage come split from the folder ``shared`` beside the checkout, or
from ``$LOCGEN_SHARED``, and are left out with a message where that is absent.

Usage: python benchmarks/models.py FOLDER writes every model as ``<case>.pkl`` and ``<case>.npz``.
"""

import os
import pickle
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import train_test_split

from locgen.frontends import load
from locgen.ir import Model
from locgen.quantise import Dataset

__all__ = ["CASES", "Case", "bundled", "load_case", "rows_of", "shared_folder"]

SPLIT_SEED = 0
MODEL_SEED = 0


@dataclass(frozen=True)
class Recipe:
    """How a case is trained: `board` is what it is built for, None for the bare device."""

    title: str
    data: str
    estimator: type
    trees: int
    depth: int
    board: str | None


_RF, _GB = RandomForestClassifier, GradientBoostingClassifier

CASES = {
    "bc": Recipe("breast cancer RF 20x5", "breast_cancer", _RF, 20, 5, "icebreaker"),
    "wine": Recipe("wine RF 20x5", "wine", _RF, 20, 5, "icebreaker"),
    "digits": Recipe("digits GB 30x3", "digits", _GB, 30, 3, None),
    "bean": Recipe("dry bean RF 30x6", "dry_bean", _RF, 30, 6, None),
    "satimage": Recipe("satimage RF 30x6", "satimage", _RF, 30, 6, None),
}
"""The models of the README's table. GB 30x3 is 30 rounds, for 10 classes 300 trees."""

_BUNDLED = {
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
    "iris": load_iris,
    "wine": load_wine,
}


def shared_folder() -> Path:
    """Return the folder with the data sets that scikit-learn does not bundle; it may be absent."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("LOCGEN_SHARED") or beside)


def bundled(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return (X_train, X_test, y_train, y_test) of one of scikit-learn's sets."""
    bunch = _BUNDLED[name]()
    return tuple(
        train_test_split(
            bunch.data,
            bunch.target,
            test_size=0.3,
            random_state=SPLIT_SEED,
            stratify=bunch.target,
        )
    )


def rows_of(name: str) -> dict[str, np.ndarray] | None:
    """Return the split rows of a data set, None with a message if they are absent."""
    keys = ("X_train", "X_test", "y_train", "y_test")
    if name in _BUNDLED:
        return dict(zip(keys, bundled(name), strict=True))
    path = shared_folder() / "data" / f"{name}.npz"
    if not path.is_file():
        print(f"{name} left out: {path.name} is not in {path.parent} (LOCGEN_SHARED)")
        return None
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in keys}


@dataclass(frozen=True)
class Case:
    """A trained model with its rows."""

    name: str
    recipe: Recipe
    estimator: ClassifierMixin
    arrays: dict[str, np.ndarray]

    @cached_property
    def test_accuracy(self) -> float:
        """Accuracy of the float model on the test rows."""
        return float(self.estimator.score(self.arrays["X_test"], self.arrays["y_test"]))

    def float_model(self) -> Model:
        """Return locgen's float IR of the estimator."""
        return load(self.estimator).model

    def dataset(self) -> Dataset:
        """Return the rows as locgen takes them."""
        x_train, x_test = (self.arrays[key].astype(np.float64) for key in ("X_train", "X_test"))
        return Dataset(x_train, self.arrays["y_train"], x_test, self.arrays["y_test"])

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write ``<name>.pkl`` and ``<name>.npz`` into `folder` and return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        model, data = folder / f"{self.name}.pkl", folder / f"{self.name}.npz"
        model.write_bytes(pickle.dumps(self.estimator))
        np.savez(data, **self.arrays)
        return model, data


def load_case(name: str) -> Case | None:
    """Return case `name`, trained, or None with a message if its data are absent."""
    recipe = CASES[name]
    arrays = rows_of(recipe.data)
    if arrays is None:
        return None
    estimator = recipe.estimator(
        n_estimators=recipe.trees, max_depth=recipe.depth, random_state=MODEL_SEED
    )
    estimator.fit(arrays["X_train"], arrays["y_train"])
    return Case(name, recipe, estimator, arrays)


if __name__ == "__main__":
    for case_name in CASES:
        case = load_case(case_name)
        if case is not None:
            case.save(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
            print(f"{case_name}: {case.recipe.title}, test accuracy {case.test_accuracy:.4f}")

"""From a trained model, in a file or in memory, to the float IR."""

import keyword
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from locgen.errors import ModelFileError
from locgen.frontends import arithmetic_check, dispatch, pipeline, tree_check
from locgen.frontends.files import open_model
from locgen.frontends.interpret import boosting
from locgen.frontends.locgen_models import clauses, mixtures
from locgen.frontends.pipeline import library_quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Reading
from locgen.frontends.sklearn.layered import read_layered
from locgen.ir.model import Model

__all__ = ["Loaded", "load", "read_estimator"]

# What attributes of the wrong type or shape raise: only a damaged or forged file has them.
_INCONSISTENT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Loaded:
    """A model as it was found.

    Members
    -------
    model : its float IR
    estimator : the library's own object, to compare with
    name : the file's stem or the class name in lower case, as an identifier
    reading : how it was read, with whom to ask; None for mixtures
    """

    model: Model
    estimator: object
    name: str
    reading: Reading | None = None

    def answers(self, x: np.ndarray) -> np.ndarray:
        """Return what the library answers for raw rows: labels (rows,), or regression values.

        A bare booster has another predict than estimators do: its raw scores are decided here.
        """
        with library_quiet():
            if self.reading is None or type(self.estimator).__name__ != "Booster":
                return np.asarray(self.estimator.predict(x))
            scores = self.reading.oracle.scores(self.reading.preprocessing.values(x))
        decided = self.model.decide(scores)
        if self.model.classes:
            return self.model.labels(decided)
        return decided[:, 0] if self.model.targets == 1 else decided


def load(source: str | Path | object, *, trust: bool = False) -> Loaded:
    """Read a trained model from a file, or take a fitted estimator.

    Parameters
    ----------
    source : path of a model file, see `files.open_model`, or the estimator itself
    trust : run whatever the file asks for, as joblib does

    Raises
    ------
    ModelFileError
        If the file is missing, damaged or of another minor release of scikit-learn.
    UnsafeModelFile
        If it asks for a name that locgen does not run.
    UnsupportedModel
        If the suffix or the estimator is not supported, or the estimator not fitted.
    """
    if not isinstance(source, str | os.PathLike):
        return _loaded(source, type(source).__name__.lower())
    path = Path(source)
    estimator, stem = open_model(path, trust=trust)
    try:
        return _loaded(estimator, stem)
    except _INCONSISTENT as error:
        raise ModelFileError(
            f"{path} holds a {type(estimator).__name__} whose parts do not fit together "
            f"({type(error).__name__}): save the fitted model again, e.g. with joblib.dump"
        ) from error


def _loaded(estimator: object, name: str) -> Loaded:
    found = _read(estimator)
    model, reading = (found.model, found) if isinstance(found, Reading) else (found, None)
    return Loaded(model, estimator, _identifier(name), reading)


def read_estimator(estimator: object) -> Model:
    """Return the float IR of a fitted estimator; errors are those of `load`."""
    return _loaded(estimator, "model").model


def _read(estimator: object) -> Model | Reading:
    """Return the float IR; of all but mixtures also how they were read."""
    if isinstance(estimator, clauses.RuleSet):
        return clauses.read_clauses(estimator)
    steps, last = pipeline.split(estimator)
    if mixtures.is_mixture(last):
        scalers, last = pipeline.unwrap(estimator)
        return mixtures.read_mixture(last, scalers, read_estimator)
    if boosting.reads(last):
        return boosting.read_boosted(estimator)
    layered = read_layered(estimator, read_estimator)
    if layered is not None:
        return layered
    preprocessing = Preprocessing.bare(dispatch.raw_names(steps[0][1] if steps else last))
    reading = dispatch.read_trees(estimator, preprocessing)
    (arithmetic_check if reading.model.units else tree_check).compare(reading)
    return reading


def _identifier(text: str) -> str:
    """Return `text` as an ASCII identifier that Python and Verilog accept."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    if not name[:1].isalpha():
        name = f"model_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name

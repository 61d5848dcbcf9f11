"""From a trained model, in a file or in memory, to the float IR."""

import keyword
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator

from locgen.errors import ModelFileError
from locgen.frontends.agreement import Agreement, compare_public, public_answers
from locgen.frontends.dispatch import read
from locgen.frontends.files import open_model
from locgen.frontends.pipeline import has_names
from locgen.frontends.reading import Reading
from locgen.ir.model import Model

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Agreement", "Loaded", "load", "read_estimator"]

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
    reading : how it was read, and what it was compared with
    """

    model: Model
    estimator: BaseEstimator
    name: str
    reading: Reading

    @cached_property
    def named(self) -> bool:
        """Whether training saw the names of the model's columns."""
        return has_names(self.estimator)

    def answers(self, rows: "np.ndarray | DataFrame") -> np.ndarray:
        """Return what the library's predict answers: labels (rows,), or regression values.

        Parameters
        ----------
        rows : the user's own frame, or (rows, columns) float64
        """
        return public_answers(self.reading, self.estimator, rows)

    def compare(self, x: np.ndarray, frame: "DataFrame | None" = None) -> Agreement:
        """Compare the float model with the library's predict; see `agreement.compare_public`."""
        return compare_public(self.reading, self.estimator, x, frame)


def load(
    source: str | Path | BaseEstimator,
    *,
    trust: bool = False,
    float32: bool = False,
    sparse: bool = False,
) -> Loaded:
    """Read a trained model from a file, or take a fitted estimator.

    Parameters
    ----------
    source : path of a model file, see `files.open_model`, or the estimator itself
    trust : run whatever the file asks for, as joblib does
    float32 : whether its rows are float32: the library's steps then compute in float32
    sparse : whether its rows are sparse matrices: what they leave out is missing to XGBoost

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
        return _loaded(source, type(source).__name__.lower(), float32, sparse)
    path = Path(source)
    estimator, stem = open_model(path, trust=trust)
    try:
        return _loaded(estimator, stem, float32, sparse)
    except _INCONSISTENT as error:
        raise ModelFileError(
            f"{path} holds a {type(estimator).__name__} whose parts do not fit together "
            f"({type(error).__name__}): save the fitted model again, e.g. with joblib.dump"
        ) from error


def _loaded(estimator: BaseEstimator, name: str, float32: bool, sparse: bool) -> Loaded:
    reading = read(estimator, float32=float32, sparse=sparse)
    return Loaded(reading.model, estimator, _identifier(name), reading)


def read_estimator(estimator: BaseEstimator) -> Model:
    """Return the float IR of a fitted estimator; errors are those of `load`."""
    return read(estimator).model


def _identifier(text: str) -> str:
    """Return `text` as an ASCII identifier that Python and Verilog accept."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    if not name[:1].isalpha():
        name = f"model_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name

"""From a trained model, in a file or in memory, to the float IR."""

import keyword
import os
import re
from dataclasses import dataclass
from pathlib import Path

from locgen.errors import ModelFileError
from locgen.frontends import mixtures, pipeline, selfcheck, sklearn_units, trees, unitcheck
from locgen.frontends.files import open_model
from locgen.frontends.front import Front
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
    """

    model: Model
    estimator: object
    name: str


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
        return Loaded(read_estimator(source), source, _identifier(type(source).__name__.lower()))
    path = Path(source)
    estimator, stem = open_model(path, trust=trust)
    try:
        model = read_estimator(estimator)
    except _INCONSISTENT as error:
        raise ModelFileError(
            f"{path} holds a {type(estimator).__name__} whose parts do not fit together "
            f"({type(error).__name__}): save the fitted model again, e.g. with joblib.dump"
        ) from error
    return Loaded(model, estimator, _identifier(stem))


def read_estimator(estimator: object) -> Model:
    """Return the float IR of a fitted estimator; errors are those of `load`."""
    steps, last = pipeline.split(estimator)
    if mixtures.is_mixture(last):
        scalers, last = pipeline.unwrap(estimator)
        return mixtures.read_mixture(last, scalers, read_estimator)
    if sklearn_units.reads(last):
        scalers, last = pipeline.unwrap(estimator)
        model = sklearn_units.read_units(last, scalers)
        unitcheck.compare(model, last, scalers)
        return model
    front = Front.bare(trees.raw_names(steps[0][1] if steps else last))
    reading = trees.read_trees(estimator, front)
    selfcheck.compare(reading)
    return reading.model


def _identifier(text: str) -> str:
    """Return `text` as an ASCII identifier that Python and Verilog accept."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    if not name[:1].isalpha():
        name = f"model_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name

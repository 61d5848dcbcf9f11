"""From a trained model, in a file or in memory, to the float IR."""

import keyword
import os
import re
from dataclasses import dataclass
from pathlib import Path

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import mixtures, pipeline, selfcheck, sklearn_units, unitcheck
from locgen.frontends.front import Front
from locgen.frontends.trees import read_trees
from locgen.frontends.unpickle import unpickle
from locgen.ir.model import Model

__all__ = ["Loaded", "load", "read_estimator"]

_SUFFIXES = (".pkl", ".pickle", ".joblib")
_COMPRESSED = (".bz2", ".gz", ".lzma", ".xz", ".z")
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
    source : path of a .pkl or .joblib file, compressed or not, or the estimator itself
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
    inner = Path(path.stem) if path.suffix.lower() in _COMPRESSED else path
    if path.suffix.lower() not in _SUFFIXES and inner.suffix.lower() not in _SUFFIXES:
        if not path.exists():
            raise ModelFileError(f"{path} does not exist: check the path of the model file")
        if path.is_dir():
            raise ModelFileError(f"{path} is a folder: name the model file inside it")
        raise UnsupportedModel(
            f"{path} has the suffix {path.suffix!r}: locgen reads {', '.join(_SUFFIXES)} "
            "(joblib.dump or pickle.dump of a fitted estimator) and its own .locgen.json"
        )
    estimator = unpickle(path, trust=trust)
    try:
        model = read_estimator(estimator)
    except _INCONSISTENT as error:
        raise ModelFileError(
            f"{path} holds a {type(estimator).__name__} whose parts do not fit together "
            f"({type(error).__name__}): save the fitted model again, e.g. with joblib.dump"
        ) from error
    return Loaded(model, estimator, _identifier(inner.stem))


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
    first = steps[0][1] if steps else last
    columns = getattr(first, "n_features_in_", 0)  # without it, the reader says what is wrong
    front = Front.bare(pipeline.feature_names((first,), columns))
    reading = read_trees(estimator, front)
    selfcheck.compare(reading)
    return reading.model


def _identifier(text: str) -> str:
    """Return `text` as an ASCII identifier that Python and Verilog accept."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    if not name[:1].isalpha():
        name = f"model_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name

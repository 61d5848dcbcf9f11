"""Model files by their suffix."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from locgen.errors import ModelFileError, UnsafeModelFile, UnsupportedModel
from locgen.frontends.admitted import is_admitted
from locgen.frontends.locgen_models import clauses
from locgen.frontends.unpickle import lacking, unpickle

__all__ = ["open_model"]

_PICKLES = (".pkl", ".pickle", ".joblib")
_COMPRESSED = (".bz2", ".gz", ".lzma", ".xz", ".z")


def open_model(path: Path, *, trust: bool) -> tuple[object, str]:
    """Return the model in a file, as its library holds it, and the file's stem.

    Parameters
    ----------
    path : .pkl, .pickle or .joblib, compressed or not; .skops; XGBoost's .json or .ubj; LightGBM's
        .txt; .onnx; .clauses.json
    trust : run whatever a pickle asks for

    Raises
    ------
    ModelFileError
        If the file is missing or damaged, or needs a package that is not installed.
    UnsafeModelFile
        If it asks for a name that locgen does not run.
    UnsupportedModel
        If the suffix is none of these.
    """
    if path.name.endswith(clauses.SUFFIX) and path.is_file():
        return clauses.open_clauses(path), path.name.removesuffix(clauses.SUFFIX)
    inner = Path(path.stem) if path.suffix.lower() in _COMPRESSED else path
    if path.suffix.lower() in _PICKLES or inner.suffix.lower() in _PICKLES:
        return unpickle(path, trust=trust), inner.stem
    opener = _OPENERS.get(path.suffix.lower())
    if not path.exists():
        raise ModelFileError(f"{path} does not exist: check the path of the model file")
    if path.is_dir():
        raise ModelFileError(f"{path} is a folder: name the model file inside it")
    if opener is None:
        raise UnsupportedModel(
            f"{path} has the suffix {path.suffix!r}: locgen reads {', '.join(_PICKLES)} "
            "(joblib.dump or pickle.dump of a fitted estimator), .skops, XGBoost's .json and .ubj, "
            "LightGBM's .txt, .onnx and its own .locgen.json and .clauses.json"
        )
    if path.stat().st_size == 0:
        raise ModelFileError(f"{path} is empty: save the model again")
    try:
        return opener(path), path.stem
    except ModuleNotFoundError as error:
        raise lacking(path, str(error.name)) from error


def _booster(module: str) -> Callable[[Path], object]:
    def opened(path: Path) -> object:
        return import_module(f"locgen.frontends.{module}").open_booster(str(path))

    return opened


def _onnx(path: Path) -> object:
    return import_module("locgen.frontends.onnx.model").open_model(str(path))


def _json(path: Path) -> object:
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is no readable JSON ({type(error).__name__}): save the model again"
        ) from error
    if isinstance(document, dict) and "learner" in document:
        return _booster("xgboost.trees")(path)
    if isinstance(document, dict) and str(document.get("schema", "")).startswith("locgen."):
        raise UnsupportedModel(
            f"{path} is locgen's own integer model: name it .locgen.json to build from it"
        )
    raise UnsupportedModel(f"{path} is JSON, but no model that XGBoost wrote: {_way_out(document)}")


def _way_out(document: object) -> str:
    """Return how to save the model of a JSON file that another library wrote."""
    keys = set(document) if isinstance(document, dict) else set()
    if {"tree_info", "feature_names"} <= keys:
        return "it is LightGBM's, whose Booster.save_model writes a .txt that locgen reads"
    if "oblivious_trees" in keys or {"features_info", "model_info"} <= keys:
        return "it is CatBoost's, which locgen does not build"
    return "an XGBoost model is saved with its save_model"


def _skops(path: Path) -> object:
    from skops import io

    try:
        requested = io.get_untrusted_types(file=path)
        unsafe = [name for name in requested if not is_admitted(*name.rpartition(".")[::2])]
        if unsafe:
            raise UnsafeModelFile(
                f"{path} asks for {ascii(unsafe[0])[1:-1]}, which locgen does not run; nothing of "
                "the file was run: pass the fitted estimator itself to locgen.load if you trust it"
            )
        return io.load(path, trusted=requested)
    except (UnsafeModelFile, ModuleNotFoundError):
        raise
    except Exception as error:  # whatever a forged archive makes skops or scikit-learn raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise ModelFileError(
            f"{path} is damaged or no skops file ({ascii(reason)[1:-1]}): save the model again "
            "with skops.io.dump"
        ) from error


_OPENERS: dict[str, Callable[[Path], object]] = {
    ".json": _json,
    ".ubj": _booster("xgboost.trees"),
    ".txt": _booster("lightgbm.trees"),
    ".skops": _skops,
    ".onnx": _onnx,
}

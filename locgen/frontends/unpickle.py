"""Unpickler of model files that runs nothing but what is admitted.

A pickle is a program. Here every name it uses, in nested arrays and joblib's embedded ones as well,
must be on the list in `admitted`; the first that is not ends the reading, before anything of the
file was called with it.
"""

import bz2
import gzip
import logging
import lzma
import pickle
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from locgen.errors import ModelFileError, UnsafeModelFile, UnsupportedModel
from locgen.frontends import registry
from locgen.frontends.admitted import ArrayHeader, admitted
from locgen.frontends.admitted_states import check_dtype, check_state
from locgen.frontends.refusals import is_known, refusal, refused_part

__all__ = ["lacking", "unpickle"]

_EXTRAS = {"skops", *(entry.extra for entry in registry.ESTIMATORS)}
"""The packages of other libraries' models, each an extra of locgen."""

_log = logging.getLogger(__name__)

# What a damaged stream makes the unpickler, NumPy or scikit-learn raise.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    pickle.PickleError,
    struct.error,
    zlib.error,
)
_COMPRESSIONS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"\x5d\x00", lzma.decompress),
    (b"\x78", zlib.decompress),
)
# The first release number behind the key that every scikit-learn state ends in (PEP 440's forms).
_VERSION = re.compile(
    rb"_sklearn_version.{1,16}?(\d+\.\d+(?:\.(?:dev|post)?\d+)*(?:(?:a|b|rc)\d+)?)", re.DOTALL
)


_PythonUnpickler: Any = pickle._Unpickler
"""Its stub lacks what a subclass of it needs: the stack and the instructions."""


class _Unpickler(_PythonUnpickler):
    """The pure Python unpickler, since the compiled one has no say in BUILD.

    Parameters
    ----------
    stream : the decompressed file
    admit : (module, name) -> what may be called; raises on anything else
    check_version : takes the scikit-learn version in an estimator's state; raises on a skew
    """

    dispatch = _PythonUnpickler.dispatch.copy()

    def __init__(
        self,
        stream: BytesIO,
        admit: Callable[[str, str], object],
        check_version: Callable[[object], None],
    ) -> None:
        super().__init__(stream)
        self._stream = stream
        self._admit = admit
        self._check_version = check_version

    def find_class(self, module_name: str, global_name: str) -> object:
        return self._admit(module_name, global_name)

    def get_extension(self, code: int) -> None:
        raise pickle.UnpicklingError(f"extension code {code}")

    def load_build(self) -> None:
        instance, state = self.stack[-2:]
        check_state(instance, state)
        if isinstance(state, dict) and "_sklearn_version" in state:
            self._check_version(state["_sklearn_version"])
        try:
            super().load_build()
        except Exception as error:  # LightGBM's own error has no better base class
            if type(error).__module__.split(".")[0] not in ("lightgbm", "xgboost"):
                raise
            raise pickle.UnpicklingError(f"booster: {error}") from error
        if isinstance(instance, np.dtype):
            check_dtype(instance)
        elif type(instance) is ArrayHeader:
            self.stack[-1] = self._array(instance)

    dispatch[pickle.BUILD[0]] = load_build

    def _array(self, header: ArrayHeader) -> np.ndarray:
        """Return the array that joblib wrote behind its header."""
        dtype, shape = header.dtype, header.shape
        if not isinstance(dtype, np.dtype) or not all(type(n) is int and n >= 0 for n in shape):
            raise pickle.UnpicklingError("array header")
        if dtype.hasobject:
            return _Unpickler(self._stream, self._admit, self._check_version).load()
        if getattr(header, "numpy_array_alignment_bytes", None) is not None:
            self._stream.read(self._stream.read(1)[0])
        size = prod(shape) * dtype.itemsize
        data = self._stream.read(size)
        if len(data) != size:
            raise EOFError("array data")
        return np.frombuffer(data, dtype).reshape(shape, order=header.order).copy(order="K")


def _contents(path: Path) -> bytes:
    """Return the bytes of the file, decompressed if joblib compressed it."""
    if path.is_dir():
        raise ModelFileError(f"{path} is a folder: name the model file inside it")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"{path} does not exist: check the path of the model file") from None
    except OSError as error:
        raise ModelFileError(
            f"{path} cannot be read ({error.strerror}): check its permissions"
        ) from error
    if not data:
        raise ModelFileError(f"{path} is empty: save the model again, e.g. with joblib.dump")
    for magic, decompress in _COMPRESSIONS:
        if data.startswith(magic):
            try:
                return decompress(data)
            except _DAMAGE as error:
                raise _damaged(path, error) from error
    return data


def _damaged(path: Path, error: BaseException) -> ModelFileError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return ModelFileError(
        f"{path} is truncated, damaged or not a pickle ({ascii(reason[:120])[1:-1]}): "
        "save the model again, e.g. with joblib.dump"
    )


def _skew(version: str) -> bool:
    """Return whether `version` is of another minor release than the installed scikit-learn."""
    return version.split(".")[:2] != sklearn.__version__.split(".")[:2]


def _skewed(path: Path, version: str) -> ModelFileError:
    return ModelFileError(
        f"{path} was saved by scikit-learn {version}, but {sklearn.__version__} is installed: "
        f"pip install scikit-learn=={version}, or train and save the model again"
    )


def lacking(path: Path, module: str) -> ModelFileError:
    """Return the refusal of a file that needs a Python package which is not installed."""
    package = module.split(".")[0]
    named = "onnx" if package == "onnxruntime" else package
    extra = f"pip install 'locgen[{named}]'" if named in _EXTRAS else f"install {package}"
    return ModelFileError(f"{path} needs the Python package {package}: {extra}")


def unpickle(path: Path, *, trust: bool = False) -> object:
    """Return the object saved in a pickle or joblib file, compressed or not.

    Parameters
    ----------
    path : the file
    trust : read it as joblib does, running whatever it asks for

    Raises
    ------
    UnsafeModelFile
        If the file uses a name that is not on the list. Nothing of it has run.
    UnsupportedModel
        If that name is an estimator that locgen does not build.
    ModelFileError
        If the file is missing, empty, damaged, or from another minor release of scikit-learn.
    """
    data = _contents(path)
    found = _VERSION.search(data)
    version = found.group(1).decode("ascii") if found else sklearn.__version__
    if trust:
        return _trusted(path, version)

    def admit(module: str, name: str) -> object:
        try:
            target = admitted(module, name)
        except ModuleNotFoundError as error:
            raise lacking(path, str(error.name)) from error
        if target is not None:
            return target
        if module.split(".")[0] in ("sklearn", "xgboost", "lightgbm") and is_known(name):
            raise UnsupportedModel(f"{path}: {refusal(name)}")
        part = refused_part(module, name)
        if part is not None:
            raise UnsupportedModel(f"{path}: {part}")
        raise UnsafeModelFile(
            f"{path} asks for {ascii(module)[1:-1]}.{ascii(name)[1:-1]}, which locgen does not "
            "run; nothing of the file was run: use --trust if you trust where it comes from, or "
            "pass the fitted estimator itself to locgen.load"
        )

    def check_version(version: object) -> None:
        if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+[\w.]*", version, re.ASCII):
            raise ValueError("no scikit-learn version")
        if _skew(version):
            raise _skewed(path, version)

    check_version(version)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            warnings.filterwarnings("ignore", "Class .* is deprecated", FutureWarning)
            return _Unpickler(BytesIO(data), admit, check_version).load()
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _trusted(path: Path, version: str) -> object:
    """Return what joblib reads; a version skew is logged, and named if the reading fails."""
    if _skew(version):
        _log.warning(
            "%s was saved by scikit-learn %s, but %s is installed",
            path,
            version,
            sklearn.__version__,
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            warnings.filterwarnings("ignore", "Class .* is deprecated", FutureWarning)
            return joblib.load(path)
    except ModuleNotFoundError as error:
        raise lacking(path, str(error.name)) from error
    except _DAMAGE as error:
        raise (_skewed(path, version) if _skew(version) else _damaged(path, error)) from error

"""Names that a model file may use, and what each of them stands for.

The list holds exact (module, name) pairs and nothing else: no prefix, no pattern, no dotted name.
It was found by pickling every supported estimator in every option with protocols 0 to 5. The
registry's classes and their parts are taken as they are: what they make of a hostile state is wrong
at worst, for their attributes are plain arrays and numbers, which the readers check. What could be
bent (`dtype`, `Tree`, `encode`, ...) is replaced by a stand-in that takes only what a real file
holds, because NumPy and scikit-learn trust the buffers that they are given.
"""

import re
from collections import OrderedDict, defaultdict
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.tree._tree import Tree

from locgen.frontends import registry

__all__ = ["PLAIN", "STAND_INS", "ArrayHeader", "NoTree", "admitted", "is_admitted"]

_FROM_BUFFER = np.arange(3).__reduce_ex__(5)[0]
# A file only ever hands these names on: they need not be what they name.
_NDARRAY = "numpy.ndarray"
_CHECK_ARRAY = "sklearn.utils.validation.check_array"


class ArrayHeader:
    """joblib's description of an array whose bytes follow in the file; replaced by the array.

    Stands in for `joblib.numpy_pickle.NumpyArrayWrapper`, whose `read` opens a second, unrestricted
    unpickler for object arrays in joblib releases before 1.5. Its state is what the file says.
    """

    dtype: Any
    shape: Any
    order: Any


class _Checked:
    """Stands in for the partial `check_array` that histogram boosting hands its columns to.

    A real `functools.partial` would call whatever its state names. The rows are float64 already.
    """

    def __init__(self, function: str) -> None:
        if function != _CHECK_ARRAY:
            raise ValueError("only check_array is admitted with arguments")

    def __setstate__(self, state: object) -> None:
        """Take the arguments as read: scikit-learn writes the same ones always."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return `x` as float64, whatever missing values and infinities it holds."""
        return np.asarray(x, dtype=np.float64)


class NoTree:
    """Stands in for a search tree, whose compiled code would trust the sizes that a file claims.

    The reader of neighbours searches through all rows instead, which answers the same.
    """

    def __setstate__(self, state: object) -> None:
        """Take no notice of what the file says."""


def _new_tree(kind: type) -> NoTree:
    """Return a tree that is none, whatever class the file asks for."""
    return NoTree()


def _defaultdict(factory: object = None, *items: object) -> defaultdict:
    """Return an empty dictionary, of the one kind that LightGBM keeps."""
    if factory not in (None, OrderedDict) or items:
        raise ValueError("only dictionaries of dictionaries are admitted")
    return defaultdict(factory)


def _bytearray(data: object = b"", encoding: str = "latin-1") -> bytearray:
    """Return bytes as they are, or from the text that protocols 0 to 2 write them as."""
    if isinstance(data, str) and encoding == "latin-1":
        return bytearray(data, encoding)
    if not isinstance(data, bytes):
        raise ValueError("bytes must be given as bytes")
    return bytearray(data)


def _dtype(kind: str, align: object = False, copy: object = True) -> np.dtype:
    """Return a fresh dtype, never NumPy's shared one: the state that follows changes it."""
    if not (isinstance(kind, str) and re.fullmatch(r"[biufcOSUV?]\d*", kind)):
        raise ValueError(f"dtype must be a plain type code, not {kind!r}")
    return np.dtype(kind, align=bool(align), copy=True)


def _empty_array(kind: str, shape: tuple[int, ...], code: object) -> np.ndarray:
    """Return the empty array whose state follows."""
    if kind != _NDARRAY or shape != (0,) or code not in (b"b", "b"):
        raise ValueError("only plain arrays are reconstructed")
    return np.empty(0, dtype=np.int8)


def _scalar(dtype: np.dtype, data: bytes) -> np.generic:
    """Return a NumPy number or text from its bytes."""
    if dtype.kind not in "biufcSU" or not isinstance(data, bytes) or len(data) != dtype.itemsize:
        raise ValueError("scalar must be a number or text of its dtype's size")
    return np.frombuffer(data, dtype)[0] if dtype.itemsize else dtype.type()


def _tree(n_features: int, n_classes: np.ndarray, n_outputs: int) -> object:
    """Return an empty scikit-learn tree: its constructor reads `n_classes` unchecked."""
    if not (
        isinstance(n_features, int)
        and isinstance(n_outputs, int)
        and type(n_classes) is np.ndarray
        and n_classes.dtype == np.intp
        and n_classes.shape == (n_outputs,)
        and n_outputs >= 1
        and n_classes.min() >= 1
    ):
        raise ValueError("tree has an impossible shape")
    return Tree(n_features, n_classes, n_outputs)


def _encode(text: str, encoding: str) -> bytes:
    """Return the bytes that protocols 0 to 2 write as a latin-1 string; no other codec."""
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError(f"bytes must be written as latin1, not {encoding!r}")
    return text.encode("latin1")


def _reconstructor(cls: type, base: type, state: object) -> object:
    """Return an empty instance, as protocols 0 and 1 ask for: only of a plain admitted class."""
    if isinstance(cls, type) and base is dict and issubclass(cls, dict) and type(state) is dict:
        made = cls.__new__(cls)
        dict.update(made, state)
        return made
    if not isinstance(cls, type) or base is not object or state is not None:
        raise ValueError("only plain classes are reconstructed")
    return object.__new__(cls)


_GENERAL = (
    ("collections", "OrderedDict"),
    ("numpy", "float32", "float64"),
    ("numpy.random._mt19937", "MT19937"),
    ("numpy.random._pcg64", "PCG64"),
    ("numpy.random._pickle", "__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"),
    ("numpy.random.bit_generator", "SeedSequence", "__pyx_unpickle_SeedSequence"),
    ("sklearn.utils._metadata_requests", "MetadataRequest", "MethodMetadataRequest"),
)
"""Parts of files of any estimator."""

_ENTRIES = (*registry.ESTIMATORS, *registry.STEPS, *registry.KERNEL_MAPS)
PLAIN = frozenset(
    [entry.pair for entry in _ENTRIES if entry.pickled]
    + [
        (module, name)
        for parts in (_GENERAL, *(entry.parts for entry in _ENTRIES))
        for module, *names in parts
        for name in names
    ]
)
"""The classes and functions that are taken as they are."""

# skops takes a partial's function and a dtype's kind from its own lists.
_SKOPS = (
    ("functools", "partial"),
    ("numpy", "dtype"),
    ("sklearn.tree._tree", "Tree"),
    ("sklearn.utils.validation", "check_array"),
)

_SEARCH_TREES: dict[tuple[str, str], object] = {
    **{
        (f"sklearn.neighbors._{module}", name): target
        for module, tree in (("kd_tree", "KDTree"), ("ball_tree", "BallTree"))
        for name, target in (("newObj", _new_tree), (tree, NoTree))
    },
    **{
        (f"sklearn.neighbors._{module}", name): NoTree
        for module, names in (
            ("kd_tree", ("KDTree64", "KDTree32")),
            ("ball_tree", ("BallTree64", "BallTree32")),
        )
        for name in names
    },
    ("sklearn.metrics._dist_metrics", "newObj"): _new_tree,
    **{
        ("sklearn.metrics._dist_metrics", f"{name}Distance{suffix}"): NoTree
        for name in ("Euclidean", "Manhattan", "Chebyshev", "Minkowski", "SEuclidean")
        for suffix in ("", "64", "32")
    },
}

STAND_INS: dict[tuple[str, str], object] = {
    **_SEARCH_TREES,
    ("__builtin__", "bytearray"): _bytearray,
    ("__builtin__", "bytes"): bytes,
    ("__builtin__", "dict"): dict,
    ("__builtin__", "object"): object,
    ("__builtin__", "slice"): slice,
    ("builtins", "bytearray"): _bytearray,
    ("builtins", "object"): object,
    ("builtins", "slice"): slice,
    ("_codecs", "encode"): _encode,
    ("collections", "defaultdict"): _defaultdict,
    ("copy_reg", "_reconstructor"): _reconstructor,
    ("copyreg", "_reconstructor"): _reconstructor,
    ("functools", "partial"): _Checked,
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): ArrayHeader,
    ("numpy", "dtype"): _dtype,
    ("numpy", "ndarray"): _NDARRAY,
    ("sklearn.tree._tree", "Tree"): _tree,
    ("sklearn.utils.validation", "check_array"): _CHECK_ARRAY,
    # NumPy 2 renamed its core package; a file of either is read by either.
    **{
        (f"numpy.{core}.{module}", name): target
        for core in ("core", "_core")
        for module, name, target in (
            ("multiarray", "_reconstruct", _empty_array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _FROM_BUFFER),
        )
    },
}


def is_admitted(module: str, name: str) -> bool:
    """Return whether a skops file may use this class, beside those that skops trusts itself."""
    return (module, name) in PLAIN or (module, name) in _SKOPS


def admitted(module: str, name: str) -> object:
    """Return what a model file's (module, name) stands for, None if the pair is not admitted.

    Raises
    ------
    AttributeError, ImportError
        If the installed scikit-learn or NumPy no longer has an admitted name.
    """
    if (module, name) in STAND_INS:
        return STAND_INS[module, name]
    if (module, name) in PLAIN:
        return getattr(import_module(module), name)
    return None

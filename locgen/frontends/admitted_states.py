"""States that a model file may give to what it makes: those that NumPy and the libraries write."""

from math import prod
from typing import Any

import numpy as np
from sklearn.tree._tree import Tree

__all__ = ["check_dtype", "check_state"]

_OBJECT_FLAGS = 0x1F  # reference counted, list pickle, pointer, needs init, needs the interpreter
_BOOSTERS = (("lightgbm.basic", "Booster"), ("xgboost.core", "Booster"))


def check_dtype(dtype: np.dtype) -> None:
    """Refuse a dtype whose state claims that pointers are plain bytes, or the reverse.

    Raises
    ------
    ValueError
        If the flags differ from those of a dtype that NumPy makes itself.
    """
    if dtype.subdtype is not None:
        raise ValueError("dtype may not be an array itself")
    if dtype.names is None or dtype.fields is None:
        honest = np.dtype(dtype.str)
    else:
        parts = [dtype.fields[name] for name in dtype.names]
        for part in parts:
            check_dtype(part[0])
        honest = np.dtype(
            {
                "names": list(dtype.names),
                "formats": [part[0] for part in parts],
                "offsets": [part[1] for part in parts],
                "itemsize": dtype.itemsize,
            }
        )
        if honest.hasobject:
            raise ValueError("structured arrays may not hold objects")
    if (honest.flags ^ dtype.flags) & _OBJECT_FLAGS or honest.itemsize != dtype.itemsize:
        raise ValueError("dtype has impossible flags or an impossible size")


def check_state(instance: object, state: Any) -> None:
    """Refuse a state that changes code, or that makes a library read outside its buffers.

    Raises
    ------
    ValueError
        If `instance` is a class or function, or the state of an array, dtype or tree is not one
        that NumPy or scikit-learn writes.
    """
    if hasattr(instance, "__qualname__"):  # classes and functions, compiled ones as well
        raise ValueError("classes and functions have no state to set")
    if isinstance(instance, np.ndarray):
        sound = _sound_array(*state)
    elif isinstance(instance, np.dtype):
        sound = _sound_dtype(*state)
    elif type(instance) is Tree:
        sound = _sound_tree(**state)
    elif (type(instance).__module__, type(instance).__name__) in _BOOSTERS:
        sound = _sound_booster(**state)
    else:
        return
    if not sound:
        raise ValueError(f"the state of a {type(instance).__name__} is impossible")


def _count(value: object) -> bool:
    return type(value) is int and value >= 0


def _sound_array(
    version: int, shape: tuple[int, ...], dtype: np.dtype, fortran: bool, data: bytes | list
) -> bool:
    if not (
        version == 1
        and isinstance(shape, tuple)
        and all(map(_count, shape))
        and isinstance(dtype, np.dtype)
        and isinstance(fortran, bool | int)
    ):
        return False
    if dtype.hasobject:
        return isinstance(data, list) and len(data) == prod(shape)
    return isinstance(data, bytes) and len(data) == prod(shape) * dtype.itemsize


def _sound_dtype(
    version: int,
    order: str,
    subarray: None,
    names: tuple[str, ...] | None,
    fields: dict[str, tuple[np.dtype, int]] | None,
    size: int,
    alignment: int,
    flags: int,
) -> bool:
    if not (
        version == 3
        and order in ("<", ">", "|", "=")
        and subarray is None
        and (size == -1 or _count(size))
        and alignment in (-1, 1, 2, 4, 8, 16)
        and type(flags) is int
    ):
        return False
    if names is None or fields is None:
        return names is None and fields is None
    return (
        isinstance(names, tuple)
        and all(isinstance(name, str) for name in names)
        and isinstance(fields, dict)
        and set(fields) == set(names)
        and all(
            isinstance(dtype, np.dtype) and _count(offset) and offset + dtype.itemsize <= size
            for dtype, offset in fields.values()
        )
    )


def _sound_tree(
    max_depth: int, node_count: int, nodes: np.ndarray, values: np.ndarray, **others: object
) -> bool:
    return (
        _count(max_depth)
        and _count(node_count)
        and type(nodes) is np.ndarray
        and nodes.shape == (node_count,)
        and node_count > 0
        and type(values) is np.ndarray
    )


def _sound_booster(handle: object = None, _handle: object = None, **others: object) -> bool:
    """Return whether a booster is made from its text or bytes, never from an address."""
    if _handle is None:
        return handle is None or type(handle) is bytearray
    return handle is None and type(_handle) is str

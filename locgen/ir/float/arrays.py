"""Arrays inside float models: plain data, written as JSON bit for bit."""

import base64
import json
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator, TypeAdapter, ValidationError

from locgen.errors import ModelFileError

__all__ = ["Booleans", "Floats", "Integers", "JsonData"]

_KINDS = "biuf"
"""Of NumPy's dtypes: booleans, integers and floats."""


def _encoded(array: NDArray[np.generic]) -> dict[str, object]:
    """Return an array as JSON; its memory order too, on which sums of products may depend."""
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    return {
        "dtype": array.dtype.newbyteorder("<").str,
        "shape": list(array.shape),
        "order": order,
        "data": base64.b64encode(array.tobytes(order="A" if order == "F" else "C")).decode(),
    }


def _decoded(value: object) -> NDArray[np.generic]:
    """Return the array that `_encoded` wrote; an array stays as it is."""
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "order", "data"}:
        raise ValueError("an array must have dtype, shape, order and data")
    try:
        dtype = np.dtype(value["dtype"])
        flat = np.frombuffer(base64.b64decode(value["data"], validate=True), dtype)
        found: NDArray[np.generic] = flat.reshape(value["shape"], order=value["order"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"an array must be readable: {error}") from None
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array must hold numbers, not {dtype}")
    return found


Floats = Annotated[NDArray[np.float64], PlainValidator(_decoded), PlainSerializer(_encoded)]
Integers = Annotated[NDArray[np.int64], PlainValidator(_decoded), PlainSerializer(_encoded)]
Booleans = Annotated[NDArray[np.bool_], PlainValidator(_decoded), PlainSerializer(_encoded)]


_ADAPTERS: dict[type["JsonData"], TypeAdapter[object]] = {}


def _adapter(kind: type["JsonData"]) -> TypeAdapter[object]:
    """Return the adapter of a class, made when it is first used."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


class JsonData:
    """A frozen dataclass that is data through and through, and so survives as JSON."""

    def to_json(self) -> str:
        """Return the object as JSON text; floats and arrays survive bit for bit."""
        return json.dumps(_adapter(type(self)).dump_python(self, mode="json"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the object that `text` describes.

        Raises
        ------
        ModelFileError
            If it is not JSON, lacks a member, or has one of another type.
        """
        try:
            found = _adapter(cls).validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "top level"
            raise ModelFileError(
                f"{place} of a {cls.__name__} is not valid ({first['msg']}): read it again from "
                "the trained model"
            ) from error
        assert isinstance(found, cls)
        return found

"""The integer IR as JSON (`model.locgen.json`): written with all keys, read with none unknown."""

import hashlib
import json

import pydantic

from locgen.errors import ModelFileError
from locgen.ir.quantised import QuantisedModel

__all__ = ["digest_of", "from_json", "json_schema", "to_json"]

_ADAPTER = pydantic.TypeAdapter(QuantisedModel)


def to_json(model: QuantisedModel) -> str:
    """Return `model` as JSON text; floats survive bit for bit."""
    return _ADAPTER.dump_json(model, indent=1).decode() + "\n"


def from_json(text: str | bytes, source: str = "the model file") -> QuantisedModel:
    """Return the model that `text` describes.

    Raises
    ------
    ModelFileError
        If it is not JSON, lacks a key, has an unknown one, or describes no valid model.
    """
    try:
        return _ADAPTER.validate_json(text, strict=True)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "top level"
        cause = "".join(c if c.isprintable() else "?" for c in f"{place}: {first['msg']}")
        raise ModelFileError(
            f"{source} is no valid locgen model: {cause}; build it again from the trained model"
        ) from error


def json_schema() -> dict[str, object]:
    """Return the JSON schema of the format."""
    return _ADAPTER.json_schema()


def digest_of(model: QuantisedModel, *more: object) -> str:
    """Return 16 hex digits over the model and `more` JSON-able facts: same input, same digest."""
    canonical = json.dumps([_ADAPTER.dump_python(model, mode="json"), *more], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]

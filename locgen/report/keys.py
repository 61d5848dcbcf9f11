"""The table of keys in `docs/report.md`, from the schema itself."""

import typing

from pydantic import BaseModel

from locgen.report.schema import Report

__all__ = ["key_table"]


def key_table() -> str:
    """Return a Markdown table: every key of `report.json`, its type, whether it may be null."""
    rows = ["| key | type | null |", "|---|---|---|"]
    for key, kind, nullable in _keys(Report, ""):
        rows.append(f"| `{key}` | {kind} | {'may be' if nullable else ''} |")
    return "\n".join(rows) + "\n"


def _keys(model: type[BaseModel], prefix: str) -> list[tuple[str, str, bool]]:
    keys = []
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        kind, nullable = _without_none(field.annotation)
        inner, many = kind, typing.get_origin(kind) is list
        if many:
            (inner,) = typing.get_args(kind)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys.append((key, "list" if many else "section", nullable))
            keys += _keys(inner, f"{key}[]." if many else f"{key}.")
        else:
            keys.append((key, _words(kind), nullable))
    return keys


def _without_none(kind: object) -> tuple[object, bool]:
    """Return `kind`, its only alternative or the tuple of them, and whether None is another."""
    members = typing.get_args(kind)
    if type(None) not in members:
        return kind, False
    rest = tuple(member for member in members if member is not type(None))
    return (rest[0] if len(rest) == 1 else rest), True


def _words(kind: object) -> str:
    if isinstance(kind, tuple):
        return " or ".join(_words(member) for member in kind)
    origin, members = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return ", ".join(f'"{member}"' for member in members)
    if origin is list:
        return f"list of {_words(members[0])}"
    if origin is dict:
        return f"name to {_words(members[1])}"
    names: dict[object, str] = {str: "text", int: "integer", float: "number", bool: "true or false"}
    return names[kind]

"""Scoreboard: compares integers for equality and keeps what differs, by vector and field."""

from typing import NamedTuple

__all__ = ["Field", "Scoreboard", "read", "unpack"]


class Field(NamedTuple):
    """A named part of a payload; fields follow one another from the least significant bit."""

    name: str
    width: int
    signed: bool = False


def unpack(fields, payload: int) -> dict:
    """Split an unsigned payload into ``{name: integer}`` by `fields`, LSB first."""
    values = {}
    for field in fields:
        value = payload & ((1 << field.width) - 1)
        payload >>= field.width
        if field.signed and field.width and value >> (field.width - 1):
            value -= 1 << field.width
        values[field.name] = value
    return values


def read(handle):
    """Return a signal as an unsigned integer, or its text if any bit is unknown (X or Z)."""
    value = handle.value
    try:
        return int(value) if len(handle) == 1 else value.to_unsigned()
    except ValueError:
        return str(value)


class Scoreboard:
    """Counts comparisons and mismatches; remembers the first mismatches in full.

    Parameters
    ----------
    keep
        How many mismatches to keep as ``{"vector", "label", "field", "expected", "got"}``.

    Attributes
    ----------
    compared
        Number of comparisons made.
    mismatches
        Number of different vectors of which some comparison failed.
    kept
        The mismatches kept, in the order of comparison.
    """

    def __init__(self, keep: int = 20):
        self.keep = keep
        self.compared = 0
        self._wrong = set()
        self.kept = []

    @property
    def mismatches(self) -> int:
        """Number of vectors that differ."""
        return len(self._wrong)

    @property
    def first(self):
        """The first mismatch, or None."""
        return self.kept[0] if self.kept else None

    def check(self, vector: int, label: str, field: str, expected, got) -> bool:
        """Compare one value; anything but an equal value of the same type is a mismatch."""
        self.compared += 1
        if type(got) is type(expected) and got == expected:
            return True
        self._wrong.add(vector)
        if len(self.kept) < self.keep:
            self.kept.append(
                {
                    "vector": vector,
                    "label": label,
                    "field": field,
                    "expected": expected,
                    "got": got,
                }
            )
        return False

    def check_payload(self, vector: int, label: str, fields, expected: int, got) -> bool:
        """Compare a whole payload; a mismatch names the first field that differs."""
        if got == expected or isinstance(got, str):
            return self.check(vector, label, "payload", expected, got)
        wanted, found = unpack(fields, expected), unpack(fields, got)
        for name in wanted:
            if wanted[name] != found[name]:
                return self.check(vector, label, name, wanted[name], found[name])
        return self.check(vector, label, "payload", expected, got)

"""Boolean functions of standard cells, as Liberty files write them."""

import re
from collections.abc import Mapping, Sequence

from locgen.errors import ConfigurationError

__all__ = ["Expression", "inputs_of", "parse_expression", "truth_table", "written"]

Expression = tuple
"""``("pin", name)``, ``("constant", 0 or 1)``, ``("not", x)``, ``("and", x, y)`` and the like."""

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*(?:\[\d+\])?|[01]|[!'^&*+|()~])")
_LEVELS = ({"+": "or", "|": "or"}, {"&": "and", "*": "and"}, {"^": "xor"})
"""Operators that bind ever tighter; two operands side by side are ANDed."""

VERILOG = {"not": "~", "and": " & ", "or": " | ", "xor": " ^ "}
GENLIB = {"not": "!", "and": "*", "or": "+"}


def parse_expression(text: str) -> Expression:
    """Return the function written in Liberty's syntax.

    ``!a``, ``a'``, ``a ^ b``, ``a & b``, ``a * b``, ``a b``, ``a | b`` and ``a + b`` (Liberty User
    Guide, volume 1, "function"), binding in this order.

    Raises
    ------
    ConfigurationError
        If `text` is no such function.
    """
    tokens, place = [], 0
    text = text.strip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise ConfigurationError(f"{text!r} is no boolean function: correct the Liberty file")
        tokens.append(found[1])
        place = found.end()
    reader = _Reader(tokens, text)
    result = reader.level(0)
    if reader.rest:
        raise reader.wrong()
    return result


class _Reader:
    """Recursive descent over the tokens of one function."""

    def __init__(self, tokens: Sequence[str], text: str) -> None:
        self.rest = list(reversed(tokens))
        self.text = text

    def wrong(self) -> ConfigurationError:
        return ConfigurationError(f"{self.text!r} is no boolean function: correct the Liberty file")

    def level(self, number: int) -> Expression:
        if number == len(_LEVELS):
            return self.operand()
        left = self.level(number + 1)
        while self.rest:
            kind = _LEVELS[number].get(self.rest[-1])
            if kind is not None:
                self.rest.pop()
            elif number == 1 and (self.rest[-1] in "!~(01" or self.rest[-1][0].isalpha()):
                kind = "and"
            else:
                break
            left = (kind, left, self.level(number + 1))
        return left

    def operand(self) -> Expression:
        if not self.rest:
            raise self.wrong()
        token = self.rest.pop()
        if token in "!~":
            return ("not", self.operand())
        if token == "(":
            found = self.level(0)
            if not self.rest or self.rest.pop() != ")":
                raise self.wrong()
        elif token in "01":
            found = ("constant", int(token))
        elif token[0].isalpha() or token[0] == "_":
            found = ("pin", token)
        else:
            raise self.wrong()
        while self.rest and self.rest[-1] == "'":
            self.rest.pop()
            found = ("not", found)
        return found


def inputs_of(expression: Expression) -> tuple[str, ...]:
    """Return the pins that `expression` reads, each once, in alphabetical order."""
    kind, *parts = expression
    if kind == "pin":
        return (parts[0],)
    if kind == "constant":
        return ()
    return tuple(sorted({name for part in parts for name in inputs_of(part)}))


def truth_table(expression: Expression, pins: Sequence[str]) -> int:
    """Return 2**len(pins) bits; bit i is the value where pin j is bit j of i.

    Raises
    ------
    ConfigurationError
        If the function reads something else than `pins`.
    """
    size = 1 << len(pins)
    every = (1 << size) - 1
    columns = {
        pin: sum(1 << row for row in range(size) if row >> place & 1)
        for place, pin in enumerate(pins)
    }

    def value(part: Expression) -> int:
        kind, *inner = part
        if kind == "pin":
            if inner[0] not in columns:
                raise ConfigurationError(
                    f"a function reads {inner[0]!r}, which is no pin of its cell: correct the "
                    "Liberty file"
                )
            return columns[inner[0]]
        if kind == "constant":
            return every if inner[0] else 0
        first = value(inner[0])
        if kind == "not":
            return every & ~first
        second = value(inner[1])
        return {"and": first & second, "or": first | second, "xor": first ^ second}[kind]

    return value(expression)


def written(
    expression: Expression, words: Mapping[str, str], names: Mapping[str, str] | None = None
) -> str:
    """Return `expression` with the operators `words`: `VERILOG` or `GENLIB`.

    A language without ``xor`` gets it as a sum of products. `names` renames pins.
    """
    kind, *parts = expression
    if kind == "pin":
        return (names or {}).get(parts[0], parts[0])
    if kind == "constant":
        return f"1'b{parts[0]}" if words is VERILOG else f"CONST{parts[0]}"
    inner = [written(part, words, names) for part in parts]
    if kind == "not":
        return f"{words['not']}{inner[0]}"
    if kind == "xor" and "xor" not in words:
        a, b = parts
        both = ("or", ("and", a, ("not", b)), ("and", ("not", a), b))
        return written(both, words, names)
    return f"({words[kind].join(inner)})"

"""Liberty's syntax: groups, attributes and text, without their meaning.

Why not a library: lln-libparse 0.56 (the reader of Yosys) ends the whole process on a damaged file,
liberty-parser 0.0.29 is alpha and under the GPL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from locgen.errors import ConfigurationError
from locgen.targets.asic.expressions import Expression, parse_expression

__all__ = ["Group", "number_of", "read_groups"]

_TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|\\[ \t\r]*\n|"((?:[^"\\]|\\.)*)"|([{}();:,\n])|([^\s{}();:,"\\]+)|(\S)',
    re.DOTALL,
)


@dataclass
class Group:
    """``name (arguments) { attributes; groups }`` of a Liberty file.

    `attributes` maps names to values: one text, or the texts in brackets.
    """

    name: str
    arguments: tuple[str, ...]
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    groups: list["Group"] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        """Return the attribute's only text."""
        return " ".join(self.attributes.get(name, (default,)))

    def number(self, name: str, default: float = 0.0) -> float:
        """Return the attribute as a number."""
        value = self.attributes.get(name)
        return default if value is None else number_of(value[0])

    def expression(self, name: str) -> Expression | None:
        """Return the attribute as a Boolean expression, None where there is none."""
        return parse_expression(self.text(name)) if name in self.attributes else None

    def all(self, *names: str) -> Iterator["Group"]:
        """Yield the inner groups of these names, in the order of the file."""
        return (group for group in self.groups if group.name in names)


def read_groups(text: str, source: str) -> Group:
    """Return the group that a Liberty file consists of.

    Raises
    ------
    ConfigurationError
        If `text` is no Liberty file; says where.
    """
    reader = _Reader(text, source)
    name = reader.next()
    if name is None:
        raise ConfigurationError(f"{source} is empty: give a Liberty file")
    group = reader.statement(name, Group("file", ()))
    if group is None or group.name != "library":
        raise ConfigurationError(f"{source} is no Liberty file: it must begin with library")
    return group


class _Reader:
    """Turns tokens into groups."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.text = text
        self.place = 0
        self.quoted = False

    def wrong(self, what: str) -> ConfigurationError:
        line = self.text.count("\n", 0, self.place) + 1
        return ConfigurationError(f"{self.source}, line {line}: {what}: correct the Liberty file")

    def next(self, lines: bool = False) -> str | None:
        """Return the next token, None at the end; with `lines` ends of lines count."""
        while found := _TOKEN.search(self.text, self.place):
            self.place = found.end()
            string, mark, word, odd = found.groups()
            self.quoted = string is not None
            if string is not None:
                return re.sub(r"\\\s*\n", " ", string)
            if odd is not None:
                raise self.wrong(f"{odd!r} is out of place")
            if mark == "\n":
                if lines:
                    return mark
                continue
            if mark is not None or word is not None:
                return mark or word
        self.place = len(self.text)
        return None

    def statement(self, name: str, parent: Group) -> Group | None:
        """Read what follows `name` into `parent`; return the group if it is one."""
        mark = self.next()
        if mark == ":":
            parts: list[str] = []
            while (token := self.next(lines=True)) not in (";", "\n", "}") or self.quoted:
                if token is None:
                    raise self.wrong(f"{name} has no end")
                parts.append(token)
            if token == "}":
                self.place -= 1
            parent.attributes[name] = (" ".join(parts),)
            return None
        if mark != "(":
            raise self.wrong(f"{name} is followed by {mark!r}")
        arguments = []
        while (token := self.next()) != ")" or self.quoted:
            if token is None:
                raise self.wrong(f"{name} has no closing bracket")
            if token != "," or self.quoted:
                arguments.append(token)
        before = self.place
        if (token := self.next()) != "{" or self.quoted:
            if token != ";":
                self.place = before
            parent.attributes[name] = tuple(arguments)
            return None
        group = Group(name, tuple(arguments))
        parent.groups.append(group)
        while (token := self.next()) != "}":
            if token is None:
                raise self.wrong(f"{name} is never closed")
            if token != ";":
                self.statement(token, group)
        return group


def number_of(text: str) -> float:
    """Return the number that `text` is.

    Raises
    ------
    ConfigurationError
        If it is none.
    """
    try:
        return float(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} stands where a number must: correct the Liberty file"
        ) from error

"""Groups of options that several verbs share, each written once with its defaults.

A verb takes a group as one parameter; `spread` gives the command line its members one by one.
"""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from itertools import chain
from typing import Any

from locgen.cli import options
from locgen.errors import UsageError

__all__ = ["Planning", "Quantising", "Reading", "Site", "Widths", "asked", "spread"]


@dataclass(frozen=True)
class Reading:
    """Which rows, and whether the model file is trusted."""

    data: options.DataFile = None
    label: options.Label = None
    na: options.MissingText = None
    trust: options.Trust = False


@dataclass(frozen=True)
class Site:
    """Where the design goes."""

    target: options.Target = None
    device: options.DeviceName = None
    board: options.BoardName = None
    clock: options.Clock = None
    top: options.Top = None


@dataclass(frozen=True)
class Planning:
    """How nodes become cores and a network."""

    fabric: options.FabricKind = "auto"
    link_width: options.LinkWidth = "1"
    sites: options.Sites = None
    core: options.Core = "auto"
    stages: options.Stages = "auto"
    explain: options.Explain = False
    answer: options.Answer = "scores"
    optimise: options.Optimise = "balanced"


@dataclass(frozen=True)
class Widths:
    """Which widths the integers have; None is auto."""

    feature_bits: options.FeatureBits = "auto"
    feature_kind: options.FeatureKind = "auto"
    score_bits: options.ScoreBits = "auto"


@dataclass(frozen=True)
class Quantising:
    """What quantising may cost, and how it goes about it."""

    max_accuracy_drop: options.Drop = 0.5
    max_changed: options.Changed = None
    rounding: options.Rounding = "nearest"
    prune: options.Prune = False
    condense: options.Condense = "none"
    missing: options.Missing = "auto"


_COUNTS = ("stages", "feature_bits", "score_bits")


def _count(name: str, text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal():
        raise UsageError(f"--{name.replace('_', '-')} must be a whole number or auto, not {text!r}")
    return int(text)


def asked(*groups: object) -> dict[str, Any]:
    """Return the members of all groups by name, as `locgen.compile` takes them.

    Raises
    ------
    UsageError
        If a number of bits or stages is neither a whole number nor ``auto``.
    """
    found = dict(chain.from_iterable(vars(group).items() for group in groups))
    return {
        name: _count(name, value) if name in _COUNTS else value for name, value in found.items()
    }


def spread(verb: Callable[..., None]) -> Callable[..., None]:
    """Return `verb` with each parameter that is a group replaced by the group's members."""
    signature = inspect.signature(verb)
    flat: list[inspect.Parameter] = []
    groups: dict[str, tuple[Any, list[str]]] = {}
    for parameter in signature.parameters.values():
        kind = parameter.annotation
        if not dataclasses.is_dataclass(kind):
            flat.append(parameter)
            continue
        members = dataclasses.fields(kind)
        groups[parameter.name] = kind, [member.name for member in members]
        flat += [
            inspect.Parameter(
                member.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=member.default,
                annotation=member.type,
            )
            for member in members
        ]

    @wraps(verb)
    def flattened(**values: object) -> None:
        for name, (kind, members) in groups.items():
            values[name] = kind(**{member: values.pop(member) for member in members})
        verb(**values)

    flat = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in flat]
    shown: Any = flattened
    shown.__signature__ = signature.replace(parameters=flat)
    shown.__annotations__ = {each.name: each.annotation for each in flat}
    return shown

"""Decisions: how reduced scores become the answer, and what labels it stands for."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from locgen.ir.ballots import Group, Median, Several, Votes
from locgen.ir.cascade import Cascade
from locgen.ir.choice import Argmax, Identity, Scale, Threshold

__all__ = [
    "Argmax",
    "Cascade",
    "Decision",
    "Group",
    "Identity",
    "Median",
    "Scale",
    "Several",
    "Threshold",
    "Votes",
    "label_groups",
    "labels_of",
]


def label_groups(classes: Sequence[object], decision: object) -> list[tuple[object, ...]]:
    """Return for each label of an answer what it may be, in the order of its decision.

    Parameters
    ----------
    classes : of all decisions one after the other
    """
    sizes = [g.decision.answers for g in decision.groups] if decision.kind == "several" else []
    if not sizes:
        return [tuple(classes)]
    ends = np.cumsum(sizes).tolist()
    return [tuple(classes[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def labels_of(classes: Sequence[object], decision: object, decided: np.ndarray) -> np.ndarray:
    """Return the labels (rows,), or (rows, groups) of several decisions, of `decided` (rows,)."""
    if decision.kind != "several":
        return np.array(classes)[decided]
    columns = zip(label_groups(classes, decision), decision.apart(decided).T, strict=True)
    return np.stack([np.array(labels)[index] for labels, index in columns], axis=1)


Decision = Annotated[
    Argmax | Threshold | Identity | Votes | Several | Median | Cascade,
    Field(discriminator="kind"),
]

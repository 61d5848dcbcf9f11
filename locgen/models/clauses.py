"""Tsetlin machines as clauses that locgen reads."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from locgen.errors import UnsupportedModel

__all__ = ["write_tsetlin_clauses"]


def write_tsetlin_clauses(
    machine: Any,
    path: Path | str,
    classes: Sequence[str | int] | None = None,
    literals: Sequence[tuple[str, float]] | None = None,
) -> None:
    """Write a trained ``tmu`` ``TMClassifier`` as a `.clauses.json`, which `locgen build` takes.

    A clause without literals, which tmu counts in training alone, is left out.

    Parameters
    ----------
    machine : fitted `tmu.models.classification.vanilla_classifier.TMClassifier`
    path : of the file to write
    classes : labels, in the order of the machine's classes; by default their numbers
    literals : for each Boolean input of the machine the raw feature and the value above which it is
        true; by default inputs are called x0, x1, ... and are true above 0.5

    Raises
    ------
    UnsupportedModel
        If it is another kind of machine, or works on patches of a picture.
    """
    if type(machine).__name__ != "TMClassifier":
        raise UnsupportedModel(
            f"{type(machine).__name__} is not supported: train tmu's TMClassifier"
        )
    banks = [machine.clause_banks[number] for number in machine.weight_banks.classes()]
    if any(bank.number_of_patches != 1 for bank in banks):
        raise UnsupportedModel("TMClassifier(patch_dim=...) is not supported: train on whole rows")
    inputs = banks[0].number_of_literals // 2
    named = [(f"x{n}", 0.5) for n in range(inputs)] if literals is None else list(literals)
    labels = list(range(len(banks))) if classes is None else list(classes)
    if len(named) != inputs or len(labels) != len(banks):
        raise ValueError("literals and classes must be as many as the machine has")
    clauses = []
    for number, bank in zip(machine.weight_banks.classes(), banks, strict=True):
        weights = np.asarray(machine.weight_banks[number].get_weights())
        for clause, weight in enumerate(weights.tolist()):
            chosen = [n for n in range(2 * inputs) if bank.get_ta_action(clause, n)]
            if chosen and weight:
                pairs = [(named[n % inputs], ">" if n < inputs else "<=") for n in chosen]
                when = [[name, operator, cut] for (name, cut), operator in pairs]
                clauses.append({"when": when, "answer": labels[number], "weight": int(weight)})
    rules = {
        "schema": "locgen.clauses/1",
        "features": list(dict.fromkeys(name for name, _ in named)),
        "classes": labels,
        "decision": "sum",
        "clauses": clauses,
    }
    target = Path(path)
    beside = target.with_name(f".{target.name}.part")
    beside.write_text(json.dumps(rules, indent=1) + "\n", "utf-8")
    beside.replace(target)

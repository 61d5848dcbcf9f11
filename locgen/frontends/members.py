"""Members of ensembles as parts of one model."""

from collections.abc import Sequence

import numpy as np

from locgen.errors import UnsupportedModel
from locgen.frontends.front import Front
from locgen.frontends.reading import Reading
from locgen.frontends.sklearn_trees import sklearn_common
from locgen.ir.model import FloatTree, Model

__all__ = ["merged", "trees_only"]


def merged(
    last: object,
    front: Front,
    parts: Sequence[tuple[tuple[FloatTree, ...], np.ndarray]],
    added: Sequence[Model],
    **settings: object,
) -> Model:
    """Return the sum of `parts`, trees and base of each of the models `added`, as one model.

    Parameters
    ----------
    settings : members of `Model` that scikit-learn's families do not set in the same way
    """
    rules = [member.rule for member in added]
    common = sklearn_common(last, front, all(rule.missing for rule in rules), "float64")
    common["rule"] = type(rules[0])(
        operator=rules[0].operator,
        input_dtype="float32" if any(r.input_dtype == "float32" for r in rules) else "float64",
        missing=common["rule"].missing,
    )
    return Model(
        trees=tuple(tree for trees, _ in parts for tree in trees),
        base=tuple(np.sum([base for _, base in parts], axis=0).tolist()),
        **common,
        **settings,
    )


def trees_only(last: object, reading: Reading) -> Model:
    """Return a member's model; refuse one that is not made of trees alone."""
    model = reading.model
    if model.units or model.gate is not None:
        raise UnsupportedModel(
            f"{type(last).__name__} has a {model.family} as member: locgen builds it over trees, "
            "forests and boosting"
        )
    return model

"""Missing values refused, where a model accepts them and the user does not."""

from dataclasses import replace

from locgen.ir import Model
from locgen.passes.context import Context, Passed

__all__ = ["run"]


def run(model: Model, context: Context) -> Passed[Model]:
    """Return `model` without a code for missing values, if the user refuses them."""
    if not context.refuse_missing:
        return Passed(model)
    return Passed(replace(model, rule=replace(model.rule, missing=False)))

"""The decision as the whole answer, without scores at the ports."""

from dataclasses import replace

from locgen.errors import ConfigurationError
from locgen.ir import QuantisedModel
from locgen.passes.context import Context, Passed

__all__ = ["run"]


def run(model: QuantisedModel, context: Context) -> Passed[QuantisedModel]:
    """Return `model` with the decision as its whole answer, if the user asks for that.

    Raises
    ------
    ConfigurationError
        If it makes no decision.
    """
    if context.answer == "scores":
        return Passed(model)
    if model.decision.bits == 0:
        raise ConfigurationError("--answer decision needs a classifier: a regression has no other")
    return Passed(replace(model, answer="decision"))

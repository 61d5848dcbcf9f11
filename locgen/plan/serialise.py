"""A plan as JSON (`plan.locgen.json`): what updates and evidence need to know of the gates."""

import json
from typing import Annotated

import pydantic

from locgen.errors import DoesNotFit, ModelFileError
from locgen.plan.direct import DirectPlan
from locgen.plan.tree import TreePlan

__all__ = ["plan_from_json", "plan_to_json"]

_ADAPTER = pydantic.TypeAdapter(
    Annotated[DirectPlan | TreePlan, pydantic.Field(discriminator="kind")]
)


def plan_to_json(plan: DirectPlan | TreePlan) -> str:
    """Return `plan` as JSON text."""
    return _ADAPTER.dump_json(plan, indent=1).decode() + "\n"


def plan_from_json(text: str | bytes, source: str) -> DirectPlan | TreePlan:
    """Return the plan that `text` describes.

    Raises
    ------
    ModelFileError
        If it describes none, or has a key that plans do not have.
    """
    refusal = ModelFileError(f"{source} is no valid plan of locgen: build again")
    try:
        plan = _ADAPTER.validate_json(text, strict=True)
        known = json.loads(plan_to_json(plan)) == json.loads(text)
    except (pydantic.ValidationError, ValueError, DoesNotFit) as error:
        raise refusal from error
    if not known:
        raise refusal
    return plan

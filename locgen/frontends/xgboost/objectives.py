"""Objectives of XGBoost's models: base scores, decisions and probabilities."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from locgen.errors import ModelFileError, UnsupportedModel

__all__ = ["Wrapper", "compared_with", "decided"]

Wrapper = Literal["classifier", "regressor"] | None
"""What scikit-learn's wrapper is, None for a bare booster."""

_IDENTITY = (
    "reg:squarederror",
    "reg:squaredlogerror",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "reg:linear",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
)


def compared_with(objective: str, wrapper: Wrapper) -> float:
    """Return what is taken off the answer: a classifier compares a regression's with a half."""
    return 0.5 if wrapper == "classifier" and objective in _IDENTITY else 0.0


def decided(
    learner: dict[str, Any],
    outputs: int,
    classes: Sequence[object] | None,
    name: str,
    wrapper: Wrapper,
) -> dict[str, Any]:
    """Return the members of `Model` that the objective and the wrapper's class decide.

    A classifier compares whatever the objective answers with 0.5.

    Parameters
    ----------
    learner : the model as XGBoost's JSON has it
    classes : the labels, None where the file knows none
    name : of the model, for refusals
    wrapper : what scikit-learn's wrapper is, None for a bare booster

    Raises
    ------
    UnsupportedModel
        If predict answers something else than the sum of the trees, a threshold or an argmax.
    """
    objective = learner["objective"]["name"]
    if wrapper == "regressor" and objective.startswith(("binary:", "multi:")):
        raise UnsupportedModel(
            f"{name} with objective={objective!r} answers probabilities, which locgen does not "
            "build for a regressor: train XGBClassifier, or 'reg:squarederror'"
        )
    base = {"base": _base(learner, outputs, objective == "binary:logistic", name)}
    if objective in ("binary:logistic", "binary:hinge") and outputs == 1:
        probability = "sigmoid" if objective == "binary:logistic" else "none"
        settings = {"classes": tuple(classes or (0, 1)), "decision": ">"}
        return base | settings | {"task": "classification", "probability": probability}
    if objective in ("multi:softprob", "multi:softmax"):
        settings = {"classes": tuple(classes or range(outputs)), "decision": "argmax"}
        return base | settings | {"task": "classification", "probability": "softmax"}
    if objective in _IDENTITY and wrapper == "classifier" and outputs == 1:
        shifted = {
            "base": (base["base"][0] - compared_with(objective, wrapper),),
            "classes": (0, 1),
            "decision": ">",
        }
        return shifted | {"task": "classification", "probability": "none"}
    if objective in _IDENTITY and wrapper != "classifier":
        return base | {"task": "regression", "classes": (), "decision": "identity"}
    raise UnsupportedModel(
        f"{name} with objective={objective!r} does not answer the sum of its trees: train with "
        "'binary:logistic', 'multi:softprob' or 'reg:squarederror' (on a transformed target)"
    )


def _base(learner: dict, outputs: int, logit: bool, name: str) -> tuple[float, ...]:
    """Return the base scores: one number, or since XGBoost 3 one an output."""
    text = str(learner["learner_model_param"]["base_score"])
    values = np.array([float(part) for part in text.strip("[]").split(",")], dtype=np.float32)
    if len(values) not in (1, outputs) or not np.isfinite(values).all():
        raise ModelFileError(f"{name} has damaged base scores: save the fitted model again")
    if logit:
        if not ((values > 0) & (values < 1)).all():
            raise ModelFileError(f"{name} has a base score that is no probability: save it again")
        values = -np.log(np.float32(1) / values - np.float32(1))
    return tuple(float(value) for value in np.broadcast_to(values, (outputs,)))

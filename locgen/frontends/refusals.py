"""Refusals of estimators and steps, each with a way out."""

import difflib

from locgen.frontends import registry

__all__ = ["SUPPORTED", "is_known", "refusal", "refused_part"]

SUPPORTED = tuple(sorted(entry.name for entry in registry.ESTIMATORS if entry.listed))
"""The estimators that locgen builds."""

_NEAREST = {name: entry.name for entry in registry.ESTIMATORS for name in entry.nearest_of}
_TRANSFORMERS = tuple(
    f"sklearn.{package}."
    for package in (
        "cross_decomposition",
        "decomposition",
        "feature_extraction",
        "feature_selection",
        "impute",
        "kernel_approximation",
        "manifold",
        "preprocessing",
        "random_projection",
    )
)
_BOOSTED = ("AdaBoost", "CatBoost", "GradientBoost", "HistGradient", "LGBM", "XGB")


def is_known(name: str) -> bool:
    """Return whether `name` looks like an estimator that locgen does not build."""
    if not name.isidentifier() or name in SUPPORTED:
        return False
    known_ends = ("Classifier", "ClassifierCV", "Regressor")
    return name.endswith(known_ends) or name in registry.WRAPPERS or name in registry.CHANGES


def refused_part(module: str, name: str) -> str | None:
    """Return one sentence that refuses a part of an estimator, None if it is no known kind of part.

    Parameters
    ----------
    module, name : of scikit-learn's class, as a pickle gives them
    """
    if not name.isidentifier():
        return None
    if module.startswith("sklearn._loss."):
        return (
            f"{name} is not supported, since its answer is a function of the trees' sum: train "
            "with the squared error, on the transformed target"
        )
    if module.startswith(_TRANSFORMERS) and name[0].isupper():
        return (
            f"{name} is not supported in front of a model: transform the rows beforehand, and save "
            "the model that was trained on what comes out"
        )
    if module == "sklearn.multioutput" and name.endswith("Chain"):
        nearest = f"MultiOutput{name.removesuffix('Chain')}"
        return f"{name} is not supported: the nearest that locgen builds is {nearest}"
    return None


def _nearest(name: str) -> str:
    """Return the supported estimator that serves best in place of `name`."""
    if name in _NEAREST:
        return _NEAREST[name]
    close = difflib.get_close_matches(name, SUPPORTED, n=1, cutoff=0.9)
    if close:
        return close[0]
    kind = "Regressor" if name.endswith("Regressor") else "Classifier"
    return ("GradientBoosting" if name.startswith(_BOOSTED) else "RandomForest") + kind


def refusal(name: str) -> str:
    """Return one sentence that refuses the estimator class `name` and says what to use instead."""
    if name in registry.WRAPPERS:
        return (
            f"{name} is not supported: save the estimator inside it, its .{registry.WRAPPERS[name]}"
        )
    if name in registry.CHANGES:
        return f"{name} is not supported, since it {registry.CHANGES[name]}"
    if name in SUPPORTED:
        kind = "Regressor" if name.endswith("Regressor") else "Classifier"
        return (
            f"{name} is built on its own, not as a part of another model: save it alone, or use "
            f"RandomForest{kind} there"
        )
    if not name.endswith(("Classifier", "ClassifierCV", "Regressor", "RegressorCV")):
        return f"{name} is not supported: docs/models.md lists what locgen builds"
    return f"{name} is not supported: the nearest that locgen builds is {_nearest(name)}"

"""Checks that nodes of several kinds share."""

from locgen.ir.features import Feature
from locgen.ir.rules import refuse_if

__all__ = ["check_columns", "check_features", "check_outputs", "require_evidence"]


def check_outputs(outputs: tuple[int, ...], what: str) -> None:
    """Raise ValueError unless `outputs` of `what` are distinct, present and not negative."""
    refuse_if(not outputs, f"{what} must have at least one output")
    refuse_if(
        len(set(outputs)) != len(outputs) or min(outputs) < 0,
        f"outputs of {what} must be distinct and not negative",
    )


def check_columns(features: tuple[int, ...], outputs: tuple[int, ...], what: str) -> None:
    """Raise ValueError unless `outputs` are sound and `features` of `what` rise from 0 on."""
    check_outputs(outputs, what)
    refuse_if(
        list(features) != sorted(set(features)) or min((*features, 0)) < 0,
        f"features of {what} must rise and not be negative",
    )


def require_evidence(possible: bool) -> None:
    """Raise ValueError unless evidence is one that a row can have."""
    if not possible:
        raise ValueError("evidence must be one that the node can give")


def check_features(
    used: tuple[int, ...],
    bits: tuple[int, ...],
    features: tuple[Feature, ...],
    missing: bool = False,
) -> None:
    """Raise ValueError if the features that a node reads do not exist or have other widths.

    Parameters
    ----------
    used, bits : the features that it reads, and the width of each that it is made for
    features : the model's
    missing : whether they may have a code for missing values
    """
    for feature, width in zip(used, bits, strict=True):
        refuse_if(feature >= len(features), "a node's features must be features of the model")
        refuse_if(
            features[feature].bits != width, "a node must be made for the width of its features"
        )
        refuse_if(
            not missing and features[feature].missing_code is not None,
            "a node that computes with codes must have no missing values",
        )

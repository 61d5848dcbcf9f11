"""Localised models that scikit-learn does not have, as scikit-learn estimators."""

from locgen.models.clauses import write_tsetlin_clauses
from locgen.models.mixture import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

__all__ = [
    "MixtureOfExpertsClassifier",
    "MixtureOfExpertsRegressor",
    "write_tsetlin_clauses",
]

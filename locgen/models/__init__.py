"""Localised models that scikit-learn does not have, as scikit-learn estimators."""

from locgen.models.mixture import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

__all__ = ["MixtureOfExpertsClassifier", "MixtureOfExpertsRegressor"]

"""What moved between the releases of scikit-learn that locgen supports."""

from sklearn.base import BaseEstimator
from sklearn.utils import validation

__all__ = ["validate_data"]


def validate_data(
    estimator: BaseEstimator, x: object, y: object = None, **options: object
) -> object:
    """Return checked `x`, or (x, y) if `y` is given; see scikit-learn's function of this name.

    Before 1.6 it was a method of the estimator.
    """
    arguments = {} if y is None and not options.get("reset", True) else {"y": y}
    if hasattr(validation, "validate_data"):
        return validation.validate_data(estimator, x, **arguments, **options)
    return estimator._validate_data(x, **arguments, **options)

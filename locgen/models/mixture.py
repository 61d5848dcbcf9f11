"""Sparse mixtures of experts: a gate opens k of E experts for each row, the others rest."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from locgen.models.base import MixtureOfExperts
from locgen.models.compatibility import validate_data

__all__ = ["MixtureOfExpertsClassifier", "MixtureOfExpertsRegressor"]

_LEAST_PROBABILITY = 1e-2
"""Shallow trees often say 0: it must not cost infinitely much."""


class MixtureOfExpertsClassifier(ClassifierMixin, MixtureOfExperts):
    """A classifier of which only `top_k` of its experts work on any row.

    A gate scores the experts, the `top_k` best are open, and the answer is the mean of their
    probability vectors; an expert gives 0 to a class that it has not seen. The gate and the experts
    are trained in turn: experts on the rows routed to them, then the gate on the rows' cheapest
    experts. Of all rounds the best on the training rows is kept, whose experts have been fitted to
    exactly the rows that its gate sends them.

    Parameters
    ----------
    experts : int, default=8
        Number of experts. One that no training row reaches is started anew with half the rows of
        the busiest, and dropped if it has none in the end, so that there may be fewer in
        `experts_`; there are never more than distinct rows.
    top_k : int, default=1
        Number of experts that work on a row.
    gate : {"tree", "linear", "prototype"}, default="tree"
        A decision tree, a linear model, or nearest prototypes (Euclidean: scale the features in a
        pipeline first).
    expert : estimator, default=None
        Template that is cloned for each expert; a classifier with `predict_proba`. None is
        ``RandomForestClassifier(n_estimators=5, max_depth=4)``. Its random states follow
        `random_state`. Where an expert sees a single class, a tree of one leaf takes its place.
    max_iter : int, default=10
        Most rounds of training.
    balance : float, default=1.0
        Strength of load balancing: what an expert with twice its fair share of rows costs more per
        row, in units of the loss (log loss). 0 leaves loads free.
    gate_depth : int, default=None
        Depth of a tree gate; None is two more than the experts need at least.
    random_state : int, RandomState instance or None, default=None
        Seed of the first clusters, the gate and the experts.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in sorted order.
    gate_ : DecisionTreeClassifier, LogisticRegression, NearestCentroid or None
        The fitted gate over the raw features; None if there is one expert.
    experts_ : list of estimators
        The fitted experts.
    n_experts_, top_k_ : int
        Experts there are, and how many of them are open.
    expert_load_ : ndarray of shape (n_experts_,)
        Share of the training rows for which each expert is open; adds up to `top_k_`.
    n_iter_ : int
        Rounds of training.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` had names.
    """

    def fit(self, X, y):
        """Fit gate and experts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : object
        """
        self._check_parameters()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self._n_outputs = len(self.classes_)
        self._train(X, codes)
        return self

    def _template(self, y: np.ndarray) -> BaseEstimator:
        if len(np.unique(y)) == 1:  # many classifiers refuse a single class
            return DecisionTreeClassifier(max_depth=1)
        if self.expert is None:
            return RandomForestClassifier(n_estimators=5, max_depth=4)
        if not hasattr(self.expert, "predict_proba"):
            raise TypeError(f"expert must have predict_proba, {self.expert!r} has not")
        return self.expert

    def _expert_outputs(self, expert: BaseEstimator, x: np.ndarray) -> np.ndarray:
        outputs = np.zeros((len(x), self._n_outputs))
        outputs[:, expert.classes_] = expert.predict_proba(x)
        return outputs

    def _cost(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the log loss (rows,) of outputs (rows, classes)."""
        return -np.log(np.maximum(outputs[np.arange(len(y)), y], _LEAST_PROBABILITY))

    def predict_proba(self, X):
        """Return the mean of the open experts' class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        check_is_fitted(self)
        return self._outputs(validate_data(self, X, reset=False, dtype=np.float64))

    def predict(self, X):
        """Return the most probable class of each row, the lowest of equals.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]


class MixtureOfExpertsRegressor(RegressorMixin, MixtureOfExperts):
    """A regressor of which only `top_k` of its experts work on any row.

    A gate scores the experts, the `top_k` best are open, and the answer is the mean of their
    values. Training is that of `MixtureOfExpertsClassifier`.

    Parameters
    ----------
    experts : int, default=8
        Number of experts. One that no training row reaches is started anew with half the rows of
        the busiest, and dropped if it has none in the end, so that there may be fewer in
        `experts_`; there are never more than distinct rows.
    top_k : int, default=1
        Number of experts that work on a row.
    gate : {"tree", "linear", "prototype"}, default="tree"
        A decision tree, a linear model, or nearest prototypes (Euclidean: scale the features in a
        pipeline first).
    expert : estimator, default=None
        Template that is cloned for each expert; a regressor. None is
        ``RandomForestRegressor(n_estimators=5, max_depth=4)``. Its random states follow
        `random_state`.
    max_iter : int, default=10
        Most rounds of training.
    balance : float, default=1.0
        Strength of load balancing: what an expert with twice its fair share of rows costs more per
        row, in units of the loss (squared error over the targets' variance). 0 leaves loads free.
    gate_depth : int, default=None
        Depth of a tree gate; None is two more than the experts need at least.
    random_state : int, RandomState instance or None, default=None
        Seed of the first clusters, the gate and the experts.

    Attributes
    ----------
    gate_ : DecisionTreeClassifier, LogisticRegression, NearestCentroid or None
        The fitted gate over the raw features; None if there is one expert.
    experts_ : list of estimators
        The fitted experts.
    n_experts_, top_k_ : int
        Experts there are, and how many of them are open.
    expert_load_ : ndarray of shape (n_experts_,)
        Share of the training rows for which each expert is open; adds up to `top_k_`.
    n_outputs_ : int
        Number of targets.
    n_iter_ : int
        Rounds of training.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` had names.
    """

    def fit(self, X, y):
        """Fit gate and experts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        self : object
        """
        self._check_parameters()
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        y = y.astype(np.float64)
        self._flat = y.ndim == 1
        self.n_outputs_ = self._n_outputs = 1 if self._flat else y.shape[1]
        variance = y.var(axis=0)
        self._variance = np.where(variance > 0, variance, 1.0)
        self._train(X, y)
        return self

    def _template(self, y: np.ndarray) -> BaseEstimator:
        if self.expert is None:
            return RandomForestRegressor(n_estimators=5, max_depth=4)
        return self.expert

    def _expert_outputs(self, expert: BaseEstimator, x: np.ndarray) -> np.ndarray:
        return np.reshape(expert.predict(x), (len(x), self._n_outputs))

    def _cost(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the relative squared error (rows,) of outputs (rows, targets)."""
        errors = np.square(outputs - y.reshape(outputs.shape)) / self._variance
        return errors.mean(axis=1)

    def predict(self, X):
        """Return the mean of the open experts' values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As `y` was in `fit`.
        """
        check_is_fitted(self)
        outputs = self._outputs(validate_data(self, X, reset=False, dtype=np.float64))
        return outputs[:, 0] if self._flat else outputs

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: several targets are fine."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

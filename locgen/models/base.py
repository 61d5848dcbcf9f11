"""What both mixtures of experts share: parameters, training, routing."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from locgen.models.compatibility import validate_data
from locgen.models.routing import best, score_gate
from locgen.models.training import train

__all__ = ["MixtureOfExperts"]

_GATES = ("tree", "linear", "prototype")
_LARGEST_SEED = np.iinfo(np.int32).max


class MixtureOfExperts(BaseEstimator):
    """What both mixtures share; see the classes for parameters."""

    def __init__(
        self,
        experts=8,
        *,
        top_k=1,
        gate="tree",
        expert=None,
        max_iter=10,
        balance=1.0,
        gate_depth=None,
        random_state=None,
    ):
        self.experts = experts
        self.top_k = top_k
        self.gate = gate
        self.expert = expert
        self.max_iter = max_iter
        self.balance = balance
        self.gate_depth = gate_depth
        self.random_state = random_state

    def _check_parameters(self) -> None:
        for name in ("experts", "top_k", "max_iter"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, not {value!r}")
        if self.top_k > self.experts:
            raise ValueError(f"top_k must be at most experts={self.experts}, not {self.top_k}")
        if self.gate not in _GATES:
            raise ValueError(f"gate must be one of {', '.join(_GATES)}, not {self.gate!r}")
        if not isinstance(self.balance, Real) or self.balance < 0 or not self.balance < np.inf:
            raise ValueError(f"balance must be a number of at least 0, not {self.balance!r}")
        depth = self.gate_depth
        if depth is not None and (not isinstance(depth, Integral) or depth < 1):
            raise ValueError(f"gate_depth must be None or at least 1, not {depth!r}")

    def _train(self, x: np.ndarray, y: np.ndarray) -> None:
        """Train on checked rows; `y` as the experts take it."""
        random = check_random_state(self.random_state)
        seeds = random.randint(_LARGEST_SEED, size=self.experts + 1)

        def fit_expert(rows: np.ndarray, number: int) -> BaseEstimator:
            expert = clone(self._template(y[rows]))
            names = [
                name
                for name in expert.get_params()
                if name == "random_state" or name.endswith("__random_state")
            ]
            expert.set_params(**dict.fromkeys(names, int(seeds[number])))
            return expert.fit(x[rows], y[rows])

        trained = train(self, x, y, fit_expert, int(seeds[-1]), random)
        self.gate_ = trained.gate
        self.experts_ = list(trained.experts)
        self.n_experts_ = len(trained.experts)
        self.top_k_ = min(self.top_k, self.n_experts_)
        self.expert_load_ = trained.load
        self.n_iter_ = trained.rounds

    def _outputs(self, x: np.ndarray) -> np.ndarray:
        """Return the mean of the open experts' outputs, (rows, outputs)."""
        routes = best(score_gate(self.gate_, x), self.top_k_)
        total = np.zeros((len(x), self._n_outputs))
        for number, expert in enumerate(self.experts_):
            rows = np.flatnonzero((routes == number).any(axis=1))
            if len(rows):
                total[rows] += self._expert_outputs(expert, x[rows])
        return total / self.top_k_

    def gate_scores(self, X):
        """Return the gate's score of each expert; the `top_k_` highest open.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples, n_experts_)
        """
        check_is_fitted(self)
        return score_gate(self.gate_, validate_data(self, X, reset=False, dtype=np.float64))

    def route(self, X):
        """Return the experts that are open for each row, the best first.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        experts : ndarray of int of shape (n_samples, top_k_)
            Indices into `experts_`; of equal scores the lower index counts as better.
        """
        return best(self.gate_scores(X), self.top_k_)

"""Which expert takes which row: first clusters, balanced assignment, and gates that learn it."""

import warnings
from typing import Literal, TypeAlias

import numpy as np
from sklearn.cluster import kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.tree import DecisionTreeClassifier

__all__ = [
    "Gate",
    "GateKind",
    "assign",
    "best",
    "clusters",
    "fit_gate",
    "score_gate",
    "standardise",
]

GateKind = Literal["tree", "linear", "prototype"]
Gate: TypeAlias = DecisionTreeClassifier | LogisticRegression | NearestCentroid

_LLOYD_ROUNDS = 50
_PRICE_ROUNDS = 30
_LINEAR_ROUNDS = 100
"""A linear gate is learnt again in each round of training: it need not converge in any."""
_LEAST_WEIGHT = 0.1
"""Of the mean: rows that every expert serves alike still say where an expert's region ends."""


def standardise(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (scaled rows, mean, deviation) with mean 0 and deviation 1, constants left at 0."""
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return (x - mean) / deviation, mean, deviation


def best(scores: np.ndarray, count: int) -> np.ndarray:
    """Return the columns of the `count` highest scores of each row, ties to the lowest column.

    Parameters
    ----------
    scores : (rows, experts)

    Returns
    -------
    (rows, count), the highest first
    """
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def _squared_distances(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return (rows, centres) squared Euclidean distances, differences first: ties stay ties."""
    return np.stack([np.square(x - centre).sum(axis=1) for centre in centres], axis=1)


def clusters(x: np.ndarray, count: int, random: np.random.RandomState) -> np.ndarray:
    """Return the cluster of each row of `x` (rows, features), at most `count`, numbered from 0.

    Plain k-means. scikit-learn's own adds up in the order in which its threads finish, so its last
    bits depend on the run.
    """
    scaled = standardise(x)[0]
    count = min(count, len(np.unique(scaled, axis=0)))
    centres, _ = kmeans_plusplus(scaled, count, random_state=random)
    labels = None
    for _ in range(_LLOYD_ROUNDS):
        nearest = np.argmin(_squared_distances(scaled, centres), axis=1)
        if labels is not None and np.array_equal(nearest, labels):
            break
        _, labels = np.unique(nearest, return_inverse=True)
        centres = np.stack([scaled[labels == c].mean(axis=0) for c in range(labels.max() + 1)])
    assert labels is not None
    return np.unique(labels, return_inverse=True)[1]


def assign(cost: np.ndarray, count: int, balance: float) -> np.ndarray:
    """Return the `count` experts (rows, count) that serve each row cheapest, the cheapest first.

    An expert that takes `f` of its fair share of the rows costs ``balance * (f - 1)`` on top, which
    is found by letting prices follow the shares.

    Parameters
    ----------
    cost : (rows, experts) of each row under each expert
    """
    rows, experts = cost.shape
    price = np.zeros(experts)
    chosen = best(-cost, count)
    for step in range(_PRICE_ROUNDS if balance else 0):
        share = np.bincount(chosen.ravel(), minlength=experts) * (experts / (rows * count))
        price += (balance * (share - 1) - price) / (step + 1)
        chosen = best(-(cost + price), count)
    return chosen


def fit_gate(
    kind: GateKind,
    x: np.ndarray,
    chosen: np.ndarray,
    cost: np.ndarray | None,
    depth: int,
    seed: int,
) -> Gate | None:
    """Return a gate that has learnt to send the rows of `x` (rows, features) to `chosen`.

    A row weighs what its choice saves against the average expert. One expert needs no gate: None.

    Parameters
    ----------
    chosen : (rows, k) experts; every one of 0 to the largest occurs
    cost : (rows, experts) of each row under each expert, None to weigh all rows alike
    depth : of a tree
    """
    if chosen.max() == 0:
        return None
    count = chosen.shape[1]
    every, target = np.repeat(x, count, axis=0), chosen.ravel()
    weight = np.ones(len(target))
    if cost is not None:
        saved = cost.mean(axis=1, keepdims=True) - np.take_along_axis(cost, chosen, axis=1)
        weight = np.maximum(saved, 0).ravel()
        weight = weight + _LEAST_WEIGHT * weight.mean() if weight.any() else np.ones(len(target))
    if kind == "tree":
        tree = DecisionTreeClassifier(max_depth=depth, random_state=seed)
        return tree.fit(every, target, sample_weight=weight)
    if kind == "prototype":
        # It measures deviations as well, which can be 0/0; only the centroids are used here.
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
            warnings.filterwarnings("ignore", message=".*zero standard deviation")
            return NearestCentroid().fit(every, target)
    scaled, mean, deviation = standardise(every)
    linear = LogisticRegression(max_iter=_LINEAR_ROUNDS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        linear.fit(scaled, target, sample_weight=weight)
    linear.coef_ = linear.coef_ / deviation
    linear.intercept_ = linear.intercept_ - linear.coef_ @ mean
    return linear


def score_gate(gate: Gate | None, x: np.ndarray) -> np.ndarray:
    """Return the scores (rows, experts) of a gate; the highest open.

    A tree gives the weight of each expert in the row's leaf, a linear gate its decision values
    (with two experts 0 and the single value), prototypes the negative squared distances.
    """
    if gate is None:
        return np.zeros((len(x), 1))
    if isinstance(gate, DecisionTreeClassifier):
        return gate.predict_proba(x)
    if isinstance(gate, NearestCentroid):
        return -_squared_distances(x, gate.centroids_)
    values = gate.decision_function(x)
    return np.stack([np.zeros(len(x)), values], axis=1) if values.ndim == 1 else values

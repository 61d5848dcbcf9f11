"""Training of a mixture: experts on their rows, the gate on the rows' cheapest experts, in turn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.base import BaseEstimator

from locgen.models.routing import Gate, GateKind, assign, best, clusters, fit_gate, score_gate

__all__ = ["Trained", "train"]


class Mixture(Protocol):
    """The estimator that is trained; its parameters are those of `mixture`."""

    experts: int
    top_k: int
    gate: GateKind
    gate_depth: int | None
    max_iter: int
    balance: float

    def _expert_outputs(self, expert: BaseEstimator, x: np.ndarray) -> np.ndarray: ...

    def _cost(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Trained:
    """A round of training.

    Members
    -------
    gate : None for a single expert
    experts : fitted to the rows that `gate` opens them for
    load : (experts,) share of the rows for which each is open
    loss : on the training rows, unequal loads included
    rounds : how many were run
    """

    gate: Gate | None
    experts: tuple[BaseEstimator, ...]
    load: np.ndarray
    loss: float
    rounds: int


def train(
    mixture: Mixture,
    x: np.ndarray,
    y: np.ndarray,
    fit_expert: Callable[[np.ndarray, int], BaseEstimator],
    seed: int,
    random: np.random.RandomState,
) -> Trained:
    """Return the round with the lowest loss; it ends where routes repeat or after `max_iter`.

    Parameters
    ----------
    mixture : gives parameters, `_expert_outputs` and `_cost`
    x, y : (rows, features) and the targets
    fit_expert : from the numbers of some rows and the expert's number to a fitted expert
    seed : of the gate
    random : for the first clusters
    """
    cost = None
    chosen = clusters(x, mixture.experts, random)[:, None]
    if mixture.top_k > 1:
        chosen = _nearest(x, chosen[:, 0], mixture.top_k)
    most = min(mixture.experts, len(np.unique(x, axis=0)))
    seen: set[bytes] = set()
    found: Trained | None = None
    rounds = 0
    while rounds < mixture.max_iter:
        chosen, cost = _reseed(x, chosen, cost, most, random)
        gate, routes = _learn(mixture, x, chosen, cost, seed)
        if routes.tobytes() in seen:
            break
        seen.add(routes.tobytes())
        rounds += 1
        experts = range(routes.max() + 1)
        open_rows = [np.flatnonzero((routes == number).any(axis=1)) for number in experts]
        fitted = tuple(fit_expert(rows, number) for number, rows in enumerate(open_rows))
        outputs = [mixture._expert_outputs(expert, x) for expert in fitted]
        cost = np.stack([mixture._cost(each, y) for each in outputs], axis=1)
        count = routes.shape[1]
        mean = sum(
            (routes == number).any(axis=1)[:, None] * each for number, each in enumerate(outputs)
        )
        load = np.array([len(rows) for rows in open_rows]) / len(x)
        uneven = len(fitted) * np.square(load / count).sum() - 1
        loss = float(mixture._cost(mean / count, y).mean() + mixture.balance * uneven)
        if found is None or loss < found.loss:
            found = Trained(gate, fitted, load, loss, rounds)
        chosen = assign(cost, min(mixture.top_k, len(fitted)), mixture.balance)
    assert found is not None, "there is a first round"
    return Trained(found.gate, found.experts, found.load, found.loss, rounds)


def _reseed(
    x: np.ndarray,
    chosen: np.ndarray,
    cost: np.ndarray | None,
    experts: int,
    random: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (chosen, cost) with `experts` experts again, where rows can be told apart.

    A new one starts as a copy of the one with most rows, and takes half of those.
    """
    chosen = chosen.copy()
    while (number := chosen.max() + 1) < experts:
        busiest = int(np.bincount(chosen[:, 0]).argmax())
        rows = np.flatnonzero(chosen[:, 0] == busiest)
        halves = clusters(x[rows], 2, random)
        if halves.max() == 0:
            break
        chosen[rows[halves == 1], 0] = number
        if cost is not None:
            cost = np.column_stack([cost, cost[:, busiest]])
    return chosen, cost


def _nearest(x: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Return for each row its own cluster and the next nearest ones, (rows, count)."""
    scaled = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    centres = [scaled[labels == number].mean(axis=0) for number in range(labels.max() + 1)]
    distance = np.stack([np.square(scaled - centre).sum(axis=1) for centre in centres], axis=1)
    return best(-distance, min(count, len(centres)))


def _learn(
    mixture: Mixture, x: np.ndarray, chosen: np.ndarray, cost: np.ndarray | None, seed: int
) -> tuple[Gate | None, np.ndarray]:
    """Return (gate, routes (rows, k)) of a gate that opens every expert for some row.

    Experts that it opens for none are dropped, and a gate is learnt for those that are left;
    `_reseed` makes up for them in the next round.
    """
    while True:
        # Numbers without a gap: an expert that no row chose does not exist.
        alive = np.unique(chosen)
        chosen = np.searchsorted(alive, chosen)
        if cost is not None:
            cost = cost[:, alive]
        depth = mixture.gate_depth or int(len(alive) - 1).bit_length() + 2
        gate = fit_gate(mixture.gate, x, chosen, cost, depth, seed)
        scores = score_gate(gate, x)
        routes = best(scores, min(mixture.top_k, len(alive)))
        if len(np.unique(routes)) == len(alive):
            return gate, routes
        # Fewer experts than before: this ends.
        kept = np.unique(routes)
        among = np.full(scores.shape, -np.inf)
        among[:, kept] = scores[:, kept]
        chosen = best(among, min(mixture.top_k, len(kept)))

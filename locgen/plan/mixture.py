"""Sparse mixtures on the tree fabric: every site belongs to one expert."""

from collections.abc import Callable, Sequence

from locgen.errors import ConfigurationError
from locgen.ir import Gate, QuantisedModel

__all__ = ["assign_experts", "largest_open_sum", "sites_of_experts"]

Spread = Callable[[QuantisedModel, Sequence[int], int], tuple[tuple[int, ...], ...]]


def assign_experts(
    model: QuantisedModel, count: int, spread: Spread
) -> tuple[tuple[int, ...], ...]:
    """Return the nodes of each of `count` sites, expert after expert.

    Sites are dealt one at a time to the expert with most nodes to a site.

    Parameters
    ----------
    spread : deals some nodes of a model to a number of sites

    Raises
    ------
    ConfigurationError
        If there are fewer sites than experts.
    """
    if count < len(model.experts):
        raise ConfigurationError(
            f"--sites {count} is too few for {len(model.experts)} experts: each needs its own"
        )
    shares = [1] * len(model.experts)
    for _ in range(count - len(shares)):
        expert = max(
            range(len(shares)),
            key=lambda e: (len(model.experts[e]) / shares[e], -e),
        )
        shares[expert] += 1
    return tuple(
        site
        for members, share in zip(model.experts, shares, strict=True)
        for site in spread(model, members, share)
    )


def sites_of_experts(
    model: QuantisedModel, assigned: Sequence[Sequence[int]]
) -> tuple[tuple[int, ...], ...]:
    """Return the sites of each expert; nodes of a site belong to one expert."""
    return tuple(
        tuple(site for site, nodes in enumerate(assigned) if model.expert_of[nodes[0]] == expert)
        for expert in range(len(model.experts))
    )


def largest_open_sum(model: QuantisedModel, gate: Gate) -> int:
    """Return the largest sum of any output on its way up, closed experts sending 0.

    Raises
    ------
    ValueError
        If a score lies below 0, see `passes.normalise_offsets`.
    """
    if any(low < 0 for node in model.nodes for low, _ in node.ranges):
        raise ValueError("scores of a mixture's nodes must not lie below 0 on the tree fabric")
    sums = zip(*model.expert_ranges, strict=True)
    return max((gate.sum_over_open([(0, high) for _, high in each])[1] for each in sums), default=0)

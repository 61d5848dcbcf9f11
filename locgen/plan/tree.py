"""The plan of the tree fabric: nodes on sites, the network's shape and its schedule."""

from dataclasses import dataclass
from typing import Literal

from locgen.errors import ConfigurationError
from locgen.ir import Argmax, QuantisedModel

__all__ = ["LinkWidth", "Slot", "TreePlan", "plan_tree"]

LinkWidth = int | Literal["full"]

_SITES_PER_STOP = 32
"""Sites that share the last broadcast stop and its beat counter. Measured at 64 sites and 1-bit
links (benchmarks/network.py): 16, 32, 64 to a stop cost 3.95, 2.73, 2.02 cells a site; more sites
mean longer wires."""
_STOP_FANOUT = 4
"""Stops that the root or an inner broadcast stop feeds."""


@dataclass(frozen=True)
class Slot:
    """The beats in which one feature goes down, least significant digit first."""

    feature: int
    start: int
    beats: int


@dataclass(frozen=True)
class TreePlan:
    """Features down a broadcast tree in `down_beats`, scores up a combining tree in `up_beats`.

    Members
    -------
    down_width, up_width : bits of a link in either direction
    sites : for each site the nodes it computes
    slots : when each feature goes down; features of no width have none
    digits : beats of one output's score; scores go up in the order of the outputs
    stops : for each last broadcast stop the sites it serves
    inner_stops : broadcast stops between the root and the last ones, for each level from the root
    local_levels, combine_levels : adding stops in a row inside a site, and between sites and root
    root_cycles : from the last digit's arrival at the root to the answer
    slowest_levels : estimate of the longest run between registers, in levels of LUT4
    """

    link_width: LinkWidth
    down_width: int
    up_width: int
    sites: tuple[tuple[int, ...], ...]
    slots: tuple[Slot, ...]
    down_beats: int
    digits: int
    up_beats: int
    stops: tuple[tuple[int, ...], ...]
    inner_stops: tuple[int, ...]
    local_levels: int
    combine_levels: int
    root_cycles: int
    slowest_levels: float
    kind: Literal["tree"] = "tree"

    @property
    def broadcast_levels(self) -> int:
        """Registers from the root to the sites' inputs."""
        return len(self.inner_stops) + 1

    @property
    def latency_cycles(self) -> int:
        """Cycles from a valid input at the idle fabric to its answer."""
        down = self.broadcast_levels + self.down_beats
        up = 1 + self.local_levels + self.combine_levels + self.up_beats
        return down + up + self.root_cycles - 1

    @property
    def interval_cycles(self) -> int:
        """Cycles between answers when inputs wait: both phases, back to back."""
        return self.down_beats + self.up_beats

    @property
    def bits_per_inference(self) -> int:
        """Bits that cross the sites' borders: valid beats times width, down and up, all sites.

        The beat number, the same in every inference, carries no data and is not counted.
        """
        per_site = self.down_beats * self.down_width + self.up_beats * self.up_width
        return len(self.sites) * per_site


def plan_tree(model: QuantisedModel, link_width: LinkWidth, sites: int | None) -> TreePlan:
    """Return the tree plan of `model`: one site a node unless `sites` says fewer.

    Raises
    ------
    ConfigurationError
        If there are fewer nodes than sites.
    """
    count = len(model.nodes) if sites is None else sites
    if not 1 <= count <= len(model.nodes):
        raise ConfigurationError(
            f"--sites {count} is outside 1 to {len(model.nodes)}, the model's number of nodes"
        )
    accumulator = max((s.bit_length() for s in _largest_sums(model)), default=0) or 1
    if link_width == "full":
        down_width, up_width = max(max(model.feature_bits, default=1), 1), accumulator
    else:
        down_width = up_width = link_width
    slots, beat = [], 0
    for feature, bits in enumerate(model.feature_bits):
        if bits:
            slots.append(Slot(feature, beat, -(-bits // down_width)))
            beat += slots[-1].beats
    assigned = _assign(model, count)
    digits = -(-accumulator // up_width)
    groups = -(-count // _SITES_PER_STOP)
    stops = tuple(tuple(range(count))[i::groups] for i in range(groups))
    inner: list[int] = []
    while -(-groups // _STOP_FANOUT ** (len(inner) + 1)) > 1:
        inner.insert(0, -(-groups // _STOP_FANOUT ** (len(inner) + 1)))
    return TreePlan(
        link_width=link_width,
        down_width=down_width,
        up_width=up_width,
        sites=assigned,
        slots=tuple(slots),
        down_beats=max(beat, 1),
        digits=digits,
        up_beats=digits * model.outputs,
        stops=stops,
        inner_stops=tuple(inner),
        local_levels=(max(len(nodes) for nodes in assigned) - 1).bit_length(),
        combine_levels=(count - 1).bit_length(),
        root_cycles=3 if isinstance(model.decision, Argmax) else 2,
        slowest_levels=max(
            2 + 0.8 * max((node.depth for node in model.nodes), default=0),
            3 + model.score_bits / 8,
        ),
    )


def _largest_sums(model: QuantisedModel) -> list[int]:
    """Return the largest sum an output can reach when each node counts from its own lowest."""
    largest = [0] * model.outputs
    for node in model.nodes:
        for output, (low, high) in zip(node.outputs, node.ranges, strict=True):
            largest[output] += high - low
    return largest


def _assign(model: QuantisedModel, count: int) -> tuple[tuple[int, ...], ...]:
    """Spread the nodes over `count` sites: heaviest first onto the lightest site."""
    if count == len(model.nodes):
        return tuple((i,) for i in range(count))
    sites: list[list[int]] = [[] for _ in range(count)]
    load = [0] * count
    weight = [len(node.comparisons) + len(node.leaf_scores) for node in model.nodes]
    for node in sorted(range(len(model.nodes)), key=lambda i: (-weight[i], i)):
        site = min(range(count), key=lambda s: (load[s], s))
        sites[site].append(node)
        load[site] += weight[node]
    return tuple(tuple(sorted(nodes)) for nodes in sites)

"""The plan of the direct fabric: where the pipeline registers go."""

from dataclasses import dataclass
from typing import Literal

from locgen.errors import ConfigurationError
from locgen.ir import Argmax, QuantisedModel

__all__ = ["DirectPlan", "plan_direct"]

_COMPARE_DELAY = 1.5
"""Delay of a constant comparison in levels of LUT4: up to 8 bits take one or two."""
_ADD_DELAY = 2.0
"""A carry adder: one LUT and a short chain, about two levels on iCE40."""
_ARGMAX_DELAY = 3.0
"""A comparison by carry chain and the multiplexer behind it."""
_REGISTER_DELAY = 1.0
"""Clock to output plus set-up, in levels."""
_SLACK = 1.4
"""How much slower than its slowest unit a pipeline may be: comparisons that share gates need a
logic cell more for their register, so it is worth much to leave that register out."""


@dataclass(frozen=True)
class DirectPlan:
    """All nodes in parallel; one inference per cycle.

    The data pass these units in turn: comparisons, trees, `add_levels` levels of adders, and
    `decide_levels` levels of the decision. `registers` says for each unit whether a register
    follows; the last always has one. Each register is one cycle of latency. `slowest_levels`
    estimates the longest run between registers in levels of LUT4.
    """

    registers: tuple[bool, ...]
    add_levels: int
    decide_levels: int
    bits_per_inference: int
    slowest_levels: float
    kind: Literal["direct"] = "direct"
    interval_cycles: int = 1

    @property
    def latency_cycles(self) -> int:
        """Cycles from the input's transfer to the output's."""
        return sum(self.registers)

    @property
    def link_width(self) -> None:
        """None: there are no links."""
        return None

    @property
    def sites(self) -> tuple[tuple[int, ...], ...]:
        """No sites: every node stands alone."""
        return ()


def plan_direct(model: QuantisedModel, stages: int | None, fast: bool) -> DirectPlan:
    """Return the direct plan of `model`.

    Parameters
    ----------
    stages : number of registers, None to choose
    fast : choose for the lowest latency in time; otherwise for few registers at a clock near that
        of the slowest unit

    Raises
    ------
    ConfigurationError
        If there are fewer units than `stages`.
    """
    most = max(sum(o in n.outputs for n in model.nodes) for o in range(model.outputs))
    add_levels = max(most - 1, 0).bit_length()
    decide_levels = 0
    if isinstance(model.decision, Argmax):
        decide_levels = (model.outputs - 1).bit_length()
    depth = max((node.depth for node in model.nodes), default=0)
    delays = [_COMPARE_DELAY, max(0.8 * depth, 0.5)]
    delays += [_ADD_DELAY] * add_levels + [_ARGMAX_DELAY] * decide_levels
    choices = {count: _balance(delays, count) for count in range(1, len(delays) + 1)}
    if stages is None:
        if fast:
            stages = min(choices, key=lambda n: n * (choices[n][0] + _REGISTER_DELAY))
        else:
            goal = _SLACK * max(delays)
            stages = min(n for n in choices if choices[n][0] <= goal)
    if stages not in choices:
        raise ConfigurationError(
            f"--stages {stages} is outside 1 to {len(delays)}, the number of units this model has"
        )
    crossing = 0
    for node in model.nodes:
        crossing += sum(model.feature_bits[f] for f in set(node.feature))
        crossing += sum((high - low).bit_length() for low, high in node.ranges)
    slowest, registers = choices[stages]
    return DirectPlan(registers, add_levels, decide_levels, crossing, slowest)


def _balance(delays: list[float], stages: int) -> tuple[float, tuple[bool, ...]]:
    """Return (slowest stage, register flags) of the best split of `delays` into `stages` runs."""
    count = len(delays)
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}] + [{} for _ in range(count)]
    for end in range(1, count + 1):
        for begin in range(end):
            run = sum(delays[begin:end])
            for used, (slowest, _) in best[begin].items():
                worst = max(slowest, run)
                if used < stages and worst < best[end].get(used + 1, (float("inf"), 0))[0]:
                    best[end][used + 1] = (worst, begin)
    flags = [False] * count
    end, used = count, stages
    while end:
        flags[end - 1] = True
        end, used = best[end][used][1], used - 1
    return best[count][stages][0], tuple(flags)

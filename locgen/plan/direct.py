"""The plan of the direct fabric: where the pipeline registers go."""

from dataclasses import dataclass
from typing import Literal

from locgen.errors import ConfigurationError
from locgen.ir import Gate, QuantisedModel
from locgen.ir.levels import ADD_LEVELS, tree_levels
from locgen.plan.evidence import EvidenceSlot, schedule_evidence

__all__ = ["DirectPlan", "plan_direct"]

_COMPARE_DELAY = 1.5
"""Delay of a constant comparison in levels of LUT4: up to 8 bits take one or two."""
_REGISTER_DELAY = 1.0
"""Clock to output plus set-up, in levels."""
_SLACK = 1.4
"""How much slower than its slowest unit a pipeline may be: comparisons that share gates need a
logic cell more for their register, so it is worth much to leave that register out."""


@dataclass(frozen=True)
class DirectPlan:
    """All nodes in parallel; one inference per cycle.

    The data pass these units in turn: comparisons, the nodes' terms, `add_levels` levels of adders,
    and `decide_levels` levels of the decision: rounds of a tournament; where the decision alone is
    asked for, each round compares and then chooses, the last among the five or fewer left. With a
    gate, whose mask is ready with the terms, the adders are followed by a unit that opens experts
    and `join_levels` adders over those. `registers` says for each unit whether a register follows;
    the last always has one. Each register is one cycle of latency. `slowest_levels`
    estimates the longest run between registers in levels of LUT4. `evidence` says which number
    lies where in what comes out beside the answer, in bits; empty if none does.
    """

    registers: tuple[bool, ...]
    add_levels: int
    decide_levels: int
    bits_per_inference: int
    slowest_levels: float
    join_levels: int | None = None
    evidence: tuple[EvidenceSlot, ...] = ()
    kind: Literal["direct"] = "direct"
    interval_cycles: int = 1

    @property
    def latency_cycles(self) -> int:
        """Cycles from the input's transfer to the output's."""
        return sum(self.registers)

    @property
    def units(self) -> tuple[str, ...]:
        """Name of each unit, in the order in which data pass them."""
        levels = self.add_levels + (self.join_levels or 0)
        sums = [f"sum_{level}" for level in range(levels)]
        if self.join_levels is not None:
            sums.insert(self.add_levels, "open")
        return ("compare", "score", *sums, *(f"decide_{n}" for n in range(self.decide_levels)))

    def has_register(self, unit: str) -> bool:
        """Return whether a register follows the unit of that name."""
        return self.registers[self.units.index(unit)]

    @property
    def is_pipeline(self) -> bool:
        """Whether all nodes stand side by side in one pipeline: they do."""
        return True

    @property
    def gates(self) -> tuple[tuple[int, ...], ...]:
        """No gate stages: experts are masked out behind their nodes."""
        return ()

    @property
    def top_k(self) -> int:
        """No experts that are kept asleep."""
        return 0

    @property
    def link_width(self) -> None:
        """None: there are no links."""
        return None

    @property
    def sites(self) -> tuple[tuple[int, ...], ...]:
        """No sites: every node stands alone."""
        return ()

    @property
    def shapes(self) -> tuple[()]:
        """No engines."""
        return ()

    @property
    def engines(self) -> tuple[()]:
        """The same."""
        return ()

    @property
    def score_beats(self) -> int:
        """None: evidence begins at bit 0."""
        return 0

    @property
    def up_width(self) -> int:
        """What evidence is counted in: bits."""
        return 1

    @property
    def evidence_bits(self) -> int:
        """Bits of evidence for an inference."""
        return sum(slot.beats for slot in self.evidence)

    @property
    def evidence_beats(self) -> int:
        """Cycles that evidence takes: none, it comes with the answer."""
        return 0

    @property
    def evidence_width(self) -> int:
        """Width of the evidence port: all at once."""
        return self.evidence_bits

    @property
    def core(self) -> Literal["hardwired"]:
        """Every node is hardwired."""
        return "hardwired"


def plan_direct(
    model: QuantisedModel, stages: int | None, fast: bool, explain: bool = False
) -> DirectPlan:
    """Return the direct plan of `model`.

    Parameters
    ----------
    stages : number of registers, None to choose
    fast : choose for the lowest latency in time; otherwise for few registers at a clock near that
        of the slowest unit
    explain : have each node's evidence come out beside the answer

    Raises
    ------
    ConfigurationError
        If there are fewer units than `stages`.
    """
    terms = [term for node in model.nodes for term in node.terms]
    gate_terms = () if model.gate is None else model.gate.ranked_terms
    add_levels = _add_levels(model, model.experts or (tuple(range(len(model.nodes))),))
    decide_delays = model.decision.step_levels(model.answer == "decision")
    compares = any(term.comparisons for term in (*terms, *gate_terms))
    units = [*terms, *(model.nodes if explain else ())]
    delays = [_COMPARE_DELAY if compares else 0.0, max((u.levels for u in units), default=0.5)]
    delays += [ADD_LEVELS] * add_levels
    join_levels = None
    if model.gate is not None:
        delays[1] = max(delays[1], model.gate.levels)
        join_levels = _join_levels(model, model.gate.top_k)
        delays += [_open_delay(model.gate)] + [ADD_LEVELS] * join_levels
    delays += decide_delays
    if model.answer == "decision":
        delays = _finer(model, delays, add_levels)
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
    for node in (*model.nodes, *model.gate_nodes):
        crossing += sum(model.feature_bits[f] for f in node.features)
        crossing += sum((high - low).bit_length() for low, high in node.ranges)
    evidence: tuple[EvidenceSlot, ...] = ()
    if explain:
        alone = tuple((number,) for number in range(len(model.nodes)))
        evidence = schedule_evidence(model, alone, (None,) * len(alone), width=1, first=0)
        crossing += sum(slot.beats for slot in evidence)
    slowest, registers = choices[stages]
    return DirectPlan(
        registers, add_levels, len(decide_delays), crossing, slowest, join_levels, evidence
    )


def _finer(model: QuantisedModel, delays: list[float], add_levels: int) -> list[float]:
    """Return `delays` with adders told apart by width, for designs that answer a decision.

    Adders of few bits are gates. By hand, as are the delays of such a decision, to the routed clock
    of three boosted models on the HX8K.
    """
    finer = list(delays)
    widest = max(
        (high - low for node in model.nodes for low, high in node.ranges),
        default=1,
    )
    for level in range(add_levels):
        bits = (widest << level + 1).bit_length()
        finer[2 + level] = min(0.5 + 0.25 * bits, ADD_LEVELS)
    return finer


def _add_levels(model: QuantisedModel, groups: tuple[tuple[int, ...], ...]) -> int:
    """Return the levels of adders that the largest sum over the nodes of one group takes."""
    most = max(
        sum(output in term.outputs for number in members for term in model.nodes[number].terms)
        for members in groups
        for output in range(model.outputs)
    )
    return tree_levels(most)


def _join_levels(model: QuantisedModel, top_k: int) -> int:
    """Return the levels of adders over experts: none where a single one is open.

    What the bias leaves over when it is shared among the open experts is one more to add.
    """
    if top_k == 1:
        return 0
    most = 0
    for output, bias in enumerate(model.bias):
        share, rest = divmod(bias, top_k)
        experts = sum(
            share != 0 or any(output in model.nodes[number].outputs for number in members)
            for members in model.experts
        )
        most = max(most, experts + (rest != 0))
    return tree_levels(most)


def _open_delay(gate: Gate) -> float:
    """Return the delay of masking, and of an OR over the experts where a single one is open."""
    return 0.5 + (0.5 * (gate.experts - 1).bit_length() if gate.top_k == 1 else 0.0)


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

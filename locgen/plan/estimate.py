"""Size and speed of a plan before synthesis; the report shows how far off they were.

The size is a weighted sum of a few counts, `terms_of`. The weights were fitted to packed cores by
`benchmarks/estimate.py`, which also prints the error for every design, and for designs on data that
the fit has not seen.
"""

from dataclasses import dataclass
from math import log2

from locgen.ir import QuantisedModel
from locgen.ir.integer.cost import total
from locgen.plan.direct import DirectPlan
from locgen.plan.gatecost import gate_terms_of
from locgen.plan.nodecost import adders_of, stream_cost, terms_cost
from locgen.plan.tree import TreePlan

__all__ = ["WEIGHTS", "CellEstimate", "estimate_plan", "gate_cells", "terms_of"]

WEIGHTS: dict[str, dict[str, float]] = {
    "direct": {
        "comparison": 0.63,
        "tree": 1.50,
        "table": 0.95,
        "product": 1.25,
        "adder": 1.29,
        "register": 1.25,
    },
    "tree": {
        "comparison": 0.49,
        "decode": 2.11,
        "tree": 1.52,
        "function": 0.10,
        "stop": 1.0,
        "root": 0.95,
        "engine": 850.0,
        "accumulator": 2.6,
        "sum": 1.5,
        "weight": 3.5,
        "table": 0.97,
        "digit": 0.7,
        "multiplier": 4.6,
        "pipeline": 1.2,
    },
    "gate": {
        "comparison": 0.63,
        "tree": 1.50,
        "table": 0.95,
        "product": 1.25,
        "adder": 1.29,
        "rank": 1.0,
        "open": 1.0,
    },
}
"""Logic cells for each unit of the terms, by fabric. `stop` is known and was not fitted; `engine`
and `accumulator` were set by hand to the designs of benchmarks/engines.py; those of nodes other
than trees to the designs of `benchmarks/families.py --cells`; a gate has the weights of the direct
fabric, `rank` and `open` count cells."""


@dataclass(frozen=True)
class CellEstimate:
    """Packed logic cells of fabric and nodes, and levels of LUT4 and wire on the slowest path."""

    logic_cells: int
    levels: float


def estimate_plan(model: QuantisedModel, plan: DirectPlan | TreePlan) -> CellEstimate:
    """Return the estimate for `plan`."""
    weights = WEIGHTS[plan.kind]
    cells = sum(weights[name] * count for name, count in terms_of(model, plan).items())
    cells += gate_cells(model, plan)
    return CellEstimate(round(cells), _levels(plan, cells))


def gate_cells(model: QuantisedModel, plan: DirectPlan | TreePlan | None = None) -> float:
    """Return the logic cells of gate and header in `estimate_plan`, 0 without a gate.

    Without a `plan`: of the gate alone, that scores and ranks experts.
    """
    counts = gate_terms_of(model, plan)
    return sum(WEIGHTS["gate"][name] * count for name, count in counts.items())


def _levels(plan: DirectPlan | TreePlan, cells: float) -> float:
    """Return the levels that fit the routed clock of eleven cores on the UP5K, by hand.

    Wires grow with a direct fabric, which counts as levels; many beats take levels to tell apart.
    """
    if isinstance(plan, DirectPlan):
        return max(2.6 + 0.6 * plan.slowest_levels + 0.8 * log2(max(cells, 256) / 512), 2)
    return plan.slowest_levels + 1.2 * log2(max(plan.up_beats, 16) / 16)


def terms_of(model: QuantisedModel, plan: DirectPlan | TreePlan) -> dict[str, float]:
    """Return the counts that the estimate of `plan` weighs, under the names in `WEIGHTS`.

    Direct fabric: LUT4 of the distinct comparisons (`comparison`), multiplexers of the trees
    (`tree`), the terms of other nodes (`table`, `product`, see `terms_cost`), result bits of the
    adders (`adder`), flip-flops that follow no LUT (`register`; the decision goes with the scores
    that wait for it). With evidence, trees count once more for the numbers of their leaves, and
    the sums of other nodes are made on their own.
    Tree fabric: distinct comparisons of each site, twice where links of one bit make them hold
    themselves (`comparison`), beats that each last stage's counter tells apart for them and its
    bits (`decode`), multiplexers of the trees (`tree`), functions of the beat at their leaves,
    larger beyond 16 beats (`function`), bits of combining and broadcast stages (`stop`), bits of
    the root's registers and of the features that it reads (`root`); other nodes' counts are those
    of `stream_cost`.
    """
    return _direct(model, plan) if isinstance(plan, DirectPlan) else _tree(model, plan)


def _direct(model: QuantisedModel, plan: DirectPlan) -> dict[str, float]:
    terms = [term for node in model.nodes for term in node.terms]
    shown = model.nodes if plan.evidence else ()
    comparisons = {c for node in (*terms, *shown) for c in node.comparisons}
    luts = [c.luts(model.feature_bits[c.feature]) for c in comparisons]
    alone = plan.latency_cycles + plan.registers[0] * sum(lut == 0 for lut in luts)
    alone += plan.evidence_bits * sum(plan.registers[1:])
    adder_bits, waiting = adders_of(model, plan)
    cost = total((terms_cost(terms), *(node.evidence_cost() for node in shown)))
    return {
        "comparison": sum(luts),
        **cost.counts("tree", "table", "product"),
        "adder": adder_bits + model.decision.adder_bits + cost.adder,
        "register": alone + waiting,
    }


def _tree(model: QuantisedModel, plan: TreePlan) -> dict[str, float]:
    serial = plan.digits > 1
    beats = {slot.feature: slot.beats for slot in plan.slots}
    of_site = [{c for n in nodes for c in model.nodes[n].comparisons} for nodes in plan.wired]
    counter_bits = max(plan.down_beats, plan.up_beats).bit_length()
    decoded = (len(plan.stops) + 1) * counter_bits
    for sites in plan.stops:
        decoded += sum(beats[f] for f in {c.feature for s in sites for c in of_site[s]})
    links = sum(max(len(nodes), 1) for nodes in plan.wired)
    broadcast = (sum(plan.inner_stops) + len(plan.stops)) * (plan.down_width + 1)
    root: float = plan.digits * plan.up_width + (model.outputs + 1) * model.score_bits
    root += model.decision.root_bits(model.outputs, model.score_bits, serial)
    cost = stream_cost(model, plan)
    return {
        "comparison": (1 + (plan.down_width == 1)) * sum(len(each) for each in of_site),
        "decode": decoded,
        "tree": cost.tree,
        "function": cost.function * max(1.0, plan.up_beats / 16),
        "stop": (links - 1) * (plan.up_width + serial) + broadcast,
        "root": root + sum(model.feature_bits),
        "engine": len(plan.shapes),
        "accumulator": sum(shape.outputs * shape.score_bits for shape in plan.shapes),
        **cost.counts("sum", "weight", "table", "digit", "multiplier", "pipeline"),
    }

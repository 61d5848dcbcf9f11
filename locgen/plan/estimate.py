"""Size and speed of a plan before synthesis; the report shows how far off they were.

The size is a weighted sum of a few counts, `terms_of`. The weights were fitted to packed cores by
`benchmarks/estimate.py`, which also prints the error for every design, and for designs on data that
the fit has not seen.
"""

from dataclasses import dataclass

from locgen.ir import Argmax, QuantisedModel
from locgen.ir.cost import comparison_luts, tree_diagram, tree_stream_diagram
from locgen.plan.direct import DirectPlan
from locgen.plan.tree import TreePlan

__all__ = ["WEIGHTS", "CellEstimate", "estimate_plan", "terms_of"]

WEIGHTS: dict[str, dict[str, float]] = {
    "direct": {"comparison": 1, "tree": 0.56, "adder": 1, "decision": 1, "register": 1},
    "tree": {
        "comparison": 1.5,
        "decode": 0.8,
        "tree": 0.7,
        "function": 0.7,
        "stop": 1,
        "counter": 1,
        "capture": 0.7,
        "root": 1,
    },
}
"""Logic cells for each unit of the terms, by fabric."""


@dataclass(frozen=True)
class CellEstimate:
    """Packed logic cells of fabric and nodes, and levels of LUT4 on the slowest path."""

    logic_cells: int
    levels: float


def estimate_plan(model: QuantisedModel, plan: DirectPlan | TreePlan) -> CellEstimate:
    """Return the estimate for `plan`."""
    weights = WEIGHTS[plan.kind]
    cells = sum(weights[name] * count for name, count in terms_of(model, plan).items())
    return CellEstimate(round(cells), plan.slowest_levels)


def terms_of(model: QuantisedModel, plan: DirectPlan | TreePlan) -> dict[str, float]:
    """Return the counts that the estimate of `plan` weighs, under the names in `WEIGHTS`.

    Direct fabric: LUT4 of the distinct comparisons, diagram nodes of the trees, result bits of the
    adders, bits in the decision's comparisons and multiplexers, flip-flops that follow no LUT.
    Tree fabric: distinct comparisons of each site, beats that each last stop decodes for them,
    diagram nodes of the trees, functions of the beat at their leaves, bits in combining and
    broadcast stops, bits of the beat counters, feature bits that the root reads, the root's bits.
    """
    return _direct(model, plan) if isinstance(plan, DirectPlan) else _tree(model, plan)


def _direct(model: QuantisedModel, plan: DirectPlan) -> dict[str, float]:
    comparisons = {c for node in model.nodes for c in node.comparisons}
    luts = [comparison_luts(c, model.feature_bits[c.feature]) for c in comparisons]
    lone = sum(lut == 0 for lut in luts) if plan.registers[0] else 0
    adder_bits = 0
    flags = iter(plan.registers[2:])
    widths: dict[int, list[int]] = {output: [] for output in range(model.outputs)}
    for node in model.nodes:
        for output, (low, high) in zip(node.outputs, node.ranges, strict=True):
            widths[output].append(high - low)
    for _ in range(plan.add_levels):
        registered = next(flags)
        for output, spans in widths.items():
            sums = [a + b for a, b in zip(spans[::2], spans[1::2], strict=False)]
            adder_bits += sum(span.bit_length() for span in sums)
            if len(spans) % 2:
                sums.append(spans[-1])
                lone += registered * spans[-1].bit_length()
            widths[output] = sums
    decision_bits = 0
    if isinstance(model.decision, Argmax) and model.outputs > 1:
        contenders = model.outputs
        for _ in range(plan.decide_levels):
            pairs = contenders // 2
            decision_bits += pairs * (2 * model.score_bits + model.decision.bits)
            lone += next(flags) * model.outputs * model.score_bits
            contenders -= pairs
    return {
        "comparison": sum(luts),
        "tree": sum(tree_diagram(node) for node in model.nodes),
        "adder": adder_bits,
        "decision": decision_bits,
        "register": lone + plan.latency_cycles,
    }


def _tree(model: QuantisedModel, plan: TreePlan) -> dict[str, float]:
    serial = plan.digits > 1
    beats = {slot.feature: slot.beats for slot in plan.slots}
    of_site = [{c for n in nodes for c in model.nodes[n].comparisons} for nodes in plan.sites]
    decoded = 0
    for sites in plan.stops:
        decoded += sum(beats[f] for f in {c.feature for s in sites for c in of_site[s]})
    diagrams = [tree_stream_diagram(node, plan.digits, plan.up_width) for node in model.nodes]
    counter_bits = max(plan.down_beats, plan.up_beats).bit_length()
    broadcast = (sum(plan.inner_stops) + len(plan.stops)) * (plan.down_width + 1)
    root = plan.digits * plan.up_width + (model.outputs + 1) * model.score_bits
    if isinstance(model.decision, Argmax):
        root += 3 * model.score_bits + (0 if serial else model.outputs * model.score_bits)
    return {
        "comparison": sum(len(comparisons) for comparisons in of_site),
        "decode": decoded,
        "tree": sum(nodes for nodes, _ in diagrams),
        "function": sum(functions for _, functions in diagrams),
        "stop": (len(model.nodes) - 1) * (plan.up_width + serial) + broadcast,
        "counter": (len(plan.stops) + 1) * counter_bits,
        "capture": sum(model.feature_bits),
        "root": root,
    }

"""Size and speed of a plan before synthesis; the report shows how far off they were."""

from dataclasses import dataclass

from locgen.ir import Argmax, QuantisedModel
from locgen.ir.cost import comparison_luts, tree_luts, tree_stream_luts
from locgen.plan.direct import DirectPlan
from locgen.plan.tree import TreePlan

__all__ = ["CellEstimate", "estimate_plan"]


@dataclass(frozen=True)
class CellEstimate:
    """Packed logic cells of fabric and nodes, and levels of LUT4 on the slowest path."""

    logic_cells: int
    levels: float


def estimate_plan(model: QuantisedModel, plan: DirectPlan | TreePlan) -> CellEstimate:
    """Return the estimate for `plan`."""
    cells = _direct(model, plan) if isinstance(plan, DirectPlan) else _tree(model, plan)
    return CellEstimate(round(cells), plan.slowest_levels)


def _direct(model: QuantisedModel, plan: DirectPlan) -> float:
    comparisons = {c for node in model.nodes for c in node.comparisons}
    cells = 0.0
    for comparison in comparisons:
        luts = comparison_luts(comparison, model.feature_bits[comparison.feature])
        cells += max(luts, plan.registers[0])
    cells += sum(tree_luts(node) for node in model.nodes)
    flags = iter(plan.registers[2:])
    widths: dict[int, list[int]] = {output: [] for output in range(model.outputs)}
    for node in model.nodes:
        for output, (low, high) in zip(node.outputs, node.ranges, strict=True):
            widths[output].append(high - low)
    for _ in range(plan.add_levels):
        registered = next(flags)
        for output, spans in widths.items():
            sums = [a + b for a, b in zip(spans[::2], spans[1::2], strict=False)]
            cells += sum(span.bit_length() + 1 for span in sums)
            if len(spans) % 2:
                sums.append(spans[-1])
                cells += registered * spans[-1].bit_length()
            widths[output] = sums
    if isinstance(model.decision, Argmax) and model.outputs > 1:
        contenders = model.outputs
        for _ in range(plan.decide_levels):
            pairs = contenders // 2
            cells += pairs * (2 * model.score_bits + model.decision.bits + 1)
            cells += next(flags) * model.outputs * model.score_bits
            contenders -= pairs
    return cells


def _tree(model: QuantisedModel, plan: TreePlan) -> float:
    serial = plan.digits > 1
    cells = 0.0
    for nodes in plan.sites:
        comparisons = {c for n in nodes for c in model.nodes[n].comparisons}
        features = {c.feature for c in comparisons}
        slots = [slot for slot in plan.slots if slot.feature in features]
        cells += 1.5 * len(comparisons)
        cells += sum(0.5 + 0.8 * slot.beats for slot in slots)
        cells += sum(tree_stream_luts(model.nodes[n], plan.up_beats) for n in nodes)
    stops = len(model.nodes) - 1
    cells += stops * (plan.up_width + (1 if serial else 0)) + 12 * len(plan.stops)
    cells += sum(plan.inner_stops) * (plan.down_width + 1)
    total_bits = sum(model.feature_bits)
    cells += 0.7 * total_bits + 10
    cells += model.outputs * model.score_bits + 2 * model.score_bits + plan.digits * plan.up_width
    if isinstance(model.decision, Argmax):
        cells += 3 * model.score_bits
    return cells

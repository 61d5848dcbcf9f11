"""The direct fabric: all nodes in parallel, pipelined, one inference per cycle."""

from dataclasses import replace

from amaranth import *
from amaranth.lib import data, wiring

from locgen.cores import ArgmaxLevel, CompareBank, TreeCore, candidate_layout, signed_shape
from locgen.ir import Argmax, QuantisedModel, Threshold, TreeNode
from locgen.plan import DirectPlan
from locgen.top.fabric import fabric_signature, missing_codes

__all__ = ["DirectFabric", "fold_bias"]


def fold_bias(model: QuantisedModel) -> tuple[TreeNode, ...]:
    """Return the nodes with each output's bias added to the leaves of one of them.

    The node with the widest range takes it, where it costs least; so no adder is spent on it.

    Raises
    ------
    ValueError
        If an output has a bias but no node.
    """
    nodes = list(model.nodes)
    for output, bias in enumerate(model.bias):
        spans = []
        for number, node in enumerate(nodes):
            if output in node.outputs:
                low, high = node.ranges[node.outputs.index(output)]
                spans.append((high - low, -number))
        if not spans:
            raise ValueError(f"output {output} must have at least one node")
        number = -max(spans)[1]
        column = nodes[number].outputs.index(output)
        rows = [list(row) for row in nodes[number].leaf_scores]
        for row in rows:
            row[column] += bias
        nodes[number] = replace(nodes[number], leaf_scores=tuple(tuple(row) for row in rows))
    return tuple(nodes)


class DirectFabric(wiring.Component):
    """A model as a pipeline: comparisons, trees, adders, decision.

    Latency ``plan.latency_cycles``, one inference per cycle, `i` is always ready.

    Members
    -------
    i, o : see `fabric_signature`
    """

    def __init__(self, model: QuantisedModel, plan: DirectPlan) -> None:
        self.model = model
        self.plan = plan
        super().__init__(fabric_signature(model))

    def elaborate(self, platform: object) -> Module:
        """Build the units one after the other, with the plan's registers between them."""
        m = Module()
        registers = iter(self.plan.registers)
        valid = self.i.valid

        def after_unit(values: list[Value], name: str) -> list[Value]:
            """Pass `values` through a register where the plan has one."""
            nonlocal valid
            if not next(registers):
                return values
            held = [Signal.like(v, name=f"{name}_{n}") for n, v in enumerate(values)]
            m.d.sync += [h.eq(v) for h, v in zip(held, values, strict=True)]
            was_valid = valid
            valid = Signal(name=f"{name}_valid")
            m.d.sync += valid.eq(was_valid)
            return held

        m.d.comb += self.i.ready.eq(1)
        nodes = fold_bias(self.model)
        comparisons = tuple(sorted({c for node in nodes for c in node.comparisons}))
        bank = CompareBank(comparisons, self.model.feature_bits, missing_codes(self.model))
        m.submodules.compare = bank
        m.d.comb += bank.features.eq(self.i.payload)
        bits = after_unit(list(bank.bits), "compare")
        bit_of = dict(zip(comparisons, bits, strict=True))

        scores, owners = [], []
        for number, node in enumerate(nodes):
            core = TreeCore(node)
            m.submodules[f"tree_{number}"] = core
            m.d.comb += core.bits.eq(Cat(bit_of[c] for c in node.comparisons))
            for column, output in enumerate(node.outputs):
                low, high = node.ranges[column]
                score = Signal(signed_shape(low, high), name=f"score_{number}_{output}")
                m.d.comb += score.eq(core.scores[column])
                scores.append(score)
                owners.append((output, low, high))
        scores = after_unit(scores, "score")

        for level in range(self.plan.add_levels):
            scores, owners = self._add_pairs(m, scores, owners, level)
            scores = after_unit(scores, f"sum_{level}")
        totals = dict(zip((output for output, _, _ in owners), scores, strict=True))
        final = [totals[output] for output in range(self.model.outputs)]
        self._decide(m, final, after_unit)
        m.d.comb += self.o.valid.eq(valid)
        return m

    @staticmethod
    def _add_pairs(
        m: Module, scores: list[Value], owners: list[tuple[int, int, int]], level: int
    ) -> tuple[list[Value], list[tuple[int, int, int]]]:
        """Return sums of neighbouring scores of the same output, with their ranges."""
        waiting: dict[int, tuple[Value, int, int]] = {}
        sums: list[Value] = []
        ranges: list[tuple[int, int, int]] = []
        for score, (output, low, high) in zip(scores, owners, strict=True):
            if output not in waiting:
                waiting[output] = (score, low, high)
                continue
            other, other_low, other_high = waiting.pop(output)
            low, high = low + other_low, high + other_high
            total = Signal(signed_shape(low, high), name=f"sum_{level}_{len(sums)}")
            m.d.comb += total.eq(other + score)
            sums.append(total)
            ranges.append((output, low, high))
        for output, (score, low, high) in waiting.items():
            sums.append(score)
            ranges.append((output, low, high))
        return sums, ranges

    def _decide(self, m: Module, final: list[Value], after_unit: object) -> None:
        """Drive the answer: the decision and the scores it was made from."""
        decision = self.model.decision
        held = [*final]
        if isinstance(decision, Argmax) and self.model.outputs > 1:
            shape = signed(self.model.score_bits)
            candidate = candidate_layout(shape, decision.bits)
            front: list[Value] = []
            for index, score in enumerate(final):
                entry = Signal(candidate, name=f"candidate_{index}")
                m.d.comb += [entry.score.eq(score), entry.index.eq(index)]
                front.append(entry)
            for level in range(self.plan.decide_levels):
                knock_out = ArgmaxLevel(candidate, len(front))
                m.submodules[f"argmax_{level}"] = knock_out
                m.d.comb += [
                    Value.cast(knock_out.i[n]).eq(Value.cast(entry))
                    for n, entry in enumerate(front)
                ]
                winners = [
                    Value.cast(w) for w in (knock_out.o[n] for n in range((len(front) + 1) // 2))
                ]
                passed = after_unit([*winners, *held], f"winner_{level}")
                front = [data.View(candidate, v) for v in passed[: len(winners)]]
                held = passed[len(winners) :]
            m.d.comb += self.o.payload.decision.eq(front[0].index)
        elif isinstance(decision, Threshold):
            least = 0 if decision.operator == ">=" else 1
            m.d.comb += self.o.payload.decision.eq(final[0] >= least)
        m.d.comb += [self.o.payload.scores[n].eq(score) for n, score in enumerate(held)]

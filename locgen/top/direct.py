"""The direct fabric: all nodes in parallel, pipelined, one inference per cycle."""

from collections.abc import Hashable

from amaranth import *
from amaranth.lib import data, wiring

from locgen.cores import (
    CompareBank,
    LevelChoice,
    LevelCompare,
    NodeInputs,
    PairChoice,
    PairCompare,
    add_core,
    add_evidence,
    at_most,
    candidate_layout,
    decision_steps,
    feature_codes,
    signed_shape,
)
from locgen.ir import Argmax, Cascade, Median, MultiOutput, QuantisedModel, Threshold, Votes
from locgen.plan import DirectPlan
from locgen.top.experts import add_gate, open_scores
from locgen.top.fabric import fabric_signature, missing_codes

__all__ = ["DirectFabric"]


class DirectFabric(wiring.Component):
    """A model as a pipeline: comparisons, nodes' terms, adders, decision.

    With a gate every expert computes, and the sums of closed ones are masked out.

    Latency ``plan.latency_cycles``, one inference per cycle, `i` is always ready. Evidence comes
    out with the answer.

    Parameters
    ----------
    model : from `passes.prepare`, with its biases in the nodes

    Members
    -------
    i, o, evidence : see `fabric_signature`
    """

    def __init__(self, model: QuantisedModel, plan: DirectPlan) -> None:
        left = 1 if model.gate is None else model.gate.top_k
        compared = model.answer == "decision" and model.decision.counts_from_zero
        if not all(0 <= bias < left for bias in model.bias) and not compared:
            raise ValueError(f"biases must be folded into the nodes, not {model.bias}")
        self.model = model
        self.plan = plan
        super().__init__(fabric_signature(model, plan))

    def elaborate(self, platform: object) -> Module:
        """Build the units one after the other, with the plan's registers between them."""
        m = Module()
        registers = iter(self.plan.registers)
        valid = self.i.valid
        beside: dict[int | None, Value] = {}  # evidence on its way to the port

        def after_unit(values: list[Value], name: str) -> list[Value]:
            """Pass `values` through a register where the plan has one."""
            nonlocal valid
            if not next(registers):
                return values
            for slot, value in beside.items():
                beside[slot] = Signal.like(value, name_suffix=f"_{name}")
                m.d.sync += beside[slot].eq(value)
            held = [Signal.like(v, name=f"{name}_{n}") for n, v in enumerate(values)]
            m.d.sync += [h.eq(v) for h, v in zip(held, values, strict=True)]
            was_valid = valid
            valid = Signal(name=f"{name}_valid")
            m.d.sync += valid.eq(was_valid)
            return held

        m.d.comb += self.i.ready.eq(1)
        model, gated = self.model, self.model.gate is not None
        groups = model.experts or (range(len(model.nodes)),)
        terms = [
            (term, expert)
            for expert, members in enumerate(groups)
            for number in members
            for term in model.nodes[number].terms
        ]
        every = [term for term, _ in terms]
        every += [*model.gate_nodes, *(model.nodes if self.plan.evidence else ())]
        comparisons = tuple(sorted({c for node in every for c in node.comparisons}))
        bank = CompareBank(comparisons, self.model.feature_bits, missing_codes(self.model))
        m.submodules.compare = bank
        m.d.comb += bank.features.eq(self.i.payload)
        sized = [n for n in (*every, *model.nodes) if not n.compares]
        codes = feature_codes(self.i.payload, model.feature_bits)
        fields = {f: codes[f] for f in sorted({f for n in sized for f in n.features})}
        passed = after_unit([*bank.bits, *fields.values()], "compare")
        inputs = NodeInputs(
            dict(zip(comparisons, passed[: len(comparisons)], strict=True)),
            dict(zip(fields, passed[len(comparisons) :], strict=True)),
        )

        scores, owners = [], []
        for number, (node, expert) in enumerate(terms):
            core = add_core(m, f"{node.kind}_{number}", node, inputs)
            for column, output in enumerate(node.outputs):
                low, high = node.ranges[column]
                score = Signal(signed_shape(low, high), name=f"score_{number}_{output}")
                m.d.comb += score.eq(core.scores[column])
                scores.append(score)
                owners.append(((expert, output) if gated else output, low, high))
        opened = [add_gate(m, model.gate, inputs)] if gated else []
        for slot in self.plan.evidence:
            name = f"evidence_{'gate' if slot.node is None else slot.node}"
            found = Signal(slot.beats, name=name)
            number = opened[0] if slot.node is None else None
            if number is None:
                number = add_evidence(m, f"{name}_core", model.nodes[slot.node], inputs)
            m.d.comb += found.eq(number)
            beside[slot.node] = found

        def pass_on(scores: list[Value], name: str) -> list[Value]:
            """Pass `scores` on, and the gate's mask beside them."""
            nonlocal opened
            passed = after_unit([*scores, *opened], name)
            opened = passed[len(scores) :]
            return passed[: len(scores)]

        scores = pass_on(scores, "score")
        for level in range(self.plan.add_levels):
            scores, owners = self._add_pairs(m, scores, owners, level)
            scores = pass_on(scores, f"sum_{level}")
        if gated:
            scores, owners = open_scores(m, model, scores, owners, opened[0])
            scores = after_unit(scores, "open")
            for level in range(self.plan.join_levels):
                level += self.plan.add_levels
                scores, owners = self._add_pairs(m, scores, owners, level)
                scores = after_unit(scores, f"sum_{level}")
        totals = dict(zip((output for output, _, _ in owners), scores, strict=True))
        final = [totals[output] for output in range(self.model.outputs)]
        ends = (min(low for _, low, _ in owners), max(high for _, _, high in owners))
        self._decide(m, final, ends, after_unit)
        m.d.comb += self.o.valid.eq(valid)
        if beside:
            self._tell(m, beside)
        return m

    def _tell(self, m: Module, beside: dict[int | None, Value]) -> None:
        """Drive the evidence port; nodes of closed experts say 0."""
        words = []
        for slot in self.plan.evidence:
            word = beside[slot.node]
            if slot.node is not None and None in beside:
                is_open = beside[None][self.model.expert_of[slot.node]]
                word = word & is_open.replicate(len(word))
            words.append(word)
        m.d.comb += [self.evidence.payload.eq(Cat(words)), self.evidence.valid.eq(self.o.valid)]

    @staticmethod
    def _add_pairs(
        m: Module, scores: list[Value], owners: list[tuple[Hashable, int, int]], level: int
    ) -> tuple[list[Value], list[tuple[Hashable, int, int]]]:
        """Return sums of neighbouring scores of the same output, with their ranges."""
        waiting: dict[Hashable, tuple[Value, int, int]] = {}
        sums: list[Value] = []
        ranges: list[tuple[Hashable, int, int]] = []
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

    def _decide(
        self,
        m: Module,
        final: list[Value],
        ends: tuple[int, int],
        after_unit: object,
    ) -> None:
        """Drive the answer: the decision, and the scores it was made from where they are given.

        Parameters
        ----------
        ends : interval of all of `final`
        """
        decision = self.model.decision
        held = [*final] if self.model.score_ports else []
        if isinstance(decision, Argmax) and self.model.outputs > 1:
            shape = signed_shape(*ends)
            candidate = candidate_layout(shape, decision.bits)
            front: list[Value] = []
            for index, score in enumerate(final):
                entry = Signal(candidate, name=f"candidate_{index}")
                m.d.comb += [entry.score.eq(score), entry.index.eq(index)]
                front.append(entry)
            alone = self.model.answer == "decision"
            levels = self.plan.decide_levels
            for level in range((levels - 2) // 2 if alone else levels):
                count = len(front)
                compare, choice = LevelCompare(candidate, count), LevelChoice(candidate, count)
                m.submodules[f"compare_{level}"] = compare
                m.submodules[f"argmax_{level}"] = choice
                entries = [Value.cast(entry) for entry in front]
                m.d.comb += [Value.cast(compare.i[n]).eq(entry) for n, entry in enumerate(entries)]
                later: Value = compare.later
                if alone:
                    later, *entries = after_unit([later, *entries], f"later_{level}")
                m.d.comb += choice.later.eq(later)
                m.d.comb += [Value.cast(choice.i[n]).eq(entry) for n, entry in enumerate(entries)]
                winners = [Value.cast(choice.o[n]) for n in range((count + 1) // 2)]
                passed = after_unit([*winners, *held], f"winner_{level}")
                front = [data.View(candidate, v) for v in passed[: len(winners)]]
                held = passed[len(winners) :]
            if alone:
                front = [self._compare_pairs(m, front, shape, after_unit)]
            m.d.comb += self.o.payload.decision.eq(front[0].index)
        elif isinstance(decision, Votes | MultiOutput | Median | Cascade):
            m.d.comb += self.o.payload.decision.eq(self._step_by_step(m, final, held, after_unit))
        elif isinstance(decision, Threshold):
            least = 0 if decision.operator == ">=" else 1
            if self.model.gate is None:
                least -= self.model.bias[0]
            is_one = final[0] >= least
            if ends[0] >= 0:  # gates take fewer cells than the carry chain of a comparison
                is_one = (
                    ~at_most(final[0], least - 1) if 0 < least <= ends[1] else Const(least <= 0)
                )
            (decided,) = after_unit([is_one], "decided") if not held else (is_one,)
            m.d.comb += self.o.payload.decision.eq(decided)
        m.d.comb += [self.o.payload.scores[n].eq(score) for n, score in enumerate(held)]

    @staticmethod
    def _compare_pairs(
        m: Module, front: list[data.View], score: Shape, after_unit: object
    ) -> data.View:
        """Return the winner of `front`: each compared with each, then chosen."""
        m.submodules.pairs = pairs = PairCompare(score, len(front))
        width = len(front[0].index)
        m.submodules.choice = choice = PairChoice(len(front), width)
        m.d.comb += [pairs.i[n].eq(entry.score) for n, entry in enumerate(front)]
        bits, *names = after_unit([pairs.o, *(entry.index for entry in front)], "pairs")
        m.d.comb += choice.i.eq(bits)
        m.d.comb += [choice.names[n].eq(name) for n, name in enumerate(names)]
        (index,) = after_unit([choice.o], "choice")
        return data.View(data.StructLayout({"index": width}), index)

    def _step_by_step(
        self, m: Module, final: list[Value], held: list[Value], after_unit: object
    ) -> Value:
        """Return what the steps of a decision make of `final`; `held` goes along beside them."""
        decision = self.model.decision
        own = isinstance(decision, Median)
        width = decision.bits if own else max(len(score) + 1 for score in final)
        shape = unsigned(width) if own else signed(width)
        scores = [Signal(shape, name=f"final_{n}") for n in range(len(final))]
        m.d.comb += [score.eq(value) for score, value in zip(scores, final, strict=True)]
        word: Value = Cat(scores)
        for number, step in enumerate(decision_steps(decision, width)):
            m.submodules[f"decide_{number}"] = step
            m.d.comb += step.i.eq(word)
            word, *held[:] = after_unit([step.o, *held], f"decide_{number}")
        return word

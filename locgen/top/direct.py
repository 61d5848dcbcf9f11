"""The direct fabric: all nodes in parallel, pipelined, one inference per cycle."""

from amaranth import *
from amaranth.lib import wiring

from locgen.cores import (
    DECISION_STEPS,
    CompareBank,
    NodeInputs,
    add_core,
    add_evidence,
    feature_codes,
    signed_shape,
)
from locgen.ir import QuantisedModel
from locgen.ir.integer.node import NodeBase
from locgen.plan import DirectPlan
from locgen.top.experts import add_gate, open_scores
from locgen.top.fabric import fabric_signature, missing_codes
from locgen.top.pipeline import Owner, Pipeline, Score, add_pairs

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
        model, plan = self.model, self.plan
        m.d.comb += self.i.ready.eq(1)
        pipeline = Pipeline(m, plan, self.i.valid)
        inputs = self._compare(m, pipeline)
        scores = self._scores(m, inputs)
        if model.gate is not None:
            pipeline.beside["mask"] = add_gate(m, model.gate, inputs)
        self._find_evidence(m, inputs, pipeline)

        def after(unit: str, scores: list[Score]) -> list[Score]:
            values = pipeline.after(unit, [score.value for score in scores])
            return [s._replace(value=v) for s, v in zip(scores, values, strict=True)]

        scores = after("score", scores)
        for level in range(plan.add_levels):
            scores = after(f"sum_{level}", add_pairs(m, scores, level))
        if model.gate is not None:
            mask = pipeline.beside.pop("mask")
            scores = after("open", open_scores(m, model, scores, mask))
            for level in range(plan.add_levels, plan.add_levels + (plan.join_levels or 0)):
                scores = after(f"sum_{level}", add_pairs(m, scores, level))
        self._decide(m, pipeline, {score.owner: score for score in scores})
        m.d.comb += self.o.valid.eq(pipeline.valid)
        if plan.evidence:
            self._give_evidence(m, pipeline)
        return m

    @property
    def _terms(self) -> list[tuple[NodeBase, int]]:
        """The nodes' terms, and the expert of each, 0 without a gate."""
        model = self.model
        groups = model.experts or (range(len(model.nodes)),)
        return [
            (term, expert)
            for expert, members in enumerate(groups)
            for number in members
            for term in model.nodes[number].terms
        ]

    def _compare(self, m: Module, pipeline: Pipeline) -> NodeInputs:
        """Return what all nodes read, behind the comparisons' register."""
        model = self.model
        nodes = [term for term, _ in self._terms] + list(model.gate_nodes)
        nodes += model.nodes if self.plan.evidence else ()
        comparisons = tuple(sorted({c for node in nodes for c in node.comparisons}))
        bank = CompareBank(comparisons, model.feature_bits, missing_codes(model))
        m.submodules.compare = bank
        m.d.comb += bank.features.eq(self.i.payload)
        coding = [node for node in (*nodes, *model.nodes) if not node.compares]
        features = sorted({feature for node in coding for feature in node.features})
        codes = feature_codes(self.i.payload, model.feature_bits)
        passed = iter(pipeline.after("compare", [*bank.bits, *(codes[f] for f in features)]))
        results = {comparison: next(passed) for comparison in comparisons}
        return NodeInputs(results, dict(zip(features, passed, strict=True)))

    def _scores(self, m: Module, inputs: NodeInputs) -> list[Score]:
        """Return the scores of all terms, of an output or of an expert's output."""
        scores: list[Score] = []
        for number, (node, expert) in enumerate(self._terms):
            core = add_core(m, f"{node.kind}_{number}", node, inputs)
            for column, (output, ends) in enumerate(zip(node.outputs, node.ranges, strict=True)):
                value = Signal(signed_shape(*ends), name=f"score_{number}_{output}")
                m.d.comb += value.eq(core.scores[column])
                owner: Owner = output if self.model.gate is None else (expert, output)
                scores.append(Score(owner, value, *ends))
        return scores

    def _find_evidence(self, m: Module, inputs: NodeInputs, pipeline: Pipeline) -> None:
        """Add each node's evidence to what travels beside the scores."""
        for slot in self.plan.evidence:
            name = f"evidence_{'gate' if slot.node is None else slot.node}"
            found = Signal(slot.beats, name=name)
            if slot.node is None:
                m.d.comb += found.eq(pipeline.beside["mask"])
            else:
                node = self.model.nodes[slot.node]
                m.d.comb += found.eq(add_evidence(m, f"{name}_core", node, inputs))
            pipeline.beside[name] = found

    def _give_evidence(self, m: Module, pipeline: Pipeline) -> None:
        """Drive the evidence port; nodes of closed experts say 0."""
        words = []
        mask = pipeline.beside.get("evidence_gate")
        for slot in self.plan.evidence:
            if slot.node is None:
                words.append(mask)
                continue
            word = pipeline.beside[f"evidence_{slot.node}"]
            if mask is not None:
                word = word & mask[self.model.expert_of[slot.node]].replicate(len(word))
            words.append(word)
        m.d.comb += [self.evidence.payload.eq(Cat(words)), self.evidence.valid.eq(self.o.valid)]

    def _decide(self, m: Module, pipeline: Pipeline, final: dict[Owner, Score]) -> None:
        """Drive the answer: the decision, and the scores it was made from where they are given."""
        model, units = self.model, self.plan.decide_levels
        decision, alone = model.decision, model.answer == "decision"
        scores = [final[output] for output in range(model.outputs)]
        pipeline.beside |= {f"held_{n}": scores[n].value for n in range(model.score_ports)}
        shape = signed_shape(min(s.low for s in scores), max(s.high for s in scores))
        if decision.takes_codes:
            shape = unsigned(decision.bits)
        candidates = [Signal(shape, name=f"candidate_{n}") for n in range(model.outputs)]
        m.d.comb += [c.eq(score.value) for c, score in zip(candidates, scores, strict=True)]
        word, number = Cat(candidates), 0
        compared = decision.counts_from_zero and model.gate is None
        bias = model.bias[0] if compared else 0
        steps = decision.steps(shape.width, shape.signed, bias)
        for step in steps:
            form = DECISION_STEPS[type(step)]
            parts = form.parts(step, units // len(steps), alone)
            word = form.enter(step, word) if len(parts) > 1 else word
            for part in parts:
                m.submodules[f"decide_{number}"] = part
                m.d.comb += Value.cast(part.i).eq(word)
                word = Value.cast(part.o)
                if units:
                    (word,) = pipeline.after(f"decide_{number}", [word])
                number += 1
            word = form.leave(step, word) if len(parts) > 1 else word
        if decision.bits:
            m.d.comb += self.o.payload.decision.eq(word)
        m.d.comb += [
            self.o.payload.scores[n].eq(pipeline.beside[f"held_{n}"])
            for n in range(model.score_ports)
        ]

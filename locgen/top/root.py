"""The root of the tree fabric: collects scores, adds the bias and decides."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.cores import SerialArgmax, decision_steps
from locgen.ir import Argmax, Cascade, MultiOutput, QuantisedModel, Threshold, Votes
from locgen.plan import TreePlan
from locgen.top.fabric import answer_layout

__all__ = ["Root"]


class Root(wiring.Component):
    """Turns the digits that reach the root into the answer.

    Latency ``plan.root_cycles`` from the last digit; answers may follow each other without a gap.

    Members
    -------
    digit : In(plan.up_width); arriving : In(1), there is one
    payload : Out(answer_layout(model)); valid : Out(1), for one cycle
    """

    def __init__(self, model: QuantisedModel, plan: TreePlan) -> None:
        self.model = model
        self.plan = plan
        super().__init__(
            {
                "digit": In(plan.up_width),
                "arriving": In(1),
                "payload": Out(answer_layout(model)),
                "valid": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build shift register, adder and decision, one register between each."""
        m = Module()
        model, plan = self.model, self.plan
        width, outputs = plan.up_width, model.outputs
        lows = list(model.bias)
        for node in model.nodes if model.gate is None else ():  # a gated model is grounded
            for output, (low, _) in zip(node.outputs, node.ranges, strict=True):
                lows[output] += low
        if plan.shapes:  # the lows come out of the memory, see `plan.images_of`
            lows = [-(1 << model.score_bits - 1)] * outputs

        total = Signal(plan.digits * width)
        beat = Signal(range(plan.digits))
        output = Signal(range(outputs))
        complete = Signal()
        of_output = Signal.like(output)
        with m.If(self.arriving):
            m.d.sync += total.eq(Cat(total, self.digit)[width:])
            m.d.sync += beat.eq(beat + 1)
            with m.If(beat == plan.digits - 1):
                m.d.sync += [beat.eq(0), output.eq(output + 1)]
                with m.If(output == outputs - 1):
                    m.d.sync += output.eq(0)
        m.d.sync += [
            complete.eq(self.arriving & (beat == plan.digits - 1)),
            of_output.eq(output),
        ]

        bias = Signal(signed(model.score_bits))
        with m.Switch(of_output):
            for number, low in enumerate(lows):
                with m.Case(number):
                    m.d.comb += bias.eq(low)
        scores = [Signal(signed(model.score_bits), name=f"score_{n}") for n in range(outputs)]
        with m.If(complete):
            m.d.sync += [scores[n].eq(scores[n + 1]) for n in range(outputs - 1)]
            m.d.sync += scores[-1].eq(total + bias)
        last = Signal()
        m.d.sync += last.eq(complete & (of_output == outputs - 1))

        if isinstance(model.decision, Argmax):
            fresh, first = Signal(), Signal()
            m.d.sync += [fresh.eq(complete), first.eq(of_output == 0)]
            m.submodules.argmax = argmax = SerialArgmax(model.score_bits, model.decision.bits)
            m.d.comb += [
                argmax.score.eq(scores[-1]),
                argmax.valid.eq(fresh),
                argmax.first.eq(first),
                self.payload.decision.eq(argmax.index),
            ]
            m.d.sync += self.valid.eq(last)
            held = [Signal.like(score, name=f"held_{n}") for n, score in enumerate(scores)]
            if plan.digits == 1:
                m.d.sync += [h.eq(s) for h, s in zip(held, scores, strict=True)]
            else:
                held = scores
            m.d.comb += [self.payload.scores[n].eq(h) for n, h in enumerate(held)]
            return m
        if isinstance(model.decision, Threshold):
            least = 0 if model.decision.operator == ">=" else 1
            m.d.comb += self.payload.decision.eq(scores[0] >= least)
        if isinstance(model.decision, Votes | MultiOutput):
            word: Value = Cat(scores)
            for number, step in enumerate(decision_steps(model.decision, model.score_bits)):
                m.submodules[f"decide_{number}"] = step
                m.d.comb += step.i.eq(word)
                word = step.o
            m.d.comb += self.payload.decision.eq(word)
        if isinstance(model.decision, Cascade):  # nodes of its own: a register behind them
            sums, choice = decision_steps(model.decision, model.score_bits)
            m.submodules.behind, m.submodules.decide = sums, choice
            m.d.comb += [sums.i.eq(Cat(scores)), self.payload.decision.eq(choice.o)]
            delayed, held = Signal(), [Signal.like(score) for score in scores]
            m.d.sync += [choice.i.eq(sums.o), delayed.eq(last)]
            m.d.sync += [h.eq(score) for h, score in zip(held, scores, strict=True)]
            last, scores = delayed, held
        m.d.comb += [
            self.valid.eq(last),
            *(self.payload.scores[n].eq(score) for n, score in enumerate(scores)),
        ]
        return m

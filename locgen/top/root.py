"""The root of the tree fabric: collects scores, adds the bias and decides."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores import DECISION_STEPS
from locgen.ir import QuantisedModel
from locgen.ir.decisions import DecisionBase
from locgen.plan import TreePlan
from locgen.top.fabric import answer_layout

__all__ = ["Root", "ScoreCollector"]


class ScoreCollector(wiring.Component):
    """Puts the digits that reach the root together to scores, and adds what each counts from.

    Latency 2 from a score's last digit.

    Members
    -------
    digit : In(plan.up_width); arriving : In(1), there is one
    scores : Out(ArrayLayout(signed(score_bits), outputs)), the newest in the last place
    fresh : Out(1), the newest score has come in this cycle
    first, last : Out(1), with `fresh`: it is that of the first output, or of the last
    """

    def __init__(self, model: QuantisedModel, plan: TreePlan) -> None:
        self.model = model
        self.plan = plan
        scores = data.ArrayLayout(signed(model.score_bits), model.outputs)
        flags = {name: Out(1) for name in ("fresh", "first", "last")}
        digits = {"digit": In(plan.up_width), "arriving": In(1)}
        super().__init__({**digits, "scores": Out(scores), **flags})

    @property
    def lows(self) -> list[int]:
        """What each output's sum counts from."""
        model = self.model
        if self.plan.shapes:  # the lows come out of the memory, see `plan.images_of`
            return [-(1 << model.score_bits - 1)] * model.outputs
        lows = list(model.bias)
        for node in model.nodes if model.gate is None else ():  # experts' scores count from 0
            for output, (low, _) in zip(node.outputs, node.ranges, strict=True):
                lows[output] += low
        return lows

    def elaborate(self, platform: object) -> Module:
        """Build a shift register of digits, an adder, and a shift register of scores."""
        m = Module()
        plan, outputs = self.plan, self.model.outputs
        total = Signal(plan.digits * plan.up_width)
        beat, output = Signal(range(plan.digits)), Signal(range(outputs))
        ends, complete, of_output = Signal(), Signal(), Signal.like(output)
        bias = Signal(signed(self.model.score_bits))
        m.d.comb += ends.eq(self.arriving & (beat == plan.digits - 1))
        with m.If(self.arriving):
            m.d.sync += [total.eq(Cat(total, self.digit)[plan.up_width :]), beat.eq(beat + 1)]
        with m.If(ends):
            m.d.sync += [beat.eq(0), output.eq(Mux(output == outputs - 1, 0, output + 1))]
        with m.Switch(of_output):
            for number, low in enumerate(self.lows):
                with m.Case(number):
                    m.d.comb += bias.eq(low)
        with m.If(complete):
            m.d.sync += [self.scores[n].eq(self.scores[n + 1]) for n in range(outputs - 1)]
            m.d.sync += self.scores[outputs - 1].eq(total + bias)
        m.d.sync += [
            complete.eq(ends),
            of_output.eq(output),
            self.fresh.eq(complete),
            self.first.eq(of_output == 0),
            self.last.eq(complete & (of_output == outputs - 1)),
        ]
        return m


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
        """Build the scores, and the steps of the decision with the registers between them."""
        m = Module()
        model, plan = self.model, self.plan
        m.submodules.collect = collect = ScoreCollector(model, plan)
        m.d.comb += [collect.digit.eq(self.digit), collect.arriving.eq(self.arriving)]
        word: Value = collect.scores.as_value()
        scores: Value = word
        valid: Value = collect.last

        def register(value: Value, name: str) -> Value:
            held = Signal.like(value, name=name)
            m.d.sync += held.eq(value)
            return held

        registers = model.decision.root_cycles - DecisionBase.root_cycles
        steps = model.decision.steps(model.score_bits)
        serial = DECISION_STEPS[type(steps[0])].serial(steps[0]) if steps and registers else None
        if serial is not None:
            m.submodules.argmax = serial
            m.d.comb += [
                serial.score.eq(collect.scores[model.outputs - 1]),
                serial.valid.eq(collect.fresh),
                serial.first.eq(collect.first),
            ]
            word, valid, steps, registers = serial.index, register(valid, "decided"), steps[1:], 0
            if plan.digits == 1:  # else the next score comes too late to matter
                scores = register(scores, "held")
        for number, step in enumerate(steps):
            m.submodules[f"decide_{number}"] = decide = DECISION_STEPS[type(step)](step)
            m.d.comb += Value.cast(decide.i).eq(word)
            word = Value.cast(decide.o)
            if number < registers:
                word = register(word, f"decide_{number}_o")
                valid, scores = register(valid, "decided"), register(scores, "held")
        if model.decision.bits:
            m.d.comb += self.payload.decision.eq(word)
        m.d.comb += [self.payload.scores.as_value().eq(scores), self.valid.eq(valid)]
        return m

"""Layered nodes in turn: one multiplier that serves all units of all layers."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from amaranth import *
from amaranth.lib import data
from amaranth.lib.memory import Memory, WritePort

from locgen.cores.arithmetic import signed_shape
from locgen.cores.serial import LinkSchedule, NodeStream, store_features
from locgen.ir import LayeredNode

__all__ = ["LayeredStream"]


class LayeredStream(NodeStream[LayeredNode]):
    """One multiplier that serves all units in turn, with parameters and tables in memory.

    The features that pass are kept. In each cycle of the compute phase one product or difference
    enters a pipeline: memories; difference; product; sum; table; slope; value. A unit's value goes
    back into the features' memory, where the next layer reads it. ``node.compute_cycles`` cycles
    after the last feature the scores stand, until the next compute phase. Latency 0 from a beat of
    the up phase to its digit.
    """

    def __init__(
        self,
        node: LayeredNode,
        schedule: LinkSchedule,
        from_zero: bool = False,
        evidence: int | None = None,
    ) -> None:
        inputs = len(node.features)
        units = [layer.units for layer in node.layers]
        self.widths = [layer.inputs for layer in node.layers] + [units[-1]]
        self.counts = [*units, len(node.outputs)]
        # Where each layer's inputs stand; the units' values follow the features.
        self.bases = [0, *(inputs + done for done in accumulate([0, *units[:-1]]))]
        self.value_bits = max(*node.feature_bits, *(layer.value_bits for layer in node.layers))
        super().__init__(node, schedule, from_zero, evidence)

    def elaborate(self, platform: object) -> Module:
        """Build the features' memory, the order of steps, the pipeline and the choice of digits."""
        m = Module()
        node = self.node
        stage = data.StructLayout(
            {
                "valid": 1,
                "first": 1,  # of the unit's inputs
                "last": 1,
                "layer": Shape.cast(range(len(self.counts))),
                "unit": Shape.cast(range(sum(self.counts))),  # counted over all layers
            }
        )
        names = ("step", "read", "operand", "product", "total", "tabled", "sloped")
        stages = [Signal(stage, name=name) for name in names]
        step, read, operand, product, total, _, sloped = stages
        m.d.sync += [after.eq(before) for before, after in pairwise(stages)]
        place = self._count_steps(m, step)

        depth = len(node.features) + sum(self.counts[:-1])
        m.submodules.values = values = Memory(shape=self.value_bits, depth=depth, init=[])
        write, fetch = values.write_port(), values.read_port()
        base = Signal.like(fetch.addr, name="base")
        with m.Switch(step.layer):
            for number, start in enumerate(self.bases):
                with m.Case(number):
                    m.d.comb += base.eq(start)
        m.d.comb += fetch.addr.eq(base + place)
        parameter = self._parameters(m, step.valid)
        result = self._multiply(m, fetch.data, parameter, read.layer, operand.layer)

        bits = node.accumulator_bits
        starts = [bias for layer in node.layers for bias in layer.bias]
        starts += [bias - low for bias, (low, _) in zip(node.bias, node.ranges, strict=True)]
        start = self._constants(m, "starts", starts, signed(bits), operand.unit)
        accumulator = Signal(signed(bits), name="accumulator")
        with m.If(product.valid):
            m.d.sync += accumulator.eq(Mux(product.first, start, accumulator) + result)

        self._store(m, write, (total, sloped), accumulator)
        store_features(m, self, write)
        self._collect(m, total, accumulator)
        return m

    def _multiply(
        self, m: Module, value: Value, parameter: Value, read_layer: Value, operand_layer: Value
    ) -> Signal:
        """Return the product or size of the difference of a value and a parameter, two cycles on.

        Parameters
        ----------
        m : module of the node
        value, parameter : both unsigned, `value_bits` and as many as parameters have
        read_layer, operand_layer : the layer of `value`, and of what came one cycle before it
        """
        metrics = [layer.metric for layer in self.node.layers] + ["dot"]
        is_dot = Signal()
        m.d.comb += is_dot.eq(read_layer.matches(*_where(metrics, "dot")))
        width = max(self.value_bits, len(parameter)) + 1
        a, b = Signal(signed(width)), Signal(signed(width))
        difference = Signal(signed(width), name="difference")
        stored = Signal(signed(width), name="stored")
        m.d.comb += [
            stored.eq(Mux(is_dot, parameter.as_signed(), parameter)),
            difference.eq(value - stored),
        ]
        m.d.sync += [a.eq(Mux(is_dot, value, difference)), b.eq(Mux(is_dot, stored, difference))]
        result = Signal(signed(2 * width), name="result")
        size: Value = a * b
        if "l1" in metrics:
            is_l1 = operand_layer.matches(*_where(metrics, "l1"))
            size = Mux(is_l1, Mux(a < 0, -a, a), size)
        m.d.sync += result.eq(size)
        return result

    def _count_steps(self, m: Module, step: Signal) -> Signal:
        """Drive `step` with what enters the pipeline; return the place of its input."""
        place = Signal(range(max(max(self.widths), 2)), name="place")
        layer = Signal.like(step.layer, name="layer")
        unit = Signal.like(step.unit, name="unit")
        last_place = Signal.like(place, name="last_place")
        last_unit = Signal.like(unit, name="last_unit")
        drain = Signal(range(7), name="drain")
        done = Signal(name="done")
        ends = list(accumulate(self.counts))
        with m.Switch(layer):
            for number, (inputs, end) in enumerate(zip(self.widths, ends, strict=True)):
                with m.Case(number):
                    m.d.comb += [last_place.eq(inputs - 1), last_unit.eq(end - 1)]
        m.d.comb += [
            step.valid.eq(self.link.compute & ~done & (drain == 0)),
            step.first.eq(place == 0),
            step.last.eq(place == last_place),
            step.layer.eq(layer),
            step.unit.eq(unit),
        ]
        with m.If(step.valid):
            m.d.sync += place.eq(place + 1)
            with m.If(step.last):
                m.d.sync += [place.eq(0), unit.eq(unit + 1)]
                with m.If(unit == last_unit):
                    m.d.sync += drain.eq(6)
        with m.If(drain != 0):
            m.d.sync += drain.eq(drain - 1)
            with m.If(drain == 1):
                m.d.sync += layer.eq(layer + 1)
                with m.If(layer == len(self.counts) - 1):
                    m.d.sync += done.eq(1)
        with m.If(self.link.down):
            m.d.sync += [layer.eq(0), unit.eq(0), place.eq(0), done.eq(0), drain.eq(0)]
        return place

    def _parameters(self, m: Module, advance: Value) -> Value:
        """Return the parameter of the step before, unsigned."""
        node = self.node
        rows = [row for layer in node.layers for row in layer.parameters]
        rows += list(zip(*node.weights, strict=True))
        words = [p for row in rows for p in row]
        signed_words = [
            p for layer in node.layers if layer.metric == "dot" for r in layer.parameters for p in r
        ]
        signed_words += [w for row in node.weights for w in row]
        bits = max(signed_shape(min(signed_words), max(signed_words)).width, 1)
        if min(signed_words) >= 0:
            bits += 1  # read as signed
        bits = max(bits, max(words).bit_length())
        mask = (1 << bits) - 1
        address = Signal(range(max(len(words), 2)), name="address")
        with m.If(advance):
            m.d.sync += address.eq(address + 1)
        with m.If(self.link.down):
            m.d.sync += address.eq(0)
        return self._constants(m, "parameters", [w & mask for w in words], unsigned(bits), address)

    @staticmethod
    def _constants(m: Module, name: str, words: list[int], shape: Shape, address: Value) -> Value:
        """Return ``words[address]``, one cycle later."""
        if len(set(words)) == 1:
            return Const(words[0], shape)
        mask = (1 << shape.width) - 1
        memory = Memory(shape=shape.width, depth=len(words), init=[w & mask for w in words])
        m.submodules[name] = memory
        port = memory.read_port()
        m.d.comb += port.addr.eq(address)
        return port.data.as_signed() if shape.signed else port.data

    def _store(
        self, m: Module, write: WritePort, stages: tuple[Signal, Signal], accumulator: Signal
    ) -> None:
        """Look up what a complete sum becomes, and write it behind the features."""
        total, sloped = stages
        node, bits = self.node, self.value_bits
        longest = max(len(layer.table) for layer in node.layers)
        places = max(layer.fraction for layer in node.layers)
        slopes = [slope for layer in node.layers for slope in layer.slopes]
        slope_shape = signed_shape(min((-1, *slopes)), max((0, *slopes)))
        mask = (1 << slope_shape.width) - 1
        tables: dict[tuple[int, ...], int] = {}
        index = Signal(range(longest), name="index")
        which = Signal(range(max(len(node.layers), 2)), name="which")
        part = Signal(max(places, 1), name="part")
        with m.Switch(total.layer):
            for number, layer in enumerate(node.layers):
                steep = layer.slopes or (0,) * len(layer.table)
                words = [v | (s & mask) << bits for v, s in zip(layer.table, steep, strict=True)]
                words += [0] * (longest - len(words))
                last = (len(layer.table) << layer.shift) - 1
                inside = Signal(range(last + 1), name=f"inside_{number}")
                over = (accumulator >> last.bit_length()) != 0
                with m.Case(number):
                    m.d.comb += [
                        inside.eq(Mux(accumulator < 0, 0, Mux(over, last, accumulator))),
                        index.eq(inside[layer.shift :]),
                        which.eq(tables.setdefault(tuple(words), len(tables))),
                    ]
                    if layer.fraction:
                        fraction = inside[layer.shift - layer.fraction : layer.shift]
                        m.d.comb += part.eq(fraction << places - layer.fraction)
        address = Cat(index, which)[: (longest * len(tables) - 1).bit_length()]
        words = [word for table in tables for word in table]
        width = bits + (slope_shape.width if slopes else 0)
        found = self._constants(m, "tables", words, unsigned(width), address)
        entry = Signal(bits, name="entry")
        m.d.sync += entry.eq(found[:bits])
        value: Value = entry
        if slopes:
            held, growth = Signal.like(part, name="held_part"), Signal(signed(bits + 1))
            product = found[bits:].as_signed() * held + (1 << places - 1)
            m.d.sync += [held.eq(part), growth.eq(product >> places)]
            value = (entry + growth)[:bits]
        hidden = sum(self.counts[:-1])
        with m.If(sloped.valid & sloped.last & (sloped.unit < hidden)):
            m.d.comb += [
                write.en.eq(1),
                write.addr.eq(sloped.unit + len(node.features)),
                write.data.eq(value),
            ]

    def _collect(self, m: Module, total: Signal, accumulator: Signal) -> None:
        """Collect the scores and send them."""
        node = self.node
        hidden = sum(self.counts[:-1])
        width = max((high - low).bit_length() for low, high in node.ranges) or 1
        found = [Signal(width, name=f"score_{column}") for column in range(len(node.outputs))]
        with m.If(total.valid & total.last & (total.unit >= hidden)):
            above = [*found[1:], accumulator]
            m.d.sync += [score.eq(word) for score, word in zip(found, above, strict=True)]
        self.send(m, self.recounted(found))


def _where(metrics: Sequence[str], metric: str) -> list[int]:
    """Return the layers of that metric."""
    return [number for number, other in enumerate(metrics) if other == metric]

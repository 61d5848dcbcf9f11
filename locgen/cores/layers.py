"""Layered nodes in gates: all units of all layers at once."""

from amaranth import *

from locgen.cores.arithmetic import (
    absolute_difference,
    add_up,
    constant_term,
    look_up,
    multiply,
    signed_shape,
    square,
    weighted_sum,
)
from locgen.cores.parallel import NodeCore
from locgen.ir import Layer, LayeredNode

__all__ = ["LayeredCore", "look_up_sum"]


class LayeredCore(NodeCore[LayeredNode]):
    """All units of all layers in gates, see `NodeCore`."""

    def elaborate(self, platform: object) -> Module:
        """Build one sum and one table a unit, then the weighted sums."""
        m = Module()
        node, values = self.node, self.codes
        for number, layer in enumerate(node.layers):
            values = [
                self._unit(m, layer, unit, values, f"layer_{number}_{unit}")
                for unit in range(layer.units)
            ]
        for column, bias in enumerate(node.bias):
            weights = [row[column] for row in node.weights]
            total = weighted_sum(m, values, weights, bias, f"score_{column}")
            m.d.comb += self.scores[column].eq(total)
        return m

    @staticmethod
    def _unit(m: Module, layer: Layer, unit: int, values: list[Value], name: str) -> Value:
        """Return the value of one unit."""
        terms = [constant_term(layer.bias[unit])]
        for place, (value, stored) in enumerate(zip(values, layer.parameters[unit], strict=True)):
            if layer.metric == "dot":
                if stored:
                    terms.append(multiply(m, value, stored, f"{name}_product_{place}"))
                continue
            far = max(stored, abs((1 << len(value)) - 1 - stored))
            bits = far.bit_length()
            size = absolute_difference(m, value, stored, bits, f"{name}_size_{place}")
            squared = layer.metric != "l1"
            terms.append(
                square(m, size, far, f"{name}_square_{place}") if squared else (size, 0, far)
            )
        return look_up_sum(m, layer, *add_up(m, terms, f"{name}_sum"), name)


def look_up_sum(m: Module, layer: Layer, total: Value, low: int, high: int, name: str) -> Value:
    """Return what the table of `layer` has for a sum between `low` and `high`."""
    inside = Signal(range(len(layer.table) << layer.shift), name=f"{name}_inside")
    m.d.comb += inside.eq(_clipped(total, low, high, layer))
    index = inside[layer.shift :]
    entry = Signal(layer.value_bits, name=f"{name}_entry")
    look_up(m, index, layer.table, entry)
    if not layer.slopes:
        return entry
    slope = Signal(signed_shape(min(*layer.slopes, -1), max(layer.slopes)), name=f"{name}_slope")
    look_up(m, index, layer.slopes, slope)
    value = Signal(layer.value_bits, name=f"{name}_value")
    part = inside[layer.shift - layer.fraction : layer.shift]
    half = 1 << layer.fraction - 1
    m.d.comb += value.eq(entry + (slope * part + half >> layer.fraction))
    return value


def _clipped(total: Value, low: int, high: int, layer: Layer) -> Value:
    """Return a sum between `low` and `high`, clipped to those that the table covers."""
    last = (len(layer.table) << layer.shift) - 1
    inside: Value = total
    if high > last:
        inside = Mux(total > last, last, total)
    return Mux(total < 0, 0, inside) if low < 0 else inside

"""Cost of two-layer nodes: in gates all at once, and as one multiplier with memories."""

from locgen.ir.integer.layer import Layer
from locgen.ir.integer.layered import LayeredNode
from locgen.ir.integer.neighbours import NeighboursNode

__all__ = [
    "BLOCK_BITS",
    "memories_of",
    "memory_blocks",
    "parallel_luts",
    "serial_counts",
    "table_luts",
]

BLOCK_BITS = 4096
_BLOCK_SHAPES = ((256, 16), (512, 8), (1024, 4), (2048, 2))
"""Words and bits of a block RAM of 4 kbit, as every iCE40 has them (Lattice TN1250)."""
_IN_GATES = 1 << 9
"""Bits of a memory of constants that becomes gates."""


def parallel_luts(node: LayeredNode) -> float:
    """Return the LUT4 of all units at once, adders between units left out."""
    luts = 0.0
    for layer, largest in zip(node.layers, node.largest_inputs, strict=False):
        for row in layer.parameters:
            for parameter, most in zip(row, largest, strict=True):
                bits = most.bit_length()
                if layer.metric == "dot":
                    luts += bits * max(_digits(parameter) - 1, 0)
                else:
                    luts += 2 * bits + (bits * bits if layer.metric == "l2" else 0)
        sums = [max(abs(low), abs(high)) for low, high in layer.terms_range(largest)]
        luts += sum(layer.inputs * total.bit_length() for total in sums)
        luts += layer.units * table_luts(layer)
    most = node.layers[-1].largest.bit_length()
    return luts + sum(max(_digits(w) - 1, 0) * most for row in node.weights for w in row)


def table_luts(layer: Layer) -> float:
    """Return the LUT4 of one unit's table and of the line to its next entry."""
    index = (len(layer.table) - 1).bit_length()
    one = 1.0 if index <= 4 else 1.5 * 2 ** (index - 4)
    luts = layer.value_bits * one * (2 if layer.slopes else 1)
    return luts + layer.fraction * max(map(abs, layer.slopes), default=0).bit_length()


def _digits(number: int) -> int:
    """Return how many powers of two add up to `number`, with either sign: Booth's recoding."""
    triple = 3 * abs(number)
    return (triple ^ abs(number)).bit_count()


def memories_of(node: LayeredNode) -> dict[str, tuple[int, int]]:
    """Return (words, bits) of each memory of the serial core."""
    layers = node.layers
    parameters = [p for layer in layers for row in layer.parameters for p in row]
    parameters += [w for row in node.weights for w in row]
    values = max(*node.feature_bits, *(layer.value_bits for layer in layers))
    hidden = sum(layer.units for layer in layers)
    tables = {(layer.table, layer.slopes) for layer in layers}
    slopes = [abs(slope) for layer in layers for slope in layer.slopes]
    steep = max(slopes).bit_length() + 1 if slopes else 0
    starts = {bias for layer in layers for bias in layer.bias}
    found = {
        "parameters": (len(parameters), max(abs(p) for p in parameters).bit_length() + 1),
        "values": (len(node.features) + hidden, values),
        "tables": (len(tables) * max(len(layer.table) for layer in layers), values + steep),
    }
    if len(starts) > 1 or len(node.outputs) > 1:
        found["starts"] = (hidden + len(node.outputs), node.accumulator_bits)
    return found


def memory_blocks(node: LayeredNode | NeighboursNode) -> int:
    """Return about how many block RAMs of 4 kbit the serial core takes."""
    blocks = 0
    memories = node.memories if isinstance(node, NeighboursNode) else memories_of(node)
    for name, (words, bits) in memories.items():
        if name == "values" or words * bits > _IN_GATES:
            blocks += min(-(-words // depth) * -(-bits // width) for depth, width in _BLOCK_SHAPES)
    return blocks


def serial_counts(node: LayeredNode) -> dict[str, float]:
    """Return what the logic cells of the serial core follow.

    `multiplier`: bits of the partial products of both multipliers; `accumulator`: bits of sums,
    tables' inputs and scores; `counter`: bits of counters and of the steps in the pipeline.
    """
    memory = memories_of(node)
    factor = max(memory["parameters"][1], memory["values"][1]) + 1
    units = memory["values"][0].bit_length()
    places = max(layer.fraction for layer in node.layers)
    slope = memory["tables"][1] - memory["values"][1]
    scores = sum((high - low).bit_length() for low, high in node.ranges)
    return {
        "multiplier": float(factor * factor + places * slope),
        "accumulator": float(2 * node.accumulator_bits + scores),
        "counter": float(7 * units + memory["parameters"][0].bit_length()),
    }

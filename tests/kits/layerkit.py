"""Random two-layer nodes, and what they compute, as plainly as it can be written."""

import numpy as np

from locgen.ir import Layer, LayeredNode

SHAPES = {
    "l2": (("l2", 5),),
    "l1": (("l1", 4),),
    "dot": (("dot", 6),),
    "one-unit": (("dot", 1),),
    "two-hidden": (("dot", 4), ("dot", 3)),
    "distance-then-dot": (("l2", 3), ("dot", 4)),
    "dot-then-distances": (("dot", 3), ("l1", 2), ("l2", 2)),
}
"""Metric and units of each layer."""


def random_layers(random, shape, widths, outputs):
    """Return a random node over some of the features of these widths."""
    seen = [feature for feature, width in enumerate(widths) if width]
    used = tuple(sorted(random.choice(seen, int(random.integers(1, len(seen) + 1)), False)))
    used = tuple(int(feature) for feature in used)
    bits = tuple(widths[feature] for feature in used)
    layers, most = [], [(1 << b) - 1 for b in bits]
    for metric, units in SHAPES[shape]:
        low = [-9 if metric == "dot" else 0] * len(most)
        high = [10 if metric == "dot" else m + 1 for m in most]
        rows = random.integers(low, high, size=(units, len(most)))
        table = random.integers(0, 60, size=1 << int(random.integers(1, 6)))
        shift = int(random.integers(0, 5))
        fraction = int(random.integers(0, shift + 1))
        slopes = np.append(table[1:], 7) - table
        layer = Layer(
            metric,
            tuple(map(tuple, rows.tolist())),
            tuple(random.integers(-40, 40, size=units).tolist()),
            shift,
            tuple(table.tolist()),
            tuple(slopes.tolist()) if fraction else (),
            fraction,
        )
        layers.append(layer)
        most = [int(layer.largest)] * units
    weights = random.integers(-20, 21, size=(layers[-1].units, len(outputs)))
    if layers[-1].units > 2:
        weights[1] = 0
    bias = tuple(random.integers(-50, 50, size=len(outputs)).tolist())
    rows = tuple(map(tuple, weights.tolist()))
    ids = tuple(random.integers(0, 99, size=layers[-1].units).tolist())
    kind = "dense" if shape in ("dot", "two-hidden", "one-unit") else "kernel"
    return LayeredNode(used, bits, tuple(layers), rows, bias, ids, tuple(outputs), kind)


def by_hand(node, row):
    """Return the scores of one row of codes."""
    values = [int(row[feature]) for feature in node.features]
    for layer in node.layers:
        following = []
        for stored, bias in zip(layer.parameters, layer.bias, strict=True):
            total = bias
            for value, parameter in zip(values, stored, strict=True):
                difference = abs(value - parameter)
                total += {
                    "dot": value * parameter,
                    "l1": difference,
                    "l2": difference * difference,
                }[layer.metric]
            last = len(layer.table) * 2**layer.shift - 1
            total = min(max(total, 0), last)
            index, rest = divmod(total, 2**layer.shift)
            value = layer.table[index]
            if layer.fraction:
                part = rest // 2 ** (layer.shift - layer.fraction)
                grown = 2 * layer.slopes[index] * part + 2**layer.fraction
                value += grown // 2 ** (layer.fraction + 1)
            following.append(value)
        values = following
    return [
        bias + sum(value * weights[o] for value, weights in zip(values, node.weights, strict=True))
        for o, bias in enumerate(node.bias)
    ]


def random_layers_model(seed, shape, outputs=1, nodes=1, decision=None):
    """Return a random model of such nodes over features of several widths, one without bits."""
    from nodekit import node_model

    random = np.random.default_rng(seed)
    widths = (3, 5, 0, 1, 4)
    made = [random_layers(random, shape, widths, range(outputs)) for _ in range(nodes)]
    bias = tuple(random.integers(-40, 40, size=outputs).tolist())
    return node_model(made, widths, outputs, decision, bias)

"""Random nodes that compute with sizes, and models of them."""

import numpy as np
from modelkit import random_tree

from locgen.ir import (
    Argmax,
    DistanceNode,
    Identity,
    IdentityFeature,
    LinearNode,
    QuantisedModel,
    SplitRule,
    TableNode,
    Threshold,
)

METRICS = ("l1", "l2", "linf", "hamming")


def features_of(widths):
    """Return features of these widths."""
    return tuple(IdentityFeature(f"x{i}", 0, (1 << w) - 1) for i, w in enumerate(widths))


def random_node(random, kind, widths, outputs):
    """Return a random node of `kind`; a distance node takes the first of `outputs`."""
    if kind == "table":
        feature = int(random.integers(len(widths)))
        rows = random.integers(-20, 30, size=(1 << widths[feature], len(outputs)))
        if random.integers(3) == 0:
            rows[:, 0] = -7  # a column that says nothing
        return TableNode(feature, tuple(map(tuple, rows.tolist())), tuple(outputs))
    seen = [feature for feature, width in enumerate(widths) if width]
    count = int(random.integers(0, len(seen) + 1))
    used = tuple(sorted(random.choice(seen, count, replace=False).tolist())) if count else ()
    bits = tuple(widths[f] for f in used)
    if kind == "linear":
        weights = random.integers(-17, 18, size=(count, len(outputs)))
        bias = random.integers(-99, 99, size=len(outputs))
        return LinearNode(
            used, bits, tuple(map(tuple, weights.tolist())), tuple(bias.tolist()), tuple(outputs)
        )
    metric = kind if kind in METRICS else METRICS[random.integers(4)]
    fraction = int(random.integers(0, 3))
    return DistanceNode(
        features=used,
        feature_bits=bits,
        prototype=tuple(int(random.integers(0, 1 << (b + fraction))) for b in bits),
        weights=tuple(random.choice([0, 1, 1, 1, 2, 5], count).tolist()),
        metric=metric,
        fraction=fraction,
        bias=int(random.integers(-30, 30)),
        prototype_id=int(random.integers(100)),
        outputs=(outputs[0],),
    )


def node_model(nodes, widths, outputs, decision=None, bias=None):
    """Return a model of `nodes`."""
    if decision is None:
        decision = Argmax(outputs) if outputs > 1 else Threshold(">")
    return QuantisedModel(
        name="nodes",
        family="test",
        library="test",
        task="regression" if isinstance(decision, Identity) else "classification",
        rule=SplitRule("<=", "float64", False),
        features=features_of(widths),
        nodes=tuple(nodes),
        bias=tuple(bias or (0,) * outputs),
        decision=decision,
        classes=() if isinstance(decision, Identity) else tuple(range(max(outputs, 2))),
        score_scale=(1.0,) * outputs,
        score_offset=(0.0,) * outputs,
        probability="none",
        members=1,
    )


def random_nodes_model(seed, kinds, outputs=1, features=4, count=4, widest=7, decision=None):
    """Return a random model; nodes take the `kinds` in turn, ``"tree"`` among them if wanted."""
    random = np.random.default_rng(seed)
    widths = tuple(int(w) for w in random.integers(0, widest + 1, size=features))
    nodes = []
    for number in range(max(count, outputs)):
        kind = kinds[number % len(kinds)]
        mine = (number % outputs,) if number < outputs else tuple(range(outputs))
        if kind == "tree":
            nodes.append(tree_over(random, widths, mine))
        else:
            nodes.append(random_node(random, kind, widths, mine))
    bias = tuple(random.integers(-40, 40, size=outputs).tolist())
    return node_model(nodes, widths, outputs, decision, bias)


def tree_over(random, widths, outputs, splits=4):
    """Return a random tree over features of these widths."""

    class Cuts:
        def __init__(self, bits):
            self.bits, self.missing, self.cuts = bits, False, range((1 << bits) - 1)

    return random_tree(random, [Cuts(w) for w in widths], outputs, splits)

"""Random clauses, and what they compute, as plainly as it can be written."""

from locgen.ir import ClauseNode


def random_clauses(random, first, widths, outputs, count=5):
    """Return a random node over features of these widths; one clause has no literals."""
    seen = [feature for feature, width in enumerate(widths) if width]
    clauses = []
    for number in range(count):
        literals = []
        for feature in random.permutation(seen)[: int(random.integers(1, len(seen) + 1))].tolist():
            threshold = int(random.integers(0, (1 << widths[feature]) - 1))
            literals.append((int(feature), threshold, bool(random.integers(2))))
        clauses.append(tuple(literals) if number != count - 2 or not first else ())
    scores = random.integers(-9, 10, size=(count, len(outputs)))
    bias = tuple(random.integers(-30, 30, size=len(outputs)).tolist())
    ids = tuple(random.integers(0, 99, size=count).tolist())
    rows = tuple(map(tuple, scores.tolist()))
    return ClauseNode(tuple(clauses), rows, bias, ids, bool(first), tuple(outputs))


def by_hand(node, row):
    """Return (scores, fired) of one row of codes."""
    total, fired = list(node.bias), [0] * len(node.clauses)
    for number, clause in enumerate(node.clauses):
        if all((row[feature] <= threshold) == holds for feature, threshold, holds in clause):
            total = [t + s for t, s in zip(total, node.scores[number], strict=True)]
            fired[number] = 1
            if node.first:
                break
    return total, fired


def random_clause_model(seed, first, outputs=1, nodes=1, decision=None):
    """Return a random model of clause nodes over features of several widths."""
    import numpy as np
    from nodekit import node_model

    random = np.random.default_rng(seed)
    widths = (1, 3, 0, 2, 4)
    made = [random_clauses(random, first, widths, range(outputs)) for _ in range(nodes)]
    bias = tuple(random.integers(-40, 40, size=outputs).tolist())
    return node_model(made, widths, outputs, decision, bias)

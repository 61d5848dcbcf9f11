"""Spectrum-based fault localisation: the node that a mismatch most likely comes from."""

from collections.abc import Sequence

import numpy as np

from locgen.ir import QuantisedModel

__all__ = ["localise_fault"]


def localise_fault(model: QuantisedModel, q: np.ndarray, wrong: Sequence[int]) -> str:
    """Return words that name the node and its part which the wrong vectors have in common.

    The suspect is the (node, leaf or code) whose share of the wrong vectors exceeds its share of
    the right ones most: spectrum-based fault localisation.

    Parameters
    ----------
    q : (rows, features) the vectors up to the last one compared
    wrong : numbers of the rows whose answer was wrong, at least one
    """
    is_wrong = np.zeros(len(q), dtype=bool)
    is_wrong[list(wrong)] = True
    right = max(int(np.count_nonzero(~is_wrong)), 1)
    counts_for = model.open_nodes(q)
    best, where = -2.0, ""
    for number, node in enumerate(model.nodes):
        parts, counted = node.part_index(q, model.missing_codes), counts_for[:, number]
        for part in np.unique(parts[is_wrong & counted]):
            here = (parts == part) & counted
            hit, spared = np.count_nonzero(here & is_wrong), np.count_nonzero(here & ~is_wrong)
            score = hit / len(wrong) - spared / right
            if score > best:
                best = score
                counts = f"in {hit} of {len(wrong)} wrong and {spared} right answers"
                name = node.part_name(int(part))
                where = f"node {number}{name and ', ' + name} ({counts})"
    return where

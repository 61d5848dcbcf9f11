"""Names the node that a mismatch most likely comes from."""

from collections.abc import Sequence

import numpy as np

from locgen.ir import QuantisedModel

__all__ = ["suspect_node"]


def suspect_node(model: QuantisedModel, q: np.ndarray, wrong: Sequence[int]) -> str:
    """Return words that name the node and leaf which the wrong vectors have in common.

    The suspect is the (node, leaf) whose share of the wrong vectors exceeds its share of the right
    ones most: spectrum-based fault localisation.

    Parameters
    ----------
    q : (rows, features) the vectors up to the last one compared
    wrong : numbers of the rows whose answer was wrong, at least one
    """
    is_wrong = np.zeros(len(q), dtype=bool)
    is_wrong[list(wrong)] = True
    right = max(int(np.count_nonzero(~is_wrong)), 1)
    best, where = -2.0, ""
    for number, node in enumerate(model.nodes):
        leaves = node.leaf_index(q, model.missing_codes)
        for leaf in np.unique(leaves[is_wrong]):
            here = leaves == leaf
            hit, spared = np.count_nonzero(here & is_wrong), np.count_nonzero(here & ~is_wrong)
            score = hit / len(wrong) - spared / right
            if score > best:
                best = score
                counts = f"in {hit} of {len(wrong)} wrong and {spared} right answers"
                where = f"node {number}, leaf {node.leaf_ids[leaf]} ({counts})"
    return where

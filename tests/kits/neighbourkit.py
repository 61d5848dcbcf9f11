"""Random nodes of neighbours, and models of them."""

import numpy as np
from nodekit import node_model

from locgen.ir import Argmax, Identity, NeighboursNode


def random_neighbours(
    random, widths, outputs, rows=5, nearest=3, metric="l2", regression=False, radius=None
):
    """Return a random node over all features of `widths`; some stored rows are equal."""
    used = tuple(feature for feature, width in enumerate(widths) if width)
    stored = np.stack([random.integers(0, 1 << widths[f], rows) for f in used], axis=1)
    stored[rows // 2] = stored[0]
    if regression:
        votes = random.integers(-40, 60, size=(rows, len(outputs)))
    else:
        votes = np.eye(len(outputs), dtype=int)[random.integers(0, len(outputs), rows)]
    return NeighboursNode(
        features=used,
        feature_bits=tuple(widths[f] for f in used),
        stored=tuple(map(tuple, stored.tolist())),
        votes=tuple(map(tuple, votes.tolist())),
        bias=tuple(random.integers(-9, 9, len(outputs)).tolist()),
        nearest=nearest if radius is None else rows,
        metric=metric,
        row_ids=tuple(random.permutation(100)[:rows].tolist()),
        outputs=tuple(outputs),
        radius=radius,
    )


def neighbours_model(seed, widths=(3, 2), outputs=3, **settings):
    """Return a model of one random node."""
    random = np.random.default_rng(seed)
    node = random_neighbours(random, widths, range(outputs), **settings)
    decision = Identity() if settings.get("regression") else Argmax(outputs)
    return node_model((node,), widths, outputs, decision)

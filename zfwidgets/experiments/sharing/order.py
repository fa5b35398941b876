"""An order of feature maps in which those that are alike stand together."""

from __future__ import annotations

import numpy as np


def alike_together(rows: np.ndarray) -> np.ndarray:
    """The numbers of rows (n, m) in an order in which neighbours are alike, by the cosine between them.

    Hierarchical clustering by mean distance, its leaves in the best order (`scipy.cluster.hierarchy`); rows of zeros
    come last.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import pdist

    there = np.flatnonzero(np.abs(rows).sum(1) > 0)
    if len(there) > 2:
        distances = np.clip(pdist(rows[there], "cosine"), 0, None)
        tree = linkage(distances, "average")
        if len(there) <= 512:  # the best order takes time that grows with the cube of their number
            tree = optimal_leaf_ordering(tree, distances)
        there = there[leaves_list(tree)]
    return np.concatenate([there, np.setdiff1d(np.arange(len(rows)), there)]).astype(np.int64)

"""Splits left in a tree whose leaves become equal, and the rounding that leaves fewest."""

from collections.abc import Sequence

from locgen.ir import TreeNode

__all__ = ["cheapest", "telling_splits"]


def telling_splits(node: TreeNode, leaves: Sequence[int]) -> set[int]:
    """Return the splits of `node` that are reached and tell different `leaves` apart."""
    kept: list[object] = [None] * len(node.feature)
    own = [False] * len(node.feature)
    for split in reversed(range(len(node.feature))):
        left, right = (
            leaves[~child] if child < 0 else kept[child]
            for child in (node.left[split], node.right[split])
        )
        own[split] = left != right
        kept[split] = (split, left, right) if own[split] else left
    found = set()
    waiting = [0] if node.feature else []
    while waiting:
        split = waiting.pop()
        if split < 0:
            continue
        waiting.append(node.left[split])
        if own[split]:
            found.add(split)
            waiting.append(node.right[split])
    return found


def cheapest(
    node: TreeNode, choices: Sequence[dict[int, float]], prices: Sequence[float]
) -> tuple[float, list[int]]:
    """Return the least cost, and the integers of the leaves that come to it.

    Parameters
    ----------
    choices : for each leaf the loss of each integer that it may become
    prices : of each split, paid unless all leaves below it become the same
    """
    splits = len(node.feature)
    least = [min(own.values()) for own in choices]
    same: list[dict[int, float]] = [{}] * splits
    cost = [0.0] * splits
    common: list[int | None] = [None] * splits
    for split in reversed(range(splits)):
        left, right = node.left[split], node.right[split]
        one, total = (choices[~left], least[~left]) if left < 0 else (same[left], cost[left])
        other, more = (choices[~right], least[~right]) if right < 0 else (same[right], cost[right])
        total += more + prices[split]
        if one and other:
            both = {value: lost + other[value] for value, lost in one.items() if value in other}
            same[split] = both
            for value, lost in both.items():
                if lost <= total:
                    total, common[split] = lost, value
        cost[split] = total
    leaves = [0] * len(choices)
    waiting: list[tuple[int, int | None]] = [(0 if splits else -1, None)]
    while waiting:
        child, wanted = waiting.pop()
        if child < 0:
            own = choices[~child]
            leaves[~child] = min(own, key=own.__getitem__) if wanted is None else wanted
            continue
        wanted = common[child] if wanted is None else wanted
        waiting += [(node.left[child], wanted), (node.right[child], wanted)]
    return (cost[0] if splits else least[0]), leaves

"""Delays of common blocks in levels of LUT4."""

__all__ = ["ADD_LEVELS", "RANK_LEVELS", "THRESHOLD_LEVELS", "tree_levels"]

ADD_LEVELS = 2.0
"""A carry adder: one LUT and a short chain, about two levels on iCE40."""
RANK_LEVELS = 3.0
"""A comparison by carry chain and the multiplexer behind it."""
THRESHOLD_LEVELS = 1.0
"""A comparison with a constant in gates."""


def tree_levels(leaves: int) -> int:
    """Return the levels of a binary tree over so many `leaves`."""
    return max(leaves - 1, 0).bit_length()

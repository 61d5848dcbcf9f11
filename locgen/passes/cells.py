"""Logic cells of a comparison."""

from functools import lru_cache

from locgen.ir import Comparison

__all__ = ["comparison_cells"]


@lru_cache(maxsize=1 << 16)
def comparison_cells(comparison: Comparison, bits: int) -> float:
    """Return about the LUT4 of a comparison; one of two bits often joins the LUT behind it."""
    low_ones = (~comparison.threshold & comparison.threshold + 1).bit_length() - 1
    inputs = bits - low_ones
    if comparison.missing_left or inputs > 2:
        return comparison.luts(bits)
    return 0.6 if inputs == 2 else 0.0

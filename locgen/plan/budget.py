"""Memory that engines may use."""

from dataclasses import dataclass

__all__ = ["BLOCK_STEP", "MemoryBudget"]

BLOCK_STEP = 256
"""Words of 32 bits in two iCE40 block RAMs of 4 kbit."""
_SPRAM_STEP = 1 << 14
"""Words of 32 bits in two SPRAMs of 256 kbit."""
_DEEP_ROWS = 4
"""Blocks that are wide enough for a word alone are put side by side by Yosys, each four times as
deep, where a memory is large: 23,040 words take 48 blocks of 512, 22,528 take 44."""


@dataclass(frozen=True)
class MemoryBudget:
    """What engines may use: block RAMs, and SPRAMs of 256 kbit.

    `side_by_side` block RAMs hold `step` words of 32 bits; iCE40's, of 4 kbit, by default.
    """

    block_rams: int
    sprams: int
    step: int = BLOCK_STEP
    side_by_side: int = 2

    def block_words(self, sites: int, features: int) -> int:
        """Return the words of block RAM for each of `sites` engines, beside features' memories."""
        left = self.block_rams // sites - -(-features // self.step)
        rows = max(left // self.side_by_side, 0)
        if self.side_by_side == 1 and rows > _DEEP_ROWS:
            rows -= rows % _DEEP_ROWS
        return rows * self.step

    def spram_words(self, sites: int) -> int:
        """Return the words of SPRAM for each of `sites` engines."""
        return max(self.sprams // 2 // sites, 0) * _SPRAM_STEP

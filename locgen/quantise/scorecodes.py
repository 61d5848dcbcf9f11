"""Codes of scores: what nodes behind scores read in place of features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

__all__ = ["ScoreCode", "score_code"]

_SPARE = 6
"""Bits by which the code of a score may be wider than what the nodes behind it give."""
_WIDEST_CODE = 24


@dataclass(frozen=True)
class ScoreCode:
    """What the code of a score stands for: it takes the place of a feature.

    Members
    -------
    lowest : the score of code 0; shift : binary places of scores that no code tells apart
    size : raw value of a score step
    bits : width of the code
    """

    name: str
    lowest: int
    shift: int
    size: float
    bits: int
    moves_cuts: ClassVar[bool] = False
    missing: ClassVar[bool] = False
    missing_code: ClassVar[int | None] = None
    fill: ClassVar[float | None] = None

    @property
    def low(self) -> float:
        """Raw value of code 0: the middle of the scores that have it."""
        return (self.lowest + ((1 << self.shift) - 1) / 2) * self.size

    @property
    def scale(self) -> float:
        """Codes in a raw score of 1."""
        return 1 / (self.size * (1 << self.shift))

    @property
    def largest(self) -> int:
        """Highest code."""
        return (1 << self.bits) - 1

    def quantise(self, x: np.ndarray) -> np.ndarray:
        """Return codes (rows,) of raw scores (rows,)."""
        codes = np.floor((x - self.low) * self.scale + 0.5)
        return np.clip(codes, 0, self.largest).astype(np.int64)

    def threshold_of(self, cut: float) -> int:
        """Return t: ``code <= t`` where the score is at most `cut`; exact without a shift."""
        steps = np.floor(cut / self.size)
        if cut < 0:  # however little
            steps = min(steps, -1.0)
        above = int(np.clip(steps, -(2.0**62), 2.0**62)) + 1 - self.lowest
        return int(np.clip((above >> self.shift) - 1, -1, self.largest))


def score_code(
    name: str,
    cuts: Sequence[float] | np.ndarray,
    ends: tuple[int, int],
    size: float,
    width: int,
) -> ScoreCode:
    """Return the code of a score between two `ends`, as fine as the `width` behind it asks.

    Scores that are compared are told apart to the last, or where that takes more bits than a code
    has, at the first of `cuts`.

    Parameters
    ----------
    size : raw value of a score step
    """
    low, high = ends
    bits = (high - low).bit_length()
    shift = max(bits - width - _SPARE, 0)
    if len(cuts):
        shift = max(bits - _WIDEST_CODE + 1, 0) if bits > _WIDEST_CODE else 0
    if len(cuts) and shift:
        border = int(np.floor(cuts[0] / size)) + 1
        low -= (low - border) % (1 << shift)
    return ScoreCode(name, low, shift, size, max((high - low).bit_length() - shift, 0))

"""Feature quantisers: how the host turns a float64 feature `x` into the unsigned integer `q`.

Each kind is a frozen dataclass with the same four members: `bits` (width of `q`), `quantise`
(vectorised), `threshold_of` (the integer split that stands for a float cut) and `missing` (whether
NaN has a code). Where NaN is accepted its code is the highest of the range.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field

__all__ = ["AffineFeature", "Feature", "IdentityFeature", "RankFeature"]

_STRICT = ConfigDict(extra="forbid")


def _with_missing(x: np.ndarray, q: np.ndarray, code: int | None) -> np.ndarray:
    """Return `q` with `code` wherever `x` is NaN (with no code, NaN is a caller's mistake)."""
    nan = np.isnan(x)
    if code is None:
        if nan.any():
            raise ValueError("x must not hold NaN, the feature has no code for missing values")
        return q
    return np.where(nan, code, q)


def _filled(x: np.ndarray, fill: float | None) -> np.ndarray:
    """Return `x` as float64, with `fill` in the place of NaN if there is one."""
    x = np.asarray(x, dtype=np.float64)
    return x if fill is None else np.where(np.isnan(x), fill, x)


@dataclass(frozen=True)
class RankFeature:
    """`q` counts the cuts that `x` lies above: exact for any model that only compares.

    `cuts` are the distinct float64 values of the model's splits in rising order (a row goes left
    at a cut c if ``x <= c``). Needs ceil(log2(k + 1)) bits for k cuts; `missing` takes one code.
    """

    __pydantic_config__ = _STRICT

    name: str
    cuts: tuple[float, ...]
    missing: bool = False
    kind: Literal["rank"] = "rank"

    def __post_init__(self) -> None:
        """Check that the cuts are finite and rising."""
        cuts = np.array(self.cuts)
        if not np.all(np.isfinite(cuts)) or np.any(np.diff(cuts) <= 0):
            raise ValueError(f"cuts of feature {self.name!r} must be finite and rising")

    @cached_property
    def bits(self) -> int:
        """Width of `q` in bits; 0 if the model never looks at the feature."""
        return (len(self.cuts) + self.missing).bit_length()

    @cached_property
    def missing_code(self) -> int | None:
        """Code of NaN, or None."""
        return (1 << self.bits) - 1 if self.missing and self.bits else None

    @cached_property
    def largest(self) -> int:
        """Largest code that a finite `x` can get."""
        return len(self.cuts)

    def quantise(self, x: np.ndarray) -> np.ndarray:
        """Return codes (rows,) int64 of the values `x` (rows,)."""
        x = np.asarray(x, dtype=np.float64)
        if self.bits == 0:
            return np.zeros(len(x), dtype=np.int64)
        return _with_missing(x, np.searchsorted(self.cuts, x, side="left"), self.missing_code)

    def values(self) -> np.ndarray:
        """Return a float64 that gets each code (2**bits,); NaN for its own, none beyond the last.

        What no value gets has the value of the last code.
        """
        above = [np.nextafter(self.cuts[-1], np.inf)] if self.cuts else [0.0]
        values = np.full(1 << self.bits, above[0])
        values[: len(self.cuts)] = self.cuts
        if self.missing_code is not None:
            values[self.missing_code] = np.nan
        return values

    def threshold_of(self, cut: float) -> int:
        """Return t so that ``q <= t`` exactly where ``x <= cut``, for a cut of this feature."""
        return bisect_right(self.cuts, cut) - 1


@dataclass(frozen=True)
class AffineFeature:
    """``q = clip(floor((x - low) * scale + 0.5), 0, 2**width - 1)``: clip, scale, round half up.

    A cut becomes the largest code whose own value ``low + q / scale`` still goes left: the boundary
    moves by at most half a step. With `missing` the highest code is NaN's and finite values stop
    below it; `fill` is the value whose code NaN gets where it has none of its own.
    """

    __pydantic_config__ = _STRICT

    name: str
    low: float
    scale: float
    width: Annotated[int, Field(ge=0, le=24)]
    missing: bool = False
    fill: float | None = None
    kind: Literal["affine"] = "affine"

    def __post_init__(self) -> None:
        """Check that the scale is usable."""
        if not (np.isfinite(self.low) and np.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale of feature {self.name!r} must be finite and positive")
        if self.fill is not None and not np.isfinite(self.fill):
            raise ValueError(f"fill of feature {self.name!r} must be finite")

    @property
    def bits(self) -> int:
        """Width of `q` in bits."""
        return self.width

    @cached_property
    def missing_code(self) -> int | None:
        """Code of NaN, or None."""
        return (1 << self.width) - 1 if self.missing and self.width else None

    @cached_property
    def largest(self) -> int:
        """Largest code that a finite `x` can get."""
        return max((1 << self.width) - 1 - self.missing, 0)

    def quantise(self, x: np.ndarray) -> np.ndarray:
        """Return codes (rows,) int64 of the values `x` (rows,)."""
        x = _filled(x, self.fill)
        if self.width == 0:
            return np.zeros(len(x), dtype=np.int64)
        with np.errstate(over="ignore"):  # an overflow is clipped like any value outside
            step = np.clip((x - self.low) * self.scale + 0.5, 0, self.largest)
        q = np.floor(np.where(np.isnan(step), 0, step)).astype(np.int64)
        return _with_missing(x, q, self.missing_code)

    def values(self) -> np.ndarray:
        """Return the float64 that each code (2**bits,) stands for; NaN for its own."""
        values = self.low + np.arange(1 << self.bits) / self.scale
        if self.missing_code is not None:
            values[self.missing_code] = np.nan
        return values

    def threshold_of(self, cut: float) -> int:
        """Return the threshold code nearest to `cut`; -1 is never left, `largest` always."""
        guess = np.floor(np.clip((cut - self.low) * self.scale, -1, self.largest))
        near = np.arange(max(int(guess) - 2, 0), min(int(guess) + 2, self.largest) + 1)
        left = near[self.low + near / self.scale <= cut]
        return int(left[-1]) if len(left) else int(near[0]) - 1


@dataclass(frozen=True)
class IdentityFeature:
    """``q = clip(x - low, 0, high - low)`` for data that are integers already; no encoder needed.

    Values that are not integers are rounded half up first; `fill` as of `AffineFeature`.
    """

    __pydantic_config__ = _STRICT

    name: str
    low: int
    high: int
    missing: bool = False
    fill: float | None = None
    kind: Literal["identity"] = "identity"

    def __post_init__(self) -> None:
        """Check the range."""
        if self.high < self.low or self.high - self.low >= 1 << 24:
            raise ValueError(f"range of feature {self.name!r} must rise and span at most 24 bits")

    @cached_property
    def bits(self) -> int:
        """Width of `q` in bits."""
        return (self.high - self.low + self.missing).bit_length()

    @cached_property
    def missing_code(self) -> int | None:
        """Code of NaN, or None."""
        return (1 << self.bits) - 1 if self.missing and self.bits else None

    @cached_property
    def largest(self) -> int:
        """Largest code that a finite `x` can get."""
        return self.high - self.low

    def quantise(self, x: np.ndarray) -> np.ndarray:
        """Return codes (rows,) int64 of the values `x` (rows,)."""
        x = _filled(x, self.fill)
        if self.bits == 0:
            return np.zeros(len(x), dtype=np.int64)
        inside = np.clip(x, self.low, self.high)
        whole = np.floor(inside)  # not floor(x + 0.5): from 2**52 on that sum itself is rounded
        step = whole + (inside - whole >= 0.5) - self.low
        q = np.where(np.isnan(step), 0, step).astype(np.int64)
        return _with_missing(x, q, self.missing_code)

    def values(self) -> np.ndarray:
        """Return the float64 that each code (2**bits,) stands for; `high` for those beyond it.

        NaN's own code stands for NaN.
        """
        values = np.minimum(self.low + np.arange(1 << self.bits, dtype=np.float64), self.high)
        if self.missing_code is not None:
            values[self.missing_code] = np.nan
        return values

    def threshold_of(self, cut: float) -> int:
        """Return t so that ``q <= t`` exactly where the integer ``x <= cut``."""
        return int(np.clip(np.floor(cut) - self.low, -1, self.largest))


Feature = Annotated[RankFeature | AffineFeature | IdentityFeature, Field(discriminator="kind")]

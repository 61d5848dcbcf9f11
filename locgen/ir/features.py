"""Feature quantisers: how the host turns a float64 feature `x` into the unsigned integer `q`.

Where NaN is accepted its code is the highest of the range.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.rules import refuse_if

__all__ = ["AffineFeature", "Feature", "FeatureBase", "IdentityFeature", "RankFeature"]


class FeatureBase(ABC):
    """The contract of a feature quantiser, with what the kinds have in common.

    Members
    -------
    c_kind : name of its quantiser in the C header
    takes_integers : whether the data are integers already, so that other data have the same codes
    moves_cuts : whether a code's own value, not a cut, is what its threshold compares
    is_exact : whether thresholds stand for cuts exactly, and so cannot be moved
    """

    c_kind = ""
    takes_integers = False
    is_exact = False
    moves_cuts = False

    if TYPE_CHECKING:  # fields of some kinds, properties of others

        @property
        @abstractmethod
        def name(self) -> str:
            """What people call it."""

        @property
        @abstractmethod
        def kind(self) -> str:
            """Name in JSON."""

        @property
        @abstractmethod
        def bits(self) -> int:
            """Width of `q`; 0 if the model never looks at the feature."""

        @property
        @abstractmethod
        def largest(self) -> int:
            """Largest code that a finite `x` can get."""

        @property
        @abstractmethod
        def missing(self) -> bool:
            """Whether NaN has a code."""

        @property
        @abstractmethod
        def fill(self) -> float | None:
            """The value whose code NaN gets where it has none of its own."""

    @cached_property
    def missing_code(self) -> int | None:
        """Code of NaN, or None."""
        return (1 << self.bits) - 1 if self.missing and self.bits else None

    @property
    @abstractmethod
    def constants(self) -> tuple[float, ...]:
        """Numbers of its quantiser in the C header, in their order."""

    def quantise(self, x: np.ndarray) -> np.ndarray:
        """Return codes (rows,) int64 of the values `x` (rows,).

        Raises
        ------
        ValueError
            If `x` holds NaN and the feature has no code for it.
        """
        x = np.asarray(x, dtype=np.float64)
        if self.fill is not None:
            x = np.where(np.isnan(x), self.fill, x)
        if self.bits == 0:
            return np.zeros(len(x), dtype=np.int64)
        nan = np.isnan(x)
        if self.missing_code is not None:
            return np.where(nan, self.missing_code, self._codes(x))
        if nan.any():
            raise ValueError("x must not hold NaN, the feature has no code for missing values")
        return self._codes(x)

    @abstractmethod
    def _codes(self, x: np.ndarray) -> np.ndarray:
        """Return codes (rows,) int64 of numbers, and of NaN any."""

    def values(self) -> np.ndarray:
        """Return a float64 that each code (2**bits,) stands for; NaN for its own code."""
        values = self._values()
        if self.missing_code is not None:
            values[self.missing_code] = np.nan
        return values

    @abstractmethod
    def _values(self) -> np.ndarray:
        """Return a number that each code (2**bits,) stands for; the last for codes beyond it."""

    @abstractmethod
    def threshold_of(self, cut: float) -> int:
        """Return t so that ``q <= t`` where ``x <= cut``: exactly, or as nearly as codes allow."""

    def limit(self, threshold: int) -> str | None:
        """Return, for people, the value above which codes exceed `threshold`.

        None if all codes do, or none does.
        """
        return self._limit(threshold) if 0 <= threshold < self.largest else None

    @abstractmethod
    def _limit(self, threshold: int) -> str:
        """Return that value for a threshold between two codes."""


@dataclass(frozen=True)
class RankFeature(FeatureBase):
    """`q` counts the cuts that `x` lies above: exact for any model that only compares.

    `cuts` are the distinct float64 values of the model's splits in rising order (a row goes left
    at a cut c if ``x <= c``). Needs ceil(log2(k + 1)) bits for k cuts; `missing` takes one code.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    cuts: tuple[float, ...]
    missing: bool = False
    kind: Literal["rank"] = "rank"

    fill = None
    c_kind = "LOCGEN_RANK"
    is_exact = True

    def __post_init__(self) -> None:
        """Check that the cuts are finite and rising."""
        cuts = np.array(self.cuts)
        refuse_if(
            not np.all(np.isfinite(cuts)) or np.any(np.diff(cuts) <= 0),
            f"cuts of feature {self.name!r} must be finite and rising",
        )

    @cached_property
    def bits(self) -> int:
        """Width of `q` in bits; 0 if the model never looks at the feature."""
        return (len(self.cuts) + self.missing).bit_length()

    @property
    def largest(self) -> int:
        """Largest code that a finite `x` can get."""
        return len(self.cuts)

    @property
    def constants(self) -> tuple[float, ...]:
        """The cuts."""
        return self.cuts

    def _codes(self, x: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.cuts, x, side="left")

    def _values(self) -> np.ndarray:
        above = [np.nextafter(self.cuts[-1], np.inf)] if self.cuts else [0.0]
        values = np.full(1 << self.bits, above[0])
        values[: len(self.cuts)] = self.cuts
        return values

    def threshold_of(self, cut: float) -> int:
        """Return t so that ``q <= t`` exactly where ``x <= cut``, for a cut of this feature."""
        return bisect_right(self.cuts, cut) - 1

    def _limit(self, threshold: int) -> str:
        return f"{self.cuts[threshold]:.6g}"


@dataclass(frozen=True)
class AffineFeature(FeatureBase):
    """``q = clip(floor((x - low) * scale + 0.5), 0, 2**width - 1)``: clip, scale, round half up.

    A cut becomes the largest code whose own value ``low + q / scale`` still goes left: the boundary
    moves by at most half a step. With `missing` the highest code is NaN's and finite values stop
    below it; `fill` is the value whose code NaN gets where it has none of its own.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    low: float
    scale: float
    width: Annotated[int, Field(ge=0, le=24)]
    missing: bool = False
    fill: float | None = None
    kind: Literal["affine"] = "affine"
    moves_cuts = True

    c_kind = "LOCGEN_AFFINE"

    def __post_init__(self) -> None:
        """Check that the scale is usable."""
        refuse_if(
            not (np.isfinite(self.low) and np.isfinite(self.scale) and self.scale > 0),
            f"scale of feature {self.name!r} must be finite and positive",
        )
        refuse_if(
            self.fill is not None and not np.isfinite(self.fill),
            f"fill of feature {self.name!r} must be finite",
        )

    @property
    def bits(self) -> int:
        """Width of `q` in bits."""
        return self.width

    @property
    def largest(self) -> int:
        """Largest code that a finite `x` can get."""
        return max((1 << self.width) - 1 - self.missing, 0)

    @property
    def constants(self) -> tuple[float, ...]:
        """Low and scale."""
        return self.low, self.scale

    def _codes(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # an overflow is clipped like any value outside
            step = np.clip((x - self.low) * self.scale + 0.5, 0, self.largest)
        return np.floor(np.where(np.isnan(step), 0, step)).astype(np.int64)

    def _values(self) -> np.ndarray:
        return self.low + np.arange(1 << self.bits) / self.scale

    def threshold_of(self, cut: float) -> int:
        """Return the threshold code nearest to `cut`; -1 is never left, `largest` always."""
        guess = np.floor(np.clip((cut - self.low) * self.scale, -1, self.largest))
        near = np.arange(max(int(guess) - 2, 0), min(int(guess) + 2, self.largest) + 1)
        left = near[self.low + near / self.scale <= cut]
        return int(left[-1]) if len(left) else int(near[0]) - 1

    def _limit(self, threshold: int) -> str:
        return f"{self.low + (threshold + 0.5) / self.scale:.6g}"


@dataclass(frozen=True)
class IdentityFeature(FeatureBase):
    """``q = clip(x - low, 0, high - low)`` for data that are integers already; no encoder needed.

    Values that are not integers are rounded half up first; `fill` as of `AffineFeature`.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    low: int
    high: int
    missing: bool = False
    fill: float | None = None
    kind: Literal["identity"] = "identity"

    c_kind = "LOCGEN_IDENTITY"
    takes_integers = True

    def __post_init__(self) -> None:
        """Check the range."""
        refuse_if(
            self.high < self.low or self.high - self.low >= 1 << 24,
            f"range of feature {self.name!r} must rise and span at most 24 bits",
        )

    @cached_property
    def bits(self) -> int:
        """Width of `q` in bits."""
        return (self.high - self.low + self.missing).bit_length()

    @property
    def largest(self) -> int:
        """Largest code that a finite `x` can get."""
        return self.high - self.low

    @property
    def constants(self) -> tuple[float, ...]:
        """Both ends of the range."""
        return float(self.low), float(self.high)

    def _codes(self, x: np.ndarray) -> np.ndarray:
        inside = np.clip(x, self.low, self.high)
        whole = np.floor(inside)  # not floor(x + 0.5): from 2**52 on that sum itself is rounded
        step = whole + (inside - whole >= 0.5) - self.low
        return np.where(np.isnan(step), 0, step).astype(np.int64)

    def _values(self) -> np.ndarray:
        return np.minimum(self.low + np.arange(1 << self.bits, dtype=np.float64), self.high)

    def threshold_of(self, cut: float) -> int:
        """Return t so that ``q <= t`` exactly where the integer ``x <= cut``."""
        return int(np.clip(np.floor(cut) - self.low, -1, self.largest))

    def _limit(self, threshold: int) -> str:
        return str(self.low + threshold)


Feature = Annotated[RankFeature | AffineFeature | IdentityFeature, Field(discriminator="kind")]
"""A feature quantiser in JSON, told apart by its member `kind`."""

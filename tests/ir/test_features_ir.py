"""What the feature quantisers refuse at construction, and their widths."""

import math

import pytest
from pydantic import TypeAdapter, ValidationError

from locgen.ir import AffineFeature, IdentityFeature, RankFeature


@pytest.mark.parametrize(
    "cuts", [(1.0, 1.0), (2.0, 1.0), (0.0, -0.0), (math.nan,), (0.0, math.inf), (-math.inf, 0.0)]
)
def test_cuts_must_be_finite_and_rise(cuts):
    with pytest.raises(ValueError, match="cuts of feature 'x' must be finite and rising"):
        RankFeature("x", cuts)


@pytest.mark.parametrize(
    "low, scale", [(0.0, 0.0), (0.0, -1.0), (0.0, math.inf), (math.nan, 1.0), (-math.inf, 1.0)]
)
def test_scale_must_be_usable(low, scale):
    with pytest.raises(ValueError, match="scale of feature 'x' must be finite and positive"):
        AffineFeature("x", low, scale, 4)


@pytest.mark.parametrize("low, high", [(1, 0), (0, 1 << 24), (-(1 << 24), 0)])
def test_range_must_rise_and_be_narrow(low, high):
    with pytest.raises(ValueError, match="range of feature 'x' must rise"):
        IdentityFeature("x", low, high)
    IdentityFeature("x", 0, (1 << 24) - 1)


@pytest.mark.parametrize("width", [-1, 25])
def test_width_is_bounded_in_json(width):
    text = f'{{"name": "x", "low": 0.0, "scale": 1.0, "width": {width}}}'
    with pytest.raises(ValidationError, match="width"):
        TypeAdapter(AffineFeature).validate_json(text)


@pytest.mark.parametrize(
    "count, missing, bits",
    [(0, False, 0), (1, False, 1), (2, False, 2), (3, False, 2), (4, False, 3), (7, False, 3),
     (8, False, 4), (0, True, 1), (1, True, 2), (2, True, 2), (3, True, 3), (6, True, 3),
     (7, True, 4)],
)  # fmt: skip
def test_rank_bits(count, missing, bits):
    feature = RankFeature("x", tuple(map(float, range(count))), missing)
    assert feature.bits == bits
    assert feature.largest == count
    assert feature.missing_code == ((1 << bits) - 1 if missing else None)
    assert feature.missing_code is None or feature.missing_code > feature.largest


@pytest.mark.parametrize(
    "low, high, missing, bits",
    [(5, 5, False, 0), (5, 5, True, 1), (-1, 0, False, 1), (0, 3, False, 2), (0, 3, True, 3),
     (0, 2, True, 2), (-128, 127, False, 8)],
)  # fmt: skip
def test_identity_bits(low, high, missing, bits):
    feature = IdentityFeature("x", low, high, missing)
    assert feature.bits == bits
    assert feature.largest == high - low
    assert feature.missing_code is None or feature.missing_code > feature.largest


def test_affine_without_width():
    feature = AffineFeature("x", 0.0, 1.0, 0, missing=True)
    assert (feature.bits, feature.missing_code, feature.largest) == (0, None, 0)

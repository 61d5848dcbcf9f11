"""Numbers as the report writes them."""

import pytest

from locgen.report.numbers import every, percent, plural, points, share, si, significant, thousands


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, 3, "0"),
        (31.874, 3, "31.9"),
        (31.87, 4, "31.87"),
        (9.996, 3, "10"),
        (999.6, 3, "1,000"),
        (12345.6, 3, "12,346"),
        (0.0012345, 3, "0.00123"),
        (-0.5, 3, "-0.5"),
        (2.50, 3, "2.5"),
        (100.0, 3, "100"),
        (float("nan"), 3, "nan"),
    ],
)
def test_significant(value, digits, text):
    assert significant(value, digits) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.27e-8, "s", "12.7 ns"),
        (9.25e-6, "s", "9.25 \N{MICRO SIGN}s"),
        (999.9e-9, "s", "1 \N{MICRO SIGN}s"),
        (8.49e-10, "J", "849 pJ"),
        (0, "J", "0 J"),
        (12e6, "Hz", "12 MHz"),
        (3e-19, "J", "0.0003 fJ"),
        (-2.5e-3, "W", "-2.5 mW"),
    ],
)
def test_si(value, unit, text):
    assert si(value, unit) == text


def test_si_in_ascii():
    assert si(9.25e-6, "s", ascii_only=True) == "9.25 us"


def test_words():
    assert thousands(1234567) == "1,234,567"
    assert percent(0.9561403) == "95.6 %"
    assert percent(0.9561403, 2) == "95.61 %"
    assert points(0.9561, 0.9649) == "+0.88 points"
    assert points(0.5, 0.5) == "no change"
    assert plural(1, "site") == "1 site"
    assert plural(2000, "mismatch", "mismatches") == "2,000 mismatches"
    assert every(1) == "every cycle"
    assert every(98) == "every 98 cycles"
    assert (share(1, 4), share(5, 4), share(1, 0)) == (0.25, 1.0, 0.0)

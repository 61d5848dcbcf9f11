"""Arithmetic that cores share: shapes, constant products and tables, adder trees, differences."""

from collections.abc import Iterable, Sequence

from amaranth import *

from locgen.ir.integer.cost import signed_digits

__all__ = [
    "LOOK_UP_BITS",
    "Term",
    "absolute_difference",
    "add_up",
    "constant_term",
    "largest",
    "look_up",
    "multiply",
    "signed_shape",
    "square",
    "weighted_sum",
]

LOOK_UP_BITS = 4
"""A function of so many bits is one LUT4: no product or difference is cheaper than its table."""

Term = tuple[Value, int, int]
"""A summand, its lowest and its highest value."""


def signed_shape(low: int, high: int) -> Shape:
    """Return the narrowest shape that holds the integers `low` to `high`, signed if need be."""
    if low >= 0:
        return unsigned(max(high.bit_length(), 1))
    return signed(max((high if high >= 0 else ~high).bit_length(), (~low).bit_length()) + 1)


def constant_term(value: int) -> Term:
    """Return a constant summand."""
    return Const(value, signed_shape(value, value)), value, value


def look_up(m: Module, code: Value, rows: Sequence[int], result: Signal) -> None:
    """Drive `result` with ``rows[code]``; the most frequent row is the default."""
    codes_of: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        codes_of.setdefault(row, []).append(number)
    common = max(codes_of, key=lambda row: len(codes_of[row]))
    m.d.comb += result.eq(common)
    if len(codes_of) == 1:
        return
    with m.Switch(code):
        for row, codes in codes_of.items():
            if row != common:
                with m.Case(*codes):
                    m.d.comb += result.eq(row)


def multiply(m: Module, code: Value, factor: int, name: str) -> Term:
    """Return (``code * factor``, its lowest, its highest value) for an unsigned code."""
    most = (1 << len(code)) - 1
    low, high = min(factor * most, 0), max(factor * most, 0)
    product = Signal(signed_shape(low, high), name=name)
    if len(code) <= LOOK_UP_BITS:
        look_up(m, code, [factor * k for k in range(most + 1)], product)
    else:
        total: Value = Const(0)
        for shift, sign in signed_digits(factor):
            total = total + (code << shift) if sign > 0 else total - (code << shift)
        m.d.comb += product.eq(total)
    return product, low, high


def add_up(m: Module, terms: Sequence[Term], name: str) -> Term:
    """Return the sum of `terms`, added in pairs, and its interval; 0 of none."""
    level, terms = 0, list(terms)
    while len(terms) > 1:
        above: list[Term] = []
        for (a, a_low, a_high), (b, b_low, b_high) in zip(terms[::2], terms[1::2], strict=False):
            low, high = a_low + b_low, a_high + b_high
            total = Signal(signed_shape(low, high), name=f"{name}_{level}_{len(above)}")
            m.d.comb += total.eq(a + b)
            above.append((total, low, high))
        terms = above + terms[2 * len(above) :]
        level += 1
    return terms[0] if terms else (Const(0), 0, 0)


def weighted_sum(
    m: Module, values: Sequence[Value], weights: Iterable[int], bias: int, name: str
) -> Value:
    """Return ``bias + sum(values * weights)``.

    Parameters
    ----------
    m : where signals are added
    values : unsigned factors; weights : constant ones, as many
    bias : a constant summand
    name : begins the names of the signals ``<name>_product_0`` ... and ``<name>_0_0`` ...
    """
    terms = [constant_term(bias)]
    for number, (value, weight) in enumerate(zip(values, weights, strict=True)):
        if weight:
            terms.append(multiply(m, value, weight, f"{name}_product_{number}"))
    return add_up(m, terms, name)[0]


def absolute_difference(m: Module, code: Value, stored: Value | int, bits: int, name: str) -> Value:
    """Return ``abs(code - stored)`` of two unsigned numbers, `bits` wide."""
    size = Signal(bits, name=name)
    m.d.comb += size.eq(Mux(code < stored, stored - code, code - stored))
    return size


def square(m: Module, size: Value, most: int, name: str) -> Term:
    """Return ``size * size`` of an unsigned number of at most `most`, and its interval."""
    result = Signal((most * most).bit_length(), name=name)
    m.d.comb += result.eq(size * size)
    return result, 0, most * most


def largest(values: Iterable[Value]) -> Value:
    """Return the largest of unsigned `values`, 0 of none."""
    most: Value = Const(0)
    for value in values:
        most = Mux(value > most, value, most)
    return most

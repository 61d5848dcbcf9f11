"""Polynomials in raw columns: what scalers and products of columns make of them.

Coefficients are folded in float64. Models that compute with sizes are rounded to integers anyway,
and what that changes is counted against the library; trees, which compare, never look at these.
"""

from dataclasses import dataclass

__all__ = ["Polynomial"]


@dataclass(frozen=True)
class Polynomial:
    """A sum of products of raw columns.

    Members
    -------
    terms : coefficient of each product, which is its columns in rising order; () is the constant
    """

    terms: tuple[tuple[tuple[int, ...], float], ...]

    @classmethod
    def of_column(cls, column: int) -> "Polynomial":
        """Return the raw column itself."""
        return cls((((column,), 1.0),))

    @property
    def degree(self) -> int:
        """Factors of the longest product."""
        return max((len(product) for product, _ in self.terms), default=0)

    def coefficient(self, *product: int) -> float:
        """Return the coefficient of one product of columns, 0 if it is not there."""
        return dict(self.terms).get(product, 0.0)

    def scaled(self, slope: float, offset: float) -> "Polynomial":
        """Return ``self * slope + offset``."""
        terms = {product: value * slope for product, value in self.terms}
        terms[()] = terms.get((), 0.0) + offset
        return Polynomial(tuple(terms.items()))

    def times(self, other: "Polynomial") -> "Polynomial":
        """Return the product of two polynomials."""
        terms: dict[tuple[int, ...], float] = {}
        for left, a in self.terms:
            for right, b in other.terms:
                product = tuple(sorted((*left, *right)))
                terms[product] = terms.get(product, 0.0) + a * b
        return Polynomial(tuple(terms.items()))

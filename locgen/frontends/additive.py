"""Models that add up a function of each of their features, as nodes over raw columns.

A model says what each feature that it is given adds to its scores. What stands in front of it turns
raw columns into those features. Where that is an affine map the two fold into one coefficient. Any
other way from one raw column to the scores, whatever steps lie on it, is one function of that
column: the real steps and the real sum are evaluated, once for each interval where it is constant,
else where polynomials are read off. Products of two columns stay products.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from locgen.errors import UnsupportedModel
from locgen.frontends.polynomial import Polynomial
from locgen.frontends.preprocessing import Preprocessing
from locgen.ir.float import FloatLayer, FloatLayers, FloatLinear, FloatShape, FloatSteps, FloatUnit
from locgen.ir.functions import Function

__all__ = ["Additive", "ArithmeticNodes", "arithmetic_nodes", "linear", "squares"]

_RANK = 1e-13
"""Eigenvalues below this share of the largest are what rounding leaves of 0."""


@dataclass(frozen=True)
class Additive:
    """A model of which each feature adds something to each score.

    Members
    -------
    outputs : number of scores
    part : (feature, its values (rows,)) to what it adds, (rows, outputs)
    coefficients : (features, outputs) where that is ``value * coefficient``, else None
    limits : of each feature the values up to which, and beyond which, `part` is constant; None
        where it changes everywhere
    degree : of `part` as a polynomial of the value, where it changes everywhere
    ends : (2, features) interval in which each feature's training values lay, if known
    """

    outputs: int
    part: Callable[[int, np.ndarray], np.ndarray]
    coefficients: np.ndarray | None = None
    limits: tuple[np.ndarray | None, ...] | None = None
    degree: int = 1
    ends: np.ndarray | None = None


def linear(coefficients: np.ndarray) -> Additive:
    """Return the model ``x @ coefficients`` (features, outputs)."""
    return Additive(
        coefficients.shape[1],
        lambda feature, x: x[:, None] * coefficients[feature],
        coefficients,
    )


@dataclass(frozen=True)
class ArithmeticNodes:
    """An additive model behind preprocessing.

    Members
    -------
    units : they add up to the scores, but for `constant` (outputs,)
    ranges, fills : see `Model`
    """

    units: tuple[FloatUnit, ...]
    constant: np.ndarray
    ranges: tuple[tuple[float, float] | None, ...]
    fills: tuple[float | None, ...]


def squares(matrix: np.ndarray, bias: np.ndarray, weights: np.ndarray) -> FloatLayers:
    """Return ``(x @ matrix.T + bias) ** 2 @ weights``.

    Parameters
    ----------
    matrix : (projections, columns); bias : (projections,); weights : (projections, outputs)
    """
    return FloatLayers(
        (FloatLayer("dot", matrix, bias, Function.square()),),
        weights,
        tuple(range(weights.shape[1])),
        tuple(range(len(matrix))),
        "dense",
    )


def arithmetic_nodes(model: Additive, preprocessing: Preprocessing) -> ArithmeticNodes:
    """Return `model` over the raw columns of `preprocessing`."""
    sums = _Sums(preprocessing.columns, model.outputs)
    shaped: dict[tuple[int, tuple[float, ...]], list[int]] = {}
    counted = [
        feature
        for feature in range(preprocessing.features)
        if model.coefficients is None or model.coefficients[feature].any()
    ]
    fills = _known_fills(model, preprocessing, counted)
    for feature in counted:
        output = preprocessing.outputs[feature]
        known = output.polynomial
        columns = _columns(known) or {output.column}
        filled = not output.imputed or columns <= set(fills)
        if model.coefficients is not None and known is not None and filled:
            sums.add(known, model.coefficients[feature])
        elif len(columns) == 1:
            shaped.setdefault((output.column, output.period or ()), []).append(feature)
        else:
            raise UnsupportedModel(
                "products of columns that may be missing are not supported with an indicator or "
                "without the columns themselves: impute beforehand"
            )
    units: list[FloatUnit] = []
    if sums.pairs:
        if shaped or preprocessing.imputes:
            raise UnsupportedModel(
                "products of columns beside bins, categories, splines or imputed columns are not "
                "supported: train on products alone, or transform beforehand"
            )
        form, constant = _form(sums, _ranges(preprocessing))
        return ArithmeticNodes((form,), sums.constant + constant, _ranges(preprocessing), ())
    squared = np.flatnonzero(sums.squares.any(axis=1)).tolist()
    for column, period in sorted({*shaped, *((column, ()) for column in squared)}):
        features = shaped.get((column, period), [])
        units.append(_shape(model, preprocessing, column, features, sums))
    if sums.straight.any() or not units:
        units.insert(0, FloatLinear(sums.straight, tuple(range(model.outputs))))
    return ArithmeticNodes(
        tuple(units), sums.constant, _ranges(preprocessing), _fills(preprocessing, units, fills)
    )


def _form(
    sums: "_Sums", ranges: tuple[tuple[float, float] | None, ...]
) -> tuple[FloatLayers, np.ndarray]:
    """Return all products, squares and columns as squares of projections, and what is constant.

    ``u @ A @ u + b @ u`` is the form ``(u, 1) @ M @ (u, 1)`` with b / 2 in its last column: one
    square for each eigenvector of M. Columns are centred and scaled first (`ranges`, where they are
    known), so that squares of opposite sign do not cancel more than they must.
    """
    columns, outputs = sums.straight.shape
    ends = np.array([(-1.0, 1.0) if own is None else own for own in ranges])
    middle, half = ends.mean(axis=1), np.maximum(np.ptp(ends, axis=1) / 2, 1e-300)
    rows, biases, weights = [], [], []
    constant = np.zeros(outputs)
    for output in range(outputs):
        matrix = np.diag(sums.squares[:, output])
        for (first, second), value in sums.pairs.items():
            matrix[first, second] += value[output] / 2
            matrix[second, first] += value[output] / 2
        straight = sums.straight[:, output] + 2 * matrix @ middle
        constant[output] = middle @ matrix @ middle + sums.straight[:, output] @ middle
        whole = np.zeros((columns + 1, columns + 1))
        whole[:columns, :columns] = matrix * np.outer(half, half)
        whole[:columns, columns] = whole[columns, :columns] = straight * half / 2
        values, axes = np.linalg.eigh(whole)
        for value, axis in zip(values, axes.T, strict=True):
            if abs(value) <= _RANK * np.abs(values).max():
                continue
            row = axis[:columns] / half
            rows.append(row)
            biases.append(axis[columns] - row @ middle)
            weights.append(np.eye(outputs)[output] * value)
    return squares(np.array(rows), np.array(biases), np.array(weights)), constant


class _Sums:
    """What polynomials add up to: of columns, their squares and products, (..., outputs) each."""

    def __init__(self, columns: int, outputs: int) -> None:
        self.constant = np.zeros(outputs)
        self.straight, self.squares = np.zeros((2, columns, outputs))
        self.pairs: dict[tuple[int, ...], np.ndarray] = {}

    def add(self, polynomial: Polynomial, coefficients: np.ndarray) -> None:
        """Add ``polynomial * coefficients`` (outputs,)."""
        for product, value in polynomial.terms:
            if not product:
                self.constant += value * coefficients
            elif len(product) == 1:
                self.straight[product[0]] += value * coefficients
            elif product[0] == product[1]:
                self.squares[product[0]] += value * coefficients
            elif (value * coefficients).any():
                found = self.pairs.get(product, 0.0)
                self.pairs[product] = found + value * coefficients


def _columns(polynomial: Polynomial | None) -> set[int]:
    """Return the columns of which a polynomial, if it is one, is made."""
    return set() if polynomial is None else {c for product, _ in polynomial.terms for c in product}


def _known_fills(
    model: Additive, preprocessing: Preprocessing, counted: list[int]
) -> dict[int, float]:
    """Return for columns that may be missing the one value that does the same everywhere.

    A column has none if a step makes of NaN what it makes of no number.
    """
    if model.coefficients is None:
        return {}
    fills: dict[int, float] = {}
    without: set[int] = set()
    for feature in counted:
        output = preprocessing.outputs[feature]
        if not output.imputed or len(_columns(output.polynomial)) > 1:
            continue
        column, known, slope = output.column, output.polynomial, output.slope
        if known is None or not slope:
            without |= set() if known is not None else {column}
            continue
        given = float(preprocessing.evaluate(column, np.array([np.nan]))[0, feature])
        value = (given - known.coefficient()) / slope
        if not (np.isfinite(value) and np.isclose(fills.setdefault(column, value), value, 1e-9)):
            without.add(column)
    return {column: value for column, value in fills.items() if column not in without}


def _shape(
    model: Additive, preprocessing: Preprocessing, column: int, features: list[int], sums: _Sums
) -> FloatUnit:
    """Return what one raw column adds, all of it but products with other columns.

    Parameters
    ----------
    features : those made of the column, all with one period or with none
    """
    period = preprocessing.outputs[features[0]].period if features else None
    straight, squares = np.zeros((2, model.outputs))
    if period is None:
        straight, squares = sums.straight[column].copy(), sums.squares[column]
        sums.straight[column] = 0.0

    def total(x: np.ndarray) -> np.ndarray:
        values = np.nan_to_num(x)[:, None]
        added = values * straight + values**2 * squares
        if features:
            given = _evaluated(preprocessing, column, x)
            for feature in features:
                added = added + model.part(feature, given[:, feature])
        return np.where(np.isnan(added), 0.0, added)  # of a category that the library refuses

    found = [_cuts(model, preprocessing, feature) for feature in features]
    degrees = [
        0 if constant else preprocessing.outputs[feature].degree * model.degree
        for feature, (_, constant) in zip(features, found, strict=True)
    ]
    degree = max(*degrees, 2 * int(squares.any()), int(straight.any()), 0)
    cuts = np.unique(np.concatenate([np.zeros(0), *(own for own, _ in found)]))
    cuts = cuts[np.isfinite(cuts)]
    if degree:
        filled = any(preprocessing.outputs[feature].imputed for feature in features)
        missing = total(np.array([np.nan]))[0] if filled else None
        ends = _likely(model, preprocessing, column, features)
        return FloatShape.through(column, total, cuts, degree, ends, missing, period is not None)
    places = np.append(cuts, np.nextafter(cuts[-1], np.inf) if len(cuts) else 0.0)
    missing = total(np.array([np.nan]))[0] if preprocessing.imputes else None
    return FloatSteps(column, cuts, total(places), missing, tuple(range(model.outputs)))


def _likely(
    model: Additive, preprocessing: Preprocessing, column: int, features: list[int]
) -> tuple[float, float]:
    """Return an interval of a raw column around its training values, as far as they are known."""
    known = _ranges(preprocessing)[column]
    if known is None and model.ends is not None:
        rising = [feature for feature in features if preprocessing.outputs[feature].rising]
        ends = model.ends[:, rising].T.reshape(-1)
        raw = preprocessing.bisect(np.repeat(rising, 2), lambda value, part: value <= ends[part])
        raw = raw[np.isfinite(raw)]
        known = (float(raw.min()), float(raw.max())) if len(raw) else None
    return known or (-1.0, 1.0)


def _evaluated(preprocessing: Preprocessing, column: int, x: np.ndarray) -> np.ndarray:
    """Return what the model is given, (len(x), features), for values that steps may refuse."""
    rows = np.tile(preprocessing.neutral, (len(x), 1))
    rows[:, column] = x
    return preprocessing.values(preprocessing.acceptable(rows))


def _cuts(model: Additive, preprocessing: Preprocessing, feature: int) -> tuple[np.ndarray, bool]:
    """Return the raw values behind which what a feature adds may change.

    Returns
    -------
    cuts : (k,) rising or not, infinite ones among them
    constant : whether nothing changes between them
    """
    output = preprocessing.outputs[feature]
    if output.intervals is not None:
        low, high = output.intervals
        return high[:-1] if output.unknown is None else np.concatenate([low, high]), True
    if output.cuts is not None:
        return output.cuts, True
    limits = None if model.limits is None else model.limits[feature]
    if limits is None:
        return output.breaks, False
    if not output.rising:
        raise UnsupportedModel(
            "naive Bayes behind PolynomialFeatures or SplineTransformer compares what does not "
            "rise with one column: train it on the columns themselves"
        )
    bisected = preprocessing.bisect(
        np.full(len(limits), feature), lambda value, part: value <= limits[part]
    )
    return bisected, True


def _ranges(preprocessing: Preprocessing) -> tuple[tuple[float, float] | None, ...]:
    found: dict[int, tuple[float, float]] = {}
    for output in preprocessing.outputs:
        if output.span is not None:
            found.setdefault(output.column, output.span)
    return tuple(found.get(column) for column in range(preprocessing.columns))


def _fills(
    preprocessing: Preprocessing, units: list[FloatUnit], fills: dict[int, float]
) -> tuple[float | None, ...]:
    """Return what stands for NaN in each column where it has no score of its own."""
    if not preprocessing.imputes:
        return ()
    own = {
        feature
        for node in units
        if node.univariate and (node.needs_missing_code or not node.needs_range)
        for feature in node.features
    }
    return tuple(
        None if column in own else fills.get(column, float(preprocessing.neutral[column]))
        for column in range(preprocessing.columns)
    )

"""Tests of columns whose steps make curves of them: read off as polynomials, equal everywhere."""

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)

from locgen.errors import UnsupportedModel
from locgen.frontends import load
from locgen.ir import Model
from locgen.ir.float import FloatShape

RNG = np.random.default_rng(3)
X = RNG.normal(50, 7, (80, 2)) * (1.0, 1e4)
Y = np.sin(X[:, 0] / 4) + X[:, 1] * 1e-5
EVERYWHERE = np.concatenate([X, X * 1.7, X * 0.2, -X, np.array([[60.0, 1e9], [-1e9, 5e5]])])

STEPS = {
    "constant": lambda: (SplineTransformer(5, degree=3),),
    "linear": lambda: (SplineTransformer(4, degree=2, extrapolation="linear"),),
    "continue": lambda: (SplineTransformer(4, degree=3, extrapolation="continue"),),
    "periodic": lambda: (SplineTransformer(6, degree=3, extrapolation="periodic"),),
    "scaled": lambda: (StandardScaler(), SplineTransformer(5, knots="quantile")),
    "scaled-periodic": lambda: (MinMaxScaler(), SplineTransformer(5, extrapolation="periodic")),
    "scaled-after": lambda: (SplineTransformer(5), StandardScaler()),
    "clipped": lambda: (MinMaxScaler(clip=True),),
    "clipped-twice": lambda: (MinMaxScaler((-1, 3), clip=True), MinMaxScaler((0.2, 1), clip=True)),
    "clipped-splines": lambda: (MinMaxScaler(clip=True), SplineTransformer(4)),
    "cubes": lambda: (StandardScaler(), PolynomialFeatures(3, include_bias=False)),
    "indicated": lambda: (SimpleImputer(add_indicator=True), SplineTransformer(4)),
}


@pytest.mark.parametrize("steps", STEPS)
def test_curves_answer_as_the_library_inside_and_far_outside(steps):
    columns = 1 if steps == "cubes" else 2  # cubes of two columns would multiply them
    x, rows = X[:, :columns], EVERYWHERE[:, :columns]
    if steps == "indicated":
        x = np.where(RNG.random(x.shape) < 0.2, np.nan, x)
        rows = np.concatenate([rows, np.full((1, 2), np.nan), [[np.nan, 4e5], [50.0, np.nan]]])
    pipeline = make_pipeline(*STEPS[steps](), Ridge()).fit(x, Y)
    model = load(pipeline).model
    found, expected = model.scores(rows)[:, 0], pipeline.predict(rows)
    # Before anything is rounded: float64 sums in another order, about 1e-16 of the largest term.
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    again = Model.from_json(model.to_json())
    assert again.to_json() == model.to_json()
    assert np.array_equal(again.scores(rows), model.scores(rows), equal_nan=True)
    assert any(isinstance(unit, FloatShape) for unit in model.units)


def test_two_periods_and_a_line_share_a_column():

    union = make_column_transformer(
        (SplineTransformer(5, extrapolation="periodic"), [0]),
        (
            SplineTransformer(
                knots=np.array([[0.0], [3.0], [5.0], [9.0]]), extrapolation="periodic"
            ),
            [0],
        ),
        ("passthrough", [0]),
    )
    pipeline = make_pipeline(union, Ridge()).fit(X[:, :1], Y)
    model = load(pipeline).model
    rows = EVERYWHERE[:, :1]
    # As above; a billion is taken into a period of some units with 1e-7 of it.
    assert np.allclose(model.scores(rows)[:, 0], pipeline.predict(rows), rtol=1e-8)


def test_parabolas_behind_an_imputer_far_from_zero():
    x = np.where(RNG.random(X.shape) < 0.1, np.nan, X + 1e6)
    labels = (X[:, 0] > 50).astype(int) + (X[:, 1] > 5e5)
    pipeline = make_pipeline(SimpleImputer(), GaussianNB()).fit(x, labels)
    model = load(pipeline).model
    expected = pipeline[-1].predict_joint_log_proba(pipeline[0].transform(x))
    # A million less a mean of a million leaves 1e-10 of a deviation, squared and divided.
    assert np.allclose(model.scores(x), expected, rtol=1e-7, atol=1e-7)


def test_clipping_or_comparing_what_does_not_rise_is_refused():
    labels = (X[:, 0] > 50).astype(int)
    for steps, last, way_out in (
        ((SplineTransformer(), MinMaxScaler(clip=True)), LogisticRegression(), "put it first"),
        ((SplineTransformer(), BernoulliNB(binarize=0.5)), None, "on the columns themselves"),
        ((MaxAbsScaler(), SplineTransformer(), SplineTransformer()), Ridge(), "put it first"),
        (
            (MinMaxScaler(clip=True), SplineTransformer(extrapolation="periodic")),
            Ridge(),
            "put it first",
        ),
    ):
        pipeline = make_pipeline(*steps, *([last] if last else [])).fit(X, labels)
        with pytest.raises(UnsupportedModel, match=way_out):
            load(pipeline)

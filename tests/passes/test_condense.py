"""Condensing: what is kept, what it promises, and who is refused."""

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import locgen
from locgen.errors import ConfigurationError, DoesNotFit
from locgen.flow.blocks import check_blocks
from locgen.flow.inspect import inspect_model
from locgen.frontends import load
from locgen.passes.condense import condensed

X, Y = load_wine(return_X_y=True)
SCALED = make_pipeline(StandardScaler(), KNeighborsClassifier(3)).fit(X, Y)


def test_edited_rows_are_those_that_their_neighbours_confirm():
    model, done = condensed(load(SCALED).model, "edited")
    scaled = SCALED[0].transform(X)
    kept = []
    for row in range(len(X)):
        others = np.delete(np.arange(len(X)), row)
        lone = KNeighborsClassifier(3).fit(scaled[others], Y[others])
        if lone.predict(scaled[[row]]) == Y[row]:
            kept.append(row)
    assert list(model.units[0].row_ids) == kept
    assert (done.before, done.after) == (len(X), len(kept)) and done.after < done.before
    assert model.units[0].nearest == 3


def test_condensed_rows_answer_for_all_edited_ones():
    edited, _ = condensed(load(SCALED).model, "edited")
    model, done = condensed(load(SCALED).model, "condensed")
    assert model.units[0].nearest == model.members == 1
    assert done.after < len(edited.units[0].stored) / 3
    rows = edited.units[0].stored
    own = edited.units[0].votes.argmax(axis=1)
    assert np.array_equal(model.decide(model.scores(rows)), own)


def test_equal_rows_of_two_classes_do_not_go_on_for_ever():
    stored = np.array([[0.0], [0.0], [5.0], [5.0], [9.0]])
    model = load(KNeighborsClassifier(1).fit(stored, [0, 1, 1, 0, 1])).model
    for kind in ("edited", "condensed"):
        fewer, done = condensed(model, kind)
        assert 1 <= done.after <= 5 and fewer.units[0].nearest == 1


def test_what_it_costs_is_said():
    parts = train_test_split(X, Y, test_size=0.3, random_state=0)
    estimator = make_pipeline(StandardScaler(), KNeighborsClassifier(5)).fit(parts[0], parts[2])
    whole = locgen.compile(estimator, data=parts)
    fewer = locgen.compile(estimator, data=parts, condense="condensed")
    assert len(fewer.model.nodes[0].stored) < len(whole.model.nodes[0].stored) / 4
    right = [np.mean(d.predict(parts[1]) == parts[3]) for d in (whole, fewer)]
    assert right[1] > 0.85  # it costs something: what, the facts below say
    facts = inspect_model(estimator, data=parts, condense="condensed")
    assert facts["condensed"].startswith("condensed: ")
    assert f"to {100 * right[1]:.2f} % of 54 test rows" in facts["condensed_accuracy"]
    assert "condensed" not in inspect_model(estimator, data=parts)


def test_others_are_refused():
    for estimator in (LogisticRegression(max_iter=5000).fit(X, Y), KNeighborsRegressor().fit(X, Y)):
        with pytest.raises(ConfigurationError, match="leave --condense out"):
            condensed(load(estimator).model, "edited")


def test_too_many_rows_name_the_condensing_that_fits():
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 10)) + 6.0 * (np.arange(600) % 2)[:, None]
    estimator = KNeighborsClassifier(3).fit(x, np.arange(600) % 2)
    data = x, np.arange(600) % 2
    design = locgen.compile(
        estimator, "ice40", device="lp1k", data=data, feature_bits=12, fabric="tree"
    )
    with pytest.raises(DoesNotFit, match=r"--condense condensed \(\d+ rows\)") as caught:
        check_blocks(design)
    assert caught.value.exit_code == 4

"""Every model of the kits is data: it survives as JSON bit for bit, and answers the same."""

import familykit
import layeredkit
import metakit
import numpy as np
import pytest
import unitkit

from locgen.frontends import load
from locgen.ir import Model

CASES = [(kit, case) for kit in (familykit, unitkit, layeredkit, metakit) for case in kit.CASES]


@pytest.mark.parametrize("kit, case", CASES, ids=[case for _, case in CASES])
def test_a_model_survives_as_json(kit, case):
    estimator, (_, x_test, _, _) = kit.fitted(case)
    model = load(estimator).model
    text = model.to_json()
    again = Model.from_json(text)
    assert again.to_json() == text
    assert np.array_equal(again.scores(x_test), model.scores(x_test), equal_nan=True)

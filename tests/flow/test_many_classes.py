"""How many estimator classes are simulated in Verilog by the tests beside this one."""

import familykit
import layeredkit
import metakit
import pytest
import unitkit

LEAST = 45
CASES = (
    (unitkit, unitkit.VERILOG),  # test_unit_hardware.py
    (layeredkit, layeredkit.CASES),  # test_layered_hardware.py
    (familykit, familykit.CASES),  # test_family_hardware.py
    (metakit, metakit.VERILOG),  # test_meta_hardware.py
)


@pytest.mark.slow
def test_there_are_enough():
    found = set()
    for kit, cases in CASES:
        for case in cases:
            estimator = kit.fitted(case)[0]
            while hasattr(estimator, "steps"):
                estimator = estimator.steps[-1][1]
            found.add(type(estimator).__name__)
    assert len(found) >= LEAST, sorted(found)

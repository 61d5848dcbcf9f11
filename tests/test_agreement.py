"""A seeded tenth of benchmarks/agreement.py: locgen's answers against the library's predict."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "agreement.py"


def script():
    specification = importlib.util.spec_from_file_location("agreement_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    path = sys.path.copy()
    specification.loader.exec_module(module)
    sys.path[:] = path
    return module


BENCHMARK = script()


@pytest.mark.slow
@pytest.mark.parametrize("case", BENCHMARK.chosen(0.1), ids="/".join)
def test_predict_is_answered(case):
    what, remark = BENCHMARK.answered(case)
    assert what != "wrong", remark


def test_a_wrong_answer_is_seen(monkeypatch):
    from locgen.ir.model import Model

    case = ("unitkit", "lda", "plain")
    assert BENCHMARK.answered(case) == ("agrees", "")
    decide = Model.decide
    monkeypatch.setattr(Model, "decide", lambda model, scores: 1 - decide(model, scores) % 2)
    what, remark = BENCHMARK.answered(case)
    assert what == "refused" and "please report it" in remark
    monkeypatch.setattr("locgen.frontends.dispatch.compare_public", lambda *given, **more: None)
    monkeypatch.setattr("locgen.frontends.dispatch.model_check.compare", lambda reading: None)
    assert BENCHMARK.answered(case)[0] == "wrong"

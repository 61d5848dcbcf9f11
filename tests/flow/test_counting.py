"""Forests whose leaves are single bits: their sums are counts, and where gates count."""

import itertools

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

import locgen
from locgen.flow.build import build
from locgen.report.schema import Report

CODES = np.array(list(itertools.product(range(8), repeat=3)), dtype=float)


def votes(target, score_bits=1, **options):
    """Return a design of nine trees on three features of three bits; its data are all inputs."""
    random = np.random.default_rng(0)
    labels = (CODES @ [1, 2, -1] + random.normal(size=len(CODES)) * 2 > 7).astype(int)
    forest = RandomForestClassifier(9, max_depth=3, random_state=0).fit(CODES, labels)
    return locgen.compile(
        forest,
        target,
        data=(CODES, CODES, labels, labels),
        feature_kind="identity",
        score_bits=score_bits,
        max_accuracy_drop=50.0,
        pnr=False,
        **options,
    )


def test_single_bits_are_known_by_their_ranges():
    assert votes("ice40").model.counts
    assert not votes("ice40", score_bits=2).model.counts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "effort", "recipe"),
    [("ice40", "medium", "gates"), ("ice40", "high", None)],
)
def test_every_input_through_the_netlist_of_a_count(tmp_path, target, effort, recipe):
    design = votes(target, fabric="direct", answer="decision", effort=effort)
    rows = {tuple(row) for row in design.model.quantise(CODES).tolist()}
    assert len(rows) == len(CODES) == 512
    build(design, tmp_path / "out")
    report = Report.model_validate_json((tmp_path / "out" / "report.json").read_bytes())
    assert [(v.level, v.mismatches) for v in report.verification] == [("rtl", 0), ("netlist", 0)]
    assert all(v.vectors >= 512 for v in report.verification)
    (kept,) = (done for done in report.synthesis.tried if done.kept)
    assert recipe in (None, kept.recipe)
    assert kept.size == min(done.size for done in report.synthesis.tried)
    assert kept.size == (report.core.lut6 or report.core.logic_cells)
    if recipe == "gates":
        assert report.core.carry == 0

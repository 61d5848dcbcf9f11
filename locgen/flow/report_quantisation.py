"""The report's sections about the integer model: golden against the library on the data."""

from dataclasses import asdict
from typing import TypedDict

import numpy as np
from sklearn.metrics import r2_score

from locgen.flow.built import Built
from locgen.flow.planned import PlannedDesign
from locgen.frontends.pipeline import library_quiet, scale, unwrap
from locgen.ir import Gate
from locgen.quantise import Quantisation
from locgen.quantise.evaluator import right_share
from locgen.report.schema import Experts, Pruning
from locgen.report.schema import Quantisation as QuantisationFacts

__all__ = ["experts_section", "pruning_section", "quantisation_section"]


class AgreementFacts(TypedDict):
    """Keys of the section that need data."""

    rows_train: int | None
    rows_test: int | None
    float_accuracy: float | None
    quantised_accuracy: float | None
    changed_decisions: int | None
    float_r2: float | None
    quantised_r2: float | None


def quantisation_section(design: PlannedDesign) -> QuantisationFacts:
    """Return widths, and golden against the library; what needs data is None without it."""
    model = design.model
    kinds = [feature.kind for feature in model.features]
    used = {kind for kind, bits in zip(kinds, model.feature_bits, strict=True) if bits}
    rebinning = design.quantisation.rebinning
    return QuantisationFacts(
        kinds=kinds,
        feature_bits=list(model.feature_bits),
        score_bits=model.score_bits,
        encoder="none" if used <= {"identity"} else "host",
        library_rows_compared=None if design.agreement is None else design.agreement.rows,
        library_ties=None if design.agreement is None else design.agreement.ties,
        rebinned=None if rebinning is None else rebinning.words,
        **_agreement(design),
    )


def _agreement(design: PlannedDesign) -> AgreementFacts:
    """Return accuracies or R2 on the test rows, and how many rows there are."""
    facts = AgreementFacts(
        rows_train=None,
        rows_test=None,
        float_accuracy=None,
        quantised_accuracy=None,
        changed_decisions=None,
        float_r2=None,
        quantised_r2=None,
    )
    data = design.data
    if data is None or design.loaded is None:
        return facts
    facts["rows_train"], facts["rows_test"] = len(data.x_train), len(data.x_test)
    theirs, ours = design.loaded.answers(data.test_rows), design.model.predict(data.x_test)
    if design.model.task == "regression":
        facts["float_r2"], facts["quantised_r2"] = _r2(data.y_test, theirs), _r2(data.y_test, ours)
        return facts
    facts["float_accuracy"] = right_share(data.y_test, theirs)
    facts["quantised_accuracy"] = right_share(data.y_test, ours)
    facts["changed_decisions"] = round(len(ours) * (1 - right_share(theirs, ours)))
    return facts


def _r2(truth: np.ndarray, guess: np.ndarray) -> float | None:
    return float(r2_score(truth, guess)) if len(truth) >= 2 else None


def pruning_section(quantisation: Quantisation) -> Pruning | None:
    """Return what pruning did; None where none was requested."""
    if quantisation.pruning is None:
        return None
    is_regression = quantisation.model.task == "regression"
    return Pruning(measure="r2" if is_regression else "accuracy", **asdict(quantisation.pruning))


def experts_section(design: PlannedDesign, built: Built | None) -> Experts | None:
    """Return which experts work and what they toggle; None for other models."""
    gate = design.model.gate
    if gate is None:
        return None
    kinds = {node.kind for node in gate.nodes}
    parts = None if built is None else built.experts
    facts = {
        "gate": kinds.pop() if len(kinds) == 1 else "mixed",
        "active": gate.top_k,
        "total": gate.experts,
        "changed_routes": _changed_routes(design, gate),
        "open_share": parts and [round(share, 4) for share in parts.open_share],
        "toggles_per_inference": parts and [round(t, 2) for t in parts.by_expert],
        "shared_toggles_per_inference": parts and round(parts.shared, 2),
    }
    return Experts.model_validate(facts)


def _changed_routes(design: PlannedDesign, gate: Gate) -> int | None:
    """Return the test rows for which golden opens other experts than the library."""
    if design.data is None or design.loaded is None:
        return None
    model, rows = design.model, design.data.x_test
    scalers, mixture = unwrap(design.loaded.estimator)
    with library_quiet():
        routes = mixture.route(scale(scalers, rows))
    theirs = np.zeros((len(rows), gate.experts), dtype=np.bool_)
    np.put_along_axis(theirs, routes, np.True_, axis=1)
    ours = gate.evaluate(model.quantise(rows), model.missing_codes)
    return int(np.count_nonzero((ours != theirs).any(axis=1)))

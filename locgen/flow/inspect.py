"""What `locgen inspect` and `locgen estimate` print."""

from collections.abc import Sequence

import numpy as np

from locgen.flow.compiling import plan_design
from locgen.flow.planned import PlannedDesign
from locgen.flow.report_quantisation import pruning_section, quantisation_section
from locgen.ir import QuantisedModel
from locgen.plan.estimate import gate_cells
from locgen.report.facts import compared_with_library, pruning_words

__all__ = ["estimate_rows", "inspect_model"]


def inspect_model(
    source: object,
    data: object = None,
    *,
    target: str | None = None,
    label: str | None = None,
    na: str | Sequence[str] | None = None,
    trust: bool = False,
    **options: object,
) -> dict:
    """Return plain facts about what `source` becomes, ready for JSON; see `plan_design`."""
    design = plan_design(source, target, data, label=label, na=na, trust=trust, **options)
    model = design.model
    every = (*model.nodes, *model.gate_nodes)
    comparisons = {c for node in every for c in node.comparisons}
    shapes = [node.shape for node in model.nodes]
    evidence = {node.kind: node.evidence_words for node in model.nodes}
    used = [f for f in model.features if f.bits]
    return {
        "model": f"{model.family} ({model.library})",
        "task": model.task,
        "classes": [str(label) for label in model.classes],
        "comparison_rule": f"x {model.rule.operator} threshold, x cast to {model.rule.input_dtype}"
        if comparisons
        else "none: the model computes with its features' sizes",
        "missing_values": "accepted" if model.rule.missing else "refused",
        **_remark(design),
        "nodes": len(model.nodes),
        "core": ", ".join(sorted(evidence)),
        **_layer_facts(model),
        **model.decision.facts(),
        **_gate_facts(model),
        "depth": max(shape.depth for shape in shapes),
        "splits": sum(shape.splits for shape in shapes),
        "distinct_comparisons": len(comparisons),
        "leaves": sum(shape.leaves for shape in shapes),
        "features_used": f"{len(used)} of {len(model.features)}",
        "feature_kinds": sorted({f.kind for f in used}),
        "feature_bits": list(model.feature_bits),
        "input_bits": sum(model.feature_bits),
        "score_bits": model.score_bits,
        "outputs": model.outputs,
        "decision": model.decision.kind,
        "comparison_lut4": round(sum(c.luts(model.feature_bits[c.feature]) for c in comparisons)),
        **_condensing_facts(design),
        **_pruning_facts(design),
        **_rebinning_facts(design),
        "evidence": "; ".join(evidence[kind] for kind in sorted(evidence)),
        "widths_searched_on": f"{design.quantisation.rows_seen} rows"
        + ("" if design.data is not None else " drawn over the thresholds (no --data)"),
        "tried": [
            {
                "score_bits": trial.score_bits,
                "drop": trial.drop,
                "changed": trial.changed,
                "kept": trial.kept,
            }
            for trial in design.quantisation.trials
        ],
    }


def _remark(design: PlannedDesign) -> dict[str, object]:
    """Return what the user may not know of the trained model, and how it agrees with its library.

    Nothing where there is nothing to say.
    """
    facts: dict[str, object] = {}
    if design.loaded is not None and design.loaded.reading.remark:
        facts["remark"] = design.loaded.reading.remark
    compared = compared_with_library(quantisation_section(design))
    return facts if compared is None else facts | {"library_agreement": compared}


def _layer_facts(model: QuantisedModel) -> dict[str, object]:
    """Return the layers of two-layer nodes: units, functions, the largest error of their tables."""
    functions = [words for node in model.nodes for words in node.functions]
    if not functions:
        return {}
    units = [count for node in model.nodes for count in node.layer_units]
    return {"units": units, "functions": "; ".join(functions)}


def _condensing_facts(design: PlannedDesign) -> dict[str, object]:
    """Return what condensing did and what it cost on the test rows; nothing without it."""
    done, data = design.quantisation.condensing, design.data
    if done is None:
        return {}
    facts: dict[str, object] = {"condensed": done.words}
    if data is not None and design.loaded is not None and len(data.x_test):
        theirs, ours = design.loaded.answers(data.test_rows), design.model.predict(data.x_test)
        before, after = (100 * float(np.mean(a == data.y_test)) for a in (theirs, ours))
        changed = np.count_nonzero(theirs != ours)
        facts["condensed_accuracy"] = (
            f"{before:.2f} to {after:.2f} % of {len(ours)} test rows, {changed} answers changed"
        )
    return facts


def _pruning_facts(design: PlannedDesign) -> dict[str, object]:
    """Return what pruning did and what it cost; nothing without it."""
    words = pruning_words(pruning_section(design.quantisation))
    if not words:
        return {}
    return {
        "pruned": f"{words['leaves']} left",
        "pruned_worth": f"{words['training']} on training rows, {words['test']} on test rows",
    }


def _rebinning_facts(design: PlannedDesign) -> dict[str, object]:
    """Return what merging the bins of large tables did; nothing without it."""
    done = design.quantisation.rebinning
    return {} if done is None else {"rebinned": done.words}


def _gate_facts(model: QuantisedModel) -> dict[str, object]:
    """Return what there is to say about the gate; nothing without one."""
    gate = model.gate
    if gate is None:
        return {}
    return {
        "gate": gate.describe(),
        "gate_logic_cells": f"about {round(gate_cells(model))}",
        "experts": f"{gate.top_k} of {gate.experts} open",
        "expert_nodes": [len(members) for members in model.experts],
    }


def estimate_rows(design: PlannedDesign) -> list[tuple[str, str]]:
    """Return (name, value) rows of an estimate, as text."""
    choice, target = design.chosen, design.target
    plan, cells = choice.plan, choice.estimate.logic_cells
    device = target.device
    limit = "" if device is None else f" of {device.capacity.logic_cells}"
    where = "none" if device is None else f"{device.name}-{target.package}"
    rows = [
        ("device", where),
        ("fabric", f"{plan.kind}: {choice.reason}"),
        ("logic cells of the core", f"about {cells}{limit}"),
        ("latency", f"{plan.latency_cycles} cycles (exact)"),
        ("interval", f"{plan.interval_cycles} cycles (exact)"),
        ("Fmax", "unknown" if choice.fmax_mhz is None else f"about {choice.fmax_mhz:.0f} MHz"),
        ("bits crossing borders", f"{plan.bits_per_inference} per inference (exact)"),
    ]
    if design.model.gate is not None:
        cells = round(gate_cells(design.model, plan))
        gate = design.model.gate
        words = f"about {cells} logic cells of these, {gate.top_k} of {gate.experts} experts open"
        rows.insert(3, ("gate", words))
    if choice.other is not None:
        rows.append((f"{choice.other[0]} fabric instead", f"about {choice.other[1]} logic cells"))
    return rows

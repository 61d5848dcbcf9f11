"""What `locgen inspect` and `locgen estimate` print."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from locgen.flow.choicereport import pruning_section
from locgen.flow.compiling import plan_design
from locgen.flow.planned import PlannedDesign
from locgen.ir import Cascade, Gate, Layer, LayeredNode, QuantisedModel, SoftmaxNode
from locgen.ir.integer.cost import comparison_luts
from locgen.plan.estimate import gate_cells
from locgen.report.facts import pruning_words

__all__ = ["estimate_rows", "inspect_model"]


_EVIDENCE = {
    "tree": "leaf id of every tree, and what it adds to each score",
    "table": "what every feature's code adds to each score",
    "linear": "what every feature adds to each score",
    "distance": "every prototype's id and its distance",
    "clause": "which clauses count",
    "kernel": "stored vectors by weight: the library's number, distance, what each adds",
    "neighbours": "the nearest stored rows: the library's number, distance, what each adds",
    "dense": "hidden units by weight: value, what each adds to each score",
}


def inspect_model(source: str | Path, data: Path | None = None, **options: object) -> dict:
    """Return plain facts about what `source` becomes, ready for JSON; see `plan_design`."""
    design = plan_design(source, data=data, **options)
    model = design.model
    every = (*model.nodes, *model.gate_nodes)
    comparisons = {c for node in every for c in node.comparisons}
    trees = [node for node in model.nodes if node.kind == "tree"]
    kinds = sorted({node.kind for node in model.nodes})
    used = [f for f in model.features if f.bits]
    facts: dict = {
        "model": f"{model.family} ({model.library})",
        "task": model.task,
        "classes": [str(label) for label in model.classes],
        "comparison_rule": f"x {model.rule.operator} threshold, x cast to {model.rule.input_dtype}"
        if comparisons
        else "none: the model computes with its features' sizes",
        "missing_values": "accepted" if model.rule.missing else "refused",
        "nodes": len(model.nodes),
        "core": ", ".join(kinds),
        **_layer_facts(model),
        **_behind_facts(model),
        **_gate_facts(model),
        "depth": max((tree.depth for tree in trees), default=0),
        "splits": sum(len(tree.feature) for tree in trees),
        "distinct_comparisons": len(comparisons),
        "leaves": sum(len(tree.leaf_scores) for tree in trees),
        "features_used": f"{len(used)} of {len(model.features)}",
        "feature_kinds": sorted({f.kind for f in used}),
        "feature_bits": list(model.feature_bits),
        "input_bits": sum(model.feature_bits),
        "score_bits": model.score_bits,
        "outputs": model.outputs,
        "decision": model.decision.kind,
        "comparison_lut4": round(
            sum(comparison_luts(c, model.feature_bits[c.feature]) for c in comparisons)
        ),
        **_condensing_facts(design),
        **_pruning_facts(design),
        **_rebinning_facts(design),
        "evidence": "; ".join(_EVIDENCE[kind] for kind in kinds),
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
    return facts


def _layer_facts(model: QuantisedModel) -> dict[str, object]:
    """Return the layers of two-layer nodes: units, functions, the largest error of their tables."""
    layers = [
        layer for node in model.nodes if isinstance(node, LayeredNode) for layer in node.layers
    ]
    if not layers:
        return {}
    return {"units": [layer.units for layer in layers], "functions": _functions(layers)}


def _functions(layers: Iterable[Layer]) -> str:
    """Return the table of each layer and its error, in words."""
    return "; ".join(
        f"{layer.function}: {len(layer.table)} entries"
        + ("" if layer.error is None else f", error at most {layer.error:.2g}")
        for layer in layers
    )


def _behind_facts(model: QuantisedModel) -> dict[str, object]:
    """Return the nodes behind the scores; nothing where there are none."""
    decision = model.decision
    if not isinstance(decision, Cascade):
        return {}
    words, counts = [], Counter(node.kind for node in decision.nodes)
    for kind, count in sorted(counts.items()):
        words.append(f"{count} {kind}")
    functions = [
        _functions(node.layers) for node in decision.nodes if isinstance(node, LayeredNode)
    ]
    functions += [
        f"softmax of {len(node.features)}: error at most {node.error:.2g}"
        for node in decision.nodes
        if isinstance(node, SoftmaxNode)
    ]
    facts: dict[str, object] = {
        "behind_scores": f"{', '.join(words)}; {decision.sum_bits}-bit sums, "
        f"{decision.decision.kind}",
        "code_bits_of_scores": list(decision.bits_of),
    }
    return facts | ({"functions_behind_scores": "; ".join(functions)} if functions else {})


def _condensing_facts(design: PlannedDesign) -> dict[str, object]:
    """Return what condensing did and what it cost on the test rows; nothing without it."""
    done, data = design.quantisation.condensing, design.data
    if done is None:
        return {}
    facts: dict[str, object] = {"condensed": done.words}
    if data is not None and design.loaded is not None and len(data.x_test):
        theirs, ours = design.loaded.answers(data.x_test), design.model.predict(data.x_test)
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
        "gate": _gate_words(gate),
        "gate_logic_cells": f"about {round(gate_cells(model))}",
        "experts": f"{gate.top_k} of {gate.experts} open",
        "expert_nodes": [len(members) for members in model.experts],
    }


def _gate_words(gate: Gate) -> str:
    """Return the gate's kind and size."""
    if gate.is_mask:
        (tree,) = gate.nodes
        return f"tree: {len(tree.feature)} splits, depth {tree.depth}, a mask in each leaf"
    kinds = ", ".join(sorted({node.kind for node in gate.nodes}))
    read = len({feature for node in gate.nodes for feature in node.features})
    ends = [end for ends in gate.ranges for end in ends]
    bits = max((end if end >= 0 else ~end).bit_length() for end in ends) + 1
    return f"{kinds}: {read} features, {bits}-bit scores that are ranked"


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

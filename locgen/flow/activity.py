"""Toggles of a mapped core on data rows."""

import json

import numpy as np

from locgen.energy import (
    Activity,
    ExpertActivity,
    GateNetlist,
    MappedNetlist,
    count_toggles,
    expert_activity,
    known_cells,
)
from locgen.flow.memory import NetlistStart, loaded_state
from locgen.flow.planned import PlannedDesign
from locgen.quantise import synthetic_rows
from locgen.targets.asic.liberty import Library
from locgen.targets.netlist import Netlist
from locgen.verify.vectors import Vectors, pack_features, pack_results

__all__ = ["gate_activity", "measure_activity"]

_ROWS = 512


def measure_activity(
    design: PlannedDesign, netlist: Netlist, vectors: Vectors
) -> tuple[Activity | None, ExpertActivity | None]:
    """Count toggles, by expert as well where experts have modules of their own.

    Nothing is counted where the target's cells are not known to the simulation. It is done on data
    rows, or on rows drawn over the thresholds where there are none.
    """
    library, module = design.target.backend.library, _module(netlist)
    if not known_cells(module, library):
        return None, None
    mapped = MappedNetlist(module, library)
    return _count(design, mapped, vectors, loaded_state(design))


def gate_activity(
    design: PlannedDesign, netlist: Netlist, library: Library, vectors: Vectors
) -> tuple[Activity, ExpertActivity | None, GateNetlist]:
    """Do the same for standard cells; the netlist has observed them.

    Raises
    ------
    ValueError
        If the netlist holds cells that are not simulated, see `GateNetlist`.
    """
    gates = GateNetlist(_module(netlist), library)
    reset = NetlistStart(ones=gates.after_reset(), observe=gates.observe)
    return (*_count(design, gates, vectors, reset), gates)


def _module(netlist: Netlist) -> dict:
    return json.loads(netlist.json.read_text())["modules"][netlist.top]


def _count(
    design: PlannedDesign,
    netlist: MappedNetlist | GateNetlist,
    vectors: Vectors,
    start: NetlistStart,
) -> tuple[Activity, ExpertActivity | None]:
    model, plan = design.model, design.plan
    if design.data is not None:
        q = model.quantise(np.concatenate([design.data.x_test, design.data.x_train]))
    elif design.loaded is not None:
        q = model.quantise(synthetic_rows(design.loaded.model, _ROWS))
    else:
        q = vectors.q
    q = q[:_ROWS]
    decision, scores = model.answered(q)
    activity = count_toggles(
        netlist,
        pack_features(q, model.feature_bits),
        pack_results(decision, scores, model.decision.bits, model.score_bits),
        plan.latency_cycles,
        plan.interval_cycles,
        **start,
    )
    if not plan.gates:
        return activity, None
    assert model.gate is not None
    mask = model.gate.evaluate(q[: activity.inferences], model.missing_codes)
    return activity, expert_activity(activity, plan, mask)

"""Activity of a sparse mixture by expert: it should follow the route."""

from dataclasses import dataclass

import numpy as np

from locgen.energy.activity import Activity
from locgen.plan import Plan

__all__ = ["ExpertActivity", "expert_activity"]


@dataclass(frozen=True)
class ExpertActivity:
    """Where the toggles of an inference are.

    Members
    -------
    by_expert : toggles per inference of each expert: gate stop, last stops and sites
    shared : toggles per inference of all else: gate, header, root, broadcast and combining stops
    open_share : share of the inferences for which each expert was open
    active, experts : experts that are open at once, and all there are
    """

    by_expert: tuple[float, ...]
    shared: float
    open_share: tuple[float, ...]
    active: int
    experts: int

    @property
    def total(self) -> float:
        """Toggles per inference."""
        return sum(self.by_expert) + self.shared


def expert_activity(activity: Activity, plan: Plan, mask: np.ndarray) -> ExpertActivity:
    """Return the counted `activity` of a tree fabric by expert.

    Parameters
    ----------
    activity : by cells whose names begin with their place in the fabric
    plan : of a model with a gate
    mask : (rows, experts) booleans, which experts were open in the counted inferences

    Raises
    ------
    ValueError
        If the plan has no gate.
    """
    if not plan.gates:
        raise ValueError("plan must be that of a model with a gate")
    toggles = dict.fromkeys((f"expert_{number}" for number in range(len(plan.gates))), 0.0)
    shared = 0.0
    for cell, count in activity.by_cell.items():
        place, inside, _ = cell.partition(".")
        if inside and place in toggles:
            toggles[place] += count
        else:
            shared += count
    return ExpertActivity(
        by_expert=tuple(toggles.values()),
        shared=shared,
        open_share=tuple(float(share) for share in mask.mean(axis=0)),
        active=plan.top_k,
        experts=len(plan.gates),
    )

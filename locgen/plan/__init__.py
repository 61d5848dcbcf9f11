"""Where each node goes and when each beat travels; latency is exact here."""

from locgen.plan.direct import DirectPlan, plan_direct
from locgen.plan.estimate import CellEstimate, estimate_plan
from locgen.plan.tree import LinkWidth, Slot, TreePlan, plan_tree

__all__ = [
    "CellEstimate",
    "DirectPlan",
    "LinkWidth",
    "Plan",
    "Slot",
    "TreePlan",
    "estimate_plan",
    "plan_direct",
    "plan_tree",
]

Plan = DirectPlan | TreePlan

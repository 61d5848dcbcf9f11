"""Where each node goes and when each beat travels; latency is exact here."""

from locgen.plan.direct import DirectPlan, plan_direct
from locgen.plan.tree import LinkWidth, Slot, TreePlan, plan_tree

__all__ = ["DirectPlan", "LinkWidth", "Plan", "Slot", "TreePlan", "plan_direct", "plan_tree"]

Plan = DirectPlan | TreePlan

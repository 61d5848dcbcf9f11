"""Plans: where each node goes and when each beat travels; latency is exact here."""

from locgen.plan.budget import MemoryBudget
from locgen.plan.direct import DirectPlan, plan_direct
from locgen.plan.engine import EngineShape, tree_image
from locgen.plan.engines import plan_engines
from locgen.plan.estimate import CellEstimate, estimate_plan
from locgen.plan.images import images_of, site_stride
from locgen.plan.tabulate import with_ports
from locgen.plan.tree import LinkWidth, Slot, TreePlan, largest_words, plan_tree

__all__ = [
    "CellEstimate",
    "DirectPlan",
    "EngineShape",
    "LinkWidth",
    "MemoryBudget",
    "Plan",
    "Slot",
    "TreePlan",
    "estimate_plan",
    "images_of",
    "largest_words",
    "plan_direct",
    "plan_engines",
    "plan_tree",
    "site_stride",
    "tree_image",
    "with_ports",
]

Plan = DirectPlan | TreePlan

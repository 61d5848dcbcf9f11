"""What the tree fabric's network costs per site, in packed iCE40 logic cells.

Small sites (a tree of 1 to 3 splits each, 4-bit leaf scores, 8 features of 4 bits, fixed seed; at
64 sites also with features and sums of 12 bits on links of a full word) are built three times:

* sites alone: the very `TreeSite` components of the fabric. Beat number, phase and digit are input
  ports (the sequencer that would drive them is not counted), every site's output is an output port.
* with the network: the same sites between what the fabric puts between root and sites: broadcast
  stops, last stops with their beat counters, combining stops, the arrival delay line. The digit
  going down, its `first` mark and the phase are input ports, the sum going up is an output port.
* the whole fabric: `TreeFabric` as shipped: on top of that the root (sequencer, multiplexer that
  reads the features out of the payload = feature capture, accumulator, bias, decision).

Network = second minus first; root = third minus second; both divided by the number of sites. A
site's own output register is the site's: without it, it would need one for any other network. What
a stop's counter decodes for its own sites is the network's, if it is not shared with other stops.
Each build is optimised as a whole, so that a difference holds the optimiser's noise of a few cells.

Beside that: the breast-cancer forest in the direct and in the tree fabric, whole cores as built by
`locgen build`, feature capture included.
"""

import argparse
import random

from amaranth import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from measure import count_cells, markdown, out_argument, tools_used, write_result
from models import load_case

from locgen.ir import IdentityFeature, QuantisedModel, SplitRule, Threshold, TreeNode
from locgen.noc import CombineTree, LastStage, down_layout
from locgen.passes import prepare
from locgen.plan import TreePlan, largest_words, plan_direct, plan_tree
from locgen.quantise import QuantiseOptions, quantise
from locgen.top.direct import DirectFabric
from locgen.top.site import TreeSite, site_link
from locgen.top.tree import TreeFabric

SEED = 2024
FEATURES, FEATURE_BITS, SCORE_BITS = 8, 4, 4
WORD = (12, 7)
"""Feature and score bits that make a full word of 12 bits both ways at 64 sites."""
BARS = {(64, 1, SCORE_BITS): 3.5, (64, "full", WORD[1]): 9.0}
"""Most logic cells a site at most, by sites, link width and score bits."""
SITES = (16, 64, 256)
WIDTHS = (1, 2, 4, 8, "full")

_SHAPES = (
    ((-1,), (-2,)),
    ((1, -2), (-1, -3)),
    ((-1, -2), (1, -3)),
    ((1, -1, -3), (2, -2, -4)),
    ((1, 2, -1), (-4, -3, -2)),
    ((-1, -2, -3), (1, 2, -4)),
)
"""(left, right) children of trees of one, two and three splits, as in `TreeNode`."""


def small_sites(
    count: int, feature_bits: int = FEATURE_BITS, score_bits: int = SCORE_BITS
) -> QuantisedModel:
    """Return a binary classifier of `count` small trees; the first are the same for any count."""
    source = random.Random(SEED)
    nodes = []
    for _ in range(count):
        splits = source.randint(1, 3)
        left, right = source.choice([s for s in _SHAPES if len(s[0]) == splits])
        leaves = splits + 1
        nodes.append(
            TreeNode(
                feature=tuple(source.randrange(FEATURES) for _ in range(splits)),
                threshold=tuple(source.randrange(2**feature_bits - 1) for _ in range(splits)),
                missing_left=(False,) * splits,
                left=left,
                right=right,
                leaf_scores=tuple((source.randrange(2**score_bits),) for _ in range(leaves)),
                leaf_ids=tuple(range(leaves)),
                outputs=(0,),
            )
        )
    middle = sum((low + high) // 2 for node in nodes for low, high in node.ranges)
    return QuantisedModel(
        name="small_sites",
        family="synthetic",
        library="none",
        task="classification",
        rule=SplitRule("<=", "float64", False),
        features=tuple(IdentityFeature(f"f{n}", 0, 2**feature_bits - 1) for n in range(FEATURES)),
        nodes=tuple(nodes),
        bias=(-middle,),
        decision=Threshold(">="),
        classes=(0, 1),
        score_scale=(1.0,),
        score_offset=(0.0,),
        probability="none",
        members=count,
    )


class SitesAlone(wiring.Component):
    """All sites side by side: the ports that the network would drive, and theirs, brought out."""

    def __init__(self, model: QuantisedModel, plan: TreePlan) -> None:
        self.model = model
        self.plan = plan
        super().__init__(
            {
                "link": In(site_link(plan)),
                "o": Out(data.ArrayLayout(plan.up_width, len(plan.sites))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the sites and nothing else."""
        m = Module()
        for number in range(len(self.plan.sites)):
            m.submodules[f"site_{number}"] = site = TreeSite(self.model, self.plan, number)
            wiring.connect(m, wiring.flipped(self.link), site.link)
            m.d.comb += self.o[number].eq(site.o)
        return m


class SitesOnNetwork(wiring.Component):
    """The same sites between broadcast and combining tree, put together as `TreeFabric` does."""

    def __init__(self, model: QuantisedModel, plan: TreePlan) -> None:
        self.model = model
        self.plan = plan
        super().__init__(
            {
                "link": In(down_layout(plan.down_width)),
                "up": In(1),
                "o": Out(plan.up_width),
                "arriving": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the stops and the sites between them."""
        m = Module()
        plan = self.plan
        m.submodules.combine = combine = CombineTree(
            len(plan.sites),
            plan.up_width,
            plan.combine_levels,
            carry=plan.digits > 1,
            largest=largest_words(self.model, plan, plan.sites),
        )
        feeds = TreeFabric._broadcast(self, m, self.link)  # it reads `self.plan` alone
        for group, feed in enumerate(feeds):
            stop = LastStage(plan.down_width, plan.down_beats, plan.up_beats)
            m.submodules[f"stop_{group}"] = stop
            m.d.comb += stop.i.eq(feed)
            for number in plan.stops[group]:
                m.submodules[f"site_{number}"] = site = TreeSite(self.model, plan, number)
                wiring.connect(m, stop.site, site.link)
                m.d.comb += combine.i[number].eq(site.o)
        cycles = plan.broadcast_levels + 1 + plan.local_levels + plan.combine_levels
        line = Signal(cycles)
        m.d.sync += line.eq(Cat(self.up, line)[:cycles])
        m.d.comb += [self.o.eq(combine.o), self.arriving.eq(line[-1])]
        return m


def measure_network(
    count: int, width: int | str, feature_bits: int = FEATURE_BITS, score_bits: int = SCORE_BITS
) -> dict[str, object]:
    """Return the cells of `count` sites at link width `width`, with and without the network."""
    model = small_sites(count, feature_bits, score_bits)
    plan = plan_tree(model, width, None)
    alone, _ = count_cells(SitesAlone(model, plan))
    network, modules = count_cells(SitesOnNetwork(model, plan), by_module=True)
    fabric, _ = count_cells(TreeFabric(model, plan))
    return {
        "sites": count,
        "link_width": width,
        "score_bits": score_bits,
        "down_width": plan.down_width,
        "up_width": plan.up_width,
        "sites_alone": alone.logic_cells,
        "with_network": network.logic_cells,
        "whole_fabric": fabric.logic_cells,
        "network_per_site": round((network.logic_cells - alone.logic_cells) / count, 2),
        "with_root_per_site": round((fabric.logic_cells - alone.logic_cells) / count, 2),
        "root": fabric.logic_cells - network.logic_cells,
        "latency_cycles": plan.latency_cycles,
        "interval_cycles": plan.interval_cycles,
        "network_modules": modules,
    }


def measure_whole_model() -> list[dict[str, object]]:
    """Return the cells of the breast-cancer forest in both fabrics."""
    case = load_case("bc")
    model = quantise(case.float_model(), case.name, QuantiseOptions(), case.dataset()).model
    rows = []
    plan = plan_direct(model, None, False)
    usage, _ = count_cells(DirectFabric(prepare(model, "direct"), plan))
    rows.append(
        {"fabric": "direct", "logic_cells": usage.logic_cells, "lut": usage.lut} | _of(plan)
    )
    for width in WIDTHS:
        plan = plan_tree(model, width, None)
        usage, modules = count_cells(TreeFabric(model, plan), by_module=True)
        facts = {"fabric": f"tree, links {width}", "logic_cells": usage.logic_cells}
        rows.append(facts | {"lut": usage.lut} | _of(plan) | {"modules": modules})
    return rows


def _of(plan: object) -> dict[str, object]:
    return {
        "latency_cycles": plan.latency_cycles,
        "interval_cycles": plan.interval_cycles,
        "bits_per_inference": plan.bits_per_inference,
    }


def main() -> None:
    """Measure, print and write ``network.md`` and ``network.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sites", type=int, nargs="+", default=SITES)
    parser.add_argument("--widths", nargs="+", default=WIDTHS)
    out_argument(parser)
    arguments = parser.parse_args()
    widths = [w if w == "full" else int(w) for w in arguments.widths]
    cases = [(count, width) for count in arguments.sites for width in widths]
    if (64, "full") in cases:
        cases.insert(cases.index((64, "full")) + 1, (64, "full", *WORD))
    rows = []
    for case in cases:
        rows.append(measure_network(*case))
        print({key: value for key, value in rows[-1].items() if key != "network_modules"})
    keys = [key for key in rows[0] if key != "network_modules"]
    text = "# Network cost per site\n\n"
    text += markdown([key.replace("_", " ") for key in keys], ([r[k] for k in keys] for r in rows))
    for row in rows:
        bar = BARS.get((row["sites"], row["link_width"], row["score_bits"]))
        if bar is not None:
            met = "met" if row["network_per_site"] <= bar else "MISSED"
            text += (
                f"\nBar, 64 sites on links of {row['up_width']} bits: at most {bar:g} logic cells "
                f"per site; measured {row['network_per_site']} ({row['with_root_per_site']} with "
                f"the root's {row['root']} cells spread over the sites): {met}.\n"
            )
    whole = measure_whole_model()
    keys = [key for key in whole[0] if key != "modules"]
    text += "\n# Breast cancer, random forest 20x5: whole core in each fabric\n\n"
    text += markdown([key.replace("_", " ") for key in keys], ([r[k] for k in keys] for r in whole))
    text += f"\nPacked iCE40 logic cells; {tools_used()}.\n"
    write_result(arguments.out, "network", text, {"sites": rows, "breast_cancer": whole})


if __name__ == "__main__":
    main()

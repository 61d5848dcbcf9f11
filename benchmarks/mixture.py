"""What a sparse mixture toggles, and what the same design toggles with all experts open.

A top-1 of 8 mixture is built twice on the tree fabric, out of context and without place and route:
as trained, and with the mask forced to all ones. Both have the same plan, with accumulators wide
enough for all experts, and every answer of both netlists is compared with golden. Forcing the mask
lets synthesis remove the gate from the second, so that the comparison is against the mixture.
Toggles are counted on test rows, without glitches. Clock power, which gating does not touch, is
stated apart: the clock runs as many cycles in either.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from measure import cells_by_module, markdown, out_argument, write_result
from models import bundled

import locgen
from locgen.devices import find_device
from locgen.energy import Activity, ExpertActivity, MappedNetlist, count_toggles, expert_activity
from locgen.ir import QuantisedModel
from locgen.models import MixtureOfExpertsClassifier
from locgen.passes import prepare
from locgen.plan import TreePlan, plan_tree
from locgen.targets.synthesis import synthesise_core
from locgen.top.emit import emit_rtlil
from locgen.top.tree import TreeFabric
from locgen.verify.vectors import pack_features, pack_results

BAR_SHARE = 0.25
ROWS = 512


def opened(model: QuantisedModel) -> QuantisedModel:
    """Return `model` with all experts open."""
    return replace(model, gate=replace(model.gate, top_k=model.gate.experts))


def measure(model: QuantisedModel, plan: TreePlan, q: np.ndarray, folder: Path) -> Activity:
    """Synthesise a fabric and return its activity on the rows `q`."""
    folder.mkdir()
    netlist = synthesise_core(emit_rtlil(TreeFabric(model, plan), "core", reset=True), folder)
    module = json.loads(netlist.json.read_text())["modules"][netlist.top]
    decision, scores = model.evaluate(q)
    return count_toggles(
        MappedNetlist(module),
        pack_features(q, model.feature_bits),
        pack_results(decision, scores, model.decision.bits, model.score_bits),
        plan.latency_cycles,
        plan.interval_cycles,
    )


def row(title: str, parts: ExpertActivity, cells: int, plan: TreePlan) -> dict[str, object]:
    """Return one line of the table."""
    return {
        "design": title,
        "experts open": f"{parts.active} of {parts.experts}",
        "LUTs and flip-flops": cells,
        "cycles": plan.interval_cycles,
        "toggles an inference": round(parts.total),
        "experts": round(sum(parts.by_expert)),
        "gate and network": round(parts.shared),
        "by expert": " ".join(f"{t:.0f}" for t in parts.by_expert),
    }


def main() -> None:
    """Build both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    out_argument(parser)
    parser.add_argument("--data", default="digits", help="a data set bundled with scikit-learn")
    parser.add_argument("--link-width", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of the mixture's training")
    arguments = parser.parse_args()
    x_train, x_test, y_train, y_test = bundled(arguments.data)
    mixture = MixtureOfExpertsClassifier(8, random_state=arguments.seed).fit(x_train, y_train)
    data = {"X_train": x_train, "y_train": y_train, "X_test": x_test, "y_test": y_test}
    design = locgen.compile(mixture, data=data, fabric="tree", link_width=str(arguments.link_width))
    model = design.chosen.hardware
    wide = prepare(opened(model), "tree")
    plan = plan_tree(wide, arguments.link_width, None)
    q = model.quantise(x_test)[:ROWS]
    rows, totals = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, each, own in (
            ("as trained", model, replace(plan, top_k=1)),
            ("all experts open", wide, plan),
        ):
            place = Path(folder) / name.replace(" ", "_")
            activity = measure(each, own, q, place)
            mask = each.gate.evaluate(q, each.missing_codes)
            parts = expert_activity(activity, own, mask)
            cells = sum(cells_by_module(place / "core.json").values())
            rows.append(row(name, parts, cells, own))
            totals.append(parts.total)
    share = totals[0] / totals[1]
    power = find_device("up5k-sg48")[0].power
    clock_nj = power.clock_uw_per_mhz * plan.interval_cycles / 1000
    text = markdown(list(rows[0]), [list(r.values()) for r in rows])
    text += (
        f"\nAs trained toggles {share:.3f} of what it toggles with all experts open "
        f"(bar: {BAR_SHARE}). The clock takes {clock_nj:.1f} nJ an inference in either.\n"
        f"Test accuracy: mixture {mixture.score(x_test, y_test):.3f}, "
        f"golden {np.mean(model.predict(x_test) == y_test):.3f}.\n"
    )
    write_result(arguments.out, "mixture", text, {"rows": rows, "share": share, "bar": BAR_SHARE})


if __name__ == "__main__":
    main()

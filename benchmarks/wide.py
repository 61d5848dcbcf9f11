"""How planning and emitting grow with the number of sites, and 256 sites in Yosys' ECP5 cells.

Models are those of ``network.py``: a tree of 1 to 3 splits a site, fixed seed. Measured, as
processor time of this process:

* plan: `plan_tree`, one site a node; to 16,384 sites
* share: `plan_tree` with four nodes a site, which spreads them by weight
* estimate: `estimate_plan`
* emit: `TreeFabric` made, elaborated and written as RTLIL by `emit_rtlil`; to 1,024 sites

The exponent e is the least-squares slope of log(time) over log(n log2 n): 1 is growth as n log n.

256 sites of realistic trees (14 splits, 15 leaves, 30 features of 6 bits) are planned, estimated
and synthesised by `synth_ecp5`; nothing is routed. Its seconds are of the wall clock, on a machine
that may do other things; the estimate is in iCE40 logic cells, whose LUT4 cannot be joined by
multiplexers as ECP5's can.
"""

import argparse
import json
import math
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measure import markdown, out_argument, tools_used, write_result
from network import small_sites

from locgen.ir import IdentityFeature, QuantisedModel, SplitRule, Threshold, TreeNode
from locgen.ir.integer.tree import stream_cost
from locgen.plan import estimate_plan, plan_tree
from locgen.report.drawing import Drawing
from locgen.report.numbers import si, significant, thousands
from locgen.targets.toolchain import find_tool, run
from locgen.top.emit import emit_rtlil
from locgen.top.tree import TreeFabric

PLANNED = (16, 64, 256, 1024, 4096, 16384)
EMITTED = (16, 32, 64, 128, 256, 512, 1024)
REPEATS = 3
BAR_EXPONENT = 1.0
STEPS = ("plan", "share", "estimate", "emit")

LUT4_OF_85K = 83_640
"""LUT4 of the LFE5U-85 (Lattice FPGA-DS-02012, table 1.1)."""
ECP5_SITES, ECP5_SPLITS, ECP5_FEATURES, ECP5_FEATURE_BITS = 256, 14, 30, 6

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "wide.svg"


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of `work`."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure_growth(count: int, emit: bool) -> dict[str, float | int]:
    """Return seconds by step, best of some runs, and counts of elements, for `count` sites."""
    runs: list[dict[str, float]] = []
    for _ in range(REPEATS):
        stream_cost.cache_clear()
        model = small_sites(count)  # fresh: a model keeps what was computed from it
        runs.append({"plan": seconds(lambda m=model: plan_tree(m, 1, None))})
        plan = plan_tree(model, 1, None)
        runs[-1]["share"] = seconds(lambda m=model: plan_tree(m, 1, count // 4))
        runs[-1]["estimate"] = seconds(lambda m=model, p=plan: estimate_plan(m, p))
    row: dict[str, float | int] = {"sites": count}
    row["broadcast_stops"] = sum(plan.inner_stops) + len(plan.stops)
    row["adding_stops"] = count - 1
    row |= {step: min(run[step] for run in runs) for step in runs[0]}
    if emit:
        text: list[str] = []
        times = [
            seconds(lambda: text.append(emit_rtlil(TreeFabric(model, plan), "core", reset=True)))
            for _ in range(REPEATS if count <= 256 else 1)
        ]
        row["emit"] = min(times)
        row["rtlil_modules"] = text[0].count("\nmodule ")
        row["rtlil_kilobytes"] = round(len(text[0]) / 1000)
    return row


def exponent(rows: list[dict[str, float | int]], step: str) -> float:
    """Return the least-squares slope of log(seconds) over log(n log2 n)."""
    points = [
        (math.log(row["sites"] * math.log2(row["sites"])), math.log(row[step]))
        for row in rows
        if step in row
    ]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return above / sum((x - mean_x) ** 2 for x, _ in points)


def wide_svg(rows: list[dict[str, float | int]]) -> str:
    """Return seconds over sites, both axes logarithmic, and n log n through each last point."""
    slopes = {step: exponent(rows, step) for step in STEPS}
    words = {
        "plan": "plan, one node a site",
        "share": "plan, four nodes a site",
        "estimate": "estimate",
        "emit": "emit RTLIL",
    }
    drawing = Drawing(
        "wide",
        640,
        400,
        "Time to plan and to emit over the number of sites",
        "; ".join(f"{words[s]}: n log n to the power {slopes[s]:.2f}" for s in STEPS),
    )
    left, right, top, bottom = 58.0, 440.0, 34.0, 352.0
    sites = [row["sites"] for row in rows]
    times = [row[step] for row in rows for step in STEPS if step in row]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    first, last = math.log2(min(sites)), math.log2(max(sites))

    def place(count: float, duration: float) -> tuple[float, float]:
        x = left + (right - left) * (math.log2(count) - first) / (last - first)
        return x, bottom - (bottom - top) * (math.log10(duration) - low) / (high - low)

    drawing.text(0, 12, "Processor time, best of three runs", "quiet")
    for power in range(low, high + 1):
        y = place(sites[0], 10.0**power)[1]
        drawing.line([(left, y), (right, y)], "s-line")
        drawing.text(left - 8, y + 4, si(10.0**power, "s"), "quiet small", "end")
    for power in range(int(first), int(last) + 1, 2):
        x = place(2**power, 10.0**low)[0]
        drawing.line([(x, bottom), (x, bottom + 4)], "s-quiet")
        drawing.text(x, bottom + 18, thousands(2**power), "quiet small", "middle")
    drawing.text((left + right) / 2, bottom + 38, "Sites", "quiet", "middle")
    for number, step in enumerate(STEPS):
        points = [(row["sites"], row[step]) for row in rows if step in row]
        colour = f"var(--c{number})"
        size, duration = points[-1]
        ideal = [(n, duration * n * math.log2(n) / (size * math.log2(size))) for n, _ in points]
        ideal = [place(*p) for p in ideal if p[1] >= 10.0**low]
        drawing.line(ideal, "s-quiet", 1, stroke_dasharray="3 4")
        drawing.line([place(*p) for p in points], "s-quiet", 2, style=f"stroke:{colour}")
        for count, duration in points:
            tooltip = f"{words[step]}, {thousands(count)} sites: {si(duration, 's')}"
            drawing.circle(*place(count, duration), 4, f"f-c{number}", tooltip)
        y = top + 20 + 44 * number
        drawing.rect(right + 24, y - 9, 11, 11, f"f-c{number}", rx=2)
        drawing.text(right + 42, y, words[step], "bold")
        drawing.text(right + 42, y + 16, f"(n log n) to the {slopes[step]:.2f}", "quiet small")
    y = top + 20 + 44 * len(STEPS)
    drawing.line([(right + 22, y - 4), (right + 37, y - 4)], "s-quiet", 1, stroke_dasharray="3 4")
    drawing.text(right + 42, y, "n log n through the last", "quiet small")
    return drawing.render(True)


def realistic_sites(count: int) -> QuantisedModel:
    """Return a binary classifier of `count` trees of 15 leaves with scores of four bits."""
    source = random.Random(2025)
    nodes = []
    for _ in range(count):
        sides = [[0] * ECP5_SPLITS, [0] * ECP5_SPLITS]
        free: list[tuple[int, int]] = []
        for split in range(ECP5_SPLITS):
            if free:
                parent, side = free.pop(source.randrange(len(free)))
                sides[side][parent] = split
            free += [(split, 0), (split, 1)]
        for leaf, (parent, side) in enumerate(free):
            sides[side][parent] = ~leaf
        largest = 2**ECP5_FEATURE_BITS - 1
        leaves = ECP5_SPLITS + 1
        nodes.append(
            TreeNode(
                feature=tuple(source.randrange(ECP5_FEATURES) for _ in range(ECP5_SPLITS)),
                threshold=tuple(source.randrange(largest) for _ in range(ECP5_SPLITS)),
                missing_left=(False,) * ECP5_SPLITS,
                left=tuple(sides[0]),
                right=tuple(sides[1]),
                leaf_scores=tuple((source.randrange(16),) for _ in range(leaves)),
                leaf_ids=tuple(range(leaves)),
                outputs=(0,),
            )
        )
    return QuantisedModel(
        name="realistic_sites",
        family="synthetic",
        library="none",
        task="classification",
        rule=SplitRule("<=", "float64", False),
        features=tuple(
            IdentityFeature(f"f{n}", 0, 2**ECP5_FEATURE_BITS - 1) for n in range(ECP5_FEATURES)
        ),
        nodes=tuple(nodes),
        bias=(-8 * count,),
        decision=Threshold(">="),
        classes=(0, 1),
        score_scale=(1.0,),
        score_offset=(0.0,),
        probability="none",
        members=count,
    )


def measure_ecp5(count: int, width: int | str) -> dict[str, object]:
    """Return plan, estimate and Yosys' ECP5 cells of `count` realistic sites."""
    model = realistic_sites(count)
    plan = plan_tree(model, width, None)
    with tempfile.TemporaryDirectory(prefix="locgen-benchmark-") as folder:
        work = Path(folder)
        (work / "core.il").write_text(emit_rtlil(TreeFabric(model, plan), "core", reset=True))
        script = "read_rtlil core.il\nsynth_ecp5 -top core\ntee -q -o stat.json stat -json\n"
        (work / "script.ys").write_text(script)
        start = time.monotonic()
        run(find_tool("yosys"), ["script.ys"], work, work / "yosys.log")
        taken = time.monotonic() - start
        cells = json.loads((work / "stat.json").read_text())["design"]["num_cells_by_type"]
    lut = cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0)  # a CCU2C takes the place of two LUT4
    return {
        "sites": count,
        "link_width": width,
        "latency_cycles": plan.latency_cycles,
        "interval_cycles": plan.interval_cycles,
        "estimated_cells": estimate_plan(model, plan).logic_cells,
        "lut4": lut,
        "share_of_85k": f"{100 * lut / LUT4_OF_85K:.1f} %",
        "flip_flops": cells.get("TRELLIS_FF", 0),
        "synthesis_seconds": round(taken),
    }


def main() -> None:
    """Measure, draw, print and write ``wide.md`` and ``wide.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--no-ecp5", action="store_true", help="leave the synthesis out")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where the plot goes")
    out_argument(parser)
    arguments = parser.parse_args()
    rows = []
    for count in sorted({*PLANNED, *EMITTED}):
        rows.append(measure_growth(count, count in EMITTED))
        print(rows[-1], flush=True)
    slopes = {step: round(exponent(rows, step), 3) for step in STEPS}
    arguments.picture.write_text(wide_svg(rows), "utf-8")
    keys = list(dict.fromkeys(key for row in rows for key in row))
    text = "# Wide designs: seconds to plan and to emit\n\n"
    text += markdown(
        [key.replace("_", " ") for key in keys],
        (
            [significant(row[k]) if k in STEPS and k in row else row.get(k) for k in keys]
            for row in rows
        ),
    )
    fits = ", ".join(f"{step} {slope:.2f}" for step, slope in slopes.items())
    met = "met" if max(slopes.values()) <= BAR_EXPONENT else "MISSED"
    text += f"\nBar: no faster than n log n. Power of n log n that fits the times: {fits}: {met}.\n"
    ecp5 = [] if arguments.no_ecp5 else [measure_ecp5(ECP5_SITES, 1)]
    if ecp5:
        fits = "fits" if ecp5[0]["lut4"] <= LUT4_OF_85K else "DOES NOT FIT"
        text += f"\n# {ECP5_SITES} sites of {ECP5_SPLITS + 1} leaves in ECP5 cells\n\n"
        text += markdown([k.replace("_", " ") for k in ecp5[0]], (r.values() for r in ecp5))
        text += f"\nAn LFE5U-85 has {thousands(LUT4_OF_85K)} LUT4: it {fits}, before routing.\n"
    text += f"\n{tools_used()}.\n"
    write_result(arguments.out, "wide", text, {"growth": rows, "exponents": slopes, "ecp5": ecp5})


if __name__ == "__main__":
    main()

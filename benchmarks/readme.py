"""Prints the README's table of figures from `results/builds.json`.

Usage: python benchmarks/readme.py
"""

import json
from pathlib import Path

from measure import markdown

RESULTS = Path(__file__).resolve().parent / "results" / "builds.json"
HEAD = (
    "model",
    "fabric",
    "accuracy float / golden",
    "changed",
    "logic cells",
    "Fmax MHz",
    "latency cycles",
    "inferences/s",
    "bits across borders",
    "toggles",
    "dynamic nJ",
    "mismatches",
    "build s cold / warm",
    "peak MB",
)


def row(build: dict) -> tuple:
    """Return one line of the table; what was not measured is a dash."""
    machine = build["this_machine"]
    timed = [machine[kind] for kind in ("cold", "warm") if kind in machine]
    # A row that failed is one that no device of the family holds.
    device = "nothing" if build["exit_code"] else build["board"] or build["device"]

    def shown(key: str, form: str = "{}") -> str:
        value = build.get(key)
        return "-" if value is None else form.format(value)

    return (
        f"{build['model']} ({device})",
        build["fabric"],
        f"{build['float_accuracy']:.4f} / {build['golden_accuracy']:.4f}",
        f"{build['changed_decisions']} of {build['rows_test']}",
        shown("core_cells", "{:,}"),
        shown("fmax_mhz", "{:.1f}"),
        build["latency_cycles"],
        shown("core_per_second", "{:,.0f}"),
        f"{build['bits_per_inference']:,}",
        shown("toggles_per_inference", "{:,.0f}"),
        shown("dynamic_nj_per_inference"),
        shown("mismatches"),
        " / ".join(f"{t['wall_seconds']:.0f}" for t in timed),
        f"{max(t['peak_mb'] for t in timed):,.0f}",
    )


if __name__ == "__main__":
    print(markdown(HEAD, map(row, json.loads(RESULTS.read_text())["builds"])), end="")

"""The table of the density benchmark, and which bars a row misses."""

from cases import AGREEMENT, CASES, Case
from counting import GOAL_MHZ
from measure import markdown

__all__ = ["tables", "verdict"]

_COLUMNS = {
    "system": "system",
    "numbers": "numbers",
    "stages": "stages",
    "cells": "logic cells",
    "lut6": "LUT6",
    "lut6_paired": "paired",
    "xc7_lut6": "LUT6 xc7",
    "ecp5_cells": "ECP5 cells",
    "flip_flops": "FF",
    "fmax": "Fmax MHz",
    "latency": "latency",
    "interval": "interval",
    "agreement": "agreement",
    "float_accuracy": "float",
    "golden_accuracy": "golden",
    "seconds": "CPU s",
}


def misses_gates(row: dict[str, object]) -> list[str]:
    """Return which of the bars for cells, LUT6 and clock a row of two stages misses."""
    case = CASES[row["model"]]
    missed = []
    if row["cells"] > case.bar[0]:
        missed.append(f"cells above {case.bar[0]}")
    if row["lut6"] is not None and row["lut6"] > case.bar[1]:
        missed.append(f"LUT6 above {case.bar[1]}")
    if case.treelut_mhz and row["fmax"] is not None and row["fmax"] < case.treelut_mhz:
        missed.append(f"Fmax below {case.treelut_mhz:g}")
    return missed


def verdict(row: dict[str, object], test_rows: int) -> str:
    """Return what a row of locgen's is measured against, and which bars it misses."""
    if row["system"] != "locgen" or not str(row["numbers"]).startswith("free"):
        return ""
    if row["stages"] != 2:
        reached = row["fmax"] is not None and row["fmax"] >= GOAL_MHZ
        return f"{GOAL_MHZ:g} MHz " + ("met" if reached else "missed")
    case = CASES[row["model"]]
    missed = misses_gates(row)
    if row["agreement"] < AGREEMENT:
        missed.append(f"agreement below {AGREEMENT}")
    least = min(case.treelut_accuracy, row["float_accuracy"]) - 1 / test_rows - 1e-4
    if row["golden_accuracy"] < least:
        missed.append("accuracy")
    return "; ".join(missed) or "met"


def tables(rows: list[dict[str, object]], test_rows: dict[str, int], tools: str) -> str:
    """Return Markdown of everything measured, beside what has been published.

    Parameters
    ----------
    rows : as `density.measure` returns them, sorted by model
    test_rows : of each model; tools : their versions
    """
    lines = []
    for name, case in CASES.items():
        mine = [row for row in rows if row["model"] == name]
        if not mine:
            continue
        for row in mine:
            if "reason" in row:
                lines.append([name, row["system"], row["reason"]] + [None] * len(_COLUMNS))
                lines[-1] = lines[-1][: len(_COLUMNS) + 2]
            else:
                cells = [row.get(key) for key in _COLUMNS]
                lines.append([name, *cells, verdict(row, test_rows[name])])
        measured = {row["system"] for row in mine if "reason" not in row}
        lines += [_published(name, *other) for other in _others(case, measured)]
    text = "# Density\n\n" + markdown(["model", *_COLUMNS.values(), "bars"], lines)
    text += "\n" + markdown(
        ["model", "bar: logic cells", "bar: LUT6", "bar: MHz"],
        [[name, *case.bar, case.treelut_mhz] for name, case in CASES.items()],
    )
    return text + (
        "\nIdentical models, `--effort medium`. Logic cells and FF: iCE40 after packing; "
        "Fmax: HX8K, one placer seed, between shift registers that are not counted; LUT6: "
        "`synth_xilinx -family xcup`, paired: after pairing into LUT6_2. Latency and interval in "
        "cycles. Agreement with the float model's decisions on training and test rows together, "
        "accuracy on the test rows. CPU s: from the model file to Verilog, tools included.\n\n"
        "locgen answers with the decision, argmax included; conifer with scores: no argmax is "
        "counted for it. Its numbers are the narrowest of a fixed list that agree on "
        f"{AGREEMENT:.1%} of the rows, and its Verilog was simulated on all of them. Numbers of "
        "locgen: leaves to the nearest or rounded freely, and the share of decisions on training "
        "rows and blends of them that may change: the least, in steps of half a percent, with "
        "which cells, LUT6 and clock meet the bars, whatever the agreement then is. Where cells "
        "alone miss the bar nothing else was counted.\n\n"
        "*published*: figures that came with the bars, of the same models, not measured here.\n\n"
        f"{tools}.\n"
    )


def _others(case: Case, measured: set[str]) -> list[tuple]:
    """Return (system, cells, LUT6, MHz, accuracy) of the published figures that belong here."""
    others = [("TreeLUT", *case.treelut, case.treelut_mhz, case.treelut_accuracy)]
    if "conifer" not in measured:
        cells, lut6 = case.conifer or ("does not fit", None)
        others.append(("conifer", cells, lut6, None, None))
    return others


def _published(name: str, system: str, cells: object, lut6: object, mhz: object, right: object):
    known = {"cells": cells, "lut6": lut6, "fmax": mhz, "golden_accuracy": right}
    known |= {"system": f"{system}, *published*", "stages": 2 if system == "TreeLUT" else None}
    return [name, *(known.get(key) for key in _COLUMNS), None]

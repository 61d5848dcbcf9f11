"""Sample reports and pictures that the report's tests share."""

import random

from locgen.report.pictures import Confusion, Pictures, PlacedCell, SiteFacts
from locgen.report.schema import Report

TREE = {
    "digest": "0123456789abcdef",
    "model": {
        "name": "breast_cancer",
        "family": "RandomForestClassifier",
        "library": "scikit-learn 1.9.1",
        "nodes": 20,
        "features": 30,
        "outputs": 1,
        "task": "classification",
    },
    "quantisation": {
        "kinds": ["rank"] * 30,
        "feature_bits": [3, 4, 3, 2, 4, 0, 5, 5, 1, 2] * 3,
        "score_bits": 9,
        "encoder": "host",
        "rows_train": 455,
        "rows_test": 114,
        "float_accuracy": 0.9561403508771930,
        "quantised_accuracy": 0.9649122807017544,
        "changed_decisions": 1,
        "float_r2": None,
        "quantised_r2": None,
    },
    "fabric": {
        "kind": "tree",
        "link_width": 1,
        "sites": 20,
        "core": "hardwired",
        "latency_cycles": 111,
        "interval_cycles": 98,
        "bits_per_inference": 1960,
    },
    "evidence": None,
    "target": {
        "family": "ice40",
        "device": "up5k",
        "package": "sg48",
        "board": "icebreaker",
        "clock_mhz": 12.0,
        "top": "uart",
    },
    "utilisation": {
        "lut": 1290,
        "ff": 611,
        "carry": 87,
        "bram": 0,
        "spram": 0,
        "dsp": 0,
        "logic_cells": 1432,
        "logic_cells_available": 5280,
    },
    "core": {
        "lut": 902,
        "ff": 388,
        "carry": 40,
        "bram": 0,
        "spram": 0,
        "dsp": 0,
        "logic_cells": 1017,
    },
    "estimate": {"logic_cells": 1180, "fmax_mhz": 24.5},
    "timing": {
        "fmax_mhz": 31.87,
        "critical_path_ns": 31.377,
        "corner": "nextpnr's worst case",
    },
    "throughput": {
        "core_per_second": 122449.0,
        "link_per_second": 3061.2,
        "latency_ns": 9250.0,
    },
    "energy": {
        "dynamic_nj_per_inference": 1.234,
        "clock_uw": 630.0,
        "static_uw": 104.0,
        "at_one_per_second_uj": 104.0,
        "calibrated": True,
        "uncertainty_percent": 50.0,
        "activity_source": "zero-delay simulation of the core's netlist on 448 rows",
        "toggles_per_inference": 6170.0,
    },
    "experts": None,
    "verification": [
        {"level": "rtl", "simulator": "verilator 5.048", "vectors": 2138, "mismatches": 0},
        {"level": "netlist", "simulator": "verilator 5.048", "vectors": 2139, "mismatches": 0},
    ],
    "tools": {"locgen": "0.1.0", "yosys": "0.70", "nextpnr-ice40": "0.11.1"},
}


def make_report(**changes):
    """Return the tree report with `changes`: dicts are merged into their section."""
    facts = {key: dict(v) if isinstance(v, dict) else v for key, v in TREE.items()}
    for key, value in changes.items():
        merged = isinstance(value, dict) and isinstance(facts.get(key), dict)
        facts[key] = facts[key] | value if merged else value
    return Report(**facts)


def experts_report(**changes):
    """Return a report of a sparse mixture; `changes` are of its experts."""
    experts = {
        "gate": "linear",
        "active": 1,
        "total": 3,
        "changed_routes": 2,
        "open_share": [0.5, 0.25, 0.25],
        "toggles_per_inference": [300.0, 100.0, 200.0],
        "shared_toggles_per_inference": 400.0,
    }
    return make_report(experts=experts | changes)


def tree_pictures(sites=20, placed=True, labels=("malignant", "benign"), grid=(26, 32)):
    """Return pictures of a tree fabric with `sites` sites, its stops as the planner lays them."""
    dice = random.Random(7)
    groups = -(-sites // 16)
    inner = []
    while -(-groups // 4 ** (len(inner) + 1)) > 1:
        inner.insert(0, -(-groups // 4 ** (len(inner) + 1)))
    cells = [dice.randint(22, 61) for _ in range(sites)]
    facts = tuple(SiteFacts(n, (n,), cells[n], n % groups) for n in range(sites))
    modules = [(f"site_{n}", cells[n]) for n in range(sites)]
    modules += [("root", 61), ("combine", 2 * sites), ("sequencer", 19), ("shared", 83)]
    modules += [(f"stop_{n}", 14) for n in range(groups)]
    modules.sort(key=lambda item: (-item[1], item[0]))
    extra = {}
    if placed:
        extra["grid"] = grid
        extra["cells"] = _place([*modules, ("link", 380), ("wrapper", 12)], grid, dice)
    count = len(labels)
    counts = [[dice.choice((0, 0, 1, 2)) for _ in labels] for _ in labels]
    for n in range(count):
        counts[n][n] = 30 + 5 * n
    golden = [list(row) for row in counts]
    golden[0][0] -= 1
    golden[0][1 % count] += 1
    confusion = Confusion(tuple(labels), _frozen(counts), _frozen(golden))
    trials = (
        (1, 9.1, 12.4, False),
        (2, 2.2, 4.91, False),
        (3, 0.7, 1.37, False),
        (4, 0.0, 0.62, False),
        (5, 0.0, 0.18, True),
    )
    levels = (sites - 1).bit_length()
    return Pictures(
        sites=facts,
        inner_stops=tuple(inner),
        combine_levels=levels,
        modules=tuple(modules),
        confusion=confusion,
        trials=trials,
        **extra,
    )


def direct_report(**changes):
    """Return a report of the direct fabric."""
    fabric = {
        "kind": "direct",
        "link_width": None,
        "sites": None,
        "latency_cycles": 3,
        "interval_cycles": 1,
        "bits_per_inference": 2210,
    }
    return make_report(**({"fabric": fabric} | changes))


def direct_pictures(trees=20, scatter=False):
    """Return pictures of a direct fabric."""
    dice = random.Random(3)
    modules = [(f"tree_{n}", dice.randint(8, 30)) for n in range(trees)]
    modules += [("compare", 210), ("shared", 160), ("decide", 62)]
    modules.sort(key=lambda item: (-item[1], item[0]))
    pairs = [(x := dice.gauss(150, 60), x + dice.gauss(0, 4)) for _ in range(300)]
    return Pictures(
        modules=tuple(modules),
        grid=(14, 18),
        cells=_place([*modules, ("wrapper", 60)], (14, 18), dice),
        scatter=tuple(pairs) if scatter else (),
        trials=((4, None, 3.3, False), (5, None, 0.21, True)),
    )


def null_report(**changes):
    """Return a report before any tool ran and without data."""
    nothing = dict.fromkeys(
        ("utilisation", "core", "timing", "throughput", "energy", "evidence"), None
    )
    names = ("rows_train", "rows_test", "float_accuracy", "quantised_accuracy")
    no_data = dict.fromkeys((*names, "changed_decisions"), None)
    no_target = dict.fromkeys(("device", "package", "board", "clock_mhz"), None)
    facts = nothing | {
        "quantisation": no_data,
        "target": no_target,
        "estimate": {"fmax_mhz": None},
        "verification": [],
    }
    return make_report(**(facts | changes)).model_copy(update={"tools": {}})


def regression_report(**changes):
    """Return a report of a regressor."""
    names = ("float_accuracy", "quantised_accuracy", "changed_decisions")
    facts = dict.fromkeys(names, None) | {"float_r2": 0.4711, "quantised_r2": 0.4689}
    model = {"name": "diabetes", "family": "GradientBoostingRegressor", "task": "regression"}
    return direct_report(**({"quantisation": facts, "model": model} | changes))


def _frozen(counts):
    return tuple(tuple(row) for row in counts)


def _place(modules, grid, dice):
    """Lay the modules out one after the other along the rows, with a few cells astray."""
    columns, rows = grid
    tiles = [(x, y) for y in range(1, rows - 1) for x in range(1, columns - 1)]
    tiles = [tile for tile in tiles if tile[0] not in (6, 19)]
    start = dice.randrange(8)
    names = [name for name, cells in sorted(modules) for _ in range(cells)]
    for _ in range(len(names) // 12):
        a, b = dice.randrange(len(names)), dice.randrange(len(names))
        names[a], names[b] = names[b], names[a]
    placed = [
        PlacedCell(name, "logic cell", *tiles[(start + n // 7) % len(tiles)])
        for n, name in enumerate(names)
    ]
    placed.append(PlacedCell("wrapper", "SB_IO", 13, 0))
    placed.append(PlacedCell("wrapper", "SB_GB", 12, rows - 1))
    return tuple(placed)

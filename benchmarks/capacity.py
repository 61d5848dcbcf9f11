"""What each device holds of each kind of model, by estimate: no tool runs.

Random integer models of growing size are planned as `locgen build` plans them; the largest is kept
whose estimated logic cells fill at most nine tenths of the device and whose memories fit its block
RAM. Sizes are those of the first column: widths of features and scores, neighbours, table entries.
"""

import argparse
from collections.abc import Callable

import numpy as np
from measure import markdown, out_argument, write_result

from locgen.devices import find_device
from locgen.errors import LocgenError
from locgen.flow.blocks import blocks_of
from locgen.flow.build_target import resolve_target
from locgen.flow.fabric_choice import choose_plan
from locgen.flow.options import BuildOptions
from locgen.ir import (
    AffineFeature,
    Argmax,
    Layer,
    LayeredNode,
    NeighboursNode,
    Node,
    QuantisedModel,
    SplitRule,
    TableNode,
    Threshold,
    TreeNode,
)

DEVICES = {
    "ice40": ("up5k", "hx1k", "hx8k"),
    "ecp5": ("25k", "85k"),
    "gowin": ("gw1nr-9c", "gw2a-18c"),
}
FILLED = 0.9
"""Of the logic cells; nextpnr rarely routes more."""
MOST = 1 << 14
"""Larger models are not tried."""


def model_of(nodes: tuple[Node, ...], widths: tuple[int, ...], outputs: int) -> QuantisedModel:
    """Return an integer model of `nodes` over features of these widths."""
    return QuantisedModel(
        name="capacity",
        family="capacity",
        library="none",
        task="classification",
        rule=SplitRule("<=", "float64", False),
        features=tuple(AffineFeature(f"x{n}", 0.0, 1.0, bits) for n, bits in enumerate(widths)),
        nodes=nodes,
        bias=(0,) * outputs,
        decision=Argmax(outputs) if outputs > 1 else Threshold(">"),
        classes=tuple(range(max(outputs, 2))),
        score_scale=(1.0,) * outputs,
        score_offset=(0.0,) * outputs,
        probability="none",
        members=1,
    )


def neighbours(features: int, bits: int, nearest: int = 5, classes: int = 3) -> Callable:
    """Return what makes a k-NN of so many stored rows."""

    def make(count: int) -> QuantisedModel:
        random = np.random.default_rng(0)
        stored = random.integers(0, 1 << bits, (count, features))
        votes = np.eye(classes, dtype=int)[random.integers(0, classes, count)]
        node = NeighboursNode(
            features=tuple(range(features)),
            feature_bits=(bits,) * features,
            stored=tuple(map(tuple, stored.tolist())),
            votes=tuple(map(tuple, votes.tolist())),
            bias=(0,) * classes,
            nearest=min(nearest, count),
            metric="l2",
            row_ids=tuple(range(count)),
            outputs=tuple(range(classes)),
        )
        return model_of((node,), (bits,) * features, classes)

    return make


def layered(features: int, bits: int, outputs: int, kind: str) -> Callable:
    """Return what makes a kernel machine of so many vectors, or a network of so many units."""

    def make(count: int) -> QuantisedModel:
        random = np.random.default_rng(0)
        kernel = kind == "kernel"
        low, high = (0, 1 << bits) if kernel else (-(1 << bits - 1), 1 << bits - 1)
        layer = Layer(
            metric="l2" if kernel else "dot",
            parameters=tuple(map(tuple, random.integers(low, high, (count, features)).tolist())),
            bias=tuple(random.integers(-64, 64, count).tolist()),
            shift=10,
            table=tuple(random.integers(16, 240, 64).tolist()),
            slopes=tuple(random.integers(-8, 8, 64).tolist()),
            fraction=4,
        )
        node = LayeredNode(
            features=tuple(range(features)),
            feature_bits=(bits,) * features,
            layers=(layer,),
            weights=tuple(map(tuple, random.integers(-128, 128, (count, outputs)).tolist())),
            bias=(0,) * outputs,
            unit_ids=tuple(range(count)),
            outputs=tuple(range(outputs)),
            kind=kind,
        )
        return model_of((node,), (bits,) * features, outputs)

    return make


def trees(depth: int, features: int = 16, bits: int = 8, score_bits: int = 6) -> Callable:
    """Return what makes so many complete boosted trees."""
    splits = (1 << depth) - 1

    def tree(random: np.random.Generator) -> TreeNode:
        children = [
            child if child < splits else ~(child - splits) for child in range(1, 2 * splits + 1)
        ]
        return TreeNode(
            feature=tuple(random.integers(0, features, splits).tolist()),
            threshold=tuple(random.integers(0, (1 << bits) - 1, splits).tolist()),
            missing_left=(False,) * splits,
            left=tuple(children[0::2]),
            right=tuple(children[1::2]),
            leaf_scores=tuple((int(v),) for v in random.integers(0, 1 << score_bits, splits + 1)),
            leaf_ids=tuple(range(splits + 1)),
            outputs=(0,),
        )

    def make(count: int) -> QuantisedModel:
        random = np.random.default_rng(0)
        return model_of(tuple(tree(random) for _ in range(count)), (bits,) * features, 1)

    return make


def tables(bits: int, score_bits: int) -> Callable:
    """Return what makes an additive model of so many features."""

    def make(count: int) -> QuantisedModel:
        random = np.random.default_rng(0)
        nodes = tuple(
            TableNode(
                n, tuple((int(v),) for v in random.integers(0, 1 << score_bits, 1 << bits)), (0,)
            )
            for n in range(count)
        )
        return model_of(nodes, (bits,) * count, 1)

    return make


KINDS: dict[str, Callable[[int], QuantisedModel]] = {
    "trees of depth 4": trees(4),
    "trees of depth 6": trees(6),
    "EBM: features of 32 bins, scores of 8 bits": tables(5, 8),
    "k-NN: rows of 8 features of 8 bits": neighbours(8, 8),
    "k-NN: rows of 64 features of 4 bits": neighbours(64, 4),
    "SVC: vectors of 8 features of 8 bits": layered(8, 8, 1, "kernel"),
    "MLP: hidden units, 16 inputs of 8 bits, 10 outputs": layered(16, 8, 10, "dense"),
}


def holds(model: QuantisedModel, target: str, device: str) -> tuple[bool, str]:
    """Return whether the device holds `model`, and in what fabric."""
    options = BuildOptions(target=target, device=device, top="stream")
    try:
        choice = choose_plan(model, options, resolve_target(options))
    except LocgenError:
        return False, ""
    found, _ = find_device(device)
    stored = [n for n in model.nodes if isinstance(n, LayeredNode | NeighboursNode)]
    if sum(node.memory_blocks for node in stored) > blocks_of(found):
        return False, ""
    cells = choice.estimate.logic_cells
    engine = choice.plan.core != "hardwired"
    return cells <= FILLED * found.capacity.logic_cells, "engines" if engine else choice.plan.kind


def largest(make: Callable[[int], QuantisedModel], target: str, device: str) -> tuple[int, str]:
    """Return the largest count that the device holds, to a tenth, and in what fabric."""
    count, how = 0, ""
    step = 4
    while step <= MOST:
        fits, fabric = holds(make(step), target, device)
        if not fits:
            break
        count, how, step = step, fabric, 4 * step
    low, high = count, min(step, MOST)
    while high - low > max(low // 10, 1):
        middle = (low + high) // 2
        fits, fabric = holds(make(middle), target, device)
        low, high = (middle, high) if fits else (low, middle)
        how = fabric if fits else how
    return low, how


def main() -> None:
    """Estimate, print and write ``capacity.md`` and ``capacity.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    out_argument(parser)
    parser.add_argument("--only", help="kinds whose names begin so, by commas; writes nothing")
    arguments = parser.parse_args()
    asked = tuple((arguments.only or "").split(","))
    names = [(target, device) for target, listed in DEVICES.items() for device in listed]
    rows = []
    for kind, make in KINDS.items():
        if not kind.startswith(asked):
            continue
        row: dict[str, object] = {"kind": kind}
        for target, device in names:
            count, how = largest(make, target, device)
            row[device] = f"{count:,}" + (" e" if how == "engines" else "")
            print(kind, device, row[device], flush=True)
        rows.append(row)
    if arguments.only:
        return
    text = "# What each device holds, by estimate\n\n"
    text += markdown(["model", *(device for _, device in names)], (row.values() for row in rows))
    text += (
        f"\nCores alone, without a serial link, at {FILLED:.0%} of the logic cells and all block "
    )
    text += "RAM; found to a tenth. `e`: in engines, parameters in memory; trees without it are "
    text += "gates. Features of trees: 16 of 8 bits, leaves of 6 bits, random thresholds.\n"
    write_result(arguments.out, "capacity", text, {"rows": rows})


if __name__ == "__main__":
    main()

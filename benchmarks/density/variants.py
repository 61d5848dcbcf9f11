"""Other ways to build the same decisions: each one's cells beside those of locgen as it is.

The integer models are those with which ``density.py`` meets the bars. Ways to put a tree into gates
replace locgen's multiplexers while the design is emitted; thermometer and rank codes are made by
the host, and are not counted; other synthesis keeps the gates as they are. iCE40: packed logic
cells; LUT6: ``synth_xilinx -family xcup``, raw. All with ``--effort medium`` but for what is named.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from itertools import permutations
from operator import and_, or_
from pathlib import Path

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value

sys.path.insert(0, str(Path(__file__).parent.parent))
from cases import CASES, SHARED, arrays
from measure import markdown, out_argument, tools_used, write_result

import locgen
from locgen.api import Design
from locgen.cores import tree as tree_module
from locgen.devices import find_device
from locgen.flow.bench import emit
from locgen.ir import IdentityFeature, QuantisedModel, TreeNode, to_json
from locgen.targets import synthesis
from locgen.targets.families import ICE40
from locgen.targets.family import CellFamily
from locgen.targets.packing import pack_core
from locgen.targets.portfolio import Recipe
from locgen.targets.toolchain import ToolFailed
from locgen.targets.xilinx import XILINXUP, count_cells

BUDGETS = {"wine_x6d3": 2.0, "bc_x10d3": 0.5, "digits_x10d4": 3.0}
"""Percent of decisions that may change, as in the rows of ``density.md`` that meet the bars."""
SMALL, LARGE = 6, 12
"""Comparisons of a tree that becomes one table: without and with what cannot be."""

Select = Callable[[Module, TreeNode, Value, list[Value], str], Value]


def compiled(name: str, **options: object) -> Design:
    """Return the design of a model, decision alone, two stages."""
    options = {"feature_kind": "identity", "max_changed": BUDGETS[name]} | options
    return locgen.compile(
        SHARED / "models" / f"{name}.ubj",
        "ice40",
        data=arrays(name),
        device="hx8k",
        missing="refuse",
        answer="decision",
        stages=2,
        max_accuracy_drop=1.0,
        rounding="free",
        **options,
    )


def products(m: Module, node: TreeNode, bits: Value, leaves: list[Value], name: str) -> Value:
    """Return the leaf's value as a sum of products: a leaf is where all splits above it agree."""
    paths: list[list[Value]] = [[] for _ in leaves]
    way: dict[int, list[Value]] = {0: []}
    for split in range(len(node.feature)):
        bit = bits[node.split_comparison[split]]
        for child, literal in ((node.left[split], bit), (node.right[split], ~bit)):
            path = [*way[split], literal]
            if child < 0:
                paths[~child] = path
            else:
                way[child] = path
    chosen = [Signal(name=f"{name}_leaf_{number}") for number in range(len(leaves))]
    for leaf, path in zip(chosen, paths, strict=True):
        m.d.comb += leaf.eq(reduce(and_, path, Const(1)))
    terms = [leaf.replicate(len(value)) & value for leaf, value in zip(chosen, leaves, strict=True)]
    return reduce(or_, terms)


def table_of(node: TreeNode, leaves: list[Value]) -> tuple[np.ndarray, np.ndarray]:
    """Return for each set of comparison bits the leaf, and whether any features have that set."""
    count = len(node.comparisons)
    numbers: dict[int, int] = {}
    first = [numbers.setdefault(id(leaf), number) for number, leaf in enumerate(leaves)]
    table = np.zeros(1 << count, dtype=int)
    for entry in range(len(table)):
        split = 0 if node.feature else ~0
        while split >= 0:
            left = entry >> node.split_comparison[split] & 1
            split = node.left[split] if left else node.right[split]
        table[entry] = first[~split]
    entries, possible = np.arange(len(table)), np.ones(len(table), dtype=bool)
    for (one, a), (other, b) in permutations(enumerate(node.comparisons), 2):
        if a.feature == b.feature and a.threshold < b.threshold:  # whoever is below a is below b
            possible &= (entries >> one & 1 <= entries >> other & 1).astype(bool)
    return table, possible


def without(table: np.ndarray, bit: int) -> np.ndarray | None:
    """Return the table without one of its bits, None where that bit tells entries apart."""
    low, high = np.moveaxis(table.reshape(-1, 2, 1 << bit), 1, 0)
    if np.any((low != high) & (low >= 0) & (high >= 0)):
        return None
    return np.where(low >= 0, low, high).ravel()


def tables(most: int, free: bool) -> Select:
    """Return a way to build trees of at most `most` comparisons from their tables.

    Parameters
    ----------
    free : entries that no features have may be anything: bits that are then needless go
    """
    nested = tree_module._select

    def select(m: Module, node: TreeNode, bits: Value, leaves: list[Value], name: str) -> Value:
        if len(node.comparisons) > most:
            return nested(m, node, bits, leaves, name)
        table, possible = table_of(node, leaves)
        if free:
            table[~possible] = -1
        left = list(range(len(node.comparisons)))
        for place in reversed(range(len(left))):
            fewer = without(table, place)
            if fewer is not None:
                table = fewer
                TALLY["bits"] += 1
                del left[place]
        return diagram(table, [bits[place] for place in left], leaves, {})

    return select


TALLY = {"bits": 0}
"""Comparison bits that trees turned out not to need."""


def diagram(table: np.ndarray, bits: list[Value], leaves: list[Value], known: dict) -> Value:
    """Return a decision diagram over `bits`, equal parts built once; free entries follow a side."""
    real = table[table >= 0]
    if not len(real) or (real == real[0]).all():
        return leaves[int(real[0]) if len(real) else 0]
    key = (len(bits), table.tobytes())
    if key not in known:
        half = len(table) // 2
        low, high = table[:half], table[half:]
        if not np.any((low != high) & (low >= 0) & (high >= 0)):
            known[key] = diagram(np.where(low >= 0, low, high), bits[:-1], leaves, known)
        else:
            sides = [diagram(part, bits[:-1], leaves, known) for part in (high, low)]
            known[key] = Mux(bits[-1], *sides)
    return known[key]


def thermometer(model: QuantisedModel) -> QuantisedModel:
    """Return the model over bits that the host makes: one for each comparison, 1 above it."""
    asked = sorted({(c.feature, c.threshold) for node in model.nodes for c in node.comparisons})
    place = {pair: number for number, pair in enumerate(asked)}
    names = [f"{model.features[f].name} above {t}" for f, t in asked]
    nodes = tuple(
        replace(
            node,
            feature=tuple(place[pair] for pair in zip(node.feature, node.threshold, strict=True)),
            threshold=(0,) * len(node.threshold),
        )
        for node in model.nodes
    )
    features = tuple(IdentityFeature(name, 0, 1, False) for name in names)
    return replace(model, features=features, nodes=nodes)


@contextmanager
def trees_by(select: Select) -> Iterator[None]:
    """Build trees in another way for a while."""
    before = tree_module._select
    tree_module._select = select
    try:
        yield
    finally:
        tree_module._select = before


FLAT = ("hierarchy -auto-top", "proc", "flatten", "opt", "wreduce", "opt_clean")
MEDIUM = "scratchpad -copy abc9.script.flow2 abc9.script"
RECIPES = {
    "registers moved by ABC9 (`-dff`)": ("{synth} -dff", (MEDIUM,)),
    "`share -aggressive`": ("{synth}", (*FLAT, "share -aggressive", "opt", MEDIUM)),
    "`opt_share`": ("{synth}", (*FLAT, "opt_share", "opt", MEDIUM)),
}
"""Yosys's command for the family, and its commands before that."""


def counted(rtlil: str, work: Path, family: CellFamily, **recipe: object) -> int | None:
    """Return the packed logic cells, or the raw LUT6, of the module ``core``; None if it fails."""
    before = synthesis._recipes
    if recipe:
        synthesis._recipes = lambda *_: (Recipe("variant", **recipe),)
    try:
        netlist = synthesis.synthesise_core(rtlil, work, family=family)
    except ToolFailed as error:
        print(f"failed: {error}", flush=True)
        return None
    finally:
        synthesis._recipes = before
    if family.name == "ice40":
        return pack_core(netlist, find_device("hx8k")[0]).logic_cells
    return count_cells(json.loads(netlist.json.read_text())["modules"]["core"]).raw


def variants(name: str) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield what each way is, its RTLIL, and how it is synthesised where that differs."""
    design = compiled(name)
    as_it_is = emit(design)["core"]
    yield "as it is: multiplexers", as_it_is, {}
    for what, way in (
        ("sums of path products", products),
        (f"tables of trees of at most {SMALL} comparisons", tables(SMALL, free=False)),
        (f"tables of at most {LARGE}, what cannot be is free", tables(LARGE, free=True)),
    ):
        TALLY["bits"] = 0
        with trees_by(way):
            rtlil = emit(design)["core"]
        print(f"{name}, {what}: {TALLY['bits']} bits needless", flush=True)
        yield what, rtlil, {}
    yield "thermometer codes from the host", thermometer_core(design), {}
    yield "rank codes from the host", emit(compiled(name, feature_kind="rank"))["core"], {}
    for what, (synth, before) in RECIPES.items():
        yield what, as_it_is, {"synth": synth, "before": before}


def thermometer_core(design: Design) -> str:
    """Return RTLIL of the core over bits of comparisons."""
    with tempfile.TemporaryDirectory(prefix="locgen-variants-") as folder:
        path = Path(folder) / "model.locgen.json"
        path.write_text(to_json(thermometer(design.model)))
        bare = locgen.compile(path, "ice40", device="hx8k", answer="decision", stages=2)
    return emit(bare)["core"]


def main() -> None:
    """Measure, print and write ``variants.md`` and ``variants.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", help="separated by commas", default=",".join(BUDGETS))
    out_argument(parser)
    arguments = parser.parse_args()
    if not (SHARED / "models").is_dir():
        sys.exit(f"variants: {SHARED}/models is not there; name its folder in LOCGEN_SHARED")
    names = arguments.models.split(",")
    if set(names) - set(BUDGETS):
        parser.error(f"there are the models {', '.join(set(BUDGETS) & set(CASES))}")
    rows: dict[str, dict[str, int | None]] = {}
    for name in names:
        for what, rtlil, how in variants(name):
            with tempfile.TemporaryDirectory(prefix="locgen-variants-") as folder:
                row = rows.setdefault(what, {})
                for family in (ICE40, XILINXUP):
                    work, like, recipe = Path(folder) / family.name, family, {}
                    if how:
                        like = replace(family, synth=how["synth"].format(synth=family.synth))
                        recipe = {"before": how["before"]}
                    row[f"{name} {family.name}"] = counted(rtlil, work, like, **recipe)
            print(name, what, row, flush=True)
    head = ["way", *(f"{name} {kind}" for name in names for kind in ("cells", "LUT6"))]
    keys = [f"{name} {family.name}" for name in names for family in (ICE40, XILINXUP)]
    table = [
        [what, *("" if row.get(key) is None else row[key] for key in keys)]
        for what, row in rows.items()
    ]
    text = "# Other ways to build the same decisions\n\n" + markdown(head, table)
    text += (
        "\nThe same integer models in every row but that of rank codes, whose thresholds do not "
        f"move. iCE40 logic cells after packing, raw LUT6 of `synth_xilinx`. {tools_used()}.\n"
    )
    write_result(arguments.out, "variants", text, {"rows": rows})


if __name__ == "__main__":
    main()

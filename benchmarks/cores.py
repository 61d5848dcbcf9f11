"""Every core and stop with its latency and its cells at named parameters.

Each is synthesised and packed alone, all its ports brought out. Latencies are those that the
components document and their tests check. A lone core is optimised without its surroundings, so
that sums over a design differ from the design: see ``network.py`` for what the network costs there.
"""

import argparse
from collections.abc import Callable, Iterator

from amaranth import signed
from amaranth.lib import wiring
from measure import count_cells, markdown, out_argument, tools_used, write_result
from models import load_case

from locgen.cores import (
    ArgmaxLevel,
    CompareBank,
    SerialArgmax,
    SerialCompareBank,
    TreeCore,
    TreeStream,
    candidate_layout,
)
from locgen.ir import QuantisedModel
from locgen.noc import AddStop, BroadcastStop, CombineTree, DelayStop, LastStop, Sequencer
from locgen.plan import TreePlan, plan_tree
from locgen.quantise import QuantiseOptions, quantise
from locgen.top.cobs import CobsBuffer, CobsDecoder
from locgen.top.crc import SerialCrc32
from locgen.top.fabric import missing_codes
from locgen.top.link import FrameLink
from locgen.top.protocol import LinkParams
from locgen.top.root import Root
from locgen.top.site import TreeSite
from locgen.top.uart import UartReceiver, UartTransmitter

WIDTHS = (1, 2, 4, 8)
CLOCK_HZ, BAUD = 12_000_000, 1_000_000

Row = tuple[str, str, str, Callable[[], wiring.Component]]
"""Component, parameters, latency in words, and how to make it."""


def stops() -> Iterator[Row]:
    """Yield the stops of the network."""
    for width in WIDTHS:
        yield "BroadcastStop", f"width {width}", "1", lambda w=width: BroadcastStop(w)
    for width in WIDTHS:
        yield "LastStop", f"width {width}, 32 + 10 beats", "1", lambda w=width: LastStop(w, 32, 10)
    for width in WIDTHS:
        text = f"width {width}, several digits"
        yield "AddStop", text, "1", lambda w=width: AddStop(w, carry=True)
    for width in (8, 12, 16):
        text = f"width {width}, one digit"
        yield "AddStop", text, "1", lambda w=width: AddStop(w, carry=False)
    for width in WIDTHS:
        yield "DelayStop", f"width {width}", "1", lambda w=width: DelayStop(w)
    for inputs in (16, 64):
        text = f"{inputs} inputs, width 1"
        levels = (inputs - 1).bit_length()
        yield (
            "CombineTree",
            text,
            str(levels),
            lambda n=inputs, d=levels: CombineTree(n, 1, d, carry=True),
        )
    for beats in ((32, 10), (100, 8)):
        text = f"{beats[0]} + {beats[1]} beats"
        yield "Sequencer", text, "0, then a beat a cycle", lambda b=beats: Sequencer(*b)


def cores(model: QuantisedModel, name: str) -> Iterator[Row]:
    """Yield the cores as the forest `model` uses them."""
    node = model.nodes[0]
    codes = missing_codes(model)
    size = f"{len(node.feature)} splits, depth {node.depth}"
    outputs = f"{len(node.outputs)} output" + "s" * (len(node.outputs) > 1)
    every = tuple(sorted({c for n in model.nodes for c in n.comparisons}))
    yield (
        "CompareBank",
        f"{name}, all {len(every)} comparisons",
        "0",
        lambda: CompareBank(every, model.feature_bits, codes),
    )
    yield f"TreeCore ({name})", f"{size}, {outputs}", "0", lambda: TreeCore(node)
    for width in (1, 4):
        plan = plan_tree(model, width, None)
        yield (
            f"SerialCompareBank ({name})",
            f"{len(node.comparisons)} comparisons, link {width}",
            "1",
            lambda p=plan: serial_bank(model, p),
        )
        beats = plan.digits
        yield (
            f"TreeStream ({name})",
            f"{size}, {outputs}, link {width}, {beats} digits",
            "0",
            lambda p=plan: TreeStream(node, model.outputs, p.digits, p.up_width, index_width(p)),
        )
        yield (
            f"TreeSite ({name})",
            f"the two above, link {width}",
            "1 from an up beat",
            lambda p=plan: TreeSite(model, p, 0),
        )
        yield (
            f"Root ({name})",
            f"{len(model.nodes)} nodes, link {width}, scores of {model.score_bits} bits",
            f"{plan.root_cycles} from the last digit",
            lambda p=plan: Root(model, p),
        )


def index_width(plan: TreePlan) -> int:
    """Return the width of the beat number."""
    return max((max(plan.down_beats, plan.up_beats) - 1).bit_length(), 1)


def serial_bank(model: QuantisedModel, plan: TreePlan) -> SerialCompareBank:
    """Return the comparisons of the model's first node, in flight."""
    starts: list[tuple[int, int] | None] = [None] * len(model.features)
    for slot in plan.slots:
        starts[slot.feature] = (slot.start, slot.beats)
    comparisons = model.nodes[0].comparisons
    codes = missing_codes(model)
    return SerialCompareBank(comparisons, tuple(starts), codes, plan.down_width, index_width(plan))


def deciders() -> Iterator[Row]:
    """Yield the decision cores."""
    for count in (3, 10):
        layout = candidate_layout(signed(10), (count - 1).bit_length())
        text = f"{count} scores of 10 bits, first level"
        yield "ArgmaxLevel", text, "0", lambda s=layout, n=count: ArgmaxLevel(s, n)
    for count in (3, 10):
        text = f"{count} scores of 10 bits"
        width = (count - 1).bit_length()
        yield "SerialArgmax", text, "1", lambda w=width: SerialArgmax(10, w)


def link_parts(model: QuantisedModel) -> Iterator[Row]:
    """Yield the parts of a board's serial link, sized for `model`."""
    params = LinkParams(
        feature_bits=sum(model.feature_bits),
        decision_bits=model.decision.bits,
        score_bits=model.score_bits,
        outputs=model.outputs,
        digest=0x0123456789ABCDEF,
    )
    line = "12 MHz, 1 Mbaud"
    yield "UartReceiver", line, "one byte", lambda: UartReceiver(CLOCK_HZ, BAUD)
    yield "UartTransmitter", line, "10 bits a byte", lambda: UartTransmitter(CLOCK_HZ, BAUD)
    yield "CobsDecoder", "", "0", CobsDecoder
    yield "CobsBuffer", "bodies of 23 bytes", "3 from close", lambda: CobsBuffer(23)
    yield "SerialCrc32", "", "1, a bit a cycle", SerialCrc32
    text = f"{params.feature_bits} feature bits, {params.response_bytes} byte answers"
    yield "FrameLink", text, "request 1, answer 9 n + 5", lambda: FrameLink(params)


def main() -> None:
    """Measure, print and write ``cores.md`` and ``cores.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    out_argument(parser)
    arguments = parser.parse_args()
    models = {}
    for name in ("bc", "wine"):
        case = load_case(name)
        quantised = quantise(case.float_model(), name, QuantiseOptions(), case.dataset())
        models[name] = quantised.model
    rows = []
    every = [*stops(), *deciders()]
    for name, model in models.items():
        every += cores(model, name)
    every += link_parts(models["bc"])
    for component, parameters, latency, make in every:
        usage, _ = count_cells(make())
        rows.append(
            {
                "component": component,
                "parameters": parameters,
                "latency_cycles": latency,
                "lut": usage.lut,
                "ff": usage.ff,
                "carry": usage.carry,
                "bram": usage.bram,
                "logic_cells": usage.logic_cells,
            }
        )
        print(" ".join(str(value) for value in rows[-1].values()), flush=True)
    head = ["component", "parameters", "latency in cycles", "LUT4", "FF", "carry", "BRAM"]
    text = "# Cores and stops\n\n" + markdown([*head, "logic cells"], (r.values() for r in rows))
    text += (
        "\nLogic cells are packed; nextpnr's drivers of the constants, one cell or two, are in "
        f"every row. {tools_used()}.\n"
    )
    write_result(arguments.out, "cores", text, {"cores": rows})


if __name__ == "__main__":
    main()

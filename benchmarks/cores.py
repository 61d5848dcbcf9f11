"""Every core and stop with its latency and its cells at named parameters, combining stops' Fmax.

Each is synthesised and packed alone, all its ports brought out. Latencies are those that the
components document and their tests check. A lone core is optimised without its surroundings, so
that sums over a design differ from the design: see ``network.py`` for what the network costs there.

Combining stops are also routed on the UP5K, out of context, between the registers that locgen puts
around any core: registers at both ends, nothing else on the way, one seed.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from amaranth import Cat, Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from measure import count_cells, markdown, out_argument, tools_used, write_result
from models import load_case

from locgen.cores import (
    CORES,
    ArgmaxLevel,
    CompareBank,
    SerialArgmax,
    SerialCompareBank,
    candidate_layout,
)
from locgen.devices import find_device
from locgen.ir import QuantisedModel
from locgen.noc import (
    AddStage,
    BroadcastStage,
    CombineTree,
    DelayStage,
    ExtremeStage,
    LastStage,
    OrStage,
    Sequencer,
    SerialExtremeStage,
)
from locgen.plan import TreePlan, plan_tree
from locgen.quantise import QuantiseOptions, quantise
from locgen.targets.routing import route_out_of_context
from locgen.targets.synthesis import synthesise_core
from locgen.top.cobs import CobsBuffer, CobsDecoder
from locgen.top.crc import SerialCrc32
from locgen.top.emit import emit_rtlil
from locgen.top.fabric import missing_codes
from locgen.top.link import FrameLink
from locgen.top.protocol import LinkParams
from locgen.top.root import Root
from locgen.top.site import TreeSite, link_schedule
from locgen.top.uart import UartReceiver, UartTransmitter

WIDTHS = (1, 2, 4, 8)
CLOCK_HZ, BAUD = 12_000_000, 1_000_000
KEY_BITS, INDEX_BITS = 12, 6
ROUTED = ("AddStage", "OrStage", "SerialExtremeStage", "ExtremeStage")
ROUTED_MHZ, SEED = 60.0, 1
BARS = {
    ("AddStage", "one digit", "1"): 60.0,
    ("ExtremeStage", "", "1"): 45.0,
    ("ExtremeStage", "", "2"): 60.0,
}
"""Least MHz by component, words among its parameters, and latency."""

Row = tuple[str, str, str, Callable[[], wiring.Component]]
"""Component, parameters, latency in words, and how to make it."""


def stops() -> Iterator[Row]:
    """Yield the stops of the network."""
    for width in WIDTHS:
        yield "BroadcastStage", f"width {width}", "1", lambda w=width: BroadcastStage(w)
    for width in WIDTHS:
        yield (
            "LastStage",
            f"width {width}, 32 + 10 beats",
            "1",
            lambda w=width: LastStage(w, 32, 10),
        )
    for width in WIDTHS:
        text = f"width {width}, several digits"
        yield "AddStage", text, "1", lambda w=width: AddStage(w, carry=True)
    for width in (8, 12, 16):
        text = f"width {width}, one digit"
        yield "AddStage", text, "1", lambda w=width: AddStage(w, carry=False)
    for width in (*WIDTHS, 12):
        yield "OrStage", f"width {width}", "1", lambda w=width: OrStage(w)
    for operation in ("min", "max"):
        for width in WIDTHS:
            yield (
                "SerialExtremeStage",
                f"{operation}, width {width}",
                "1",
                lambda o=operation, w=width: SerialExtremeStage(o, w),
            )
        for stages in (1, 2):
            yield (
                "ExtremeStage",
                f"{operation}, key of {KEY_BITS} bits and index of {INDEX_BITS}",
                str(stages),
                lambda o=operation, s=stages: ExtremeStage(o, KEY_BITS + INDEX_BITS, s),
            )
    for width in WIDTHS:
        yield "DelayStage", f"width {width}", "1", lambda w=width: DelayStage(w)
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


class StageOnStreams(wiring.Component):
    """A combining stop with the ports of a core, so that locgen can route it out of context."""

    def __init__(self, stop: wiring.Component) -> None:
        self.stop = stop
        members = stop.signature.members.items()
        self.inputs = [name for name, member in members if member.flow == In]
        width = sum(len(getattr(stop, name)) for name in self.inputs)
        super().__init__(
            {
                "i": In(stream.Signature(width)),
                "o": Out(stream.Signature(len(stop.o), always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the stop and a register for `valid`."""
        m = Module()
        m.submodules.stop = stop = self.stop
        valid = Signal()
        m.d.sync += valid.eq(self.i.valid)
        m.d.comb += [
            Cat(getattr(stop, name) for name in self.inputs).eq(self.i.payload),
            self.i.ready.eq(1),
            self.o.payload.eq(stop.o),
            self.o.valid.eq(valid),
        ]
        return m


def routed_mhz(stop: wiring.Component) -> float:
    """Return the Fmax of `stop` on the UP5K, routed out of context."""
    device, package = find_device("up5k")
    with tempfile.TemporaryDirectory(prefix="locgen-benchmark-") as folder:
        out = Path(folder)
        core = synthesise_core(emit_rtlil(StageOnStreams(stop), "core", reset=True), out)
        routed = route_out_of_context(core, device, package, ROUTED_MHZ, SEED, out)
    return round(routed.fmax_mhz, 1)


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
    yield f"TreeCore ({name})", f"{size}, {outputs}", "0", lambda: CORES[type(node)].parallel(node)
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
            lambda p=plan: CORES[type(node)].serial(node, link_schedule(model, p)),
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


def serial_bank(model: QuantisedModel, plan: TreePlan) -> SerialCompareBank:
    """Return the comparisons of the model's first node, in flight."""
    codes = missing_codes(model)
    return SerialCompareBank(model.nodes[0].comparisons, link_schedule(model, plan), codes)


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
                "fmax_mhz": routed_mhz(make()) if component in ROUTED else None,
            }
        )
        print(" ".join(str(value) for value in rows[-1].values()), flush=True)
    head = ["component", "parameters", "latency in cycles", "LUT4", "FF", "carry", "BRAM"]
    text = "# Cores and stops\n\n" + markdown(
        [*head, "logic cells", "Fmax in MHz"], (r.values() for r in rows)
    )
    for (component, words, latency), bar in BARS.items():
        slowest = min(
            row["fmax_mhz"]
            for row in rows
            if row["component"] == component
            and words in row["parameters"]
            and row["latency_cycles"] == latency
        )
        text += (
            f"\nBar, {component} {words or 'with index'}, latency {latency}: over {bar:g} MHz; "
            f"slowest {slowest:g}: {'met' if slowest > bar else 'MISSED'}.\n"
        )
    text += (
        "\nLogic cells are packed; nextpnr's drivers of the constants, one cell or two, are in "
        f"every row. {tools_used()}.\n"
    )
    write_result(arguments.out, "cores", text, {"cores": rows})


if __name__ == "__main__":
    main()

"""The memories of a design with engines: their image, how it gets there, and what tests need."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TypedDict

import numpy as np

from locgen.boards import Flash
from locgen.cores.memory import SPRAM_WORDS
from locgen.energy import Spram
from locgen.errors import ConfigurationError
from locgen.flow.planned import PlannedDesign
from locgen.host.board import split_image
from locgen.host.frames import Frame, encode_frame
from locgen.host.messages import write_request
from locgen.plan import TreePlan, images_of, site_stride
from locgen.top.protocol import Capability, LinkParams, MessageType
from locgen.verify.frames import make_update_frames
from locgen.verify.testbench import Frame as Exchange
from locgen.verify.vectors import Vectors

__all__ = [
    "NetlistStart",
    "boot_flash",
    "gates_digest",
    "link_params",
    "loaded_state",
    "memory_image",
    "update_exchanges",
]

MOST_EVIDENCE_BITS = (1 << 16) - 1
_TESTED_WRITES = 6
_SPOILING = 100
"""First sequence number of the writes that damage a loaded model, far from those that follow."""
_INVERT = 0xFFFFFFFF


class NetlistStart(TypedDict, total=False):
    """The state that a netlist starts from, and who looks on, as `count_toggles` takes them."""

    ones: Sequence[str]
    contents: Mapping[str, np.ndarray]
    observe: Callable[[np.ndarray, bool], None]


def memory_image(design: PlannedDesign) -> tuple[int, ...]:
    """Return all words of the engines' memories, from address 0 on; nothing without engines."""
    plan = design.plan
    if not isinstance(plan, TreePlan) or not plan.shapes:
        return ()
    words: list[int] = []
    for number, image in enumerate(images_of(design.model, plan, int(design.digest, 16))):
        words += [0] * (number * site_stride(plan) - len(words))
        words += image
    return tuple(words)


def gates_digest(design: PlannedDesign) -> int:
    """Return 64 bits over what the gates depend on, whatever model is in their memories."""
    model, plan = design.model, design.plan
    if plan.core != "engine":
        return int(design.digest, 16)
    facts = {
        "features": model.feature_bits,
        "score_bits": model.score_bits,
        "decision": asdict(model.decision),
        "outputs": model.outputs,
        "engines": [asdict(shape) for shape in plan.shapes],
        "links": [plan.down_width, plan.up_width],
        "top": design.target.top,
    }
    if plan.evidence:  # the gates send one number for each tree of each engine
        facts["evidence"] = [len(nodes) for nodes in plan.sites]
    text = json.dumps(facts, sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)


def link_params(design: PlannedDesign) -> LinkParams:
    """Return what the design says of itself on the wire."""
    model, plan = design.model, design.plan
    facts = {
        "feature_bits": max(sum(model.feature_bits), 1),
        "decision_bits": model.decision.bits,
        "score_bits": model.score_bits,
        "outputs": model.outputs,
        "evidence_bits": plan.evidence_bits if plan.evidence else 0,
    }
    capabilities = Capability.PREDICT
    if plan.evidence:
        capabilities |= Capability.EXPLAIN
        if plan.evidence_bits > MOST_EVIDENCE_BITS:
            raise ConfigurationError(
                f"{plan.evidence_bits} bits of evidence exceed the {MOST_EVIDENCE_BITS} of an "
                "answer on the link: use --top stream, a narrower --link-width or fewer nodes"
            )
    if not isinstance(plan, TreePlan) or not plan.shapes:
        digest = int(design.digest, 16)
        return LinkParams(**facts, digest=digest, capabilities=int(capabilities))
    capacity = (len(plan.shapes) - 1) * site_stride(plan) + plan.shapes[-1].words
    return LinkParams(
        **facts,
        digest=gates_digest(design),
        capabilities=int(capabilities | Capability.UPDATE),
        # As many words as fit where the features are received.
        write_words=min(max((facts["feature_bits"] - 16) // 32, 1), 255),
        memory_words=capacity,
    )


def boot_flash(design: PlannedDesign) -> Flash | None:
    """Return the flash that the design loads its model from, None if the bitstream holds it.

    Raises
    ------
    ConfigurationError
        If nothing could load an SPRAM behind a UART.
    """
    target = design.target
    needs = any(shape.memory == "spram" for shape in design.plan.shapes)
    if not needs or target.top != "uart":
        return None
    if target.board is None or target.board.flash is None:
        where = "without a board" if target.board is None else f"on {target.board.name}"
        raise ConfigurationError(
            f"{design.model.name} needs SPRAM, which no bitstream fills, and {where} there is no "
            "flash to load it from: take a board with [flash] in its file, or --top stream"
        )
    return target.board.flash


def loaded_state(design: PlannedDesign) -> NetlistStart:
    """Return the state of a netlist whose SPRAMs have been loaded."""
    plan = design.plan
    if not isinstance(plan, TreePlan) or all(s.memory != "spram" for s in plan.shapes):
        return {}
    sites = [site for site, shape in enumerate(plan.engines) if shape is not None]
    images = images_of(design.model, plan, int(design.digest, 16))
    contents = {}
    for site, image in zip(sites, images, strict=True):
        for half in range(-(-len(image) // SPRAM_WORDS)):
            part = image[half * SPRAM_WORDS : (half + 1) * SPRAM_WORDS]
            for lane in range(2):
                name = f"site_{site}.memory.words.spram_{half}_{lane}"
                contents[name] = Spram.words([word >> 16 * lane & 0xFFFF for word in part])
    return {"contents": contents, "ones": [f"site_{site}.memory.loaded" for site in sites]}


def update_exchanges(
    design: PlannedDesign, params: LinkParams, vectors: Vectors
) -> tuple[list[Exchange], tuple[int, ...]]:
    """Return the exchanges that repair a few damaged words of the memories, and those memories.

    The damaged image is what the flash holds while the design is tested; a design whose bitstream
    holds its model is damaged by the first exchanges instead.
    """
    words = memory_image(design)
    # Between the images of several engines lie zeros, which no checksum covers.
    pieces = [piece for piece in split_image(words, params.write_words) if any(piece[1])]
    step = max(len(pieces) // _TESTED_WRITES, 1)
    chosen = pieces[::-step][:_TESTED_WRITES]
    damaged = list(words)
    for address, piece in chosen:
        # Word 0 says how many words a flash holds: the boot must get as far as its check.
        damaged[address : address + len(piece)] = [word ^ _INVERT for word in piece]
    damaged[0] = words[0]
    exchanges = []
    if design.plan.shapes[0].memory == "block":
        for number, (address, piece) in enumerate(chosen):
            spoilt = damaged[address : address + len(piece)]
            exchanges.append(
                Exchange(
                    f"spoil words from {address} on",
                    encode_frame(write_request(number + _SPOILING, address, spoilt)),
                    encode_frame(Frame(MessageType.WRITE_RESPONSE, number + _SPOILING)),
                )
            )
    exchanges += make_update_frames(
        params,
        design.model.feature_bits,
        vectors,
        words,
        int(design.digest, 16),
        writes=chosen,
    )
    return exchanges, tuple(damaged)

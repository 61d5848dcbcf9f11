"""The rows that a top for pins is verified with, and the bytes it must answer (docs/pins.md)."""

import numpy as np

from locgen.ir import QuantisedModel
from locgen.top.pins import PinsParams
from locgen.verify.testbench import Frame as Exchange
from locgen.verify.vectors import Vectors, pack_features

__all__ = ["make_rows", "pins_params"]


def pins_params(model: QuantisedModel) -> PinsParams:
    """Return the widths of `model` behind pins."""
    return PinsParams(
        feature_bits=max(sum(model.feature_bits), 1),
        decision_bits=model.decision.bits,
        score_bits=model.score_bits,
        outputs=model.score_ports,
    )


def make_rows(model: QuantisedModel, vectors: Vectors, count: int = 24) -> list[Exchange]:
    """Return `count` rows spread over `vectors` with their answers.

    A request is the row's bytes, a response the answer's.
    """
    params = pins_params(model)
    picked = np.unique(np.linspace(0, len(vectors) - 1, count).astype(int))
    rows = pack_features(vectors.q[picked], model.feature_bits)
    exchanges = []
    for number, row in zip(picked, rows, strict=True):
        answer = b""
        if vectors.decision is not None and params.decision_bytes:
            answer += int(vectors.decision[number]).to_bytes(params.decision_bytes, "little")
        for score in vectors.scores[number]:
            answer += int(score).to_bytes(params.score_bytes, "little", signed=True)
        request = int(row).to_bytes(params.row_bytes, "little")
        exchanges.append(Exchange(vectors.labels[number], request, answer or b"\x00"))
    return exchanges

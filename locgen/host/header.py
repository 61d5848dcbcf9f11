"""C headers for hosts that are microcontrollers: the quantiser of a model, and the frames."""

import math
import shutil
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from locgen.errors import ConfigurationError
from locgen.ir import QuantisedModel
from locgen.resources import resource
from locgen.top.protocol import LinkParams

__all__ = ["LINK_HEADER", "MODEL_HEADER", "render_model_header", "write_headers"]

MODEL_HEADER, LINK_HEADER = "locgen_model.h", "locgen_link.h"
_WIDEST_DECISION = 64
"""Bits that a C host reads a decision or a score into."""


def write_headers(
    folder: Path, model: QuantisedModel, digest: str, params: LinkParams | None
) -> None:
    """Write the headers into `folder`, which is made; the frames' only with `params`.

    Parameters
    ----------
    digest : of the design, 16 hexadecimal digits
    params : its link, None for a design without frames

    Raises
    ------
    ConfigurationError
        As `render_model_header`.
    """
    text = render_model_header(model, digest, params)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{MODEL_HEADER}.part"
    part.write_text(text, "utf-8")
    part.replace(folder / MODEL_HEADER)
    if params is not None:
        shutil.copyfile(resource("templates/host") / LINK_HEADER, folder / LINK_HEADER)


def render_model_header(model: QuantisedModel, digest: str, params: LinkParams | None) -> str:
    """Return ``locgen_model.h`` of a design.

    Raises
    ------
    ConfigurationError
        If its decision is wider than the 64 bits that C offers.
    """
    if params is not None and max(params.decision_bits, params.score_bits) > _WIDEST_DECISION:
        raise ConfigurationError(
            f"{model.name} decides with {params.decision_bits} bits, C reads up to 64: use Python"
        )
    values: list[str] = []
    features = []
    for number, bits in enumerate(model.feature_bits):
        facts = _feature(model, number, values)
        features.append({"bits": bits, "name": _comment(model.features[number].name)} | facts)
    scales = model.decision.scores_answer
    environment = Environment(
        loader=FileSystemLoader(resource("templates/host")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # C
    )
    return environment.get_template(f"{MODEL_HEADER}.j2").render(
        name=model.name,
        digest=digest,
        has_link=params is not None,
        arithmetic=any(f["kind"] in ("LOCGEN_AFFINE", "LOCGEN_IDENTITY") for f in features),
        columns=model.columns,
        features=features,
        values=values or ["0.0"],
        infinite=any("HUGE_VAL" in value for value in values),
        feature_bits=max(sum(model.feature_bits), 1),
        decision_bits=model.decision.bits,
        score_bits=model.score_bits,
        outputs=model.score_ports,
        evidence_bits=0 if params is None else params.evidence_bits,
        answer_bytes=0
        if params is None
        else max(params.hello_bytes, params.response_bytes + params.evidence_bytes),
        missing=model.rule.missing,
        labels=_labels(model),
        scales=[_double(value) for value in model.score_scale] if scales else [],
        offsets=[_double(value) for value in model.score_offset] if scales else [],
    )


def _feature(model: QuantisedModel, number: int, values: list[str]) -> dict[str, object]:
    """Return how a feature is computed; what it compares with goes to the end of `values`."""
    feature = model.features[number]
    first = len(values)
    missing = -1 if feature.missing_code is None else feature.missing_code
    if feature.fill is not None:
        missing = int(feature.quantise(np.array([np.nan]))[0])
    facts: dict[str, object] = {"column": number, "first": first, "least": 0, "count": 0}
    facts |= {"largest": feature.largest, "missing": missing}
    if number >= model.columns:
        membership = model.memberships[number - model.columns]
        inside, outside = (int(code) for code in feature.quantise(np.array([0.0, 1.0])))
        values += [_double(edge) for edge in membership.edges]
        facts |= {
            "kind": "LOCGEN_MEMBERSHIP",
            "column": membership.column,
            "least": inside,
            "largest": outside,
            "missing": inside if membership.missing else outside,
        }
    elif feature.bits == 0:
        return facts | {"kind": "LOCGEN_UNUSED"}
    else:
        values += map(_double, feature.constants)
        facts["kind"] = feature.c_kind
    return facts | {"count": len(values) - first}


def _labels(model: QuantisedModel) -> list[str]:
    """Return the labels in C, where a decision is the number of one of them."""
    groups = model.decision.label_groups(model.classes)
    return [_text(str(label)) for label in groups[0]] if len(groups) == 1 else []


def _double(value: float) -> str:
    """Return a float64 as C99 writes it exactly."""
    if math.isinf(value):
        return "HUGE_VAL" if value > 0 else "-HUGE_VAL"
    return float(value).hex()


def _text(text: str) -> str:
    """Return a string literal: UTF-8, all but plain characters in octal."""
    plain = set(range(32, 127)) - set(b'"\\?')  # two question marks begin a trigraph
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def _comment(text: str) -> str:
    """Return a name that ends no comment and begins none."""
    kept = "".join(c if c.isascii() and c.isprintable() and c not in "*/\\?" else "_" for c in text)
    return kept[:60]

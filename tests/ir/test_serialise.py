"""The JSON form: bit for bit there and back, digests, and hostile files in one line."""

import copy
import dataclasses
import json
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_model

from locgen.errors import ModelFileError
from locgen.ir import (
    AffineFeature,
    Argmax,
    Identity,
    IdentityFeature,
    QuantisedModel,
    RankFeature,
    SplitRule,
    Threshold,
    TreeNode,
    digest_of,
    from_json,
    json_schema,
    to_json,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
LABELS = st.one_of(st.text(max_size=4), st.integers(), FINITE, st.booleans())


@st.composite
def features(draw):
    name, missing = draw(st.text(max_size=5)), draw(st.booleans())
    kind = draw(st.sampled_from(["rank", "affine", "identity"]))
    if kind == "rank":
        cuts = draw(st.lists(FINITE, min_size=1, max_size=6, unique_by=lambda c: c + 0.0))
        return RankFeature(name, tuple(sorted(cuts)), missing)
    if kind == "affine":
        return AffineFeature(name, draw(FINITE), draw(POSITIVE), draw(st.integers(2, 24)), missing)
    low = draw(st.integers(-(2**70), 2**70))
    return IdentityFeature(name, low, low + draw(st.integers(1, 2**24 - 2)), missing)


@st.composite
def models(draw):
    quantisers = draw(st.lists(features(), min_size=1, max_size=3))
    outputs = draw(st.integers(1, 3))
    decision = draw(st.sampled_from([Argmax(outputs), Identity()]))
    if outputs == 1:
        decision = draw(st.sampled_from([decision, Threshold(">"), Threshold(">=")]))
    scores = st.tuples(*[st.integers(-(2**40), 2**40)] * outputs)
    stumps = []
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.integers(0, len(quantisers) - 1))
        quantiser = quantisers[index]
        spare = quantiser.missing_code is not None
        threshold = draw(st.integers(-spare, quantiser.largest - 1 + spare))
        stumps.append(
            TreeNode(
                (index,), (threshold,), (spare and draw(st.booleans()),), (~0,), (~1,),
                (draw(scores), draw(scores)), (draw(st.integers()), 2), tuple(range(outputs)),
            )
        )  # fmt: skip
    regression = isinstance(decision, Identity)
    return QuantisedModel(
        name=draw(st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,9}\Z")),
        family=draw(st.text(max_size=9)),
        library=draw(st.text(max_size=9)),
        task="regression" if regression else "classification",
        rule=SplitRule(
            draw(st.sampled_from(["<", "<="])),
            draw(st.sampled_from(["float32", "float64"])),
            draw(st.booleans()),
        ),
        features=tuple(quantisers),
        nodes=tuple(stumps),
        bias=draw(scores),
        decision=decision,
        classes=() if regression else tuple(draw(st.lists(LABELS, min_size=3, max_size=5))),
        score_scale=(draw(POSITIVE),) * outputs,
        score_offset=draw(st.tuples(*[FINITE] * outputs)),
        probability=draw(st.sampled_from(["mean", "sigmoid", "sigmoid2", "softmax", "none"])),
        members=draw(st.integers(1, 500)),
    )


def exact(value):
    """Return `value` with types beside values and floats as their bits."""
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, tuple):
        return tuple(exact(v) for v in value)
    if hasattr(value, "__dataclass_fields__"):
        fields = tuple(exact(getattr(value, f)) for f in value.__dataclass_fields__)
        return (type(value).__name__, fields)
    return (type(value).__name__, value)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(models())
def test_round_trip_bit_for_bit(model):
    text = to_json(model)
    back = from_json(text)
    assert exact(back) == exact(model)
    assert to_json(back) == text
    assert from_json(text.encode()) == back
    assert digest_of(back) == digest_of(model)


@pytest.mark.parametrize(
    "value", [5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -0.0, 0.1,
              0.1 + 0.2, 1 / 3, 2.0**53 + 2, 1e22, 1e23]
)  # fmt: skip
def test_extreme_floats(value):
    model = from_dict(score_offset=[value])
    assert struct.pack("<d", from_json(to_json(model)).score_offset[0]) == struct.pack("<d", value)
    assert math.copysign(1, from_json(to_json(model)).score_offset[0]) == math.copysign(1, value)


MODEL = random_model(2, outputs=1, nodes=3, splits=7, missing=True, decision=Threshold(">"))
MODEL = dataclasses.replace(
    MODEL,
    port_feature_bits=tuple(f.bits + 1 for f in MODEL.features),
    port_score_bits=MODEL.score_bits + 2,
)
assert len(MODEL.nodes[0].feature) > 2 and len(MODEL.features[0].cuts) > 1


def document():
    return json.loads(to_json(MODEL))


def from_dict(**change):
    return from_json(json.dumps(document() | change))


def put(*path, value):
    """Return an edit that sets the place `path` to `value`."""

    def edit(root):
        for step in path[:-1]:
            root = root[step]
        root[path[-1]] = value

    return edit


def drop(*path):
    """Return an edit that removes the place `path`."""

    def edit(root):
        for step in path[:-1]:
            root = root[step]
        del root[path[-1]]

    return edit


def refused(text, message):
    with pytest.raises(ModelFileError, match=message) as caught:
        from_json(text, "bad.locgen.json")
    line = str(caught.value)
    assert line.startswith("bad.locgen.json is no valid locgen model: ")
    assert line.isprintable(), line
    assert "build it again" in line


def all_keys(root, path=()):
    """Yield the path of every key of every object below `root`, the first of each list alone."""
    if isinstance(root, dict):
        for key, value in root.items():
            yield (*path, key)
            yield from all_keys(value, (*path, key))
    elif isinstance(root, list) and root and isinstance(root[0], dict | list):
        yield from all_keys(root[0], (*path, 0))


KEYS = list(all_keys(document()))


PORTS = {("port_feature_bits",), ("port_score_bits",)}
OPTIONAL = {("schema",), ("features", 0, "missing"), ("nodes", 0, "kind"), *PORTS}
OPTIONAL |= {("gate",), ("experts",), ("memberships",), ("anomaly_offset",), ("answer",)}


@pytest.mark.parametrize("path", sorted(set(KEYS) - OPTIONAL, key=str), ids=str)
def test_every_key_is_needed(path):
    edited = document()
    drop(*path)(edited)
    refused(json.dumps(edited), "required|tag")


@pytest.mark.parametrize("path", [(), ("rule",), ("decision",), ("features", 0), ("nodes", 0)])
@pytest.mark.parametrize("key", ["extra", "a\nb", "\x1b[31mred"])
def test_unknown_keys(path, key):
    edited = document()
    put(*path, key, value=1)(edited)
    refused(json.dumps(edited), "[Uu]nexpected|not permitted")


@pytest.mark.parametrize("path", KEYS, ids=lambda p: ".".join(map(str, p)))
@pytest.mark.parametrize("value", [None, {"a": 1}, [[]], "\n", "3"], ids=repr)
def test_wrong_types(path, value):
    if isinstance(value, str) and path[-1] in ("family", "library", "name"):
        return
    if value is None and path in {*PORTS, ("gate",), ("anomaly_offset",)}:  # null is a value
        return
    edited = document()
    put(*path, value=value)(edited)
    refused(json.dumps(edited), "is no valid")


@pytest.mark.parametrize(
    "edit, message",
    [
        (put("members", value=True), "members.*integer"),
        (put("members", value=2.0), "members.*integer"),
        (put("members", value=0), "members.*greater"),
        (put("nodes", 0, "threshold", 0, value="1"), "threshold.*integer"),
        (put("nodes", 0, "missing_left", 0, value=1), "missing_left.*boolean"),
        (put("nodes", 0, "left", 0, value=0), "exactly one parent"),
        (put("nodes", 0, "left", 0, value=10**30), "exactly one parent"),
        (put("nodes", 0, "threshold", 0, value=99), "must split"),
        (put("nodes", 0, "threshold", 0, value=-2), "must split"),
        (put("nodes", 0, "feature", 0, value=99), "features of the model"),
        (put("nodes", 0, "feature", 0, value=-1), "not negative"),
        (put("nodes", 0, "leaf_scores", 0, 0, value=10**30), "fit 48 bits"),
        (put("nodes", 0, "outputs", 0, value=1), "every output|no other"),
        (put("nodes", value=[]), "every output"),
        (put("bias", value=[]), "one entry"),
        (put("bias", 0, value=1.5), "bias"),
        (put("name", value="a; rm -rf /"), "name.*pattern"),
        (put("name", value="x" * 65), "name.*pattern"),
        (put("name", value="x\n"), "name.*pattern"),
        (put("schema", value="locgen.model/2"), "schema"),
        (put("score_scale", 0, value=math.nan), "score_scale"),
        (put("score_scale", 0, value=math.inf), "score_scale"),
        (put("score_offset", 0, value=-math.inf), "score_offset"),
        (put("decision", value={"kind": "argmax", "outputs": 2}), "decision"),
        (put("decision", value={"kind": "argmax", "outputs": 0}), "decision"),
        (put("decision", value={"kind": "vote\n"}), "decision"),
        (put("decision", "operator", value="<"), "operator"),
        (put("features", 0, "cuts", value=[1.0, 1.0]), "rising"),
        (put("features", 0, "cuts", value=[math.nan]), "finite"),
        (put("features", 0, "kind", value="log"), "tag"),
    ],
)
def test_hostile_values(edit, message):
    edited = document()
    edit(edited)
    refused(json.dumps(edited), message)


def test_cyclic_tree():
    edited = document()
    node = edited["nodes"][0]
    node |= {"feature": [0] * 3, "threshold": [0] * 3, "missing_left": [False] * 3}
    node |= {"leaf_scores": [[0]] * 4, "leaf_ids": [0] * 4}
    node |= {"left": [~0, 2, 1], "right": [~1, ~2, ~3]}  # splits 1 and 2 above each other
    refused(json.dumps(edited), "parents first")
    node |= {"left": [0, ~0, ~1], "right": [1, 2, ~2]}
    refused(json.dumps(edited), "one parent")
    node |= {"left": [1, ~0, ~1], "right": [2, ~2, ~3]}
    from_json(json.dumps(edited))


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "3", '"x"', "[" * 100_000, b"\xff\xfe", b"\x80\x04\x95",
     b'{"a": "\xff"}', "{}", '{"a": 1}{'],
)  # fmt: skip
def test_not_even_a_model(text):
    refused(text, "is no valid")


def test_names_that_look_odd_are_kept():
    edited = document()
    edited["features"][0]["name"] = "größe [µm]\n"
    assert from_json(json.dumps(edited)).features[0].name == "größe [µm]\n"
    edited["features"][0]["cuts"] = [2.0, 1.0]
    refused(json.dumps(edited), "größe")


def test_digest_is_stable():
    assert digest_of(MODEL) == digest_of(from_json(to_json(MODEL)))
    assert len(digest_of(MODEL)) == 16 and int(digest_of(MODEL), 16) >= 0
    assert digest_of(from_dict()) == digest_of(MODEL)


def leaves_of(root, path=()):
    """Yield the path of every number, string and boolean below `root`."""
    items = root.items() if isinstance(root, dict) else enumerate(root)
    for key, value in items:
        if isinstance(value, dict | list):
            yield from leaves_of(value, (*path, key))
        elif value is not None:
            yield (*path, key), value


def test_digest_depends_on_every_value():
    changed = 0
    digests = {digest_of(MODEL)}
    for path, value in leaves_of(document()):
        for other in ((not value,) if isinstance(value, bool) else
                      (value + 1, value - 1) if isinstance(value, int) else
                      (math.nextafter(value, math.inf),) if isinstance(value, float) else
                      () if value is None else
                      (value + "x", "<", "float32", "sigmoid")):  # fmt: skip
            edited = copy.deepcopy(document())
            put(*path, value=other)(edited)
            try:
                model = from_json(json.dumps(edited))
            except ModelFileError:
                continue
            if model == MODEL:
                continue
            changed += 1
            digests.add(digest_of(model))
    assert changed > 30
    assert len(digests) == changed + 1


def test_digest_tells_types_and_more_facts_apart():
    digests = [
        digest_of(from_dict(classes=c)) for c in ([0, 1], [0.0, 1.0], [False, True], ["0", "1"])
    ]
    digests += [
        digest_of(MODEL, 1),
        digest_of(MODEL, "1"),
        digest_of(MODEL, 1, 1),
        digest_of(MODEL),
    ]
    assert digests[0] == digests[-1]
    assert len(set(digests)) == len(digests) - 1


def test_schema_forbids_unknown_keys():
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert all(d.get("additionalProperties") is False or "Rule" in name
               for name, d in schema["$defs"].items())  # fmt: skip

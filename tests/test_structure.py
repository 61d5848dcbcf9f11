"""Kinds are asked for in the tables alone, and functions stay short.

`benchmarks/structure.py` counts; this test holds what it counts to a list with a reason for each.
"""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_SPEC = importlib.util.spec_from_file_location("structure", ROOT / "benchmarks" / "structure.py")
structure = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(structure)

MOST_SWITCHES = 20
ALLOWED = {
    "cores/engine.py": (2, "what a word of its memory is: a state of the hardware, no node"),
    "frontends/locgen_models/mixtures.py": (1, "the float nodes that experts may consist of"),
    "frontends/member_outputs.py": (1, "libsvm's votes of pairs have a form of their own"),
    "frontends/members.py": (1, "a member with a second stage cannot be added up"),
    "frontends/second_stage.py": (1, "trees and other nodes are parted, as `Model` keeps them"),
    "frontends/sklearn/stacking.py": (2, "a tree of one split, or a line, over one score"),
    "frontends/sklearn/voting.py": (1, "decisions that a vote may be made of"),
    "ir/model.py": (1, "the model behind a cascade's scores"),
    "passes/condense.py": (1, "condensing is for stored rows alone"),
    "passes/merge.py": (1, "two outputs become one where a decision compares just these"),
    "quantise/rounding.py": (2, "free rounding is for ranks, and for what votes compare"),
}
"""Modules outside the tables that ask for a kind: how often, and why."""

MODULES = structure.modules()
KINDS = structure.classes(MODULES)


def switches(text):
    return [found for _, found in structure.switches(ast.parse(text), KINDS)]


def test_kinds_are_asked_for_in_the_tables_alone():
    found = {}
    for path, tree in MODULES.values():
        where = path.relative_to(structure.PACKAGE).as_posix()
        if where not in structure.TABLES:
            found[where] = [text for _, text in structure.switches(tree, KINDS)]
    more = {
        where: texts
        for where, texts in found.items()
        if len(texts) > ALLOWED.get(where, (0, ""))[0]
    }
    assert more == {}
    stale = {where for where, (count, _) in ALLOWED.items() if len(found.get(where, ())) < count}
    assert stale == set(), "fewer switches than the list says: shorten it"
    assert sum(count for count, _ in ALLOWED.values()) <= MOST_SWITCHES


@pytest.mark.parametrize(
    "text",
    [
        "isinstance(node, TreeNode)",
        "isinstance(node, ir.LinearNode | ir.TableNode)",
        "isinstance(node, (TreeNode, int))",
        "issubclass(kind, Argmax)",
        "type(node) is TreeNode",
        "type(decision) in (Argmax, Votes)",
        "node.kind == 'tree'",
        "'tree' != node.kind",
        "node.kind in ('tree', 'table')",
        "match node.kind:\n    case 'tree':\n        pass",
        "match node:\n    case TreeNode():\n        pass",
        "{TreeNode: 1, LinearNode: 2}",
        "@singledispatch\ndef cost(node): pass",
        "functools.singledispatch(cost)",
        "class Node:\n    def is_tree(self): pass",
    ],
)
def test_every_form_of_a_switch_is_seen(text):
    assert switches(text) != []


@pytest.mark.parametrize(
    "text",
    ["isinstance(x, int)", "array.dtype.kind == 'f'", "CORES[type(node)]", "node.kind", "{'a': 1}"],
)
def test_other_questions_are_none(text):
    assert switches(text) == []


def test_the_tables_exist():
    missing = [name for name in structure.TABLES if not (structure.PACKAGE / name).is_file()]
    assert missing == []


def test_functions_are_short():
    long = [
        (path.relative_to(structure.PACKAGE).as_posix(), name, lines)
        for path, tree in MODULES.values()
        for _, name, lines in structure.long_functions(tree)
    ]
    assert long == []


def test_circles_are_found():
    assert structure.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_sampled_tests_exist():
    missing = []
    for test in (ROOT / "tests" / "sampled.txt").read_text().split():
        name, function = test.split("::")
        path = ROOT / "tests" / name
        if not path.is_file() or f"def {function}(" not in path.read_text():
            missing.append(test)
    assert missing == []

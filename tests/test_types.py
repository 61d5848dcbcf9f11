"""Types are stated: no ignores, and no `Any` in what strict packages offer."""

import ast
import re
from pathlib import Path

import locgen

ROOT = Path(locgen.__file__).parent
STRICT = ("devices", "errors.py", "host", "ir", "passes", "plan")


def test_no_error_is_ignored():
    pattern = re.compile(r"#\s*(type:\s*ignore|noqa)")
    ignored = [path for path in ROOT.rglob("*.py") if pattern.search(path.read_text())]
    assert ignored == []


def test_no_public_signature_of_a_strict_package_says_any():
    paths = [path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] in STRICT]
    assert paths
    wrong = []
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            arguments = [each for each in ast.walk(node.args) if isinstance(each, ast.arg)]
            signature = [node.returns, *(each.annotation for each in arguments)]
            names = {
                each.id
                for part in signature
                if part is not None
                for each in ast.walk(part)
                if isinstance(each, ast.Name)
            }
            if "Any" in names:
                wrong.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert wrong == []

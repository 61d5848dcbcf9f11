"""What the documents list is what there is."""

import ast
import subprocess
import sys
from pathlib import Path

from locgen.resources import resource

ROOT = Path(__file__).resolve().parent.parent


def test_every_template_is_in_the_inventory():
    text = (ROOT / "docs" / "templates.md").read_text()
    names = [path.name for path in resource("templates").rglob("*") if path.is_file()]
    assert [name for name in names if f"{name}`" not in text] == []


def test_every_document_is_linked_from_the_readme():
    text = (ROOT / "README.md").read_text()
    names = [path.name for path in (ROOT / "docs").glob("*.md")]
    assert [name for name in names if f"docs/{name}" not in text] == []


def test_the_picture_of_the_architecture_shows_every_package():
    picture = (ROOT / "docs" / "pictures" / "architecture.svg").read_text()
    packages = [path.parent.name for path in (ROOT / "locgen").glob("*/__init__.py")]
    assert packages
    assert [name for name in packages if f">{name}</text>" not in picture] == []


def test_every_public_name_of_sim_is_documented():
    text = (ROOT / "docs" / "sim.md").read_text()
    source = (resource("sim") / "__init__.py").read_text()
    names = ast.literal_eval(source.partition("__all__ = ")[2])
    assert [name for name in names if name not in text] == []


def test_readme_lists_the_commands_and_boards():
    from locgen.boards import list_boards
    from locgen.cli import app

    text = (ROOT / "README.md").read_text()
    commands = [each.name or each.callback.__name__ for each in app.registered_commands]
    assert [name for name in commands if name not in text] == []
    boards = {board.name for board in list_boards()}
    assert boards == {path.stem for path in resource("boards").glob("*.toml")}


def test_every_supported_estimator_is_in_the_table():
    from locgen.frontends.refusals import SUPPORTED
    from locgen.frontends.registry import STEPS

    text = (ROOT / "docs" / "models.md").read_text()
    assert [
        name for name in (*SUPPORTED, *(step.name for step in STEPS)) if f"{name}`" not in text
    ] == []


def test_the_tables_of_models_are_those_of_the_registry():
    found = subprocess.run([sys.executable, ROOT / "scripts" / "models_table.py", "--check"])
    assert found.returncode == 0, "run python scripts/models_table.py"

"""`docs/report.md` lists the keys of the schema."""

from pathlib import Path

from reportkit import make_report

from locgen.report.keys import key_table

PAGE = Path(__file__).parents[2] / "docs" / "report.md"
MARK = "<!-- keys: written by locgen.report.keys.key_table -->\n"


def test_the_page_holds_the_table():
    head, mark, rest = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark and head
    assert rest == "\n" + key_table(), "replace what follows the mark by key_table()"


def test_the_table_names_every_key_of_a_report():
    table = key_table()

    def keys(value, prefix):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield prefix + key
                if prefix + key != "tools":
                    yield from keys(inner, f"{prefix}{key}.")
        if isinstance(value, list):
            for inner in value:
                yield from keys(inner, prefix.removesuffix(".") + "[].")

    found = set(keys(make_report().model_dump(by_alias=True), ""))
    assert len(found) > 60
    for key in found:
        assert f"| `{key}` |" in table
